"""The streams of the bus, made from the catalogue: one per producer, declared here and nowhere else.

Promises: `declare` makes a missing stream, mends a changed one and never deletes a message it need not
delete. `python -m jianzhen.streams` does it against NATS_URL; `--write` renews the files in infra/nats,
`--conf` prints a configuration with public nkeys in it, two of a user while one is changed.
Leaves to kit what travels, and to PostgreSQL to be the truth: a lost stream is filled again.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import Any

from contracts.catalogue import PRODUCERS
from kit import nkeys
from kit.link import BusClient
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from jianzhen import accounts

DAY = 86_400.0
# A server that dies in the middle must not hold its own restart back: the caller tries again.
DECLARE_SECONDS = 20.0


def stream_of(producer: str, replicas: int = 1) -> StreamConfig:
    """One producer's stream: file storage, a week or 256 MiB (reserved at once), the oldest go first.

    The duplicate window covers the relay's longest retry with the same Nats-Msg-Id.
    """
    return StreamConfig(
        name=producer.upper(),
        subjects=[f"{producer}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=7 * DAY,
        max_bytes=256 * 1024**2,
        max_msg_size=1024 * 1024,
        duplicate_window=120.0,
        num_replicas=replicas,
        allow_direct=True,
    )


def streams(replicas: int = 1) -> list[StreamConfig]:
    """Every stream of the platform, in catalogue order."""
    return [stream_of(producer, replicas) for producer in PRODUCERS]


async def connected(url: str, user: str, seed: str, **more: Any) -> BusClient:
    """One connection of a user of the bus, not renewed with another seed; for commands and tests."""
    client = BusClient(lambda: seed)
    try:
        await client.connect(url.split(","), inbox_prefix=accounts.inbox(user), **more)
    except BaseException:
        await client.close()
        raise
    return client


async def declare(url: str, seed: str, replicas: int = 1) -> list[str]:
    """Make or mend every stream, and name them; raises nats.errors.Error or OSError if it cannot be reached.

    `seed` is the operator's.

    One connection, never renewed: what is lost in the middle is an error (TimeoutError) in DECLARE_SECONDS.
    """
    async with asyncio.timeout(DECLARE_SECONDS):
        return await _declare(url, seed, replicas)


async def _declare(url: str, seed: str, replicas: int) -> list[str]:
    client = await connected(url, accounts.OPERATOR, seed, connect_timeout=5, allow_reconnect=False)
    try:
        jetstream = client.jetstream()
        for config in streams(replicas):
            try:
                await jetstream.stream_info(str(config.name))
                await jetstream.update_stream(config)
            except NotFoundError:
                await jetstream.add_stream(config)
        return [str(config.name) for config in streams(replicas)]
    finally:
        await client.close()


def as_json() -> str:
    """The streams as the file infra/nats/streams.json shows them (ages and windows in nanoseconds)."""
    return json.dumps([config.as_dict() for config in streams()], indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Renew the files that Kubernetes, Compose and the tests read."""
    (folder / "streams.json").write_text(as_json())
    (folder / "server.conf").write_text(accounts.server_conf())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m jianzhen.streams", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    parser.add_argument("--replicas", type=int, default=int(os.environ.get("NATS_REPLICAS", "1")))
    parser.add_argument(
        "--write", type=Path, help="renew streams.json and server.conf in this folder and end"
    )
    parser.add_argument(
        "--conf", type=Path, help='print server.conf with the public nkeys of this file: {"qc": ["U…", …], …}'
    )
    parser.add_argument("--seed", action="store_true", help="print a new seed and its public nkey")
    options = parser.parse_args()
    if options.conf:
        print(accounts.server_conf(json.loads(options.conf.read_text())))
        return
    if options.seed:
        seed = nkeys.new_seed()
        print(seed, nkeys.public(seed), sep="\n")
        return
    if options.write:
        write(options.write)
        return
    seed = os.environ.get("NATS_SEED", "")
    print(*asyncio.run(declare(options.url, seed, options.replicas)), sep="\n")


if __name__ == "__main__":
    main()

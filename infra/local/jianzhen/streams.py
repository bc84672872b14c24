"""The streams of the bus, made from the catalogue: one per producer, declared here and nowhere else.

Promises: `declare` makes a missing stream, mends a changed one and never deletes a message it need not
delete. `python -m jianzhen.streams` does it against NATS_URL; `--write` renews the files in infra/nats,
`--conf` prints a configuration with passwords in it, two of a user while one is changed.
Leaves to kit what travels, and to PostgreSQL to be the truth: a lost stream is filled again.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path

import nats
from contracts.catalogue import PRODUCERS
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


async def declare(url: str, user: str, password: str, replicas: int = 1) -> list[str]:
    """Make or mend every stream, and name them; raises nats.errors.Error or OSError if it cannot be reached.

    One connection, never renewed: what is lost in the middle is an error (TimeoutError) in DECLARE_SECONDS.
    """
    async with asyncio.timeout(DECLARE_SECONDS):
        return await _declare(url, user, password, replicas)


async def _declare(url: str, user: str, password: str, replicas: int) -> list[str]:
    client = await nats.connect(
        url, user=user, password=password, inbox_prefix=accounts.inbox(user), connect_timeout=5,
        allow_reconnect=False,
    )  # fmt: skip
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
    parser.add_argument("--user", default=os.environ.get("NATS_USER", accounts.OPERATOR))
    parser.add_argument("--replicas", type=int, default=int(os.environ.get("NATS_REPLICAS", "1")))
    parser.add_argument(
        "--write", type=Path, help="renew streams.json and server.conf in this folder and end"
    )
    parser.add_argument(
        "--conf", type=Path, help='print server.conf with the logins of this file: {"qc": ["PASSWORD", …], …}'
    )
    options = parser.parse_args()
    if options.conf:
        told: dict[str, list[str]] = json.loads(options.conf.read_text())
        print(
            accounts.server_conf({user: [accounts.login(user, one) for one in told[user]] for user in told})
        )
        return
    if options.write:
        write(options.write)
        return
    password = os.environ.get("NATS_PASSWORD", "")
    print(*asyncio.run(declare(options.url, options.user, password, options.replicas)), sep="\n")


if __name__ == "__main__":
    main()

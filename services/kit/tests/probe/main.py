"""probe as a process of its own, so that it can be killed: `python -m probe.main MODE`.

Modes: `plain`; `dies-before-ack` ends after the first commit and before its acknowledgement; `fatal-N` ends
without a word while it handles n = N, as a process that ran out of memory would.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable

from kit.bus import Bus
from kit.db import Database
from kit.lane import Lane, Tuning
from kit.outbox import Meta
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from probe.events import Counted
from probe.tables import Effect


class Settings:
    def __init__(self, given: dict[str, str]) -> None:
        self.nats_url = given["nats_url"]
        self.nats_user = ""
        self.nats_seed = SecretStr("")
        self.peers = {"probe": given["peer"]}


async def never_acknowledge(_: Lane, answer: Awaitable[None]) -> None:
    os._exit(9)


async def main(mode: str, given: dict[str, str]) -> None:
    async def on_counted(session: AsyncSession, event: Counted, meta: Meta) -> None:
        session.add(Effect(key=event.key, n=event.n))
        await session.flush()
        if mode == f"fatal-{event.n}":
            os._exit(9)

    if mode == "dies-before-ack":
        Lane._say = never_acknowledge  # type: ignore[method-assign]
    database = Database(given["writer_url"], given["reader_url"], 4)
    bus = Bus(
        Settings(given),
        "probe",
        database,
        tuning=Tuning(backoff=(0.05,), compare_every=0.3, ack_wait=2, lonely_tries=1),
    )
    bus.consume(Counted, on_counted)
    async with bus.running():
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(os.environ["PROBE"])))

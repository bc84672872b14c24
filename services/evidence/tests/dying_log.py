"""A log that is killed at one step of its work: `python dying_log.py STEP < settings.json`."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

from evidence.flows import files, integrating
from evidence.flows.identity import Identity
from evidence.flows.integrating import Log, Turn
from evidence.flows.objects import Objects
from evidence.flows.witnessing import Witnesses
from kit.db import Database


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def arrange(step: str) -> None:
    """Make the step deadly: before or after the real thing has been done."""
    keep, write, put = Log._keep, files.write, Objects.put
    written = 0

    async def keep_then_die(*args: Any) -> None:
        if step == "after-keeping":
            await keep(*args)
        die()

    async def write_then_die(*args: Any) -> None:
        await write(*args)
        die()

    async def put_until(self: Objects, path: str, data: bytes, cached: str = "") -> None:
        nonlocal written
        await put(self, path, data, cached)
        written += 1
        if step == "half-the-tiles" and written == 3:
            die()
        if step == "after-publishing" and path == "checkpoint":
            die()

    if step in ("before-keeping", "after-keeping"):
        Log._keep = keep_then_die  # type: ignore[method-assign]
    elif step == "after-the-tiles":
        integrating.files.write = write_then_die
    else:
        Objects.put = put_until  # type: ignore[method-assign]


async def main(step: str, told: dict[str, str]) -> None:
    arrange(step)
    database = Database(told["writer_url"], told["reader_url"], 4)
    identity = Identity.of("jianzhen.local/log", "100000", bytes(range(32)))
    witnesses = Witnesses({}, {}, 0)
    log = Log(database, Objects(told["store"]), identity, witnesses, Turn(told["writer_url"]))
    await log.open(datetime.now(UTC))
    await log.step(datetime.now(UTC))


asyncio.run(main(sys.argv[1], json.load(sys.stdin)))

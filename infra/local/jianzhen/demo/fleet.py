"""The demonstration's loggers on lines that stay: they send, and answer what the host asks, until the end.

Promises: `send` returns when everything is acknowledged; a line that breaks comes back by itself. Leaves what
is sent to `readings` and `live`, and what is answered to `logger.machine`.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence

from jianzhen.demo.city import site
from jianzhen.demo.logger import Logger, machine_of
from jianzhen.platform import Platform

_START_SECONDS = 15.0


class Fleet:
    """`with Fleet(platform) as fleet: fleet.send({code: frames})`. Lives in a thread of its own."""

    def __init__(self, platform: Platform) -> None:
        self._address = platform.hj212
        self._lines: dict[str, Logger] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loggers", daemon=True)

    def __enter__(self) -> "Fleet":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def send(self, frames: Mapping[str, Sequence[bytes]]) -> int:
        """Every logger sends its frames at once. Raises OSError when the platform stays away."""
        return asyncio.run_coroutine_threadsafe(self._send(frames), self._loop).result()

    async def _send(self, frames: Mapping[str, Sequence[bytes]]) -> int:
        lines = [(await self._line(code), own) for code, own in frames.items()]
        return sum(await asyncio.gather(*(line.send(own) for line, own in lines)))

    async def _line(self, code: str) -> Logger:
        if code not in self._lines:
            line = Logger(*self._address, machine_of(site(code)))
            await line.__aenter__()
            self._lines[code] = line
        return self._lines[code]

    async def _leave(self) -> None:
        for line in self._lines.values():
            await line.__aexit__()

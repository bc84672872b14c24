"""A data logger's line to the platform: sends, waits for 9014, sends again; answers the host all the while.

Promises: what `send` returns was acknowledged by the platform, that is, committed; a broken connection loses
nothing, the unanswered frames go out again on the next one. Leaves what it answers to `machine`.
"""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress

from ingest.rules.grammar import read_segment
from ingest.rules.stream import StreamParser

from jianzhen.demo.logger.machine import Machine

WINDOW = 64
PATIENCE_SECONDS = 10.0
RESENDS = 3
_PAUSE_SECONDS = 1.0


def _qn(frame: bytes) -> str:
    return str(read_segment(frame[6:-6]).fields["QN"])


class Logger:
    """One connection at a time. `async with` keeps it and renews it when it breaks; `send` borrows one.

    Worked example: `async with Logger(host, port, Machine(mn, password)) as line: await line.send(frames)`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        machine: Machine | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self.machine = machine
        self._address, self._tls, self._pause = (host, port), tls, pause
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, bytes] = {}
        self._room = asyncio.Semaphore(WINDOW)
        self._answered = asyncio.Event()
        self._stays = False
        self._staying: asyncio.Task[None] | None = None
        self._talking: asyncio.Task[None] | None = None
        self.connections = 0

    async def __aenter__(self) -> "Logger":
        self._stays = True
        await self._connect()
        self._staying = asyncio.create_task(self._stay())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stays = False
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        await self._close()

    async def _stay(self) -> None:
        """Comes back whenever the line breaks."""
        while True:
            if self._talking is not None:
                await asyncio.gather(self._talking, return_exceptions=True)
            await asyncio.sleep(self._pause)
            with suppress(OSError):
                await self._connect()

    async def _connect(self) -> None:
        reader, self._writer = await asyncio.open_connection(*self._address, ssl=self._tls)
        self.connections += 1
        self._talking = asyncio.create_task(self._talk(reader, self._writer))

    async def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            # Not close(): that waits for a peer that does not read, longer than the loop may live.
            writer.transport.abort()
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.gather(self._talking, return_exceptions=True)

    async def say(self, data: bytes) -> None:
        """Write bytes and wait for nothing. Raises ConnectionError while the line is broken."""
        if self._writer is None:
            raise ConnectionResetError("the line is broken")
        self._writer.write(data)
        await self._writer.drain()

    async def send(self, frames: Iterable[bytes]) -> int:
        """Sends every frame until it is answered; returns how many were. Raises ConnectionError when the
        platform stays away for three resends."""
        outgoing = list(frames)
        waiting = {_qn(frame): frame for frame in outgoing}
        if len(waiting) != len(outgoing):
            raise ValueError("two frames bear the same QN: their answers could not be told apart")
        self._waiting = waiting
        for _ in range(1 + RESENDS):
            if not waiting:
                break
            try:
                await self._pass()
            except (OSError, TimeoutError):
                await asyncio.sleep(1)
        if not self._stays:
            await self._close()
        if waiting:
            raise ConnectionError(f"{len(waiting)} of {len(outgoing)} frames were not acknowledged")
        return len(outgoing)

    async def _pass(self) -> None:
        """One try: all that wait, at most 64 unanswered."""
        if self._writer is None and not self._stays:
            await self._connect()
        self._room = asyncio.Semaphore(WINDOW)
        for frame in list(self._waiting.values()):
            await asyncio.wait_for(self._room.acquire(), PATIENCE_SECONDS)
            await self.say(frame)
        while self._waiting:
            self._answered.clear()
            await asyncio.wait_for(self._answered.wait(), PATIENCE_SECONDS)
            if self._writer is None and self._waiting:
                raise ConnectionResetError("the platform closed the connection")

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take receipts and requests until the line breaks."""
        parser = StreamParser()
        try:
            while received := await reader.read(65536):
                for frame in parser.feed(received):
                    fields = frame.fields
                    if fields.get("CN") in ("9013", "9014"):
                        if self._waiting.pop(fields.get("QN", ""), None) is not None:
                            self._room.release()
                            self._answered.set()
                    elif self.machine is not None and not frame.problems:
                        await self._reply(self.machine, frame, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            if self._writer is writer:
                self._writer = None
            self._answered.set()

    async def _reply(self, machine: Machine, frame: object, writer: asyncio.StreamWriter) -> None:
        for reply in machine.answer(frame):  # type: ignore[arg-type]
            if reply.after:
                await asyncio.sleep(reply.after)
            writer.write(reply.data)
            await writer.drain()
            if reply.cuts:
                raise ConnectionResetError("the line was cut")

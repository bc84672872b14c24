"""A data logger that speaks HJ 212-2017 over TCP: sends, waits for 9014, sends again what was not answered.

Promises: what `send` returns was acknowledged by the platform, that is, committed; a broken connection loses
nothing, the unanswered frames go out again on the next one. Leaves to `signals` what is measured.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone

from ingest.rules.grammar import read_segment
from ingest.rules.hj212_build import data_frame
from ingest.rules.stream import StreamParser

from jianzhen.demo.city import Site
from jianzhen.demo.signals import HOUR, MINUTE, hour_value, minute_value

BEIJING = timezone(timedelta(hours=8))
MINUTES, HOURS = "2051", "2061"
WINDOW = 64
PATIENCE_SECONDS = 10.0
RESENDS = 3
PASSWORD = "123456"  # noqa: S105 - the demonstration loggers' own, registered with the device


def device_time(at: int) -> str:
    """Epoch seconds as a logger writes them: fixed +08:00, fourteen digits."""
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def reading(site: Site, command: str, at: int, shown: dict[str, float], number: int) -> bytes:
    """One minute (2051) or hour (2061) frame; `shown` replaces the truth for the factors it names.

    `number` makes the QN unique: the thousandth of the second in which the frame was made.
    """
    truth = minute_value if command == MINUTES else hour_value
    length = MINUTE if command == MINUTES else HOUR
    readings = []
    for factor in site.factors:
        value = shown.get(factor.code, truth(site.code, site.region, factor, at))
        readings.append((factor.code, {"Avg": f"{value:.{factor.decimals}f}", "Flag": "N"}))
    device: dict[str, str | int] = {"ST": site.st, "PW": PASSWORD, "MN": str(site.mn), "Flag": 5}
    qn = f"{device_time(at + length)}{number % 1000:03d}"
    return data_frame(device, int(command), device_time(at), readings, qn=qn)


def _qn(frame: bytes) -> str:
    return str(read_segment(frame[6:-6]).fields["QN"])


class Logger:
    """One connection at a time to the receiver; at most 64 frames wait for their answer."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def send(self, frames: Iterable[bytes]) -> int:
        """Sends every frame until it is answered; returns how many were. Raises ConnectionError when the
        platform stays away for three resends."""
        outgoing = list(frames)
        waiting = {_qn(frame): frame for frame in outgoing}
        total = len(waiting)
        if total != len(outgoing):
            raise ValueError("two frames bear the same QN: their answers could not be told apart")
        for _ in range(1 + RESENDS):
            if not waiting:
                break
            try:
                await self._pass(waiting)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(1)
        if waiting:
            raise ConnectionError(f"{len(waiting)} of {total} frames were not acknowledged")
        return total

    async def _pass(self, waiting: dict[str, bytes]) -> None:
        async with self._connected() as (reader, writer):
            room = asyncio.Semaphore(WINDOW)
            listening = asyncio.create_task(self._listen(reader, waiting, room, len(waiting)))
            try:
                for frame in list(waiting.values()):
                    await asyncio.wait_for(room.acquire(), PATIENCE_SECONDS)
                    writer.write(frame)
                    await writer.drain()
                await asyncio.wait_for(listening, PATIENCE_SECONDS)
            finally:
                listening.cancel()

    async def _listen(
        self, reader: asyncio.StreamReader, waiting: dict[str, bytes], room: asyncio.Semaphore, expected: int
    ) -> None:
        parser = StreamParser()
        answered = 0
        while answered < expected:
            received = await asyncio.wait_for(reader.read(65536), PATIENCE_SECONDS)
            if not received:
                raise ConnectionResetError("the platform closed the connection")
            for frame in parser.feed(received):
                fields = frame.fields
                if fields.get("CN") == "9014" and waiting.pop(fields.get("QN", ""), None) is not None:
                    answered += 1
                    room.release()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield reader, writer
        finally:
            writer.close()

"""A witness that answers garbage, slowly or without end: the log goes on, in bounded time and memory."""

import asyncio
import base64
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from evidence.flows.witnessing import MOST_ANSWER_BYTES
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, checkpoint_in, running
from tlog import cosignature
from tlog.trust import Secret

SECRET = Secret("liar.example", bytes([7] * 32), cosignature.COSIGNATURE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


class Liar:
    """Sends `lie` again and again with pauses of `pause` seconds; once, if that is below 0."""

    def __init__(self, lie: bytes, pause: float) -> None:
        self.lie, self.pause = lie, pause
        self.asked, self.sent, self.port = 0, 0, 0
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)
            while True:
                writer.write(self.lie)
                await writer.drain()
                self.sent += len(self.lie)
                if self.pause < 0:
                    break
                await asyncio.sleep(self.pause)
        writer.close()


@asynccontextmanager
async def lying(lie: bytes, pause: float) -> AsyncIterator[Liar]:
    liar = Liar(lie, pause)
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = server.sockets[0].getsockname()[1]
    yield liar
    server.close()
    for _ in range(4):  # those too that were accepted as the server closed and nobody serves yet
        for writer in list(liar.writers):
            writer.transport.abort()
        await asyncio.sleep(0)


LIES = {
    "a byte at a time, for ever": (b"\xff", 0.05),
    "a flood": (b"x" * 65_536, 0.0),
    "no text": (b"\xff\xfe" * 40, -1.0),
    "words": (b"very well, I cosign", -1.0),
    "half a signature": ("\u2014 liar.example AAAA\n".encode(), -1.0),
    "no base64": ("\u2014 liar.example ====\n".encode(), -1.0),
    "of another": ("\u2014 else.example ".encode() + base64.b64encode(bytes(76)) + b"\n", -1.0),
    "nothing": (b"", -1.0),
}


@pytest.mark.parametrize("lie", LIES)
async def test_garbage_delays_a_checkpoint_once_and_costs_little(
    database: FreshDatabase, settings_of: Callable[..., Settings], lie: str
) -> None:
    async with lying(*LIES[lie]) as liar:
        witness = {"url": f"http://127.0.0.1:{liar.port}", "key": SECRET.key.text}
        settings = settings_of(witnesses=[witness], witness_seconds=1, witness_pause_seconds=60, quorum=1)
        async with running(database, settings) as log:
            await append(database, range(5))
            tracemalloc.start()
            begun = time.monotonic()
            await log.step(NOW)
            took = time.monotonic() - begun
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert checkpoint_in(settings.store).size == 5, "the log grows whatever a witness says"
            assert took < 8 and peak < 8_000_000, (took, peak)
            assert 1 <= liar.asked <= 3 and liar.sent < 20_000_000 + MOST_ANSWER_BYTES
            asked = liar.asked
            for _ in range(3):
                await log.step(NOW)
            await append(database, range(5, 9))
            await log.step(NOW)
            assert liar.asked == asked, "it is left alone for a while"
            assert checkpoint_in(settings.store).size == 9
            assert not log.witnesses.has_quorum((await log.published())[1])

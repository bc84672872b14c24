"""A token endpoint, and a platform above, that lie: bounded time and memory, a clear reason, nothing lost."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI
from ingest.flows.uplinks.asking import MOST_TOKEN_BYTES, Overlong, exchange
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from stub_platform import HttpStub, gone
from uplink_scene import ask, http_link, put_link, send_hours, settled

Write = Callable[[bytes], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass
class Liar:
    """Answers every request as its `lie` says; `asked` counts them."""

    lie: str
    port: int = 0
    asked: int = 0
    sent: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            del head

            async def write(data: bytes) -> None:
                writer.write(data)
                await writer.drain()
                self.sent += len(data)

            await getattr(self, self.lie)(write)
        writer.close()

    async def huge(self, write: Write) -> None:
        await write(HEAD + b"\r\n" + b'{"access_token": "')
        for _ in range(2000):
            await write(b"x" * 100_000)

    async def packed(self, write: Write) -> None:
        import gzip

        body = gzip.compress(b'{"access_token": "' + b"x" * 50_000_000 + b'"}')
        await write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def slow(self, write: Write) -> None:
        await write(HEAD + b"\r\n")
        for _ in range(600):
            await write(b" ")
            await asyncio.sleep(0.1)

    async def redirect(self, write: Write) -> None:
        await write(
            b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:9/latest/meta-data\r\nContent-Length: 0\r\n\r\n"
        )

    async def words(self, write: Write) -> None:
        await write(HEAD + b"Content-Length: 18\r\n\r\nthis is no JSON, \xff")

    async def deep(self, write: Write) -> None:
        await write(HEAD + b"Content-Length: 60000\r\n\r\n" + b"[" * 60_000)

    async def crooked(self, write: Write) -> None:
        body = b'{"access_token": "a\\r\\nX-Evil: 1", "expires_in": 1e308}'
        await write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def other(self, write: Write) -> None:
        await write(HEAD + b"Content-Length: 11\r\n\r\n" + b'{"a": null}')


async def lying(lie: str) -> Liar:
    liar = Liar(lie)
    liar.server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = liar.server.sockets[0].getsockname()[1]
    return liar


async def ended(liar: Liar) -> None:
    assert liar.server is not None
    await gone(liar.server, liar.writers)


@pytest.fixture
async def province() -> AsyncIterator[HttpStub]:
    stub = HttpStub()
    await stub.up()
    yield stub
    await stub.down()


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("huge", "Overlong"),
        ("packed", "no JSON"),
        ("slow", "ReadTimeout"),
        ("redirect", "HTTPStatusError"),
        ("words", "no JSON"),
        ("deep", "no JSON"),
        ("crooked", "LocalProtocolError"),
        ("other", "KeyError"),
    ],
)
async def test_a_lying_token_endpoint_costs_little_and_loses_nothing(
    client: httpx.AsyncClient,
    tokens: Tokens,
    database: FreshDatabase,
    app: FastAPI,
    province: HttpStub,
    lie: str,
    reason: str,
) -> None:
    liar = await lying(lie)
    body = http_link(
        province.port, token_url=f"http://127.0.0.1:{liar.port}/token", client_id="x", client_secret="s",
        answer_seconds=1,
    )  # fmt: skip
    del body["bearer"]
    await put_link(client, tokens, "province", body)
    await send_hours(client, tokens, range(2))
    begun = time.monotonic()
    state = None
    while not (state or {}).get("last_error"):
        assert time.monotonic() - begun < 20, state
        await asyncio.sleep(0.1)
        state = (await ask(client, tokens, "/uplinks/province"))["state"]
    assert reason in state["last_error"], state
    assert not province.holds and not province.headers, "no value went up without a token"
    await ended(liar)
    # The issuer mends its ways: what waited goes up, once.
    mended = body | {"token_url": f"http://127.0.0.1:{province.port}/token", "client_secret": "s"}
    await put_link(client, tokens, "province", mended)
    await settled(database, 2)
    assert len(province.order) == 2 and not province.repeats


async def test_an_answer_is_cut_off_in_time_and_size() -> None:
    async with httpx.AsyncClient(timeout=0.5, trust_env=False) as client:
        liar = await lying("huge")
        tracemalloc.start()
        with pytest.raises(Overlong):
            await exchange(client, MOST_TOKEN_BYTES, "GET", f"http://127.0.0.1:{liar.port}")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await ended(liar)
        assert peak < 8_000_000 and liar.sent < 100_000_000, (peak, liar.sent)
        liar = await lying("slow")
        begun = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            await exchange(client, MOST_TOKEN_BYTES, "GET", f"http://127.0.0.1:{liar.port}")
        assert time.monotonic() - begun < 4, "each byte came in time, the whole answer never"
        await ended(liar)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    liar = await lying("redirect")
    async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
        answer = await exchange(client, MOST_TOKEN_BYTES, "GET", f"http://127.0.0.1:{liar.port}")
        assert (answer.status_code, liar.asked) == (307, 1)
    await ended(liar)

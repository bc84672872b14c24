"""One asker's questions leave a reader to the others; a stream that is not finished does not look whole."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from kit.problems import Invalid, TooMany
from kit.servers import free_port
from kit.testing.plugin import ServiceDatabase
from kit.turns import Cut, Turns, whole_or_cut
from policy import Principal
from sqlalchemy import text

WATER = Principal("a", dept="water", region="131000")
EE = Principal("b", dept="ee", region="131000")


async def test_the_questions_of_one_department_wait_for_each_other_and_not_others_for_them(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("probe")  # 6 connections: 2 of them read
    held, freed = asyncio.Event(), asyncio.Event()

    async def wide() -> None:
        async with database.question(WATER) as session:
            await session.execute(text("SELECT 1"))
            held.set()
            await freed.wait()

    first = asyncio.create_task(wide())
    await held.wait()
    with pytest.raises(TooMany) as refused:
        async with database.question(WATER, 0.1):
            pass
    assert (refused.value.slug, refused.value.headers) == ("questions-at-once", {"Retry-After": "10"})
    async with database.question(EE, 0.1) as session:
        assert await session.scalar(text("SELECT current_setting('jianzhen.dept')")) == "ee"
    waiting = asyncio.create_task(wide())
    freed.set()
    await asyncio.gather(first, waiting)


async def test_a_turn_comes_back_from_who_fails_and_who_gives_up() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError):
        async with turns.turn("a"):
            raise ValueError
    async with turns.turn("a"):
        for _ in range(3):
            with pytest.raises(TooMany):
                async with turns.turn("a", 0.01):
                    pass
        gone = asyncio.create_task(turns.turn("a", 60).__aenter__())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
    async with turns.turn("a", 60):
        pass


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"1,2\n"
        await asyncio.sleep(0.01)


async def refused() -> AsyncIterator[bytes]:
    yield b"1,2\n"
    raise Invalid("question-too-wide", "Ask for a shorter range")


async def stuck() -> AsyncIterator[bytes]:
    yield b"1,2\n"
    await asyncio.Event().wait()


async def three() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"1,2\n"


@pytest.mark.parametrize(
    ("made", "why"), [(endless, "time limit of 0.2 s"), (stuck, "time limit"), (refused, "shorter range")]
)
async def test_a_client_sees_that_a_stream_was_cut(made: type[AsyncIterator[bytes]], why: str) -> None:
    app, port = FastAPI(), free_port()

    @app.get("/")
    async def stream(is_told: bool) -> StreamingResponse:
        told = (lambda reason: f"# INCOMPLETE {reason}\n".encode()) if is_told else None
        return StreamingResponse(whole_or_cut(made(), told, 0.2))

    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient() as client:
            for is_told in (True, False):
                got = b""
                with pytest.raises(httpx.RemoteProtocolError):
                    async with client.stream("GET", f"http://127.0.0.1:{port}/?is_told={is_told}") as answer:
                        async for piece in answer.aiter_bytes():
                            got += piece
                assert got.startswith(b"1,2\n") and (why.encode() in got) is is_told
    finally:
        server.should_exit = True
        await serving


async def test_a_stream_in_time_is_as_it_was() -> None:
    assert [piece async for piece in whole_or_cut(three(), lambda why: why.encode())] == [b"1,2\n"] * 3
    with pytest.raises(Cut):
        [piece async for piece in whole_or_cut(stuck(), None, 0.01)]

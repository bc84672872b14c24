"""A real server and a client that dribbles."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from kit import problems
from kit.deadline import BodyDeadline
from kit.processes import free_port
from pydantic import BaseModel

SECONDS = 0.5


class Note(BaseModel):
    text: str


@pytest.fixture
def port() -> Iterator[int]:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(BodyDeadline, seconds=SECONDS)

    @app.post("/notes")
    async def notes(note: Note) -> dict[str, str]:
        await asyncio.sleep(2 * SECONDS)
        return {"text": note.text}

    @app.post("/refused")
    async def refused() -> None:
        raise problems.Forbidden("nobody", "Nobody may")

    number = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=number, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        pass
    yield number
    server.should_exit = True
    thread.join(10)


async def post(port: int, body: bytes, sent: int, path: str = "/notes") -> tuple[int, bytes, bytes]:
    """Announces the whole body and sends the first `sent` bytes; status, head and what follows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body[:sent])
    top = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    length = int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    rest = await asyncio.wait_for(reader.readexactly(length), 60)
    if sent < len(body):
        assert await asyncio.wait_for(reader.read(), 60) == b"", "the connection stays open"
    writer.close()
    await writer.wait_closed()
    return int(top.split(b" ")[1]), top, rest


async def test_a_body_that_does_not_come_is_408_and_the_connection_ends(port: int) -> None:
    body = json.dumps({"text": "鉴真"}).encode()
    status, top, rest = await post(port, body, len(body) - 3)
    assert status == 408
    assert b"application/problem+json" in top
    assert json.loads(rest)["type"] == "/problems/body-too-slow"


async def test_a_slow_handler_is_not_cut_short_once_the_body_is_there(port: int) -> None:
    body = json.dumps({"text": "ok"}).encode()
    status, _, rest = await post(port, body, len(body))
    assert (status, json.loads(rest)) == (200, {"text": "ok"})


async def test_nobody_is_answered_before_the_body_is_there(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n12")
    answer = asyncio.create_task(reader.readuntil(b"\r\n"))
    await asyncio.sleep(SECONDS / 2)
    assert not answer.done()
    writer.write(b"3")
    assert (await asyncio.wait_for(answer, 60)).split()[1] == b"403"
    writer.close()
    await writer.wait_closed()


async def test_a_refused_body_that_does_not_come_is_408_as_any_other(port: int) -> None:
    status, _, rest = await post(port, b"123", 2, "/refused")
    assert (status, json.loads(rest)["type"]) == (408, "/problems/body-too-slow")

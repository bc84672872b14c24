"""Asks an application directly, with the bytes as they are: no client tidies path, query or headers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes
    route: str | None = None
    """The template of the route that took the request."""

    def json(self) -> Any:
        return json.loads(self.content)


async def ask(
    app: ASGIApp, method: str, path: str, headers: Pairs = (), query: str = "", body: bytes = b""
) -> Answer:
    """`path` is as sent, percent-encoded; like a server, hands it on decoded and as it is."""
    told: list[Message] = []
    sent = False

    async def receive() -> Message:
        nonlocal sent
        message: Message = (
            {"type": "http.disconnect"}
            if sent
            else {"type": "http.request", "body": body, "more_body": False}
        )
        sent = True
        return message

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"},
        **{
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
        },
        **{"root_path": "", "server": ("test", 80), "client": ("127.0.0.1", 1), "state": {}},
        "headers": [(b"host", b"test"), *((n.lower().encode(), v.encode("latin-1")) for n, v in headers)],
    }
    try:
        await app(scope, receive, send)
    except Exception:
        # The outermost handler answers 500 and raises again, for the server's log.
        if not told:
            raise
    start = next(message for message in told if message["type"] == "http.response.start")
    content = b"".join(m.get("body", b"") for m in told if m["type"] == "http.response.body")
    route = getattr(scope.get("route"), "path", None)
    return Answer(start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, content, route)

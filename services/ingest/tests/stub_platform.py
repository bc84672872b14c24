"""The other side of a link, real sockets and all: it can be taken down and brought back, cut connections in
the middle of a frame, answer late, acknowledge and forget, and refuse.

`python -m stub_platform hj212 21300` or `… http 8300` prints what it receives: a province to try a link with.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingest.rules.frames import data_of, parameters_of
from ingest.rules.hj212_build import answer, build
from ingest.rules.stream import StreamParser

Value = tuple[str, ...]


async def gone(server: asyncio.Server, writers: Collection[asyncio.StreamWriter]) -> None:
    """Nobody is accepted any more, and all connections are reset, those too that nobody serves yet.

    A connection whose transport is made after `close` is dropped by asyncio without closing its socket.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(4):
        await asyncio.sleep(0)
    server.close()
    for _ in range(4):
        for writer in list(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


class Stub:
    """What both kinds share. `holds` is what it really keeps; `got` is every value ever acknowledged."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None
        self.port = 0
        self.holds: dict[Value, str | None] = {}
        self.revisions: list[tuple[Value, str | None]] = []
        self.repeats = 0
        self.order: list[Value] = []
        # What it does wrongly, and how often more.
        self.cuts = self.late = self.forgets = self.refuses = self.silent = 0
        self.late_seconds = 0.0
        self._writers: set[asyncio.StreamWriter] = set()

    async def up(self) -> "Stub":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def down(self) -> None:
        """Gone, as by a power cut: nothing listens and every connection is reset."""
        assert self.server is not None
        await gone(self.server, self._writers)

    def spends(self, name: str) -> bool:
        left = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return bool(left > 0)

    def keep(self, key: Value, value: str | None) -> None:
        if key not in self.holds:
            self.holds[key] = value
            self.order.append(key)
        elif self.holds[key] == value:
            self.repeats += 1
        else:
            self.revisions.append((key, value))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.talk(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class Hj212Stub(Stub):
    """A host. `frames` are all sound frames; `replies` what the device answered to `ask`."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        self.seen: set[tuple[str, str, str]] = set()
        self.replies: list[dict[str, str]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = StreamParser()
        while data := await reader.read(65536):
            if self.spends("cuts"):
                # Read half a frame, then the line is dead.
                writer.transport.abort()
                return
            for frame in parser.feed(data):
                assert not frame.problems, frame.problems
                if frame.fields["CN"].startswith("9"):
                    self.replies.append(dict(frame.fields) | parameters_of(frame.segment))
                    continue
                self.raw.append(frame.raw)
                await self._take(frame, writer)

    async def _take(self, frame: Any, writer: asyncio.StreamWriter) -> None:
        fields = dict(frame.fields)
        self.frames.append(fields)
        if self.spends("refuses"):
            head: dict[str, str | int] = {
                "QN": fields["QN"],
                "ST": 91,
                "CN": 9011,
                "MN": fields["MN"],
                "Flag": 4,
            }
            writer.write(build(head, ["QnRtn=8"]))
            return
        if self.spends("silent"):
            return
        name = (fields["MN"], fields["CN"], fields["QN"])
        if not self.spends("forgets"):
            time = parameters_of(frame.segment)["DataTime"]
            if name not in self.seen:
                for factor, field, value, _ in data_of(frame.segment):
                    self.keep((fields["MN"], fields["CN"], time, factor, field), value)
            self.seen.add(name)
        if self.spends("late"):
            asyncio.get_running_loop().call_later(self.late_seconds, writer.write, answer(fields))
        else:
            writer.write(answer(fields))

    def ask(self, command: str, mn: str, password: str, qn: str = "20261121080000001") -> None:
        """Send a command down every connection, as a host does."""
        head: dict[str, str | int] = {"QN": qn, "ST": 22, "CN": command, "PW": password, "MN": mn, "Flag": 5}
        for writer in self._writers:
            writer.write(build(head))


class HttpStub(Stub):
    """A platform with POST /observations and GET /holdings."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: Counter[str] = Counter()
        self.answers: dict[str, tuple[bytes, bytes]] = {}
        self.headers: list[dict[str, str]] = []
        self.refused_factors: set[str] = set()
        self.out_of_order = 0
        self.tokens = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = {
                k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)
            }
            if self.spends("cuts"):
                writer.transport.abort()
                return
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, answered = self._answer(method, target, headers, body)
            if status == 202 and self.spends("late"):
                await asyncio.sleep(self.late_seconds)
            text = json.dumps(answered).encode()
            said = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}"
            writer.write(f"{said}\r\n\r\n".encode() + text)
            await writer.drain()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        if url.path == "/token":
            self.tokens += 1
            return 200, {"access_token": f"token-{self.tokens}", "expires_in": 300}
        if url.path == "/holdings":
            return 200, self._holdings({key: given[0] for key, given in parse_qs(url.query).items()})
        if method != "POST" or url.path != "/observations":
            return 404, {}
        if self.spends("out_of_order"):
            return 503, {"type": "/problems/store-unavailable"}
        if self.spends("refuses"):
            return 422, {"type": "/problems/batch-not-acceptable", "detail": "refused for good"}
        return self._take(headers, body)

    def _take(self, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.headers.append(headers)
        key = headers["idempotency-key"]
        self.keys[key] += 1
        if key in self.answers:
            assert self.answers[key][0] == body, "another body under the same key"
            return 202, json.loads(self.answers[key][1])
        given = json.loads(body)
        refused = []
        forgets = self.spends("forgets")
        for at, row in enumerate(given["data"]):
            one = dict(zip(given["columns"], row, strict=True))
            if one["factor"] in self.refused_factors:
                refused.append(
                    {"row": at, "outcome": "refused", "rule": "unknown-series", "what": "no series"}
                )
            elif not forgets:
                names = ("site", "factor", "statistic", "basis", "period")
                self.keep((*(one[name] for name in names), given["source"], one["time"]), one["value"])
        answered = {"accepted": len(given["data"]) - len(refused), "refused": len(refused), "rows": refused}
        self.answers[key] = (body, json.dumps(answered).encode())
        return 202, answered

    def _holdings(self, query: dict[str, str]) -> Any:
        counts: Counter[tuple[str, ...]] = Counter()
        for *names, time in self.holds:
            hour = datetime.fromisoformat(time).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            at = datetime.fromisoformat(time)
            inside = datetime.fromisoformat(query["from"]) <= at < datetime.fromisoformat(query["to"])
            if names[0] == query["site"] and inside:
                counts[(*names, hour.isoformat())] += 1
        columns = ("site", "factor", "statistic", "basis", "period", "source", "hour")
        items = [dict(zip(columns, cell, strict=True)) | {"count": n} for cell, n in sorted(counts.items())]
        return {"items": items, "next": None}


async def _main(kind: str, port: int) -> None:
    stub: Stub = Hj212Stub() if kind == "hj212" else HttpStub()
    stub.port = port
    await stub.up()
    shown = 0
    sys.stdout.write(f"{stub.port}\n")
    sys.stdout.flush()
    while True:
        await asyncio.sleep(1)
        for key in stub.order[shown:]:
            sys.stdout.write(f"{' '.join(key)} = {stub.holds[key]}\n")
        sys.stdout.flush()
        shown = len(stub.order)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))

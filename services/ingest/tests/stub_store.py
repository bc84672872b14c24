"""An S3-compatible object store on a real socket, that can cut the connection in the middle of a put.

Knows what the service asks of it: PUT, GET with Range, HEAD, DELETE, uploads in parts, listing.
"""

import asyncio
import hashlib
import re
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from stub_platform import gone

XML = '<?xml version="1.0" encoding="UTF-8"?>'


class StoreStub:
    """`kept` are the objects that were put whole; so many `cuts` of puts of `cut` are still to come."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.cuts, self.cut = 0, ""
        self.was_cut = 0
        self.port = 0
        self.server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def up(self) -> "StoreStub":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def down(self) -> None:
        assert self.server is not None
        await gone(self.server, self._writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        if method == "PUT" and self.cuts > 0 and self.cut in target:
            self.cuts -= 1
            self.was_cut += 1
            await reader.readexactly(length // 2)
            writer.transport.abort()
            return False
        body = await reader.readexactly(length)
        status, told, data = self._answer(method, target, headers, body)
        told |= {"Content-Length": str(len(data)), "Last-Modified": _http_date()}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + (b"" if method == "HEAD" else data))
        await writer.drain()
        return True

    def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(target)
        query = {name: value[0] for name, value in parse_qs(url.query, keep_blank_values=True).items()}
        name = unquote(url.path).partition("/")[2].partition("/")[2]
        if "list-type" in query:
            return 200, {}, self._listed(query.get("prefix", ""))
        if method == "POST" and "uploads" in query:
            upload = f"u{len(self.parts)}"
            self.parts[upload] = {}
            return 200, {}, f"{XML}<R><UploadId>{upload}</UploadId></R>".encode()
        if method == "PUT" and "partNumber" in query:
            self.parts[query["uploadId"]][int(query["partNumber"])] = body
            return 200, {"ETag": _tag(body)}, b""
        if method == "POST" and "uploadId" in query:
            parts = self.parts.pop(query["uploadId"])
            self.kept[name] = b"".join(parts[number] for number in sorted(parts))
            return 200, {}, f"{XML}<R><ETag>{_tag(self.kept[name])}</ETag></R>".encode()
        if method == "PUT":
            self.kept[name] = body
            return 200, {"ETag": _tag(body)}, b""
        if method == "DELETE":
            self.kept.pop(name, None)
            return 204, {}, b""
        return self._read(name, headers)

    def _read(self, name: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if name not in self.kept:
            return 404, {}, f"{XML}<Error><Code>NoSuchKey</Code></Error>".encode()
        data = self.kept[name]
        told = {"ETag": _tag(data)}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        if wanted is None:
            return 200, told, data
        first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        told["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return 206, told, data[first : last + 1]

    def _listed(self, prefix: str) -> bytes:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        rows = "".join(
            f"<Contents><Key>{name}</Key><LastModified>{now}</LastModified><ETag>{_tag(data)}</ETag>"
            f"<Size>{len(data)}</Size></Contents>"
            for name, data in sorted(self.kept.items())
            if name.startswith(prefix)
        )
        return f"{XML}<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _http_date() -> str:
    return datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

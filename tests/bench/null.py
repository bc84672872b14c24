"""A server that does nothing but answer: the ceiling of the bench's own client.

Called as `python null.py PORT http BYTES` (202 with so many bytes for every request) or `… PORT hj212`
(a receipt for every frame). Ends when its standard input is closed.
"""

import asyncio
import sys

RECEIPT = b"##0066ST=91;CN=9014;PW=123456;MN=000000000000000000000000;Flag=4;CP=&&&&0000\r\n"


class Http(asyncio.BufferedProtocol):
    """Reads a request by its Content-Length, answers, reads the next."""

    def __init__(self, size: int) -> None:
        self._room, self._head, self._missing = memoryview(bytearray(262_144)), b"", 0
        head = f"HTTP/1.1 202 Accepted\r\ncontent-length: {size}\r\n\r\n"
        self._answer = head.encode() + b"x" * size

    def connection_made(self, transport) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if not self._missing:
            self._head += bytes(self._room[: min(nbytes, 4096)])
            head, found, _ = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._missing = len(head) + 4 + length
            self._head = b""
        self._missing -= nbytes
        if self._missing <= 0:
            self._missing = 0
            self._transport.write(self._answer)


class Frames(asyncio.Protocol):
    """One receipt for each CR LF."""

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(RECEIPT * data.count(b"\n"))


async def main() -> None:
    port, kind = int(sys.argv[1]), sys.argv[2]
    made = (lambda: Http(int(sys.argv[3]))) if kind == "http" else Frames
    loop = asyncio.get_running_loop()
    await loop.create_server(made, "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())

"""A server that closes leaves nobody on the line whom it had just accepted."""

import asyncio
import socket
from contextlib import suppress


async def test_whom_a_listener_accepts_as_it_closes_is_hung_up_on() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()
    crowd = [socket.create_connection(place) for _ in range(5)]
    for _ in range(2):  # accepted, not yet introduced to a protocol
        await asyncio.sleep(0)
    server.close()
    await asyncio.sleep(0.05)
    for one in crowd:
        with one, suppress(ConnectionResetError):
            one.setblocking(False)
            assert one.recv(1) == b""

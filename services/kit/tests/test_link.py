"""What a closed link leaves behind: nothing."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kit.link import Link, ended
from kit.servers import NatsServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.pidfile.signal(signal.SIGCONT)
    server.stop()


async def test_an_attempt_that_does_not_hear_its_end_is_not_left_behind(server: NatsServer) -> None:
    async with Link(server.url, name="probe").running() as link:
        await link.connected()
        others = {task for task in asyncio.all_tasks() if "nats" not in repr(task)}
        attempt = link.client._select_next_server

        async def stubborn() -> None:
            # As wait_for of Python 3.11 does when what it waits for is ready at the same moment.
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(30)
            await attempt()

        link.client._select_next_server = stubborn  # type: ignore[method-assign]
        await link.client.force_reconnect()
        await asyncio.sleep(0.1)
    left = asyncio.all_tasks() - others
    await ended(*left)
    assert not left


async def test_a_broker_that_does_not_read_keeps_no_connection_open(server: NatsServer) -> None:
    async with Link(server.url, name="probe").running() as link:
        await link.connected()
        line = link.client._transport._bare_io_writer.transport  # type: ignore[union-attr]
        socket = line.get_extra_info("socket")
        server.pidfile.signal(signal.SIGSTOP)
        while not line.get_write_buffer_size():  # until the kernel's buffers are full
            await link.client.publish("probe", bytes(100_000))
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert socket.fileno() == -1


async def test_two_attempts_at_once_leave_none_open(server: NatsServer) -> None:
    async with Link(server.url, name="probe").running() as link:
        await link.connected()
        known = link.client._server_pool[0]
        await asyncio.gather(*(link.client._connect_to_server(known) for _ in range(4)))
        lines = link.client._lines
    await asyncio.sleep(0.1)
    assert len(lines) == 4 and all(line.get_extra_info("socket").fileno() == -1 for line in lines)

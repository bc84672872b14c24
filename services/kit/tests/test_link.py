"""What a closed link leaves behind: nothing."""

import asyncio
from contextlib import suppress
from pathlib import Path

from kit.link import Link, ended
from kit.servers import NatsServer


async def test_an_attempt_that_does_not_hear_its_end_is_not_left_behind(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    server.start()
    try:
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
    finally:
        server.stop()

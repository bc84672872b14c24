"""One connection to NATS that never gives up.

Promises: a service starts, works and stops without NATS; when it comes back the connection does too. Leaves
streams and accounts to `infra/nats`: nothing is ever declared from here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from nats.aio.client import Client
from nats.js.client import JetStreamContext

log = structlog.get_logger()


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancels until they have ended: nats-py, and wait_for in Python 3.11, may swallow a cancellation."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)


class Link:
    """`async with Link(url, name="qc").running() as link: await link.connected()`"""

    def __init__(self, url: str, *, name: str, user: str | None = None, password: str | None = None) -> None:
        self._url, self._name = url, name
        # Replies come to an inbox of this user's own: the accounts in infra/nats allow no other.
        own = {"user": user, "password": password, "inbox_prefix": f"_INBOX_{user}"}
        self._login: dict[str, Any] = own if user else {}
        self.client = Client()

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    def jetstream(self) -> JetStreamContext:
        return self.client.jetstream()

    async def connected(self) -> None:
        """Returns as soon as there is a connection."""
        while not self.client.is_connected:  # noqa: ASYNC110  (the client has no event to wait for)
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Link"]:
        opening = asyncio.create_task(self._open(), name=f"nats-{self._name}")
        try:
            yield self
        finally:
            await ended(opening)
            try:
                async with asyncio.timeout(2):
                    await self.client.close()
            except Exception as error:
                log.warning("nats.close_failed", error=repr(error))

    async def _open(self) -> None:
        async def on_error(error: Exception) -> None:
            log.warning("nats.error", service=self._name, error=repr(error))

        await self.client.connect(
            self._url.split(","),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds, used as a float
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=on_error,
            **self._login,
        )

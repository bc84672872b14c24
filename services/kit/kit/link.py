"""One connection to NATS that never gives up.

Promises: a service starts, works and stops without NATS; when it comes back the connection does too; a
password that has been changed is taken up within two seconds, without losing what is under way. Leaves
streams and accounts to `infra/nats`: nothing is ever declared from here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from kit.settings import FRESH_SECONDS

log = structlog.get_logger()
Password = str | Callable[[], Sequence[str]]


async def ended(*tasks: asyncio.Task[None], patience: float = 0.2) -> None:
    """Cancels until they have ended: nats-py, and wait_for in Python 3.11, may swallow a cancellation.

    `patience` in seconds is what a task gets to clean up before it is told again, which would cut that short.
    """
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=patience)
    await asyncio.gather(*tasks, return_exceptions=True)


class _Client(Client):
    """Leaves nothing open: nats-py leaves the socket of a refused attempt to the garbage collector, and an
    attempt that was told to stop may go on behind `close`.
    """

    _lines: tuple[asyncio.StreamWriter, ...] = ()

    async def _connect_to_server(self, s: Any) -> None:
        self.hang_up()
        await super()._connect_to_server(s)
        # Not the last one only: two attempts may be under way at once.
        self._lines += (self._transport._bare_io_writer,)  # type: ignore[union-attr]

    async def close(self) -> None:
        await super().close()
        # An attempt that still succeeds starts the others anew.
        for names in (("reconnection",), ("reading", "ping_interval", "flusher")):
            tasks = (getattr(self, f"_{name}_task") for name in names)
            await ended(*(task for task in tasks if task and task is not asyncio.current_task()))

    def hang_up(self) -> None:
        """At once: a broker that does not read would keep what is merely closed open for good."""
        lines, self._lines = self._lines, ()
        for line in lines:
            line.transport.abort()


class Link:
    """`async with Link(url, name="qc").running() as link: await link.connected()`

    `password` may say `name:password` where the bus knows this user by two names, while one is changed.
    """

    def __init__(self, url: str, *, name: str, user: str | None = None, password: Password = "") -> None:
        self._url, self._name = url, name
        self._user, self._password = user or "", password
        self._used = self._login()
        self.client = _Client()

    def _login(self) -> tuple[str, str]:
        told = self._password()[0] if callable(self._password) else self._password
        name, _, password = told.partition(":")
        # Of this user's names only: a password may hold a colon itself.
        return (name, password) if name.startswith(f"{self._user}-") else (self._user, told)

    def _take_login(self) -> str:
        self._used = self._login()
        return self._used[0]

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
        following = asyncio.create_task(self._follow(), name=f"nats-login-{self._name}")
        try:
            yield self
        finally:
            await ended(opening, following)
            try:
                async with asyncio.timeout(2):
                    await self.client.close()
            except Exception as error:
                log.warning("nats.close_failed", error=repr(error))
            finally:
                self.client.hang_up()

    async def _open(self) -> None:
        async def on_error(error: Exception) -> None:
            log.warning("nats.error", service=self._name, error=repr(error))

        # Replies come to an inbox of this user's own: the accounts in infra/nats allow no other.
        login: dict[str, Any] = {"user": self._take_login, "password": lambda: self._used[1]}
        login = login | {"inbox_prefix": f"_INBOX_{self._user}"} if self._user else {}
        await self.client.connect(
            self._url.split(","),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds, used as a float
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=on_error,
            **login,
        )

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            if self.client.is_connected and self._login() != self._used:
                await self.client.force_reconnect()
            elif self.client.is_closed:  # it was told to go before it had read its new password
                await self._open()

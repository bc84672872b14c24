"""One connection to NATS that never gives up.

Promises: a service starts, works and stops without NATS; when it comes back the connection does too; a
seed that has been changed is taken up within two seconds, without losing what is under way. Leaves
streams and accounts to `infra/nats`: nothing is ever declared from here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from kit import nkeys
from kit.settings import FRESH_SECONDS

log = structlog.get_logger()
Seed = str | Callable[[], Sequence[str]]


async def ended(*tasks: asyncio.Task[None], patience: float = 0.2) -> None:
    """Cancels until they have ended: nats-py, and wait_for in Python 3.11, may swallow a cancellation.

    `patience` in seconds is what a task gets to clean up before it is told again, which would cut that short.
    """
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=patience)
    await asyncio.gather(*tasks, return_exceptions=True)


class BusClient(Client):
    """A user of the bus by its nkey (`seed`; "" where there are no accounts) that leaves nothing open.

    nats-py leaves the socket of a refused attempt to the garbage collector, and an attempt that was told to
    stop may go on behind `close`.
    """

    _lines: tuple[asyncio.StreamWriter, ...] = ()

    def __init__(self, seed: Callable[[], str]) -> None:
        super().__init__()
        self._seed, self.used = seed, ""

    async def _connect_to_server(self, s: Any) -> None:
        self.hang_up()
        self.used = self._seed()
        if self.used:
            self._public_nkey = nkeys.public(self.used)
            self._signature_cb = partial(nkeys.signed, self.used)
        await super()._connect_to_server(s)
        # Not the last one only: two attempts may be under way at once.
        self._lines += (self._transport._bare_io_writer,)  # type: ignore[union-attr]

    async def close(self) -> None:
        try:
            await super().close()
            # An attempt that still succeeds starts the others anew.
            for names in (("reconnection",), ("reading", "ping_interval", "flusher")):
                tasks = (getattr(self, f"_{name}_task") for name in names)
                await ended(*(task for task in tasks if task and task is not asyncio.current_task()))
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """At once: a broker that does not read would keep what is merely closed open for good."""
        lines, self._lines = self._lines, ()
        for line in lines:
            line.transport.abort()


class Link:
    """`async with Link(url, name="qc").running() as link: await link.connected()`

    `user` names the inbox, `seed` is the nkey; a server without accounts needs neither.
    """

    def __init__(self, url: str, *, name: str, user: str = "", seed: Seed = "") -> None:
        self._url, self._name, self._user = url, name, user
        self._seed: Callable[[], str] = (lambda: seed()[0]) if callable(seed) else (lambda: seed)
        self.client = BusClient(self._seed)

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

    async def _open(self) -> None:
        async def on_error(error: Exception) -> None:
            log.warning("nats.error", service=self._name, error=repr(error))

        # Replies come to an inbox of this user's own: the accounts in infra/nats allow no other.
        own: dict[str, Any] = {"inbox_prefix": f"_INBOX_{self._user}"} if self._user else {}
        await self.client.connect(
            self._url.split(","),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds, used as a float
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=on_error,
            **own,
        )

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            if self.client.is_connected and self._seed() != self.client.used:
                await self.client.force_reconnect()
            elif self.client.is_closed:  # it was told to go before it had read its new seed
                await self._open()

"""The listening socket, the committer's task, and the sweep over connections.

Promises: at most so many connections in all and per address; a frame that is not finished in time, or a peer
that is silent for long, ends its connection. Stopping commits what was received.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from ingest.flows.frames import Reception
from ingest.receiver.committer import Committer
from ingest.receiver.connection import Connection

log = structlog.get_logger()
CONNECTIONS = Gauge("ingest_connections", "Open connections of data loggers")
_SWEEP_SECONDS = 0.5
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Door:
    """Where to listen, and how much one peer may take."""

    host: str
    port: int
    connections: int
    connections_per_address: int
    idle_seconds: float
    frame_seconds: float


class Receiver:
    """`async with`-free on purpose: `start` and `stop` are called by the service's lifespan."""

    def __init__(self, door: Door, reception: Reception) -> None:
        self._door = door
        self._committer = Committer(reception)
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port really listened on (useful where 0 was asked for)."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._committer, self._opened, self._closed),
            self._door.host,
            self._door.port,
            backlog=1024,
        )
        self._tasks = [
            asyncio.create_task(self._committer.run(), name="committer"),
            asyncio.create_task(self._sweep(), name="sweep"),
        ]
        log.info("ingest.receiver_listens", port=self.port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._committer.finish()

    def _opened(self, connection: Connection) -> bool:
        self._connections.add(connection)
        self._per_address[connection.address] += 1
        CONNECTIONS.set(len(self._connections))
        return (
            len(self._connections) <= self._door.connections
            and self._per_address[connection.address] <= self._door.connections_per_address
        )

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._per_address[connection.address] -= 1
        if self._per_address[connection.address] <= 0:
            del self._per_address[connection.address]
        CONNECTIONS.set(len(self._connections))

    async def _sweep(self) -> None:
        """Time-outs for all connections at once: a timer each would cost more than the data."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now, is_full = loop.time(), self._committer.is_full
            for connection in list(self._connections):
                if connection.is_held and not is_full:
                    connection.release()
                quiet = now - connection.heard_at
                if connection.is_unfinished():
                    if quiet > _SETTLE_SECONDS:
                        connection.settle()
                    if now - connection.began_at > self._door.frame_seconds:
                        connection.close()
                elif quiet > self._door.idle_seconds:
                    connection.close()

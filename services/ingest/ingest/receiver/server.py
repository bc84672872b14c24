"""The listening sockets, the tasks of committer and conversation, and the sweep over connections.

Promises: at most so many connections in all and per address; a frame that is not finished in time, or a peer
that is silent for long, ends its connection; a sweep looks at those that are amid something and at a slice of
the others, so that ten thousand idle ones cost next to nothing. Stopping commits what was received.
"""

import asyncio
import math
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

import structlog
from kit.link import ended
from prometheus_client import Gauge, Histogram

from ingest.flows.conversation import Conversation
from ingest.flows.frames import Reception
from ingest.receiver.committer import Committer
from ingest.receiver.connection import Connection
from ingest.receiver.tls import Keeper, Papers

log = structlog.get_logger()
CONNECTIONS = Gauge("ingest_connections", "Open connections of data loggers")
SWEEP = Histogram(
    "ingest_sweep_seconds", "One sweep over the connections", buckets=(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
)
_SWEEP_SECONDS = 0.5
_SETTLE_SECONDS = 1.0
_LONGEST_ROUND_SECONDS = 30.0
_RENEW_SWEEPS = 120
_HANDSHAKE_SECONDS = 15.0


@dataclass(frozen=True)
class Door:
    """Where to listen, and how much one peer may take."""

    host: str
    port: int
    connections: int
    connections_per_address: int
    idle_seconds: float
    frame_seconds: float
    tls_port: int | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    tls_client_required: bool = False

    def papers(self) -> Papers | None:
        """The files of the TLS listener; None where there is none. Raises ValueError if one is missing."""
        if self.tls_port is None:
            return None
        if self.tls_certificate is None or self.tls_key is None:
            raise ValueError("receiver_tls_port needs receiver_tls_certificate and receiver_tls_key")
        return Papers(self.tls_certificate, self.tls_key, self.tls_client_ca, self.tls_client_required)


class Receiver:
    """`async with`-free on purpose: `start` and `stop` are called by the service's lifespan."""

    def __init__(self, door: Door, reception: Reception, conversation: Conversation) -> None:
        self._door, self._conversation = door, conversation
        self._committer = Committer(reception)
        self._connections: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._round: deque[Connection] = deque()
        self._per_address: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None
        self._tls_server: asyncio.Server | None = None
        papers = door.papers()
        self._keeper = Keeper(papers) if papers is not None else None

    @property
    def port(self) -> int:
        """The port really listened on (useful where 0 was asked for)."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def tls_port(self) -> int:
        """The port of the TLS listener."""
        assert self._tls_server is not None
        return int(self._tls_server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        # Before the first frame: it may be the answer to a question of an earlier life.
        await self._conversation.reload()
        self._server = await loop.create_server(
            self._connection, self._door.host, self._door.port, backlog=1024
        )
        if self._keeper is not None:
            self._tls_server = await loop.create_server(
                self._connection,
                self._door.host,
                self._door.tls_port,
                backlog=1024,
                ssl=self._keeper.context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
            log.info("ingest.receiver_listens_with_tls", port=self.tls_port)
        self._tasks = [
            asyncio.create_task(self._committer.run(), name="committer"),
            asyncio.create_task(self._sweeps(), name="sweep"),
            asyncio.create_task(self._conversation.run(), name="conversation"),
        ]
        log.info("ingest.receiver_listens", port=self.port)

    def _connection(self) -> Connection:
        return Connection(self._committer, self._opened, self._closed, self._busy)

    async def stop(self) -> None:
        for server in (self._server, self._tls_server):
            if server is not None:
                server.close()
        for connection in list(self._connections):
            connection.close()
        await ended(*self._tasks, patience=5)
        await self._committer.finish()

    def _opened(self, connection: Connection) -> bool:
        self._connections.add(connection)
        self._round.append(connection)
        self._per_address[connection.address] += 1
        CONNECTIONS.set(len(self._connections))
        return (
            len(self._connections) <= self._door.connections
            and self._per_address[connection.address] <= self._door.connections_per_address
        )

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._busy.discard(connection)
        self._conversation.ended(connection)
        self._per_address[connection.address] -= 1
        if self._per_address[connection.address] <= 0:
            del self._per_address[connection.address]
        CONNECTIONS.set(len(self._connections))

    async def _sweeps(self) -> None:
        """Time-outs for all connections: a timer each would cost more than the data."""
        loop, count = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            with SWEEP.time():
                self.sweep(loop.time())
            count += 1
            if self._keeper is not None and count % _RENEW_SWEEPS == 0:
                self._renew(self._keeper)

    def sweep(self, now: float) -> None:
        """Look at everyone who is amid a frame or held back, and at the next slice of the rest."""
        is_full = self._committer.is_full
        for connection in list(self._busy):
            if connection.is_held and not is_full:
                connection.release()
            if connection.is_held:
                continue
            if connection.is_unfinished():
                if now - connection.heard_at > _SETTLE_SECONDS:
                    connection.settle()
                if now - connection.began_at > self._door.frame_seconds:
                    connection.close()
            else:
                self._busy.discard(connection)
        whole = min(self._door.idle_seconds / 4, _LONGEST_ROUND_SECONDS)
        for _ in range(math.ceil(len(self._round) * min(1.0, _SWEEP_SECONDS / whole))):
            connection = self._round.popleft()
            if connection not in self._connections:
                continue
            self._round.append(connection)
            is_amid = connection.is_unfinished() and not connection.is_held
            if now - connection.heard_at > self._door.idle_seconds and not is_amid:
                connection.close()

    def _renew(self, keeper: Keeper) -> None:
        try:
            if keeper.renew():
                log.info("ingest.certificate_renewed")
        except (OSError, ValueError) as error:
            log.warning("ingest.certificate_unreadable", error=repr(error))

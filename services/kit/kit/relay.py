"""The one active relay of a database: numbers committed outbox rows in lanes, then publishes them.

Promises: numbers follow commits, so nothing that commits late is skipped; lanes are gapless; every number is
published at least once with a fixed id, and again after a failure of broker or relay. Another instance takes
over when this one's connection ends. Numbering goes on without NATS: consumers can read lanes over HTTP, and
what was published stays readable for `keep_days`; then it is removed, a little at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import structlog
from contracts.packing import ENCODING, is_packed
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from prometheus_client import Counter

from kit.db import Urls, session_of
from kit.link import Link, ended

log = structlog.get_logger()

# Session-level, on the connection that numbers: whoever loses the connection can no longer number.
LOCK = "SELECT pg_try_advisory_lock(hashtext('jianzhen.outbox'), 0)"
NUMBER_AT_ONCE = 2000
SEND_AT_ONCE = 256
# For commits of other processes. A NOTIFY per transaction would serialise all commits of the database.
POLL_SECONDS = 0.05
# Under load commits gather for so long: what is said costs less by the many than one by one.
GATHER_SECONDS = 0.02
STANDBY_SECONDS = 0.5
PRUNE_SECONDS = 600.0
PRUNE_AT_ONCE = 1000
ACK_SECONDS = 5.0
NUMBER = """
WITH fresh AS (
    SELECT id, event, lane, row_number() OVER (PARTITION BY event, lane ORDER BY id) AS n
    FROM (SELECT id, event, lane FROM outbox WHERE seq IS NULL ORDER BY id LIMIT $1) AS unnumbered
), counted AS (
    SELECT event, lane, count(*) AS n FROM fresh GROUP BY event, lane
), heads AS (
    INSERT INTO outbox_heads AS h (event, lane, seq) SELECT event, lane, n FROM counted
    ON CONFLICT (event, lane) DO UPDATE SET seq = h.seq + excluded.seq
    RETURNING h.event, h.lane, h.seq
), numbered AS (
    UPDATE outbox AS o SET seq = heads.seq - counted.n + fresh.n
    FROM fresh JOIN counted USING (event, lane) JOIN heads USING (event, lane) WHERE o.id = fresh.id
    RETURNING 1
)
SELECT count(*) FROM numbered
"""
# Round robin over the lanes, and always the next ones of each lane.
UNPUBLISHED = """
SELECT o.id, o.event, o.lane, o.seq, o.key, o.data, o.traceparent, o.trace_ids, o.occurred_at
FROM outbox_heads AS h
CROSS JOIN LATERAL (
    SELECT * FROM outbox
    WHERE event = h.event AND lane = h.lane AND seq > h.published_seq ORDER BY seq LIMIT 64
) AS o
WHERE h.seq > h.published_seq
ORDER BY o.seq - h.published_seq, o.id LIMIT $1
"""
ADVANCE = """UPDATE outbox_heads AS h SET published_seq = greatest(h.published_seq, n.seq)
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (event, lane, seq)
WHERE h.event = n.event AND h.lane = n.lane"""

PRUNE = "SELECT prune_outbox($1, $2)"

PUBLISHED = Counter("outbox_published_total", "Events acknowledged by the broker", ["service"])
PRUNED = Counter("outbox_pruned_total", "Events removed after their time", ["service"])


def headers_of(service: str, row: Any) -> dict[str, str]:
    """CloudEvents 1.0 in binary mode; what is not printable ASCII is percent-encoded."""
    return {
        "Nats-Msg-Id": f"{service}-{row['id']}",
        "ce-specversion": "1.0",
        "ce-id": f"{service}-{row['id']}",
        "ce-type": row["event"],
        "ce-source": f"/{service}",
        "ce-time": row["occurred_at"].isoformat(),
        "ce-sequence": str(row["seq"]),
        "ce-key": quote(row["key"], safe="/:@"),
        "ce-traces": ",".join(row["trace_ids"]),
        "traceparent": row["traceparent"],
        "content-type": "application/json",
        **({"content-encoding": ENCODING} if is_packed(row["data"]) else {}),
    }


class Relay:
    """`async with Relay(writer_url, "qc", link, database.committed).running(): …`"""

    def __init__(
        self,
        urls: Urls,
        service: str,
        link: Link,
        committed: asyncio.Event | None = None,
        keep_days: float = 90,
    ) -> None:
        self._urls = urls
        self._kept = timedelta(days=keep_days)
        self._service = service
        self._link = link
        self._committed = committed or asyncio.Event()
        self._numbered = asyncio.Event()
        self._turn = asyncio.Lock()
        self.active = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Relay"]:
        task = asyncio.create_task(self._run(), name=f"relay-{self._service}")
        try:
            yield self
        finally:
            async with self._turn:  # a statement cut short would have to be cancelled over another connection
                await ended(task)

    async def _run(self) -> None:
        while True:
            try:
                connection = await session_of(
                    self._urls,
                    timeout=10,
                    command_timeout=30,
                    server_settings={"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5"},
                )
                try:
                    await self._stand_by(connection)
                    await self._lead(connection)
                finally:
                    self.active = False
                    connection.terminate()
            except Exception as error:
                log.warning("relay.interrupted", service=self._service, error=repr(error))
            await asyncio.sleep(STANDBY_SECONDS)

    async def _stand_by(self, connection: asyncpg.Connection) -> None:
        while True:
            async with self._turn:
                if await connection.fetchval(LOCK):
                    return
            await asyncio.sleep(STANDBY_SECONDS)

    async def _lead(self, connection: asyncpg.Connection) -> None:
        self.active = True
        self._numbered.set()
        log.info("relay.leads", service=self._service)
        tasks = [asyncio.create_task(work(connection)) for work in (self._number, self._publish, self._prune)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            await ended(*tasks)

    async def _number(self, connection: asyncpg.Connection) -> None:
        while True:
            self._committed.clear()
            async with self._turn:
                count = await connection.fetchval(NUMBER, NUMBER_AT_ONCE)
            if count:
                self._numbered.set()
                if count < NUMBER_AT_ONCE:
                    await asyncio.sleep(GATHER_SECONDS)
                continue
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._committed.wait()
            except TimeoutError:
                continue

    async def _publish(self, connection: asyncpg.Connection) -> None:
        jetstream = self._link.jetstream()
        while True:
            self._numbered.clear()
            async with self._turn:
                rows = await connection.fetch(UNPUBLISHED, SEND_AT_ONCE)
            if not rows:
                await self._numbered.wait()
                continue
            await self._send(jetstream, rows)
            last = {(row["event"], row["lane"]): row["seq"] for row in rows}
            async with self._turn:
                await connection.execute(ADVANCE, *zip(*last, strict=True), list(last.values()))
            PUBLISHED.labels(self._service).inc(len(rows))

    async def _prune(self, connection: asyncpg.Connection) -> None:
        while True:
            before = datetime.now(UTC) - self._kept
            async with self._turn:
                gone = await connection.fetchval(PRUNE, before, PRUNE_AT_ONCE)
            PRUNED.labels(self._service).inc(gone)
            await asyncio.sleep(POLL_SECONDS if gone == PRUNE_AT_ONCE else PRUNE_SECONDS)

    async def _send(self, jetstream: JetStreamContext, rows: Sequence[Any]) -> None:
        """Returns when the broker has acknowledged all; the election of a leader takes 4–9 s."""
        pause = 0.05
        while rows:
            await self._link.connected()
            rows = await self._attempt(jetstream, rows)
            if rows:
                log.warning("relay.not_acknowledged", service=self._service, count=len(rows))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def _attempt(self, jetstream: JetStreamContext, rows: Sequence[Any]) -> list[Any]:
        """Publishes the rows; returns those that were not acknowledged."""
        sent: list[tuple[Any, asyncio.Future[Any]]] = []
        try:
            for row in rows:
                subject, headers = f"{row['event']}.{row['lane']}", headers_of(self._service, row)
                sent.append((row, await jetstream.publish_async(subject, row["data"], headers=headers)))
        except (NatsError, OSError) as error:
            log.warning("relay.publish_failed", service=self._service, error=repr(error))
        if sent:
            await asyncio.wait([ack for _, ack in sent], timeout=ACK_SECONDS)
        lost = [row for row, ack in sent if ack.cancel() or ack.cancelled() or ack.exception() is not None]
        return [*lost, *rows[len(sent) :]]

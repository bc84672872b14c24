"""A department's batch: read, judged, committed, answered row by row.

Promises: an Idempotency-Key is answered once; refused input is kept with its reason; a batch without one
acceptable row is a 422, and one wholly outside the sender's scope a 403. Leaves reading HTTP to `api`.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import asyncpg
import msgspec
from contracts.ingest import Mode
from kit.auth import Grant
from kit.db import Database
from kit.problems import Forbidden, Invalid, Problem
from policy import Principal, Row
from standards import regions
from uuid_utils.compat import uuid7

from ingest.flows.catalog import Catalog
from ingest.flows.parcels import Parcel, Stored
from ingest.flows.store import Store
from ingest.queries import answers
from ingest.rules.bodies import BodyRefused, decode_body
from ingest.rules.forms import Forms
from ingest.rules.judge import judge
from ingest.rules.limits import Limits, limits_on
from ingest.rules.refusals import flaw, texts
from ingest.rules.registry import Site
from ingest.rules.rows import BatchRefused, Columns, read_batch
from ingest.rules.times import CHINA, micros

WHOLE_BATCH = -1
RETURNED = "values-returned"
_MAY_BE_STALE = frozenset({"unknown-site", "unknown-series", "unknown-factor"})
_SHOWN_FAULTS = 100


Read = Callable[[bytes, str, Limits], Columns]


def read_json(raw: bytes, content_encoding: str, limits: Limits) -> Columns:
    """The columns of a JSON body. Raises BatchRefused, BodyRefused."""
    return read_batch(decode_body(raw, content_encoding, limits), limits.rows_per_batch)


class Received(msgspec.Struct, frozen=True):
    """A body as it came in, and how to read it."""

    raw: bytes
    content_encoding: str
    address: str | None
    idempotency_key: str | None
    trace_id: str
    received_at: datetime
    read: Read = read_json
    channel: str = "http"
    # Of a platform that forwards: those the values passed, itself last, and how they came to it.
    hops: tuple[str, ...] = ()
    mode: Mode | None = None


class Raced(Exception):
    """Another request with the same Idempotency-Key was committed meanwhile."""


class Desk:
    """Takes batches in; one per process."""

    def __init__(self, database: Database, catalog: Catalog, store: Store, platform: str = "") -> None:
        self._database, self._catalog, self._store, self._platform = database, catalog, store, platform
        self._forms = Forms()

    async def submit(self, received: Received, grant: Grant) -> bytes:
        """Commit a batch; the JSON of its answer. Raises Invalid, Forbidden, Unavailable."""
        parcel = parcel_of(received, grant.principal)
        if (known := await self._answered(parcel)) is not None:
            return known
        if self._platform and self._platform in received.hops:
            returned = flaw("Uplink-Path", RETURNED, self._platform)
            parcel.refused = [returned.at(WHOLE_BATCH)]
        else:
            await self._judge(parcel, received.read, grant)
        return await self._commit(parcel, received.hops)

    async def check(self, received: Received, grant: Grant) -> bytes:
        """The answer `submit` would give now, refused or not. Nothing is stored, said or counted."""
        parcel = parcel_of(received, grant.principal)
        await self._judge(parcel, received.read, grant)
        (foreseen,) = await self._store.foresee([parcel])
        return _answer(parcel, foreseen, is_committed=False)

    async def take(self, received: Received, grant: Grant) -> tuple[Parcel, Stored]:
        """Commit a batch, whatever became of its rows; for doors that answer in a form of their own."""
        parcel = parcel_of(received, grant.principal)
        await self._judge(parcel, received.read, grant)
        (stored,) = await self._store.accept([parcel])
        return parcel, stored

    async def _commit(self, parcel: Parcel, hops: Sequence[str]) -> bytes:
        is_lost = parcel.judged is None or not len(parcel.judged.row)

        async def remember(connection: asyncpg.Connection, stored: list[Stored]) -> None:
            if hops:
                await answers.remember_hops(connection, parcel.id, hops)
            if parcel.idempotency_key is not None and not is_lost:
                key = (parcel.principal, parcel.idempotency_key, parcel.sha256)
                if not await answers.remember(
                    connection, *key, _answer(parcel, stored[0]), parcel.received_at
                ):
                    raise Raced

        also = remember if hops or parcel.idempotency_key is not None else None
        try:
            (stored,) = await self._store.accept([parcel], also)
        except Raced:
            known = await self._answered(parcel)
            assert known is not None, "who was faster has committed an answer"
            return known
        if is_lost:
            raise _problem(parcel)
        return _answer(parcel, stored)

    async def _judge(self, parcel: Parcel, read: Read, grant: Grant) -> None:
        limits = limits_on(parcel.received_at.astimezone(CHINA).date())
        try:
            given = (parcel.raw, parcel.content_encoding, limits)
            # A table takes long to read, and loggers wait for their receipts meanwhile.
            is_json = read is read_json
            batch = self._forms.read(*given) if is_json else await asyncio.to_thread(read, *given)
        except (BatchRefused, BodyRefused) as error:
            parcel.refused = [error.flaw.at(WHOLE_BATCH)]
            return
        await judge_into(parcel, batch, self._catalog, scope_of(grant), limits)

    async def _answered(self, parcel: Parcel) -> bytes | None:
        """The stored answer for the key. Raises Invalid if the key was used for another body."""
        if parcel.idempotency_key is None:
            return None
        async with self._database.telemetry() as connection:
            known = await answers.find(connection, parcel.principal, parcel.idempotency_key)
        if known is None:
            return None
        if known[0] != parcel.sha256:
            detail = "This Idempotency-Key was used for another body 幂等键已用于其他内容"
            raise Invalid("idempotency-key-reused", detail)
        return known[1]


async def judge_into(
    parcel: Parcel, batch: Columns, catalog: Catalog, may: Callable[[Site], bool], limits: Limits
) -> None:
    """Judge a batch into its parcel; what may only be unknown here yet is asked of the registry again."""
    parcel.source, parcel.layout = batch.source, batch.layout
    parcel.declared = "historical" if batch.historical else parcel.declared
    known, now = await catalog.fresh(), micros(parcel.received_at)
    judged = judge(batch, known, may, now, limits)
    is_maybe_stale = any(wrong.rule in _MAY_BE_STALE for wrong in judged.refused)
    if is_maybe_stale and await catalog.refresh() is not known:
        judged = judge(batch, catalog.current, may, now, limits)
    parcel.judged, parcel.refused = judged, judged.refused


def parcel_of(received: Received, who: Principal) -> Parcel:
    """A parcel of this sender, not yet judged."""
    path = (who.region, *regions.ancestors(who.region)) if who.region else ()
    return Parcel(
        id=uuid7(),
        channel=received.channel,
        principal=f"{who.client or '-'}:{who.subject}",
        received_at=received.received_at,
        raw=received.raw,
        sha256=hashlib.sha256(received.raw).digest(),
        trace_id=received.trace_id,
        dept=who.dept,
        region=who.region,
        region_path=path,
        uscc=who.uscc,
        address=received.address,
        content_encoding=received.content_encoding,
        idempotency_key=received.idempotency_key,
        declared=received.mode,
    )


def scope_of(grant: Grant) -> Callable[[Site], bool]:
    """Which sites the sender may speak for; asked once for all of one region, department and organisation."""

    @cache
    def reaches(region: str, dept: str | None, uscc: str | None) -> bool:
        return grant.covers(Row(region, dept, uscc))

    return lambda site: reaches(site.region, site.dept, site.uscc)


def answered_rows(parcel: Parcel, stored: Stored) -> list[dict[str, Any]]:
    """Each row that was not simply accepted, in the order sent: its number, outcome, and what to do."""
    rows: list[dict[str, Any]] = [wrong.shown() for wrong in parcel.refused]
    rows += [{"row": row, "outcome": "repeated"} for row in stored.repeated]
    for later in stored.revised:
        rows.append(
            {"row": later.row, "outcome": "revised", "where": "value"}
            | texts("revision", str(later.first_value))
        )
    if parcel.layout is not None:
        rows = [row | parcel.layout.place(row["row"]) if row["row"] >= 0 else row for row in rows]
    return sorted(rows, key=lambda row: row["row"])


def _answer(parcel: Parcel, stored: Stored, *, is_committed: bool = True) -> bytes:
    return msgspec.json.encode(
        {
            "submission": str(parcel.id) if is_committed else None,
            "sha256": parcel.sha256.hex(),
            "received_at": parcel.received_at.isoformat(),
            "trace_id": parcel.trace_id,
            "accepted": stored.accepted,
            "repeated": len(stored.repeated),
            "revised": len(stored.revised),
            "refused": len(parcel.refused),
            "rows": answered_rows(parcel, stored),
        }
    )


def _problem(parcel: Parcel) -> Problem:
    """Why nothing of a batch was accepted."""
    wrong = parcel.refused[:_SHOWN_FAULTS]
    if parcel.refused and all(one.rule == "out-of-scope" for one in parcel.refused):
        detail = f"None of the {len(parcel.refused)} rows lies within your scope 超出权限范围"
        return Forbidden("out-of-scope", detail, submission=str(parcel.id))
    faults = [one.shown() | {"where": _place(one.row, one.where)} for one in wrong]
    detail = f"No row was accepted ({len(parcel.refused)} refused) 没有一行可接受"
    is_returned = any(one.rule == RETURNED for one in wrong)
    problem = Invalid(
        RETURNED if is_returned else "batch-not-acceptable",
        detail,
        errors=faults,  # type: ignore[arg-type]
        submission=str(parcel.id),
        refused=len(parcel.refused),
    )
    return problem


def _place(row: int, where: str) -> str:
    return where if row == WHOLE_BATCH else f"row {row}: {where}"

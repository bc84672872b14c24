"""A file that is here: checked against its digest, then its lines committed a batch at a time.

Promises: memory does not grow with the file; a batch, its answers and the progress are one transaction, so
that after a crash the next worker goes on behind the last committed batch and nothing is doubled; one worker
at a time (a lease); what fails is tried again after growing pauses, then given up with its reason. Leaves
receiving the bytes to `uploads`, judging to `rules`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
import zstandard
from kit.auth import Grant
from kit.db import Database
from policy import Policy, Principal
from uuid_utils.compat import uuid7

from ingest.flows.catalog import Catalog
from ingest.flows.parcels import Parcel, Stored
from ingest.flows.store import Store
from ingest.flows.submit import Received, answered_rows, judge_into, parcel_of, scope_of
from ingest.flows.uploads import part_name, shown_flaw
from ingest.queries import uploads
from ingest.queries.objects import Objects, name_of
from ingest.rules.cells import columns_from, header_of
from ingest.rules.limits import Limits, limits_on
from ingest.rules.mapping import Plan, plan_of, read_mapping
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.rows import BatchRefused, Columns
from ingest.rules.tables import Record, csv_records, to_csv, xlsx_records
from ingest.rules.times import CHINA
from ingest.tables import Upload

log = structlog.get_logger()
HEADER = ["row", "column", "outcome", "where", "rule", "zh", "en", "mend_zh", "mend_en"]
_CELLS_OF_A_BATCH = 10_000
_LONGEST_PAUSE = timedelta(hours=1)


class LeaseLost(Exception):
    """Another worker took over; what is in hand must not be committed."""


class Unpacker:
    """Works on one file at a time. `grant_of(principal)` gives the grant a sender has today."""

    def __init__(
        self, database: Database, objects: Objects, catalog: Catalog, store: Store, lease_seconds: float
    ) -> None:
        self._database, self._objects = database, objects
        self._catalog, self._store = catalog, store
        self._lease, self._me = timedelta(seconds=lease_seconds), uuid7()

    async def work(self, grant_of: Callable[[Principal], Grant]) -> bool:
        """Take the file that waits longest to its end. False if there is none."""
        now = datetime.now(UTC)
        async with self._database.writer() as session:
            upload = await uploads.claim(session, self._me, now, now + self._lease)
        if upload is None:
            return False
        try:
            await self._try(upload, grant_of)
        except LeaseLost:
            log.warning("upload_lease_lost", upload=str(upload.id))
        return True

    async def _try(self, upload: Upload, grant_of: Callable[[Principal], Grant]) -> None:
        most = limits_on(datetime.now(UTC).astimezone(CHINA).date()).upload_tries
        if upload.tries > most:  # those before ended with their process
            await self._give_up(upload, "process ended")
            return
        try:
            if upload.state == "received":
                await self._join(upload)
            await self._read(upload, grant_of(_principal(upload)))
        except BatchRefused as error:
            await self._refuse(upload, error.flaw)
        except LeaseLost:
            raise
        except Exception as error:
            log.exception("upload_failed", upload=str(upload.id), tries=upload.tries, exc_info=error)
            if upload.tries >= most:
                await self._give_up(upload, type(error).__name__)
                return
            pause = min(self._lease * 2 ** (upload.tries - 1), _LONGEST_PAUSE)
            await self._change(upload.id, leased_until=datetime.now(UTC) + pause)

    async def _join(self, upload: Upload) -> None:
        """The parts as one file under its digest: verified first, so that no name ever lies."""
        async with self._database.writer() as session:
            parts = await uploads.parts(session, upload.id)
        names = [part_name(upload.id, part.at, part.sha256) for part in parts]
        seal = hashlib.sha256()
        async for chunk in self._chunks(names):
            seal.update(chunk)
            await self._keep_lease(upload.id)
        if seal.digest() != upload.sha256:
            raise BatchRefused("sha256", "file-digest", f"{seal.hexdigest()} ≠ {upload.sha256.hex()}")
        if not await self._objects.has(name_of(upload.sha256), upload.size):
            await self._objects.put(name_of(upload.sha256), self._chunks(names))
        await self._change(upload.id, state="processing")

    async def _chunks(self, names: list[str]) -> AsyncIterator[bytes]:
        for name in names:
            async for chunk in self._objects.stream(name):
                yield chunk

    async def _read(self, upload: Upload, grant: Grant) -> None:
        limits = limits_on(datetime.now(UTC).astimezone(CHINA).date())
        # Lines of this file that are committed already are read again and passed over.
        batches = _batches(upload, self._objects, limits)
        number, may = upload.batches, scope_of(grant)
        while (found := await asyncio.to_thread(next, batches, None)) is not None:
            first, records, batch = found
            await self._keep_lease(upload.id)
            if batch.size:
                await self._commit(upload, number, (first, records, batch), grant, may, limits)
                number += 1
        await self._change(upload.id, state="done", leased_until=None)

    async def _commit(
        self, upload: Upload, number: int, found: Any, grant: Grant, may: Any, limits: Limits
    ) -> None:
        first, records, batch = found
        now = datetime.now(UTC)
        raw = msgspec.json.encode(
            {
                "upload": str(upload.id),
                "file": {"name": upload.name, "sha256": upload.sha256.hex(), "size": upload.size},
                "lines": [first + 2, first + records + 1],
                "mapping": upload.mapping,
            }
        )
        received = Received(raw, "identity", None, None, upload.trace_id, now)
        parcel = parcel_of(received, grant.principal)
        parcel.channel, parcel.notes = (
            "upload",
            f"upload {upload.id}, lines {first + 2} to {first + records + 1}",
        )
        await judge_into(parcel, batch, self._catalog, may, limits)

        async def also(connection: asyncpg.Connection, stored: list[Stored]) -> None:
            (became,) = stored
            counts = (became.accepted, len(became.repeated), len(became.revised), len(parcel.refused))
            answers = await asyncio.to_thread(_answers, parcel, became, batch)
            kept = (upload.id, number, parcel.id, first, records, answers)
            if not await uploads.keep_batch(connection, kept, counts, (self._me, now, now + self._lease)):
                raise LeaseLost

        await self._store.accept([parcel], also)

    async def _keep_lease(self, upload: UUID) -> None:
        """Before anything slow. Raises LeaseLost."""
        await self._change(upload)

    async def _change(self, upload: UUID, **cells: Any) -> None:
        cells = {"leased_until": datetime.now(UTC) + self._lease} | cells
        async with self._database.writer() as session:
            if not await uploads.change(session, upload, self._me, **cells):
                raise LeaseLost

    async def _give_up(self, upload: Upload, found: str) -> None:
        """Nobody tries again; the same file declared again is a new upload."""
        problem = shown_flaw(flaw("body", "file-failed", found))
        await self._change(upload.id, state="failed", problem=problem, leased_until=None)

    async def _refuse(self, upload: Upload, wrong: Flaw) -> None:
        await self._change(upload.id, state="refused", problem=shown_flaw(wrong), leased_until=None)


def _principal(upload: Upload) -> Principal:
    cells = upload.principal
    return Principal(**cells | {"roles": frozenset(cells["roles"])})


def grant_today(policy: Policy, within: Callable[[str, str], bool]) -> Callable[[Principal], Grant]:
    """What the policy of today lets a sender submit; who holds nothing any more reaches no site."""

    def grant_of(who: Principal) -> Grant:
        return Grant(who, "observations:submit", policy.decide("observations:submit", who), within)

    return grant_of


def _batches(upload: Upload, objects: Objects, limits: Limits) -> Iterator[tuple[int, int, Columns]]:
    """(first record, records, batch) for what is not yet committed; blocks, so it runs in a thread."""
    mapping = read_mapping(upload.mapping)
    name = name_of(upload.sha256)
    if upload.format == "xlsx":
        with objects.open(name) as file:
            yield from _cut(xlsx_records(file, limits.upload_unpacked_bytes, limits), upload, mapping)
    else:
        yield from _cut(csv_records(objects.read(name), upload.charset, limits), upload, mapping)


def _cut(records: Iterator[Record], upload: Upload, mapping: Any) -> Iterator[tuple[int, int, Columns]]:
    plan: Plan = plan_of(header_of(records), mapping)
    size = max(1, _CELLS_OF_A_BATCH // len(plan.names))
    first = int(upload.records)
    if first and next(islice(records, first - 1, first), None) is None:
        raise BatchRefused("body", "table-malformed", f"fewer than {first} lines")
    while chunk := list(islice(records, size)):
        yield first, len(chunk), columns_from(plan, chunk, first)
        first += len(chunk)


def _answers(parcel: Parcel, stored: Stored, batch: Columns) -> bytes:
    """The part of the answer file for one batch: a line for every cell that was sent."""
    assert batch.layout is not None and batch.numbers is not None
    special = {row["row"]: row for row in answered_rows(parcel, stored)}
    lines = []
    for number in batch.numbers.tolist():
        place = batch.layout.place(number)
        row = special.get(number, {"outcome": "accepted"})
        told = [row.get(name, "") for name in ("where", "rule", "what_zh", "what", "mend_zh", "mend")]
        lines.append([place["line"], place["column"], row["outcome"], *told])
    return zstandard.ZstdCompressor(level=3).compress(to_csv(lines))


async def sweep(database: Database, objects: Objects, now: datetime) -> None:
    """Give up stale uploads; delete parts and files that no upload needs. Only what is a day old."""
    limits = limits_on(now.astimezone(CHINA).date())
    async with database.writer() as session:
        await uploads.expire(session, now - timedelta(days=limits.upload_days))
    yesterday = now - timedelta(days=1)
    async for names in objects.older_than("parts", yesterday):
        by_upload = {name: UUID(name.split("/")[1]) for name in names}
        async with database.writer() as session:
            needed = await uploads.needed_parts(session, set(by_upload.values()))
        await objects.delete([name for name, upload in by_upload.items() if upload not in needed])
    async for names in objects.older_than("sha256", yesterday):
        by_digest = {name: bytes.fromhex(name.rpartition("/")[2]) for name in names}
        async with database.writer() as session:
            kept = await uploads.needed_files(session, set(by_digest.values()))
        await objects.delete([name for name, digest in by_digest.items() if digest not in kept])

"""The evidence bundle of one device and period: gathered first, within limits, then written as it is sent.

Promises: everything that can be refused is refused before the first byte; what fails later leaves an archive
without its end, which no reader takes for whole. Leaves the members' names and their verification to
`tlog.bundle`, reach to `api`.
"""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import zstandard
from kit.db import Database
from kit.problems import TooLarge
from kit.turns import STREAM_SECONDS
from policy import Principal
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from tlog import bundle
from tlog.receipts import record_of

from ingest.flows.neighbours import Neighbours
from ingest.flows.receipts import NotYet, Receipts
from ingest.flows.recorded import MODES
from ingest.queries import bundle as queries
from ingest.queries.bundle import Rows, Wanted
from ingest.rules.limits import Limits
from ingest.tables import RawBytes, Submission

BATCH, BATCH_BYTES = 32, 32 * 1024 * 1024
WAITS = (0.3, 0.7, 1.5, 2.5)
OBSERVATION = ("series", "ts", "value", "decimals", "flag", "mode", "submission", "row")
REVISION = ("series", "ts", "first_value", "later_value", "decimals", "flag", "submission", "row")
CODE = ("series", "ts", "code", "tests", "revision", "rule_pack", "assessed_at")
CONDITIONS = ("is_eligible", "is_calibrated", "is_normal", "is_unbroken", "is_logged")
ELIGIBLE = ("series", "ts", *CONDITIONS, "reasons")


@dataclass(frozen=True)
class Found:
    """What the database holds of a device and period, but for raw bytes."""

    wanted: Wanted
    series: Rows
    changes: Rows
    beyond_reach: int
    first: Rows
    later: Rows
    submissions: list[Submission]


async def collect(session: AsyncSession, wanted: Wanted, limits: Limits, reach: ColumnElement[bool]) -> Found:
    """`reach` is which changes of the register may be seen. Raises TooLarge."""
    sites, series = await queries.series_of(session, wanted.mn)
    ids = [row["id"] for row in series]
    first, later = await queries.values_of(session, wanted, ids, limits.bundle_values)
    _within("values", len(first) + len(later), limits.bundle_values)
    named = {row["submission"] for row in (*first, *later)}
    found = await queries.submissions_of(session, wanted, sorted(named), limits.bundle_submissions)
    _within("submissions", len(found), limits.bundle_submissions)
    _within("bytes", sum(row.size for row in found), limits.bundle_bytes)
    changes, hidden = await queries.changes_of(session, wanted.mn, sites, reach)
    return Found(wanted, series, changes, hidden, first, later, found)


async def describe(found: Found, neighbours: Neighbours) -> dict[str, bytes]:
    """All members but raw bytes and receipts. Raises Unavailable while `qc` or `evidence` is away."""
    trust = (await neighbours.trust()).encode()
    codes = await _codes(neighbours, found.wanted, found.first)
    eligible = await _eligible(neighbours, found)

    def made() -> dict[str, bytes]:
        registry = {"as_of": found.wanted.stop, "series": found.series, **_registry(found)}
        return {
            **{name: bundle.readme(language) for language, name in bundle.README.items()},
            bundle.TRUST: trust,
            bundle.SUBMISSIONS: "".join(map(_line, found.submissions)).encode(),
            bundle.REGISTRY: _json(registry),
            bundle.OBSERVATIONS: _table(OBSERVATION, map(_observation, found.first)),
            bundle.REVISIONS: _table(REVISION, map(_revision, found.later)),
            bundle.CODES: _table(CODE, codes),
            bundle.ELIGIBILITY: _table(ELIGIBLE, eligible),
        }

    return await asyncio.to_thread(made)


def _within(what: str, found: int, most: int) -> None:
    if found > most:
        detail = f"More than {most:,} {what} in this period: ask for a shorter one 时段内数据过多，请缩短时段"
        raise TooLarge("bundle-too-large", detail, limit=most, what=what)


@dataclass(frozen=True)
class Asked:
    """Who asks for which archive, and when."""

    wanted: Wanted
    who: Principal
    name: str
    now: datetime


async def write(
    submissions: Sequence[Submission],
    members: dict[str, bytes],
    database: Database,
    receipts: Receipts,
    asked: Asked,
) -> AsyncIterator[bytes]:
    """The archive piece by piece; the manifest is its last member."""
    out, pending = _Out(), list[str]()
    period = {"from": _utc(asked.wanted.start), "to": _utc(asked.wanted.stop)}
    made = {"made_at": _utc(asked.now), "made_by": asked.name}
    manifest = bundle.Manifest(device=asked.wanted.mn, **period, **made, pending=pending)
    at = asked.now.timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(members: dict[str, bytes]) -> bytes:
            for name, data in members.items():
                if name != bundle.MANIFEST:
                    manifest.add(name, data)
                archive.writestr(zipfile.ZipInfo(name, at), data, zipfile.ZIP_DEFLATED)
            return out.taken()

        yield await asyncio.to_thread(put, members)
        for batch in _batches(submissions):
            async with database.question(asked.who, STREAM_SECONDS) as session:
                raw = await queries.raw_of(session, [row.id for row in batch])
            proofs = await asyncio.gather(*(_receipt(receipts, row) for row in batch))
            pending += [str(row.id) for row, proof in zip(batch, proofs, strict=True) if proof is None]
            yield await asyncio.to_thread(put, dict(_evidence(batch, raw, proofs)))
        yield await asyncio.to_thread(lambda: put({bundle.MANIFEST: manifest.text.encode()}))
    yield out.taken()


def _batches(submissions: Sequence[Submission]) -> Iterator[list[Submission]]:
    """Few enough, and small enough together, to be in memory at once."""
    batch: list[Submission] = []
    for row in submissions:
        if batch and (len(batch) == BATCH or sum(one.size for one in batch) + row.size > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _evidence(
    batch: Sequence[Submission], raw: dict[UUID, RawBytes], proofs: Sequence[str | None]
) -> Iterator[tuple[str, bytes]]:
    for row, proof in zip(batch, proofs, strict=True):
        stored = raw.get(row.id)
        # Bytes that are gone or no longer unpack were tampered with: the bundle shows it by lacking them.
        with suppress(zstandard.ZstdError):
            if stored is not None:
                plain = stored.encoding == "identity"
                data = stored.data if plain else zstandard.decompress(stored.data, row.size)
                yield bundle.raw_name(str(row.id)), data
        if proof is not None:
            yield bundle.receipt_name(str(row.id)), proof.encode()


async def _receipt(receipts: Receipts, row: Submission) -> str | None:
    """The receipt's text; None for one from before the log, or whose leaf is still on its way."""
    if row.nonce is None:
        return None
    for wait in (*WAITS, None):
        try:
            return (await receipts.of(row)).to_json()
        except NotYet:
            if wait is not None:
                await asyncio.sleep(wait)
    return None


async def _codes(neighbours: Neighbours, wanted: Wanted, first: Rows) -> list[tuple[Any, ...]]:
    sent = {(row["series_id"], row["ts"]) for row in first}
    found: list[tuple[Any, ...]] = []
    for series in sorted({series for series, _ in sent}):
        for one in await neighbours.codes(series, wanted.start, wanted.stop):
            ts = datetime.fromisoformat(one["ts"])
            if (series, ts) in sent:
                tests = " ".join(one["tests"])
                told = (one["code"], tests, one["revision"], one["rule_pack"], one["assessed_at"])
                found.append((series, _utc(ts), *told))
    return found


async def _eligible(neighbours: Neighbours, found: Found) -> list[tuple[Any, ...]]:
    sent = {(row["series_id"], row["ts"]) for row in found.first}
    sites = {row["site"] for row in found.series if row["id"] in {series for series, _ in sent}}
    rows: list[tuple[Any, ...]] = []
    for site in sorted(sites):
        for one in await neighbours.eligibility(site, found.wanted.start, found.wanted.stop):
            ts = datetime.fromisoformat(one["ts"])
            if (one["series"], ts) in sent:
                reasons = " | ".join(f"{why['reason']} {why['zh']} {why['en']}" for why in one["reasons"])
                rows.append(
                    (one["series"], _utc(ts), *(str(one[name]).lower() for name in CONDITIONS), reasons)
                )
    return rows


def _registry(found: Found) -> dict[str, Any]:
    """The rows as they stood at the end of the period, and every change since its beginning."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for change in found.changes:
        if change["changed_at"] < found.wanted.stop:
            rows[change["kind"], change["code"]] = change
    kept = [{key: row[key] for key in ("id", "kind", "code", "changed_at", "after")} for row in rows.values()]
    return {
        "rows": kept,
        "changes": [one for one in found.changes if one["changed_at"] >= found.wanted.start],
        # Whoever made the bundle may not see every place where the device stood: that much is said.
        "changes_beyond_reach": found.beyond_reach,
    }


def _observation(row: dict[str, Any]) -> tuple[Any, ...]:
    value, mode = _number(row["value"], row["decimals"]), MODES[row["mode"]]
    place = (row["series_id"], _utc(row["ts"]))
    return (*place, value, row["decimals"], row["flag"], mode, row["submission"], row["row_no"])


def _revision(row: dict[str, Any]) -> tuple[Any, ...]:
    values = [_number(row[name], row["decimals"]) for name in ("first_value", "later_value")]
    place = (row["series_id"], _utc(row["ts"]))
    return (*place, *values, row["decimals"], row["flag"], row["submission"], row["row_no"])


def _line(row: Submission) -> str:
    record = record_of(row.id, row.sha256, row.received_at)
    told = {
        "submission": record.submission, "received_at": record.received_at, "sha256": record.sha256,
        "size": row.size, "channel": row.channel, "principal": row.principal, "source": row.source,
        "mode": row.mode, "outcome": row.outcome, "notes": row.notes, "accepted": row.accepted,
        "repeated": row.repeated, "revised": row.revised, "refused": row.refused,
        "content_encoding": row.content_encoding, "trace_id": row.trace_id,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    made = io.StringIO()
    table = csv.writer(made, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return made.getvalue().encode()


def _number(value: float | None, decimals: int) -> str:
    """As many digits as were sent; nothing for a declared gap."""
    return "" if value is None else f"{value:.{decimals}f}"


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_plain).encode()


def _plain(value: Any) -> str:
    return _utc(value) if isinstance(value, datetime) else str(value)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


class _Out(io.RawIOBase):
    """Where the archive writes: what has gathered is taken away and sent. Nothing is amended."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        taken, self._held = bytes(self._held), bytearray()
        return taken

"""The order of writes inside the one transaction: values, what they beat or met, evidence, events.

Promises: first committed value wins; a later equal value is a repeat, a later different one a revision with a
finding and an event; nothing is said that is not committed with it. Leaves the transaction to `store`.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
import numpy as np
import zstandard
from contracts.ingest import Revised
from contracts.packing import Packed
from kit import outbox
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from ingest.flows.devices import write_device_facts
from ingest.flows.lateness import lateness_events
from ingest.flows.leaves import leaf_events
from ingest.flows.parcels import Finding, Later, Parcel, Stored
from ingest.flows.recorded import Values, recorded_events
from ingest.queries import single, telemetry
from ingest.rules.times import micros, moment

_WORTH_COMPRESSING = 1024
_compressor = zstandard.ZstdCompressor(level=1)


async def write(
    connection: asyncpg.Connection, parcels: Sequence[Parcel], values: Values, *, is_fresh: bool
) -> list[Stored]:
    """Write everything. Raises asyncpg.UniqueViolationError if `is_fresh` was a vain hope."""
    stored = [Stored() for _ in parcels]
    few: telemetry.Columns | None = None
    if len(values.at):
        values, lost = _firsts(values)
        columns = _columns(values, parcels)
        if is_fresh and len(parcels) == 1 and len(values.at) <= single.FEW and not len(lost.at):
            few = columns
        elif is_fresh:
            await telemetry.copy_observations(connection, columns)
        else:
            await telemetry.insert_new_observations(connection, columns)
            won = await _won(connection, values, parcels)
            await _settle(connection, values.take(~won), parcels, stored)
            values = values.take(won)
        await _settle(connection, lost, parcels, stored)
        for number, count in enumerate(np.bincount(values.parcel, minlength=len(parcels)).tolist()):
            stored[number].accepted = count
    await _keep(connection, _said(values, parcels), parcels, stored, few)
    await _say_revised(connection, parcels, stored)
    await _keep_notes(connection, parcels)
    return stored


def is_one_statement(parcels: Sequence[Parcel], values: Values) -> bool:
    """Whether `write` needs only one statement, if the values are fresh."""
    parcel, are_few = parcels[0], len(parcels) == 1 and len(values.at) <= single.FEW
    notes = (parcel.refused, parcel.findings, parcel.information, parcel.identities, parcel.packet)
    return are_few and not any(notes) and not len(_firsts(values)[1].at)


def _firsts(values: Values) -> tuple[Values, Values]:
    """The first value of each instant, and those that others in hand came before."""
    is_first = np.append(True, (values.at[1:] != values.at[:-1]) | (values.start[1:] != values.start[:-1]))
    if is_first.all():
        return values, values.take(slice(0))
    return values.take(is_first), values.take(~is_first)


def _columns(values: Values, parcels: Sequence[Parcel]) -> telemetry.Columns:
    ids = np.frombuffer(b"".join(parcel.id.bytes for parcel in parcels), dtype="V16")
    return {
        "series_id": _series(values),
        "ts": values.start,
        "value": values.value,
        "decimals": values.decimals,
        "flag": values.flag,
        "mode": values.mode,
        "submission": ids[values.parcel],
        "row_no": values.row,
    }


async def _won(
    connection: asyncpg.Connection, values: Values, parcels: Sequence[Parcel]
) -> NDArray[np.bool_]:
    """Which rows became the first value of their instant."""
    recorded = await _recorded(connection, values)
    return np.array(
        [
            (first[2], first[3]) == (parcels[parcel].id, row)
            for first, parcel, row in zip(recorded, values.parcel.tolist(), values.row.tolist(), strict=True)
        ],
        dtype=bool,
    )


def _series(values: Values) -> NDArray[np.int64]:
    return values.facts.ids[values.at]


async def _recorded(connection: asyncpg.Connection, values: Values) -> list[telemetry.First]:
    """The recorded value for each row, in the order of the rows."""
    ids: list[int] = _series(values).tolist()
    instants = [moment(at) for at in values.start.tolist()]
    found = await telemetry.first_values(connection, ids, instants)
    return [found[key] for key in zip(ids, instants, strict=True)]


async def _settle(
    connection: asyncpg.Connection, losers: Values, parcels: Sequence[Parcel], stored: list[Stored]
) -> None:
    """Repeats are counted, different values become revisions."""
    if not len(losers.at):
        return
    for place, first in enumerate(await _recorded(connection, losers)):
        add_later(losers, place, first, stored)


def add_later(losers: Values, place: int, first: telemetry.First, stored: Sequence[Stored]) -> None:
    """Count one value that came after `first`: the same again, or a revision."""
    value = float(losers.value[place])
    later = Later(
        int(losers.row[place]),
        losers.channels[int(losers.at[place])],
        int(losers.start[place]),
        first[0],
        None if value != value else value,
        int(losers.decimals[place]),
        losers.flag[place].decode(),
    )
    into = stored[int(losers.parcel[place])]
    if (later.first_value, first[1]) == (later.later_value, later.flag):
        into.repeated.append(later.row)
    else:
        into.revised.append(later)


async def foresee(connection: asyncpg.Connection, parcels: Sequence[Parcel], values: Values) -> list[Stored]:
    """What `write` would find, without writing: each parcel's counts, repeats and revisions."""
    stored = [Stored() for _ in parcels]
    if not len(values.at):
        return stored
    ids: list[int] = _series(values).tolist()
    instants = [moment(at) for at in values.start.tolist()]
    known = await telemetry.first_values(connection, ids, instants)
    for place, key in enumerate(zip(ids, instants, strict=True)):
        if key in known:
            add_later(values, place, known[key], stored)
            continue
        value, number = float(values.value[place]), int(values.parcel[place])
        flag, row = values.flag[place].decode(), int(values.row[place])
        known[key] = (None if value != value else value, flag, parcels[number].id, row)
        stored[number].accepted += 1
    return stored


def _said(values: Values, parcels: Sequence[Parcel]) -> list[outbox.Said]:
    """What was recorded, and a leaf of the evidence log for everything that is kept."""
    submissions, traces = [str(parcel.id) for parcel in parcels], [parcel.trace_id for parcel in parcels]
    received_at_ms = micros(max(parcel.received_at for parcel in parcels)) // 1000
    events = recorded_events(values, submissions, traces, received_at_ms)
    said: list[outbox.Said] = [
        (event, key, traces if isinstance(event, Packed) else event.traces) for key, event in events
    ]
    said += lateness_events(values, parcels)
    # No traces: they would be indexed a second time, and nobody follows a hash.
    return said + [(event, key, ()) for key, event in leaf_events(parcels)]


async def _keep(
    connection: asyncpg.Connection,
    said: list[outbox.Said],
    parcels: Sequence[Parcel],
    stored: Sequence[Stored],
    few: telemetry.Columns | None,
) -> None:
    """What is said, and the evidence it rests on; `few` are values that are not written yet."""
    submissions = [_submission(*pair) for pair in zip(parcels, stored, strict=True)]
    raw = [(parcel.id, *_compressed(parcel.raw)) for parcel in parcels]
    if len(parcels) == 1:
        await single.keep_one(connection, said, submissions[0], raw[0], few)
    else:
        await outbox.put_many(connection, said)
        await telemetry.keep_submissions(connection, submissions, raw)


async def _say_revised(
    connection: asyncpg.Connection, parcels: Sequence[Parcel], stored: Sequence[Stored]
) -> None:
    rows = []
    for parcel, result in zip(parcels, stored, strict=True):
        for later in result.revised:
            event = Revised(
                submission=str(parcel.id),
                series=later.channel.ref,
                ts_ms=later.start // 1000,
                first_value=later.first_value,
                later_value=later.later_value,
                received_at_ms=micros(parcel.received_at) // 1000,
            )
            await outbox.put(connection, event, key=later.channel.ref.site, traces=[parcel.trace_id])
            ref, ts = later.channel.ref, moment(later.start)
            values = (later.first_value, later.later_value, later.decimals, later.flag)
            rows.append((parcel.id, later.row, ref.id, ts, *values))
        parcel.findings += _findings_of(parcel, result.revised)
    await telemetry.copy_rows(connection, "revisions", telemetry.REVISION, rows)


def _findings_of(parcel: Parcel, revised: Sequence[Later]) -> list[Finding]:
    """One finding per site, not per row: a resent day is one thing to look at."""
    by_site: dict[str, list[Later]] = {}
    for later in revised:
        by_site.setdefault(later.channel.ref.site, []).append(later)
    return [
        Finding(
            "revision",
            site,
            parcel.region_path,
            rows[0].channel.ref.uscc,
            {
                "rows": len(rows),
                "series": sorted({later.channel.ref.id for later in rows})[:100],
                "from": moment(min(later.start for later in rows)).isoformat(),
                "to": moment(max(later.start for later in rows)).isoformat(),
            },
        )
        for site, rows in by_site.items()
    ]


async def _keep_notes(connection: asyncpg.Connection, parcels: Sequence[Parcel]) -> None:
    """What was wrong, what a supervisor should see, and what loggers say of themselves."""
    refused = [
        (parcel.id, wrong.row, wrong.where, wrong.rule, wrong.found, wrong.site)
        for parcel in parcels
        for wrong in parcel.refused
    ]
    await telemetry.copy_rows(connection, "refused_rows", telemetry.REFUSED, refused)
    findings = [
        _finding(parcel.id, parcel.received_at, found) for parcel in parcels for found in parcel.findings
    ]
    await telemetry.copy_rows(connection, "ingest_findings", telemetry.FINDING, findings)
    await write_device_facts(connection, parcels)


def _compressed(raw: bytes) -> tuple[str, bytes]:
    if len(raw) < _WORTH_COMPRESSING:
        return "identity", raw
    small = _compressor.compress(raw)
    return ("zstd", small) if len(small) < len(raw) else ("identity", raw)


def _submission(parcel: Parcel, result: Stored) -> tuple[object, ...]:
    refused, accepted = len(parcel.refused), result.accepted
    kept = accepted + len(result.repeated) + len(result.revised)
    outcome = "accepted" if not refused else "partial" if kept else "refused"
    mode = parcel.declared or "live"
    return (
        parcel.id, parcel.channel, parcel.principal, parcel.dept, parcel.region, parcel.region_path,
        parcel.uscc, parcel.source, parcel.device, parcel.address, mode, micros(parcel.received_at),
        parcel.sha256, len(parcel.raw), parcel.content_encoding, parcel.idempotency_key, outcome,
        parcel.notes, accepted, len(result.repeated), len(result.revised), refused, parcel.trace_id,
        parcel.nonce,
    )  # fmt: skip


def _finding(submission: object, found_at: datetime, finding: Finding) -> tuple[object, ...]:
    detail = msgspec.json.encode(finding.detail).decode()
    path = list(finding.region_path)
    return (uuid7(), finding.kind, finding.site, path, finding.uscc, submission, found_at, detail)

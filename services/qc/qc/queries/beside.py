"""What the platform knows beside the values of a panel: coordinates, reported masses, instrument checks.

Promises: one statement for each, by index, bounded by the window of the pass. Leaves their use to
`qc.rules.closing.beside`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from contracts.ingest import SeriesRef
from standards import units

from qc.queries.closing import rows_of
from qc.rules.closing.beside import Beside, Checked, Mass

PLACES = """
    SELECT code, longitude, latitude FROM known_sites
    WHERE code = ANY($1) AND longitude IS NOT NULL AND latitude IS NOT NULL
"""
TOTALS = """
    SELECT descriptor::text AS descriptor FROM known_series
    WHERE site = ANY($1) AND period = $2 AND descriptor ->> 'statistic' = 'cou' ORDER BY series_id
"""
CHECKS = """
    SELECT site, happened_at, body::text AS body, judged::text AS judged FROM register_records
    WHERE kind = 'calibrations' AND site = ANY($1) AND happened_at >= $2 AND happened_at < $3
    ORDER BY happened_at, code
"""


async def beside(
    connection: asyncpg.Connection, refs: Sequence[SeriesRef], start_ms: int, end_ms: int
) -> Beside:
    """Everything known beside these series in [start, end)."""
    sites = sorted({ref.site for ref in refs})
    places = {row[0]: (row[1], row[2]) for row in await connection.fetch(PLACES, sites)}
    return Beside(
        places=places,
        masses=await _masses(connection, refs, sites, start_ms, end_ms),
        checks=await _checks(connection, refs, sites, start_ms, end_ms),
    )


async def _masses(
    connection: asyncpg.Connection,
    refs: Sequence[SeriesRef],
    sites: Sequence[str],
    start_ms: int,
    end_ms: int,
) -> list[Mass]:
    """Reported masses of the members: series of sums of the same site, factor and source, in kg."""
    if not refs:
        return []
    found = await connection.fetch(TOTALS, sites, refs[0].period)
    member = {(ref.site, ref.factor, ref.source): place for place, ref in enumerate(refs)}
    told = [msgspec.json.decode(row["descriptor"], type=SeriesRef) for row in found]
    sums = [
        ref for ref in told
        if (ref.site, ref.factor, ref.source) in member and units.are_compatible(ref.unit, "kg")
    ]  # fmt: skip
    if not sums:
        return []
    rows = await rows_of(connection, sums, start_ms, end_ms)
    kg = [float(units.convert(1, ref.unit, "kg")) for ref in sums]
    at = [member[ref.site, ref.factor, ref.source] for ref in sums]
    return [
        Mass(member=at[place], ts=ts, kg=value * kg[place])
        for place, ts, value in zip(rows.place.tolist(), rows.ts.tolist(), rows.value.tolist(), strict=True)
        if value == value
    ]


async def _checks(
    connection: asyncpg.Connection,
    refs: Sequence[SeriesRef],
    sites: Sequence[str],
    start_ms: int,
    end_ms: int,
) -> list[Checked]:
    """Span checks of the members' instruments, with what their clause allows."""
    window = [datetime.fromtimestamp(ms / 1000, UTC) for ms in (start_ms, end_ms)]
    members: dict[tuple[str, str], list[int]] = {}
    for place, ref in enumerate(refs):
        members.setdefault((ref.site, ref.factor), []).append(place)
    found = []
    for row in await connection.fetch(CHECKS, sites, *window):
        body, judged = msgspec.json.decode(row["body"]), msgspec.json.decode(row["judged"])
        for reading in body["readings"]:
            for member in members.get((row["site"], reading["factor"]), ()):
                one = _span(reading, judged, member, round(row["happened_at"].timestamp() * 1000))
                found += [one] if one is not None else []
    return found


def _allowed(reading: dict[str, Any], judged: dict[str, Any]) -> float | None:
    """How far a span reading may be off by the clause its record was judged by, in the factor's unit."""
    line: dict[str, Any] = next(
        (one for one in judged.get("drift", ()) if one["factor"] == reading["factor"]), {}
    )
    if line.get("span_beyond") is None or reading.get("span_reference") is None:
        return None
    shares = {"full-scale": reading["full_scale"], "absolute": 100.0}
    share = shares.get(line["basis"], abs(reading["span_reference"]) or reading["full_scale"])
    return float(line["span_beyond"] * share / 100)


def _span(reading: dict[str, Any], judged: dict[str, Any], member: int, at_ms: int) -> Checked | None:
    allowed = _allowed(reading, judged)
    if allowed is None or reading.get("span_reference") is None or reading.get("span_reading") is None:
        return None
    standard, told = reading["span_reference"], reading["span_reading"]
    return Checked(member=member, at_ms=at_ms, standard=standard, reading=told, allowed=allowed)

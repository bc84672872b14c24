"""Panels, marks of late days, values of a pass, closes and findings.

Promises: one statement for each; by index. Leaves deciding to `qc.rules.closing` and the order to the flow.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from uuid_utils.compat import uuid7

from qc.queries.binary import EPOCH_2000_MS, array, read
from qc.queries.windows import AT, FLAG
from qc.rules.closing.asked import Rows
from qc.rules.closing.days import Pass

LOCK = "SELECT pg_try_advisory_lock(hashtext('qc.day_close'), :panel)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('qc.day_close'), :panel)"
COLUMNS = (("id", "i8"), ("ts", "i8"), ("value", "f8"), ("flag", "i4"), ("tests", "i8"))

WITHOUT_PANEL = """
    SELECT k.descriptor::text AS descriptor
    FROM known_series k LEFT JOIN day_panel_members m USING (series_id)
    WHERE m.series_id IS NULL AND k.period = ANY($1) ORDER BY k.site, k.series_id
"""
PANELS = """
    SELECT p.panel_id, p.region, p.profile, p.period, m.site, m.factor
    FROM day_panels p LEFT JOIN day_panel_members m USING (panel_id) ORDER BY p.panel_id
"""
WAITING = """
    SELECT panel_id FROM day_panels p WHERE p.closed_through IS NULL OR p.closed_through < $1
    OR EXISTS (SELECT FROM day_panel_members m JOIN late_days l USING (series_id)
               WHERE m.panel_id = p.panel_id AND l.day <= p.closed_through) ORDER BY panel_id
"""
MEMBERS = """
    SELECT k.descriptor::text AS descriptor FROM day_panel_members m JOIN known_series k USING (series_id)
    WHERE m.panel_id = $1 ORDER BY k.site, k.series_id
"""
MARKS = """
    SELECT l.mark_no, l.day, l.reason FROM day_panel_members m JOIN late_days l USING (series_id)
    WHERE m.panel_id = $1 AND l.day <= $2
"""
FIRST = """
    SELECT min(first.ts) FROM unnest($1::bigint[]) u (id),
    LATERAL (SELECT ts FROM known_values WHERE series_id = u.id ORDER BY ts LIMIT 1) first
"""
FENCE = """
    UPDATE day_panels SET passes = passes + 1, closed_through = greatest(closed_through, $3)
    WHERE panel_id = $1 AND passes = $2 RETURNING panel_id
"""
CLOSE = """
    INSERT INTO day_closes (close_id, panel_id, region, profile, period, day, number, reason, closed_at,
        since, through, site_count, series_count, value_count, finding_count, suspicion_count, expected_false,
        not_run, rule_pack)
    SELECT n.close_id, p.panel_id, p.region, p.profile, p.period, n.day, n.number,
        CASE n.number WHEN 1 THEN 'first' ELSE n.reason END, $6, $7, $8, $9, $10, n.value_count, $11, $12,
        $13, $14::jsonb, $15
    FROM (SELECT u.*, 1 + coalesce((SELECT max(c.number) FROM day_closes c
                                    WHERE c.panel_id = $1 AND c.day = u.day), 0) AS number
          FROM unnest($2::uuid[], $3::date[], $4::text[], $5::bigint[])
               u (close_id, day, reason, value_count)) n,
        day_panels p WHERE p.panel_id = $1
"""
CURRENT = """
    SELECT finding_id, test, series_id, kind, from_at, to_at, statistic, threshold, p, strength, weight,
        evidence::text AS evidence, figures::text AS figures
    FROM falsification_findings WHERE panel_id = $1 AND is_current AND day >= $2 AND day < $3
"""
FOUND = """
    INSERT INTO falsification_findings (finding_id, is_current, panel_id, series_id, site, region, test, kind,
        day, from_at, to_at, statistic, threshold, p, strength, weight, evidence, figures, since, through,
        rule_pack, found_at)
    VALUES ($1, true, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb, $17::jsonb,
        $18, $19, $20, $21)
"""
BESIDE = """
    INSERT INTO late_days (series_id, day, reason, marked_at)
    SELECT DISTINCT series_id,
        ((to_at - interval '1 millisecond') AT TIME ZONE interval '8 hours')::date, 'late', $4::timestamptz
    FROM suspicions WHERE series_id = $1 AND origin = 'day_close' AND state IN ('raised', 'queued')
    AND to_at > $2 AND from_at < $3
"""
LIMIT = """
    UPDATE known_series SET known_no = DEFAULT,
        descriptor = descriptor || jsonb_build_object('permit_limit', $7::float8)
    WHERE site = $1 AND descriptor ->> 'factor' = $2 AND descriptor ->> 'statistic' = $3
        AND descriptor ->> 'basis' = $4 AND descriptor ->> 'period' = $5 AND descriptor ->> 'source' = $6
        AND CAST(descriptor ->> 'permit_limit' AS float8) IS DISTINCT FROM $7::float8
    RETURNING series_id
"""
OF_CLOSED = """
    INSERT INTO late_days (series_id, day, reason, marked_at)
    SELECT DISTINCT m.series_id, c.day, 'revision', $4::timestamptz
    FROM day_panel_members m JOIN day_closes c USING (panel_id)
    WHERE m.series_id = $1 AND c.day >= $2 AND c.day <= $3
"""
CHECKED = """
    INSERT INTO late_days (series_id, day, reason, marked_at)
    SELECT DISTINCT m.series_id, c.day, 'late', $4::timestamptz
    FROM day_panel_members m JOIN day_closes c USING (panel_id)
    WHERE m.site = $1 AND m.factor = ANY($2) AND c.day = $3
"""
KEEP_PACK = """
    INSERT INTO rule_packs (version, content, first_used_at) SELECT $1, $2::jsonb, $3
    WHERE NOT EXISTS (SELECT FROM rule_packs WHERE version = $1) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Opened:
    """A panel about to be closed: its series (by site and number), what came late, its first instant.

    `again` are the days something became known of that were closed before.
    """

    panel_id: int
    profile: str
    period: str
    closed_through: date | None
    passes: int
    refs: Sequence[SeriesRef]
    marks: Sequence[tuple[int, date, str]]
    again: frozenset[date]
    first_at: datetime | None


async def without_panel(connection: asyncpg.Connection, periods: Sequence[str]) -> list[SeriesRef]:
    """Known series of these periods that no panel has, by site and number."""
    rows = await connection.fetch(WITHOUT_PANEL, list(periods))
    return [msgspec.json.decode(row["descriptor"], type=SeriesRef) for row in rows]


async def panels(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Every panel with every member (site, factor); a panel without members once."""
    rows: list[asyncpg.Record] = await connection.fetch(PANELS)
    return rows


async def new_panel(connection: asyncpg.Connection, region: str, profile: str, period: str) -> int:
    """An empty panel."""
    number: int = await connection.fetchval(
        "INSERT INTO day_panels (region, profile, period, passes) VALUES ($1, $2, $3, 0) RETURNING panel_id",
        region,
        profile,
        period,
    )
    return number


async def join(connection: asyncpg.Connection, members: Sequence[tuple[int, int, str, str]]) -> None:
    """Put series into panels: (series_id, panel_id, site, factor)."""
    await connection.executemany(
        "INSERT INTO day_panel_members (series_id, panel_id, site, factor) VALUES ($1, $2, $3, $4)", members
    )


async def waiting(connection: asyncpg.Connection, due: date) -> list[int]:
    """Panels with a day to close or to close again."""
    return [row["panel_id"] for row in await connection.fetch(WAITING, due)]


async def opened(connection: asyncpg.Connection, panel_id: int, due: date) -> Opened:
    """What a close begins from. The marks are read before any value: what commits later marks anew."""
    row = await connection.fetchrow(
        "SELECT profile, period, closed_through, passes FROM day_panels WHERE panel_id = $1", panel_id
    )
    last = max(due, row["closed_through"] or due)
    marks = [tuple(mark) for mark in await connection.fetch(MARKS, panel_id, last)]
    members = await connection.fetch(MEMBERS, panel_id)
    refs = [msgspec.json.decode(one["descriptor"], type=SeriesRef) for one in members]
    again = await days_closed(connection, panel_id, {day for _, day, _ in marks})
    first = await connection.fetchval(FIRST, [ref.id for ref in refs])
    return Opened(
        panel_id,
        row["profile"],
        row["period"],
        row["closed_through"],
        row["passes"],
        refs,
        marks,
        again,
        first,
    )


async def rows_of(
    connection: asyncpg.Connection, refs: Sequence[SeriesRef], start_ms: int, end_ms: int
) -> Rows:
    """The rows of some series in [start, end), by series and time."""
    places = {ref.id: place for place, ref in enumerate(refs)}
    ids = np.array(sorted(places), dtype=np.int64)
    rows = await read(
        connection,
        f"SELECT k.series_id, k.ts, coalesce(k.value, 'NaN'), {FLAG}, k.tests FROM known_values k "  # noqa: S608 - integers only
        f"WHERE k.series_id = ANY({array(ids)}) AND k.ts >= {AT.format(start_ms)} "
        f"AND k.ts < {AT.format(end_ms)} ORDER BY 1, 2",
        COLUMNS,
    )
    place_of = np.array([places[id] for id in ids.tolist()], dtype=np.int64)
    return Rows(
        place_of[np.searchsorted(ids, rows["id"].astype(np.int64))],
        rows["ts"].astype(np.int64) // 1000 + EPOCH_2000_MS,
        rows["value"].astype(np.float64),
        rows["flag"].astype(np.int64),
        rows["tests"].astype(np.int64),
    )


async def mark(
    connection: asyncpg.Connection, ids: Sequence[int], days: Sequence[date], reason: str, now: datetime
) -> None:
    """Something became known of these days of these series."""
    await connection.execute(
        "INSERT INTO late_days (series_id, day, reason, marked_at) "
        "SELECT id, day, $3, $4 FROM unnest($1::bigint[], $2::date[]) u (id, day)",
        list(ids),
        list(days),
        reason,
        now,
    )


async def mark_beside(
    connection: asyncpg.Connection, series_id: int, from_at: datetime, to_at: datetime, now: datetime
) -> None:
    """A streaming suspicion of this stretch came or went: suspicions of day closes that share an instant with
    it must be looked at again.
    """
    await connection.execute(BESIDE, series_id, from_at, to_at, now)


async def change_limit(
    connection: asyncpg.Connection, series: Mapping[str, Any], limit: float | None
) -> int | None:
    """The limit of a known series from now on; its number, None if nothing changed by it."""
    names = ("site", "factor", "statistic", "basis", "period", "source")
    number: int | None = await connection.fetchval(LIMIT, *(series[name] for name in names), limit)
    return number


async def mark_closed(
    connection: asyncpg.Connection, series_id: int, first: date, last: date, now: datetime
) -> None:
    """Something became known of the closed days of a series in [first, last]."""
    await connection.execute(OF_CLOSED, series_id, first, last, now)


async def mark_checked(
    connection: asyncpg.Connection, site: str, factors: Sequence[str], day: date, now: datetime
) -> None:
    """A check of a closed day became known: the tests of its instrument's series look again."""
    await connection.execute(CHECKED, site, list(factors), day, now)


async def unmark(connection: asyncpg.Connection, numbers: Sequence[int]) -> None:
    """The days of these marks are closed."""
    await connection.execute("DELETE FROM late_days WHERE mark_no = ANY($1)", list(numbers))


async def is_ours(connection: asyncpg.Connection, panel_id: int, passes: int, through: date) -> bool:
    """Count this transaction as the next one of the panel; false when another was faster."""
    return await connection.fetchval(FENCE, panel_id, passes, through) is not None


async def current_findings(
    connection: asyncpg.Connection, panel_id: int, decided: Pass
) -> list[asyncpg.Record]:
    """Findings that stand and are this pass's affair."""
    rows: list[asyncpg.Record] = await connection.fetch(
        CURRENT, panel_id, decided.decides_from, decided.decides_to or date.max
    )
    return rows


async def replace_findings(
    connection: asyncpg.Connection, gone: Sequence[UUID], new: Sequence[Sequence[Any]], now: datetime
) -> None:
    """Findings that stand no more, and those that stand from now on (as the columns of `FOUND`)."""
    if gone:
        await connection.execute(
            "UPDATE falsification_findings SET is_current = false, replaced_at = $2 "
            "WHERE finding_id = ANY($1)",
            list(gone),
            now,
        )
    if new:
        await connection.executemany(FOUND, new)


async def close_days(
    connection: asyncpg.Connection,
    panel_id: int,
    days: Mapping[date, tuple[str, int]],
    told: Sequence[Any],
) -> None:
    """Close days (each: reason and how many values) by one pass; `told` is what all of them say alike."""
    await connection.execute(
        CLOSE,
        panel_id,
        [uuid7() for _ in days],
        list(days),
        [reason for reason, _ in days.values()],
        [count for _, count in days.values()],
        *told,
    )


async def keep_pack(connection: asyncpg.Connection, version: str, content: str, now: datetime) -> None:
    """Keep the content of a pack that judges for the first time."""
    await connection.execute(KEEP_PACK, version, content, now)


async def days_closed(
    connection: asyncpg.Connection, panel_id: int, days: Collection[date]
) -> frozenset[date]:
    """Those of the days that have been closed at least once."""
    rows = await connection.fetch(
        "SELECT DISTINCT day FROM day_closes WHERE panel_id = $1 AND day = ANY($2)", panel_id, list(days)
    )
    return frozenset(row["day"] for row in rows)

"""SQL over verdicts, falsified windows and the hours they touch: set-based, no row passes through Python.

Promises: the higher revision wins whatever arrives first; every change of what an hour may say leaves a row
in `touched_hours`, in the same transaction, so the releases can follow. A touch locks its row (an update,
never "do nothing"): a job that is just taking the touch is waited for, so no change is overlooked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.ingest import SeriesRef
from contracts.qc import Assessed
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from publish.rules.figures import Figure

# As many as are kept in SQL: enough to follow any reading, few enough for a row.
MOST_TRACES = 16


@dataclass(frozen=True, slots=True)
class Touch:
    """A station's hour that changed, and the trace ids of what changed it."""

    site: str
    ts: datetime
    traces: tuple[str, ...]


_SERIES = text("""
INSERT INTO series AS s (id, site, region, factor, source, unit, decimals, name_zh, name_en, is_public)
SELECT DISTINCT ON (id) * FROM unnest(
    CAST(:id AS integer[]), CAST(:site AS text[]), CAST(:region AS text[]), CAST(:factor AS text[]),
    CAST(:source AS text[]), CAST(:unit AS text[]), CAST(:decimals AS smallint[]), CAST(:name_zh AS text[]),
    CAST(:name_en AS text[]), CAST(:is_public AS boolean[])) AS u (id)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    region = excluded.region, unit = excluded.unit, decimals = excluded.decimals,
    name_zh = excluded.name_zh, name_en = excluded.name_en
WHERE (s.region, s.unit, s.decimals, s.name_zh, s.name_en)
    IS DISTINCT FROM (excluded.region, excluded.unit, excluded.decimals, excluded.name_zh, excluded.name_en)
RETURNING id, (xmax = 0) AS is_new
""")

_FIGURES = text("""
WITH incoming AS (
    SELECT DISTINCT ON (series_id, ts) * FROM (
        SELECT (CAST(:kept AS integer[]))[at + 1] AS series_id, to_timestamp(ts_ms / 1000.0) AS ts,
               value, decimals, code, tests, revision,
               CASE WHEN by IS NULL THEN (CAST(:traces AS text[]))[1:16]
                    WHEN by < 0 THEN CAST('{}' AS text[])
                    ELSE (CAST(:traces AS text[]))[by + 1:by + 1] END AS own
        FROM unnest(CAST(:at AS integer[]), CAST(:ts_ms AS bigint[]), CAST(:value AS double precision[]),
                    CAST(:decimals AS smallint[]), CAST(:code AS smallint[]), CAST(:tests AS bigint[]),
                    CAST(:revision AS integer[]), CAST(:by AS integer[]))
             AS u (at, ts_ms, value, decimals, code, tests, revision, by)
    ) AS columns
    WHERE series_id > 0
    ORDER BY series_id, ts, revision DESC
), written AS (
    INSERT INTO figures AS f (series_id, ts, value, decimals, code, tests, revision, rule_pack, traces)
    SELECT series_id, ts, value, decimals, code, tests, revision, :rule_pack, own
    FROM incoming
    ON CONFLICT (series_id, ts) DO UPDATE SET
        value = excluded.value, decimals = excluded.decimals, code = excluded.code,
        tests = excluded.tests, revision = excluded.revision, rule_pack = excluded.rule_pack,
        traces = (excluded.traces || array_remove(f.traces, excluded.traces[1]))[1:16]
    WHERE f.revision < excluded.revision
    RETURNING f.series_id, f.ts, f.traces[1] AS newest
)
INSERT INTO touched_hours AS t (site, ts, touches, traces)
SELECT s.site, w.ts, 1, (array_remove(array_agg(DISTINCT w.newest), NULL))[1:16]
FROM written w JOIN series s ON s.id = w.series_id GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (site, ts) DO UPDATE SET
    touches = t.touches + 1, traces = (excluded.traces || t.traces)[1:16]
""")

_TOUCH_CASE = text("""
INSERT INTO touched_hours AS t (site, ts, touches, traces)
SELECT DISTINCT p.site, f.ts, 1, CAST(:traces AS text[])
FROM fraud_cases c
JOIN series named ON named.id = ANY (c.series_ids)
JOIN series p ON p.site = named.site AND p.factor = named.factor AND p.is_public
JOIN figures f ON f.series_id = p.id AND f.ts < c.to_at AND f.ts > c.from_at - interval '1 hour'
WHERE c.case_id = :case_id
ORDER BY 1, 2
ON CONFLICT (site, ts) DO UPDATE SET
    touches = t.touches + 1, traces = (excluded.traces || t.traces)[1:16]
""")

_TOUCH_HOLD = text("""
INSERT INTO touched_hours AS t (site, ts, touches, traces)
SELECT DISTINCT p.site, f.ts, 1, CAST(:traces AS text[])
FROM holds h
JOIN series p ON p.site = h.site AND p.factor = h.factor AND p.is_public
JOIN figures f ON f.series_id = p.id AND f.ts < h.to_at AND f.ts > h.from_at - interval '1 hour'
WHERE h.hold_id = :hold_id
ORDER BY 1, 2
ON CONFLICT (site, ts) DO UPDATE SET
    touches = t.touches + 1, traces = (excluded.traces || t.traces)[1:16]
""")

_CASES_NAMING = text("SELECT case_id FROM fraud_cases WHERE series_ids && CAST(:ids AS integer[]) ORDER BY 1")

_TAKE_TOUCHED = text("""
DELETE FROM touched_hours WHERE (site, ts) IN (
    SELECT site, ts FROM touched_hours ORDER BY ts DESC, site LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING site, ts, traces
""")

# A figure is withheld while any hold on its station and factor is undecided, else kept out if any says so.
# A figure is falsified when any series of its station and factor (the minute values it was made from
# included) was named by an effective case and the hour meets the case's window.
JUDGED = """
WITH barred AS MATERIALIZED (
    SELECT DISTINCT named.site, named.factor, c.from_at, c.to_at, c.case_id, c.typology
    FROM fraud_cases c JOIN series named ON named.id = ANY (c.series_ids)
    WHERE c.is_effective AND named.site = ANY (:sites)
)
SELECT f.series_id, p.site, p.factor, f.ts, f.value, f.decimals, p.unit, f.code, f.revision,
       c.case_id, c.typology, f.tests, hold.due_at,
       coalesce(hold.is_kept_out, false) AS is_kept_out, hold.released_tests
FROM figures f
JOIN series p ON p.id = f.series_id AND p.is_public
LEFT JOIN LATERAL (
    SELECT b.case_id, b.typology FROM barred b
    WHERE b.site = p.site AND b.factor = p.factor
      AND f.ts < b.to_at AND f.ts > b.from_at - interval '1 hour'
    ORDER BY b.case_id LIMIT 1
) AS c ON true
LEFT JOIN LATERAL (
    SELECT min(h.due_at) FILTER (WHERE h.decision IS NULL) AS due_at,
           bool_or(h.decision = 'keep-out' OR (h.decision = 'release' AND h.released <> '{}'
                   AND NOT f.series_id = ANY (h.released))) AS is_kept_out,
           bit_or(h.released_tests) FILTER (WHERE h.decision = 'release') AS released_tests
    FROM holds h
    WHERE h.site = p.site AND h.factor = p.factor
      AND f.ts < h.to_at AND f.ts > h.from_at - interval '1 hour'
) AS hold ON true
"""
_IN_RANGE = text(
    JUDGED
    + """
WHERE p.site = ANY (:sites) AND f.ts >= :from_at AND f.ts < :to_at
  AND (CAST(:factor AS text) IS NULL OR p.factor = :factor)
ORDER BY p.site, p.factor, f.series_id, f.ts
"""
)
_AT_HOURS = text(
    JUDGED
    + """
JOIN unnest(CAST(:sites AS text[]), CAST(:hours AS timestamptz[])) AS w (site, ts)
  ON w.site = p.site AND w.ts = f.ts
ORDER BY p.site, p.factor, f.series_id
"""
)


def is_public(series: SeriesRef) -> bool:
    """Whether the series carries what the index is made of: hourly means of a station, as measured."""
    kind = (series.site_kind, series.period, series.statistic, series.basis)
    return kind == ("station", "hour", "avg", "raw")


async def let_verdicts_pass(session: AsyncSession) -> None:
    """Taken by every verdict: many at once, but none while a case changes (see `hold_verdicts`)."""
    await session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('publish.verdicts'))"))


async def hold_verdicts(session: AsyncSession) -> None:
    """Waits for verdicts being written and holds new ones until this transaction ends.

    Without it a case could miss a figure that is not committed yet, and the figure's own touch could be taken
    before the case is: the hour would keep a falsified value.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('publish.verdicts'))"))


async def save_series(session: AsyncSession, refs: Sequence[SeriesRef]) -> list[int]:
    """Registers the series named by a verdict; answers the ids seen for the first time."""
    columns: dict[str, list[Any]] = {
        name: [getattr(ref, name) for ref in refs]
        for name in ("id", "site", "region", "factor", "source", "unit", "decimals", "name_zh", "name_en")
    }
    rows = await session.execute(_SERIES, columns | {"is_public": [is_public(ref) for ref in refs]})
    return [row.id for row in rows if row.is_new]


async def save_figures(session: AsyncSession, event: Assessed, traces: Sequence[str]) -> None:
    """Upserts the event's public columns and touches their hours, in one statement.

    A figure keeps the trace of its own reading; of an event that does not say which, the first 16 of all.
    """
    kept = [ref.id if is_public(ref) else 0 for ref in event.series]
    if any(kept):
        await session.execute(
            _FIGURES,
            {
                "kept": kept,
                "at": event.at,
                "ts_ms": event.ts_ms,
                "value": event.value,
                "decimals": event.decimals,
                "code": event.code,
                "tests": event.tests,
                "revision": event.revision,
                "rule_pack": event.rule_pack,
                "by": event.by or None,
                "traces": event.traces if event.by else list(traces),
            },
        )


async def touch_case(session: AsyncSession, case_id: str, traces: Sequence[str]) -> None:
    """Marks every hour the case's window meets, with the traces of what touches it."""
    await session.execute(_TOUCH_CASE, {"case_id": case_id, "traces": list(traces)[:MOST_TRACES]})


async def touch_hold(session: AsyncSession, hold_id: str, traces: Sequence[str]) -> None:
    """Marks every hour the hold's window meets; none while only its decision is known."""
    await session.execute(_TOUCH_HOLD, {"hold_id": hold_id, "traces": list(traces)[:MOST_TRACES]})


async def cases_naming(session: AsyncSession, series_ids: list[int]) -> list[str]:
    """The cases that name one of these series, whatever their state."""
    return list((await session.execute(_CASES_NAMING, {"ids": series_ids})).scalars())


async def take_touched(session: AsyncSession, most: int) -> list[Touch]:
    """Takes up to `most` touched hours (newest first); they come back if the transaction fails."""
    rows = await session.execute(_TAKE_TOUCHED, {"most": most})
    return [Touch(row.site, row.ts, tuple(row.traces)) for row in rows]


async def traces_of(session: AsyncSession, sites: list[str], ts: datetime) -> list[str]:
    """The trace ids of the readings behind one hour of these stations."""
    query = text(
        "SELECT DISTINCT unnest(f.traces) FROM figures f JOIN series s ON s.id = f.series_id AND s.is_public"
        " WHERE s.site = ANY (:sites) AND f.ts = :ts LIMIT 200"
    )
    return list((await session.execute(query, {"sites": sites, "ts": ts})).scalars())


async def public_figures(
    session: AsyncSession, sites: list[str], from_at: datetime, to_at: datetime, factor: str | None = None
) -> list[Figure]:
    """The figures of these stations with ts in [from_at, to_at), each with the case that bars it, if any."""
    rows = await session.execute(
        _IN_RANGE, {"sites": sites, "from_at": from_at, "to_at": to_at, "factor": factor}
    )
    return [Figure(*row) for row in rows]


async def figures_at(session: AsyncSession, hours: dict[str, datetime]) -> dict[str, list[Figure]]:
    """Per station the figures of one hour, e.g. its newest."""
    rows = await session.execute(_AT_HOURS, {"sites": list(hours), "hours": list(hours.values())})
    found: dict[str, list[Figure]] = {site: [] for site in hours}
    for row in rows:
        found[row.site].append(Figure(*row))
    return found


async def monitored(session: AsyncSession, sites: list[str]) -> dict[str, set[str]]:
    """The factors each station measures as public hourly means."""
    rows = await session.execute(
        text("SELECT DISTINCT site, factor FROM series WHERE is_public AND site = ANY (:sites)"),
        {"sites": sites},
    )
    factors: dict[str, set[str]] = {site: set() for site in sites}
    for row in rows:
        factors[row.site].add(row.factor)
    return factors

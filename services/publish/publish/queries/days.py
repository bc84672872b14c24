"""Daily means of stations, made of the hours the public may use, in one statement.

Promises: the same choice as `rules.figures.choose`: per hour the lowest usable series speaks, and a falsified
source condemns the hour of its station and factor. Leaves to `rules.ranking` which day is valid.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from publish.queries.figures import JUDGED
from publish.rules.ranking import StationDay

_DAYS = text(
    f"""
WITH judged AS (
    {JUDGED}
    JOIN unnest(CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[])) AS w (begins, ends)
      ON f.ts >= w.begins AND f.ts < w.ends
    WHERE p.site = ANY (:sites) AND p.factor = :factor AND p.unit = :unit
), hours AS (
    SELECT site, ts, array_agg(case_id) FILTER (WHERE case_id IS NOT NULL) AS cases,
           (array_agg(value ORDER BY series_id) FILTER (WHERE value IS NOT NULL AND due_at IS NULL
               AND NOT is_kept_out AND (code < 3 OR (code = 3 AND tests & ~released_tests = 0))))[1] AS value
    FROM judged GROUP BY site, ts
), spread AS (
    SELECT site, CAST(ts AT TIME ZONE INTERVAL '8 hours' AS date) AS day, ts,
           CASE WHEN cases IS NULL THEN value END AS value, unnest(coalesce(cases, ARRAY[NULL])) AS case_id
    FROM hours
)
SELECT site, day, avg(CAST(value AS numeric)) AS mean,
       count(DISTINCT ts) FILTER (WHERE value IS NOT NULL) AS hours,
       array_agg(DISTINCT case_id) FILTER (WHERE case_id IS NOT NULL) AS cases
FROM spread GROUP BY site, day ORDER BY day, site
"""  # noqa: S608 - constants alone
)


async def station_days(
    session: AsyncSession,
    sites: Sequence[str],
    factor: str,
    unit: str,
    spans: Sequence[tuple[datetime, datetime]],
) -> list[StationDay]:
    """The local days of these stations within these spans, in the order (day, station)."""
    rows = await session.execute(
        _DAYS,
        {
            "sites": list(sites),
            "factor": factor,
            "unit": unit,
            "begins": [begin for begin, _ in spans],
            "ends": [end for _, end in spans],
        },
    )
    return [StationDay(row.site, row.day, row.mean, row.hours, tuple(row.cases or ())) for row in rows]

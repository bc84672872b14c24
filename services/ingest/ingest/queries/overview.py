"""What is read across the registry and the values: coverage, emissions, the values of a data set, runs.

Every query goes through the views that know who asks.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CONNECTED = """
SELECT t.region, c.category, count(DISTINCT t.code) AS points,
       count(DISTINCT t.code) FILTER (WHERE l.series_id IS NOT NULL) AS connected
FROM sites t CROSS JOIN LATERAL unnest(t.categories) AS c (category)
LEFT JOIN visible_series s ON s.site = t.code
LEFT JOIN visible_latest_values l ON l.series_id = s.id
WHERE t.region = ANY(:regions) AND (t.valid_to IS NULL OR t.valid_to >= :day)
GROUP BY 1, 2
"""
REQUIRED = """
SELECT body ->> 'region' AS region, body ->> 'category' AS category,
       sum((body ->> 'required')::int) AS required
FROM registry_records WHERE kind = 'required-points' AND body ->> 'region' = ANY(:regions)
  AND (valid_from IS NULL OR valid_from <= :day) AND (valid_to IS NULL OR valid_to >= :day)
GROUP BY 1, 2
"""
KEY_UNITS = """
SELECT region, 'key_unit_online' AS category, count(DISTINCT uscc) AS required
FROM registry_records WHERE kind = 'key-units' AND region = ANY(:regions) AND (body ->> 'automatic')::boolean
  AND (body ->> 'year')::int = :year AND body ->> 'left_for' IS NULL
GROUP BY 1
"""
# Cumulated quantities (Cou) of hours where a series has them, else of days: never both.
EMISSIONS = """
SELECT s.uscc, s.site, s.factor, s.unit, s.period, sum(o.value::numeric)::float8 AS amount,
       count(o.value) AS values
FROM visible_series s JOIN sites t ON t.code = s.site
JOIN visible_observations o ON o.series_id = s.id AND o.ts >= :start AND o.ts < :stop
WHERE s.statistic = 'cou' AND t.kind = 'outlet' AND s.region = ANY(:regions) AND s.period IN ('hour', 'day')
  AND (s.period = 'hour' OR NOT EXISTS (
      SELECT FROM visible_series h WHERE h.site = s.site AND h.factor = s.factor AND h.statistic = 'cou'
      AND h.period = 'hour'))
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3 LIMIT 10000
"""
SET_VALUES = """
SELECT s.id AS series, s.site, s.factor, s.statistic, s.period, s.source, s.unit, o.ts, o.value, o.flag
FROM visible_series s JOIN visible_observations o ON o.series_id = s.id
WHERE s.site = ANY(:sites) AND (CAST(:factors AS text[]) = '{}' OR s.factor = ANY(CAST(:factors AS text[])))
  AND o.ts >= :start AND o.ts < :stop AND (s.id, o.ts) > (:series, :after)
ORDER BY s.id, o.ts LIMIT :limit
"""
RECEIVED = """
SELECT submission, mode FROM visible_observations o JOIN visible_series s ON s.id = o.series_id
WHERE s.site = :site AND s.factor = :factor AND o.ts >= :start AND o.ts < :stop AND o.value IS NOT NULL
ORDER BY submission LIMIT :wanted
"""
MEASURED = """
SELECT DISTINCT s.site, s.factor FROM visible_series s JOIN visible_latest_values l ON l.series_id = s.id
WHERE s.site = ANY(:sites) AND l.ts >= :since ORDER BY 1, 2
"""
FINDINGS = "SELECT kind, count(*) AS count FROM ingest_findings WHERE site = ANY(:sites) GROUP BY 1"
DRIFT = """
SELECT t.code, t.region, t.uscc, c.id AS change,
       jsonb_build_object('longitude', t.longitude, 'latitude', t.latitude, 'level', t.level) AS stands,
       jsonb_build_object('longitude', c.after -> 'longitude', 'latitude', c.after -> 'latitude',
                          'level', c.after -> 'level') AS registered
FROM sites t CROSS JOIN LATERAL (
    SELECT id, after FROM registry_changes WHERE kind = 'sites' AND code = t.code ORDER BY id DESC LIMIT 1) c
WHERE t.kind = 'station'
"""


async def rows(session: AsyncSession, query: str, **given: Any) -> list[dict[str, Any]]:
    """The rows of one of the queries above."""
    return [dict(row) for row in (await session.execute(text(query), given)).mappings()]


def received_at(submission: Any) -> float:
    """When a submission was received, in seconds since 1970: a uuidv7 begins with its milliseconds."""
    return float(submission.int >> 80) / 1000


def span_of_month(month: str) -> tuple[datetime, datetime]:
    """A calendar month in +08:00. Raises ValueError."""
    start = datetime.fromisoformat(f"{month}-01T00:00:00+08:00")
    years, at = divmod(start.month, 12)
    return start, start.replace(year=start.year + years, month=at + 1)

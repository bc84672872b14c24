"""How series go together over HTTP: quality with emission with weather, at lags (UN-03).

Promises: only series within the caller's reach, only values that are neither bad nor missing. Leaves the
figures to `rules.correlation`.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from contracts.ingest import SeriesRef
from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Fault, Invalid
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.api.edge import moment, series_within
from qc.flows.alarms import milliseconds
from qc.rules.correlation import HOUR_MS, Floats, lagged, on_grid, strongest

router = APIRouter(tags=["correlation"])
May = Annotated[Grant, Depends(allow("verdicts", "read"))]
MOST_OTHERS, MOST_DAYS, DAYS = 20, 366, 31
VALUES = text(
    "SELECT ts, value FROM known_values WHERE series_id = :id AND ts >= :start AND ts < :end "
    "AND code < 4 AND value IS NOT NULL AND value <> 'NaN'"
)


@router.get("/correlations/{series}")
async def correlations(  # noqa: PLR0913 - one parameter of the query each
    series: int,
    grant: May,
    session: ReaderSession,
    others: Annotated[
        list[int], Query(alias="with", max_length=MOST_OTHERS, description="other hourly series 其他小时序列")
    ],
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    lags: Annotated[int, Query(ge=0, le=168, description="hours each way 前后滞后小时数")] = 24,
) -> dict[str, Any]:
    """For each of the other series and every lag: pairs, Pearson's r with its 95 % interval (which knows
    that hours remember), Spearman's rho; and the strongest lag. A positive lag means the other goes first.

    At most 366 days; without `from` the last 31. Worked example: an outlet's SO2 three hours upwind of a
    station shows its strongest lag at 3.
    """
    start, end = _window(from_, to)
    own = await _hourly(session, grant, series)
    hours = (milliseconds(end) - milliseconds(start)) // HOUR_MS
    values = await _grid(session, own, start, hours)
    items = []
    for other in others:
        ref = await _hourly(session, grant, other)
        found = lagged(values, await _grid(session, ref, start, hours), lags)
        best = strongest(found)
        items.append(
            {
                "series": ref.id,
                "site": ref.site,
                "factor": ref.factor,
                "unit": ref.unit,
                "strongest": None if best is None else asdict(best),
                "lags": [asdict(one) for one in found],
            }
        )
    return {
        "series": own.id,
        "site": own.site,
        "factor": own.factor,
        "unit": own.unit,
        "from": start.isoformat(),
        "to": end.isoformat(),
        "note_zh": "相关不等于因果；滞后为正表示另一序列在先。",
        "note_en": "Correlation is no cause; a positive lag means that the other series goes first.",
        "items": items,
    }


def _window(from_: str | None, to: str | None) -> tuple[datetime, datetime]:
    """Whole hours."""
    end = moment(to, "to") if to else datetime.now(UTC)
    start = moment(from_, "from") if from_ else end - timedelta(days=DAYS)
    start, end = (one.replace(minute=0, second=0, microsecond=0) for one in (start, end))
    if not timedelta() < end - start <= timedelta(days=MOST_DAYS):
        fault: Fault = {
            "where": "from, to",
            "rule": "window",
            "what": f"{start.isoformat()} … {end.isoformat()}",
            "mend": f"from < to, at most {MOST_DAYS} days 起早于止，最长 {MOST_DAYS} 天",
        }
        raise Invalid("window-unusable", "The window cannot be used 时间窗口不可用", errors=[fault])
    return start, end


async def _hourly(session: AsyncSession, grant: Grant, series: int) -> SeriesRef:
    ref = await series_within(session, grant, str(series))
    if ref.period != "hour":
        fault: Fault = {
            "where": str(series),
            "rule": "hourly",
            "what": ref.period,
            "mend": "name the hourly series of the same factor 请指定同因子的小时序列",
        }
        raise Invalid("series-not-hourly", "Lags are of hours 滞后以小时计", errors=[fault])
    return ref


async def _grid(session: AsyncSession, ref: SeriesRef, start: datetime, hours: int) -> Floats:
    rows = await session.execute(
        VALUES, {"id": ref.id, "start": start, "end": start + timedelta(hours=hours)}
    )
    found = [(milliseconds(row.ts), row.value) for row in rows]
    return on_grid([at for at, _ in found], [value for _, value in found], milliseconds(start), hours)

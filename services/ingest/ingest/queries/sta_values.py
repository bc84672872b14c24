"""Values for SensorThings readers: of some series each by itself, or of a site as one sequence.

Promises: only what the views let the asker see; a page costs at most its own rows of each series. Leaves
entities to `sta`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.queries.sta import number
from ingest.rules.sta_query import Options
from ingest.rules.times import MICROSECOND, moment

# Behind every value of a series, as a token has it.
LAST = "9" * 16
_MICROS = re.compile(r"-?[0-9]{1,16}")


async def observations(session: AsyncSession, ids: Sequence[int], asked: Options) -> Sequence[Row[Any]]:
    """Values of each of these series in the order asked, of each one more than asked for."""
    start, stop = asked.filter.span
    if asked.token is not None and _MICROS.fullmatch(asked.token):
        at = moment(int(asked.token))
        start, stop = (start, min(stop, at)) if asked.is_descending else (max(start, at + MICROSECOND), stop)
    conditions, given = _results(asked)
    # The operators are from a fixed table; everything a sender wrote is a parameter.
    query = f"""
        SELECT o.* FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS k (id, place) CROSS JOIN LATERAL (
            SELECT series_id, ts, value, decimals, flag, mode, submission, row_no FROM visible_observations v
            WHERE v.series_id = k.id AND ts >= :start AND ts < :stop{conditions}
            ORDER BY ts {_way(asked)} LIMIT :limit OFFSET :skip
        ) o ORDER BY k.place, o.ts {_way(asked)}
    """  # noqa: S608
    asked_for = {"ids": list(ids), "start": start, "stop": stop, "limit": asked.top + 1, "skip": asked.skip}
    return (await session.execute(text(query), asked_for | given)).all()


async def merged(session: AsyncSession, ids: Sequence[int], asked: Options) -> Sequence[Row[Any]]:
    """Values of all these series by time, then series; one more than asked for. The token is an id."""
    start, stop = asked.filter.span
    conditions, given = _results(asked)
    if (edge := edge_of(asked.token)) is not None:
        conditions += f" AND (ts, series_id) {'<' if asked.is_descending else '>'} (:at, :series)"
        given |= {"at": edge[0], "series": edge[1]}
        start, stop = (start, min(stop, edge[0] + MICROSECOND)) if asked.is_descending else (edge[0], stop)
    query = f"""
        SELECT o.* FROM unnest(CAST(:ids AS bigint[])) AS k (id) CROSS JOIN LATERAL (
            SELECT series_id, ts, value, decimals, flag, mode, submission, row_no FROM visible_observations v
            WHERE v.series_id = k.id AND ts >= :start AND ts < :stop{conditions}
            ORDER BY ts {_way(asked)} LIMIT :limit
        ) o ORDER BY o.ts {_way(asked)}, o.series_id {_way(asked)} LIMIT :most OFFSET :skip
    """  # noqa: S608
    sizes = {"limit": asked.skip + asked.top + 1, "most": asked.top + 1, "skip": asked.skip}
    asked_for = {"ids": list(ids), "start": max(start, asked.filter.span[0]), "stop": stop} | sizes
    return (await session.execute(text(query), asked_for | given)).all()


async def listed(session: AsyncSession, ids: Sequence[int], asked: Options) -> Sequence[Row[Any]]:
    """Values of these series by series, then time, behind the token; one more than asked for."""
    start, stop = asked.filter.span
    conditions, given = _results(asked)
    if (edge := edge_of(asked.token)) is not None:
        conditions += " AND (series_id, ts) > (:series, :at)"
        given |= {"at": edge[0], "series": edge[1]}
    query = f"""
        SELECT o.* FROM unnest(CAST(:ids AS bigint[])) AS k (id) CROSS JOIN LATERAL (
            SELECT series_id, ts, value, decimals, flag, mode, submission, row_no FROM visible_observations v
            WHERE v.series_id = k.id AND ts >= :start AND ts < :stop{conditions}
            ORDER BY ts LIMIT :limit
        ) o ORDER BY o.series_id, o.ts LIMIT :limit
    """  # noqa: S608
    asked_for = {"ids": list(ids), "start": start, "stop": stop, "limit": asked.top + 1}
    return (await session.execute(text(query), asked_for | given)).all()


def _way(asked: Options) -> str:
    return "DESC" if asked.is_descending else "ASC"


def _results(asked: Options) -> tuple[str, dict[str, Any]]:
    found = enumerate(asked.filter.result)
    conditions = "".join(f" AND value {operator} :v{at}" for at, (operator, _) in found)
    return conditions, {f"v{at}": value for at, (_, value) in enumerate(asked.filter.result)}


def edge_of(token: str | None) -> tuple[datetime, int] | None:
    """When and in which series the page before ended."""
    series, _, micros = (token or "").partition(".")
    of = number(series)
    return (moment(int(micros)), of) if of is not None and _MICROS.fullmatch(micros) else None

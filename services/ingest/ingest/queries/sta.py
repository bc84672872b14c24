"""Things, Datastreams and Observations for SensorThings readers: one query a level, whatever is expanded.

Promises: only what `reach` and the views let the asker see; a page costs its own rows. Leaves the shapes to
`api.sta`.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.rules.sta_query import Options
from ingest.rules.times import MICROSECOND, moment
from ingest.tables import SeriesRow, SiteRow

_MICROS = re.compile(r"-?[0-9]{1,16}")


def number(text: str) -> int | None:
    """A number that the database can hold, else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


async def things(
    session: AsyncSession, reach: ColumnElement[bool], asked: Options, codes: Sequence[str] | None = None
) -> Sequence[SiteRow]:
    """Sites in reach by code, one more than asked for."""
    wanted = select(SiteRow).where(reach, *_named(SiteRow.code, SiteRow.name_en, asked))
    if codes is not None:
        wanted = wanted.where(SiteRow.code.in_(codes))
    if asked.token is not None:
        wanted = wanted.where(
            SiteRow.code < asked.token if asked.is_descending else SiteRow.code > asked.token
        )
    order = SiteRow.code.desc() if asked.is_descending else SiteRow.code
    return (await session.scalars(wanted.order_by(order).offset(asked.skip).limit(asked.top + 1))).all()


async def datastreams(
    session: AsyncSession,
    reach: ColumnElement[bool],
    asked: Options,
    sites: Sequence[str] | None = None,
    ids: Sequence[int] | None = None,
) -> Sequence[SeriesRow]:
    """Series in reach by number, of each site one more than asked for."""
    wanted = select(SeriesRow.id).join(SiteRow, SiteRow.code == SeriesRow.site).where(reach)
    order = SeriesRow.id.desc() if asked.is_descending else SeriesRow.id.asc()
    wanted = wanted.where(*_named(SeriesRow.id, None, asked))
    if asked.token is not None and (after := number(asked.token)) is not None:
        wanted = wanted.where(SeriesRow.id < after if asked.is_descending else SeriesRow.id > after)
    if ids is not None:
        wanted = wanted.where(SeriesRow.id.in_(ids))
    if sites is not None:
        place = func.row_number().over(partition_by=SeriesRow.site, order_by=order)
        ranked = wanted.add_columns(place.label("place")).where(SeriesRow.site.in_(sites)).subquery()
        within = ranked.c.place.between(asked.skip + 1, asked.skip + asked.top + 1)
        wanted = select(ranked.c.id).where(within)
    else:
        wanted = wanted.order_by(order).offset(asked.skip).limit(asked.top + 1)
    found = select(SeriesRow).where(SeriesRow.id.in_(wanted.scalar_subquery())).order_by(order)
    return (await session.scalars(found)).all()


def _named(id: Any, name: Any, asked: Options) -> list[ColumnElement[bool]]:
    """What a filter on id or name means; a Datastream has a made-up name, which is not searched."""
    wanted: list[ColumnElement[bool]] = []
    if asked.filter.id is not None:
        value: Any = asked.filter.id
        if id is SeriesRow.id:
            value = -1 if (found := number(value)) is None else found
        wanted.append(id == value)
    if asked.filter.name is not None and name is not None:
        wanted.append(name == asked.filter.name)
    return wanted


async def observations(session: AsyncSession, ids: Sequence[int], asked: Options) -> Sequence[Row[Any]]:
    """Values of each of these series in the order asked, of each one more than asked for."""
    start, stop = asked.filter.span
    if asked.token is not None and _MICROS.fullmatch(asked.token):
        at = moment(int(asked.token))
        start, stop = (start, min(stop, at)) if asked.is_descending else (max(start, at + MICROSECOND), stop)
    conditions = "".join(
        f" AND value {operator} :v{at}" for at, (operator, _) in enumerate(asked.filter.result)
    )
    # The operators are from a fixed table; everything a sender wrote is a parameter.
    query = f"""
        SELECT o.* FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS k (id, place) CROSS JOIN LATERAL (
            SELECT series_id, ts, value, decimals, flag, mode, submission, row_no FROM visible_observations v
            WHERE v.series_id = k.id AND ts >= :start AND ts < :stop{conditions}
            ORDER BY ts {"DESC" if asked.is_descending else "ASC"} LIMIT :limit OFFSET :skip
        ) o ORDER BY k.place, o.ts {"DESC" if asked.is_descending else "ASC"}
    """  # noqa: S608
    given = {f"v{at}": number for at, (_, number) in enumerate(asked.filter.result)}
    asked_for = {"ids": list(ids), "start": start, "stop": stop, "limit": asked.top + 1, "skip": asked.skip}
    return (await session.execute(text(query), asked_for | given)).all()


async def count_of(session: AsyncSession, table: Any, reach: ColumnElement[bool]) -> int:
    """How many sites or series are in reach."""
    wanted = select(func.count()).select_from(table)
    if table is SeriesRow:
        wanted = wanted.join(SiteRow, SiteRow.code == SeriesRow.site)
    return int(await session.scalar(wanted.where(reach)) or 0)

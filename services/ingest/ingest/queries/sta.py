"""Entities for SensorThings readers: one query a level, whatever is expanded.

A Thing and its Location are a site, a Datastream is a series, a Sensor one source of a site, an
ObservedProperty a factor; each has the key that `KEYS` names.

Promises: only what `reach` and the views let the asker see; a page costs its own rows, of Sensors and
ObservedProperties those of the series below. Leaves the shapes to `api.sta_shapes`.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, false, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from standards import factors

from ingest.rules.sta_query import Options
from ingest.rules.times import MICROSECOND, moment
from ingest.tables import DeviceRow, SeriesRow, SiteRow

_MICROS = re.compile(r"-?[0-9]{1,16}")
# Stands between site and source in the id of a Sensor: the last one counts.
BETWEEN = "~"
KEYS: dict[str, tuple[Any, ...]] = {
    "Things": (SiteRow.code,),
    "Locations": (SiteRow.code,),
    "Datastreams": (SeriesRow.id,),
    "Sensors": (SeriesRow.site, SeriesRow.source),
    "ObservedProperties": (SeriesRow.factor,),
}
# By which columns of a series what stands above it is found.
ABOVE: dict[str, tuple[Any, ...]] = {
    "Things": (SeriesRow.site,),
    "Sensors": (SeriesRow.site, SeriesRow.source),
    "ObservedProperties": (SeriesRow.factor,),
}
_OF_SITES = ("Things", "Locations")
Key = tuple[Any, ...]


class Below(NamedTuple):
    """The Datastreams of these Things, Sensors or ObservedProperties."""

    collection: str
    keys: Sequence[Key]


def number(text: str) -> int | None:
    """A number that the database can hold, else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def key_of(collection: str, id: str) -> Key | None:
    """The key of an id as sent; None if it can be none.

    Worked example: `131000-A01~hj212` of `Sensors` is (`131000-A01`, `hj212`).
    """
    if "\x00" in id:
        return None
    if collection == "Datastreams":
        found = number(id)
        return None if found is None else (found,)
    if collection == "Sensors":
        site, between, source = id.rpartition(BETWEEN)
        return (site, source) if between else None
    return (id,)


def id_of(key: Key) -> Any:
    """The id of a key; `key_of` the other way round."""
    return BETWEEN.join(key) if len(key) > 1 else key[0]


def _wanted(
    collection: str,
    what: Sequence[Any],
    reach: ColumnElement[bool],
    asked: Options,
    keys: Sequence[Key] | None,
) -> Select[Any]:
    """What is in reach, among `keys`, and passes the filter; neither ordered nor cut."""
    columns = KEYS[collection]
    wanted = select(*what).where(reach)
    if collection not in _OF_SITES:
        wanted = wanted.join_from(SeriesRow, SiteRow, SiteRow.code == SeriesRow.site)
    if collection == "Locations":
        wanted = wanted.where(SiteRow.longitude.is_not(None), SiteRow.latitude.is_not(None))
    if keys is not None:
        wanted = wanted.where(tuple_(*columns).in_(keys))
    if asked.filter.id is not None:
        key = key_of(collection, asked.filter.id)
        wanted = wanted.where(false() if key is None else tuple_(*columns) == key)
    if asked.filter.name is not None:
        wanted = wanted.where(_named(collection, asked.filter.name))
    return wanted


def _named(collection: str, name: str) -> ColumnElement[bool]:
    if collection == "ObservedProperties":
        known = [code for code, factor in factors.every().items() if factor.en == name]
        return SeriesRow.factor.in_([*known, name])
    return SiteRow.name_en == name


def _after(wanted: Select[Any], collection: str, asked: Options) -> Select[Any]:
    after = None if asked.token is None else key_of(collection, asked.token)
    if after is None:
        return wanted
    place = tuple_(*KEYS[collection])
    return wanted.where(place < after if asked.is_descending else place > after)


def _page(wanted: Select[Any], collection: str, asked: Options) -> Select[Any]:
    """In the order asked, behind the token, one more than asked for."""
    order = [column.desc() if asked.is_descending else column for column in KEYS[collection]]
    return _after(wanted, collection, asked).order_by(*order).offset(asked.skip).limit(asked.top + 1)


async def sites(
    session: AsyncSession,
    collection: str,
    reach: ColumnElement[bool],
    asked: Options,
    keys: Sequence[Key] | None = None,
) -> Sequence[SiteRow]:
    """Things or Locations by code, one more than asked for."""
    wanted = _wanted(collection, [SiteRow], reach, asked, keys)
    return (await session.scalars(_page(wanted, collection, asked))).all()


async def keys_in_use(
    session: AsyncSession,
    collection: str,
    reach: ColumnElement[bool],
    asked: Options,
    keys: Sequence[Key] | None = None,
) -> list[Key]:
    """The keys of Sensors or ObservedProperties that a series in reach has, one more than asked for."""
    wanted = _wanted(collection, KEYS[collection], reach, asked, keys).distinct()
    return [tuple(row) for row in (await session.execute(_page(wanted, collection, asked))).all()]


async def devices(session: AsyncSession, sensors: Sequence[Key]) -> Sequence[Row[Any]]:
    """The registered loggers behind these Sensors."""
    names = ("mn", "site", "source", "vendor", "model", "certificate_no", "certificate_to", "instruments")
    wanted = select(*(getattr(DeviceRow, name) for name in names))
    wanted = wanted.where(tuple_(DeviceRow.site, DeviceRow.source).in_(sensors)).order_by(DeviceRow.mn)
    return (await session.execute(wanted)).all() if sensors else []


async def datastreams(
    session: AsyncSession,
    reach: ColumnElement[bool],
    asked: Options,
    below: Below | None = None,
    keys: Sequence[Key] | None = None,
) -> Sequence[SeriesRow]:
    """Series in reach by number, one more than asked for, of each of `below` if there is such."""
    wanted = _wanted("Datastreams", [SeriesRow.id], reach, asked, keys)
    order = SeriesRow.id.desc() if asked.is_descending else SeriesRow.id.asc()
    if below is None:
        wanted = _page(wanted, "Datastreams", asked)
    else:
        above = ABOVE[below.collection]
        place = func.row_number().over(partition_by=above, order_by=order)
        wanted = _after(wanted, "Datastreams", asked).add_columns(place.label("place"))
        ranked = wanted.where(tuple_(*above).in_(below.keys)).subquery()
        wanted = select(ranked.c.id).where(ranked.c.place.between(asked.skip + 1, asked.skip + asked.top + 1))
    found = select(SeriesRow).where(SeriesRow.id.in_(wanted.scalar_subquery())).order_by(order)
    return (await session.scalars(found)).all()


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


async def count(
    session: AsyncSession,
    collection: str,
    reach: ColumnElement[bool],
    asked: Options,
    below: Below | None = None,
    keys: Sequence[Key] | None = None,
) -> int:
    """How many there are on all pages."""
    wanted = _wanted(collection, KEYS[collection], reach, asked, keys).distinct()
    if below is not None:
        wanted = wanted.where(tuple_(*ABOVE[below.collection]).in_(below.keys))
    return int(await session.scalar(select(func.count()).select_from(wanted.subquery())) or 0)

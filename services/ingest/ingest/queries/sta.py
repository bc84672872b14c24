"""Entities for SensorThings readers: one query a level, whatever is expanded.

A Thing, its Location and its FeatureOfInterest are a site, a HistoricalLocation is a change that placed one,
a Datastream is a series, a Sensor one source of a site, an ObservedProperty a factor; each has the key that
`KEYS` names. The Location of a place that a site has left has the key of both, site and change.

Promises: only what `reach` and the views let the asker see; a page costs its own rows, of Sensors and
ObservedProperties those of the series below. Leaves values to `sta_values`, shapes to `api.sta_shapes`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Row,
    Select,
    and_,
    column,
    false,
    func,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from standards import factors

from ingest.rules.sta_query import Options
from ingest.tables import DeviceRow, SeriesRow, SiteRow
from ingest.tables.declared import Instant

# Stands between site and source in the id of a Sensor: the last one counts.
BETWEEN = "~"
PLACES = table(
    "site_places",
    column("change", BigInteger),
    column("site"),
    column("since", Instant),
    column("longitude"),
    column("latitude"),
    column("is_current", Boolean),
)
KEYS: dict[str, tuple[Any, ...]] = {
    "Things": (SiteRow.code,),
    "Locations": (SiteRow.code,),
    "FeaturesOfInterest": (SiteRow.code,),
    "HistoricalLocations": (PLACES.c.change,),
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
_OF_SITES = ("Things", "Locations", "FeaturesOfInterest")
# Orders other than by key; the key comes last, so that a page has an end.
_ORDERS: dict[str, tuple[Any, ...]] = {
    "name": (SiteRow.name_en, SiteRow.code),
    "time": (PLACES.c.since, PLACES.c.change),
}
_other = aliased(SiteRow)
Key = tuple[Any, ...]


class Below(NamedTuple):
    """The Datastreams or HistoricalLocations of these Things, Sensors …"""

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
    if collection in ("Datastreams", "HistoricalLocations"):
        found = number(id)
        return None if found is None else (found,)
    if collection == "Locations":
        site, between, change = id.rpartition(BETWEEN)
        left = number(change) if between else None
        return (id,) if left is None else (site, left)
    if collection == "Sensors":
        site, between, source = id.rpartition(BETWEEN)
        return (site, source) if between else None
    return (id,)


def id_of(key: Key) -> Any:
    """The id of a key; `key_of` the other way round."""
    return BETWEEN.join(map(str, key)) if len(key) > 1 else key[0]


def place_key(place: Any) -> Key:
    """The key of the Location of a place: of the site while it stands there, then of its own."""
    return (place.site,) if place.is_current else (place.site, place.change)


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
    if collection == "HistoricalLocations":
        start, stop = asked.filter.span
        wanted = wanted.join_from(PLACES, SiteRow, SiteRow.code == PLACES.c.site)
        wanted = wanted.where(PLACES.c.since >= start, PLACES.c.since < stop)
    elif collection not in _OF_SITES:
        wanted = wanted.join_from(SeriesRow, SiteRow, SiteRow.code == SeriesRow.site)
    if collection == "Locations":
        wanted = wanted.where(SiteRow.longitude.is_not(None), SiteRow.latitude.is_not(None))
    if keys is not None:
        wanted = wanted.where(tuple_(*columns).in_([key for key in keys if len(key) == len(columns)]))
    if asked.filter.id is not None:
        key = key_of(collection, asked.filter.id)
        is_key = key is not None and len(key) == len(columns)
        wanted = wanted.where(tuple_(*columns) == key if is_key else false())
    if asked.filter.name is not None:
        wanted = wanted.where(_named(collection, asked.filter.name))
    return wanted


def _named(collection: str, name: str) -> ColumnElement[bool]:
    if collection == "ObservedProperties":
        known = [code for code, factor in factors.every().items() if factor.en == name]
        return SeriesRow.factor.in_([*known, name])
    return SiteRow.name_en == name


def _order(collection: str, asked: Options) -> tuple[Any, ...]:
    return _ORDERS[asked.order] if asked.order in _ORDERS else KEYS[collection]


def _after(wanted: Select[Any], collection: str, asked: Options) -> Select[Any]:
    after = None if asked.token is None else key_of(collection, asked.token)
    if after is None or len(after) != len(KEYS[collection]):
        return wanted
    if asked.order == "name":
        edge = select(_other.name_en).where(_other.code == after[0]).scalar_subquery()
        after = (edge, *after)
    elif asked.order == "time":
        then = PLACES.alias()
        edge = select(then.c.since).where(then.c.change == after[0]).scalar_subquery()
        after = (edge, *after)
    place, edge_of = tuple_(*_order(collection, asked)), tuple_(*after)
    return wanted.where(place < edge_of if asked.is_descending else place > edge_of)


def _directed(collection: str, asked: Options) -> list[Any]:
    return [one.desc() if asked.is_descending else one for one in _order(collection, asked)]


def _page(wanted: Select[Any], collection: str, asked: Options) -> Select[Any]:
    """In the order asked, behind the token, one more than asked for."""
    order = _directed(collection, asked)
    return _after(wanted, collection, asked).order_by(*order).offset(asked.skip).limit(asked.top + 1)


async def sites(
    session: AsyncSession,
    collection: str,
    reach: ColumnElement[bool],
    asked: Options,
    keys: Sequence[Key] | None = None,
) -> Sequence[SiteRow]:
    """Things, Locations or FeaturesOfInterest by code, one more than asked for."""
    wanted = _wanted(collection, [SiteRow], reach, asked, keys)
    return (await session.scalars(_page(wanted, collection, asked))).all()


async def places(
    session: AsyncSession,
    reach: ColumnElement[bool],
    asked: Options,
    below: Below | None = None,
    keys: Sequence[Key] | None = None,
) -> list[Any]:
    """Places of sites, one more than asked for, of each of `below` if there is such."""
    wanted = _wanted("HistoricalLocations", list(PLACES.c), reach, asked, keys)
    if below is None:
        return list((await session.execute(_page(wanted, "HistoricalLocations", asked))).all())
    order = _directed("HistoricalLocations", asked)
    of = PLACES.c.site if below.collection == "Things" else PLACES.c.change
    place = func.row_number().over(partition_by=of, order_by=order)
    wanted = _after(wanted, "HistoricalLocations", asked).where(_placed(below)).add_columns(place.label("n"))
    ranked = wanted.subquery()
    wanted = select(ranked).where(ranked.c.n.between(asked.skip + 1, asked.skip + asked.top + 1))
    return list((await session.execute(wanted.order_by(ranked.c.site, ranked.c.n))).all())


async def places_left(session: AsyncSession, reach: ColumnElement[bool], keys: Sequence[Key]) -> list[Any]:
    """Places that sites have left, by (site, change), with the site as it is now."""
    if not keys:
        return []
    wanted: Select[Any] = (
        select(*PLACES.c, SiteRow).join_from(PLACES, SiteRow, SiteRow.code == PLACES.c.site).where(reach)
    )
    wanted = wanted.where(tuple_(PLACES.c.site, PLACES.c.change).in_(keys), ~PLACES.c.is_current)
    return list((await session.execute(wanted.order_by(PLACES.c.change))).all())


def _placed(below: Below) -> ColumnElement[bool]:
    here = [key[0] for key in below.keys if len(key) == 1]
    if below.collection == "Things":
        return PLACES.c.site.in_(here)
    left = [key for key in below.keys if len(key) == 2]
    now = and_(PLACES.c.site.in_(here), PLACES.c.is_current)
    return or_(now, and_(tuple_(PLACES.c.site, PLACES.c.change).in_(left), ~PLACES.c.is_current))


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


async def series_of_sites(
    session: AsyncSession, reach: ColumnElement[bool], codes: Sequence[str], most: int
) -> Sequence[SeriesRow]:
    """All series of these sites by number, one more than `most` if there are too many."""
    wanted = select(SeriesRow).join(SiteRow, SiteRow.code == SeriesRow.site).where(reach)
    found = wanted.where(SeriesRow.site.in_(codes)).order_by(SeriesRow.id).limit(most + 1)
    return (await session.scalars(found)).all()


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
    if below is not None and collection == "HistoricalLocations":
        wanted = wanted.where(_placed(below))
    elif below is not None:
        wanted = wanted.where(tuple_(*ABOVE[below.collection]).in_(below.keys))
    return int(await session.scalar(select(func.count()).select_from(wanted.subquery())) or 0)

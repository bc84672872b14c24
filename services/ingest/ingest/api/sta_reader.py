"""Reads SensorThings entities level by level for one request, with what is expanded below and above them.

Promises: a level is one query, whatever is expanded; what $expand could give is bounded before it is read.
Leaves queries to `queries.sta`, shapes to `sta_shapes`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from kit.auth import Grant
from kit.problems import NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.api.edge import REGIONS
from ingest.api.sta_shapes import Shapes, path_of
from ingest.queries import sta, values
from ingest.queries.sta import Below, Key
from ingest.rules.sta_query import RELATED, BadQuery, Entity, Options
from ingest.tables import SeriesRow, SiteRow

MOST_EXPANDED = 10_000
Shown = dict[str, Any]


class Level(NamedTuple):
    """Which of a collection: those of `keys`, those below something, or all."""

    keys: Sequence[Key] | None = None
    below: Below | None = None


class Reader:
    """Reads levels of entities for one request."""

    def __init__(self, session: AsyncSession, grant: Grant, shapes: Shapes) -> None:
        self._session, self._shapes = session, shapes
        self._reach = grant.clause(
            REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc
        )
        self._left = MOST_EXPANDED

    async def level(self, collection: str, asked: Options, level: Level = Level()) -> list[Shown]:
        """Entities of a collection, one more than asked for (of each above)."""
        if collection == "Datastreams":
            shown = [one for _, one in await self._datastreams(asked, level)]
        elif collection in ("Things", "Locations"):
            shown = await self._sites(collection, asked, level.keys)
        else:
            shown = await self._in_use(collection, asked, level.keys)
        return self._shapes.selected(shown, asked)

    async def one(self, which: Entity, asked: Options) -> Shown:
        """An entity by its id. Raises NotFound."""
        if which.collection == "Observations":
            found = await self._observation(str(which.id), asked)
        elif (key := sta.key_of(which.collection, str(which.id))) is None:
            found = []
        else:
            found = await self.level(which.collection, asked, Level(keys=[key]))
        if not found:
            raise NotFound("unknown-entity", "Nothing of this id in your reach 无此对象或超出权限")
        return found[0]

    async def observations(self, asked: Options, of: Sequence[SeriesRow]) -> dict[int, list[Shown]]:
        """Observations by series, of each one more than asked for."""
        rows = await sta.observations(self._session, [row.id for row in of], asked)
        series = {row.id: row for row in of}
        found: dict[int, list[Shown]] = {}
        for row in rows:
            found.setdefault(row.series_id, []).append(self._shapes.observation(row, series[row.series_id]))
        if "Datastream" in asked.expand:
            for key, some in found.items():
                for one in some:
                    one["Datastream"] = self._shapes.datastream(series[key])
        return {key: self._shapes.selected(some, asked) for key, some in found.items()}

    async def series(self, wanted: str) -> SeriesRow:
        """One series in reach. Raises NotFound."""
        key = sta.key_of("Datastreams", wanted)
        keys = [] if key is None else [key]
        found = await sta.datastreams(self._session, self._reach, Options(top=1), keys=keys)
        if not found:
            raise NotFound("unknown-datastream", "No such Datastream in your reach 无此数据流或超出权限")
        return found[0]

    async def count(self, collection: str, asked: Options, level: Level) -> int:
        """How many of a collection all pages have."""
        return await sta.count(self._session, collection, self._reach, asked, level.below, level.keys)

    async def count_observations(self, asked: Options, of: SeriesRow) -> int:
        """How many values of a series all pages have; an estimate where there are very many."""
        if asked.filter.result:
            raise BadQuery("$count beside a filter on result is not offered")
        return (await values.count(self._session, of.id, asked.filter.span, None))[0]

    async def _sites(self, collection: str, asked: Options, keys: Sequence[Key] | None) -> list[Shown]:
        rows = await sta.sites(self._session, collection, self._reach, asked, keys)
        shape = self._shapes.thing if collection == "Things" else self._shapes.location
        shown, codes = [shape(row) for row in rows], [(row.code,) for row in rows]
        other = "Locations" if collection == "Things" else "Things"
        if other in asked.expand:
            beside = await self._by_key(other, asked.expand[other], codes)
            for one, key in zip(shown, codes, strict=True):
                one[other] = [beside[key]] if key in beside else []
        await self._hang_datastreams(collection, asked, shown, codes)
        return shown

    async def _in_use(self, collection: str, asked: Options, keys: Sequence[Key] | None) -> list[Shown]:
        found = await sta.keys_in_use(self._session, collection, self._reach, asked, keys)
        if collection == "Sensors":
            devices: dict[Key, list[Any]] = {}
            for row in await sta.devices(self._session, found):
                devices.setdefault((row.site, row.source), []).append(row)
            shown = [self._shapes.sensor(key, devices.get(key, [])) for key in found]
        else:
            shown = [self._shapes.observed_property(key) for key in found]
        await self._hang_datastreams(collection, asked, shown, found)
        return shown

    async def _datastreams(self, asked: Options, level: Level) -> list[tuple[SeriesRow, Shown]]:
        rows = await sta.datastreams(self._session, self._reach, asked, level.below, level.keys)
        shown = [self._shapes.datastream(row) for row in rows]
        if "Observations" in asked.expand:
            inner = asked.expand["Observations"]
            self._spend(len(rows) * inner.top)
            found = await self.observations(inner, rows)
            for one, row in zip(shown, rows, strict=True):
                path = f"{path_of('Datastreams', row.id)}/Observations"
                self._hang(one, "Observations", found.get(row.id, []), inner, path)
        for name, collection in RELATED["Datastreams"].items():
            if name in asked.expand and name != "Observations":
                keys = [tuple(getattr(row, each.key) for each in sta.ABOVE[collection]) for row in rows]
                above = await self._by_key(collection, asked.expand[name], keys)
                for one, key in zip(shown, keys, strict=True):
                    one[name] = above.get(key)
        return list(zip(rows, shown, strict=True))

    async def _by_key(self, collection: str, asked: Options, keys: Sequence[Key]) -> dict[Key, Shown]:
        """The one entity of each key."""
        wanted = list(dict.fromkeys(keys))
        inner = msgspec.structs.replace(asked, top=len(wanted), skip=0, token=None)
        found = await self.level(collection, inner, Level(keys=wanted))
        known = {sta.id_of(key): key for key in wanted}
        return {known[one["@iot.id"]]: one for one in found}

    async def _hang_datastreams(
        self, collection: str, asked: Options, shown: Sequence[Shown], keys: Sequence[Key]
    ) -> None:
        inner = asked.expand.get("Datastreams")
        if inner is None:
            return
        self._spend(len(keys) * min(inner.top, 100))
        below: dict[Key, list[Shown]] = {}
        for row, one in await self._datastreams(inner, Level(below=Below(collection, keys))):
            key = tuple(getattr(row, each.key) for each in sta.ABOVE[collection])
            below.setdefault(key, []).append(one)
        for one, key in zip(shown, keys, strict=True):
            mine = self._shapes.selected(below.get(key, []), inner)
            self._hang(one, "Datastreams", mine, inner, f"{path_of(collection, sta.id_of(key))}/Datastreams")

    async def _observation(self, wanted: str, asked: Options) -> list[Shown]:
        series, _, at = wanted.partition(".")
        of = await self.series(series)
        if not (at.isascii() and at.isdigit() and len(at) < 18):
            raise NotFound("unknown-observation", "No such Observation 无此观测")
        asked.filter.start, asked.filter.stop = int(at), int(at) + 1
        return (await self.observations(asked, [of])).get(of.id, [])

    def _spend(self, entities: int) -> None:
        self._left -= entities
        if self._left < 0:
            raise BadQuery(f"$expand would give more than {MOST_EXPANDED} entities; ask for fewer by $top")

    def _hang(self, one: Shown, name: str, below: list[Shown], asked: Options, path: str) -> None:
        one[name] = below[: asked.top]
        if len(below) > asked.top:
            one[f"{name}@iot.nextLink"] = self._shapes.link(f"{path}?$skip={asked.skip + asked.top}")

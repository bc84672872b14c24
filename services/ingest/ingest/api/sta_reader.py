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
from ingest.queries import sta, sta_values, values
from ingest.queries.sta import Below, Key
from ingest.rules.sta_query import RELATED, BadQuery, Entity, Options
from ingest.tables import SeriesRow, SiteRow

MOST_EXPANDED, MOST_COUNTED = 10_000, 100
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
        elif collection == "HistoricalLocations":
            shown = [one for _, one in await self._places(asked, level)]
        elif collection == "Locations":
            shown = await self._locations(asked, level.keys)
        elif collection in ("Things", "FeaturesOfInterest"):
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
        rows = await sta_values.observations(self._session, [row.id for row in of], asked)
        shown = await self._observed(rows, asked, of)
        found: dict[int, list[Shown]] = {}
        for row, one in zip(rows, shown, strict=True):
            found.setdefault(row.series_id, []).append(one)
        return found

    async def observations_of(self, site: str, asked: Options) -> tuple[list[Shown], Options]:
        """Observations of a FeatureOfInterest, one more than asked for, and what of the asked is given.

        They are merged by time from all its series: a page shrinks rather than that it costs without bound.
        """
        of = await self.series_of(site)
        most = MOST_EXPANDED // max(1, len(of)) - 1
        if asked.skip > most:
            raise BadQuery(f"$skip goes to {most} here; for more follow @iot.nextLink")
        given = msgspec.structs.replace(asked, top=max(1, min(asked.top, most - asked.skip)))
        if asked.top == 0:
            given.top = 0
        rows = await sta_values.merged(self._session, [row.id for row in of], given)
        return await self._observed(rows, given, of), given

    async def all_observations(self, asked: Options) -> tuple[list[Shown], str | None]:
        """Observations of everything by series and time, and the token of the page behind, if there is one.

        A page looks at so many series that it costs at most 10,000 values, and goes on behind them.
        """
        if asked.count or asked.skip or asked.is_descending or asked.order != "id":
            raise BadQuery("all Observations are read by id; $count, $skip, $orderby are of one Datastream")
        asked.top = min(max(1, asked.top), MOST_EXPANDED - 1)
        most = max(1, MOST_EXPANDED // (asked.top + 1))
        edge = sta_values.edge_of(asked.token)
        # A series that is finished is not looked at again: with few series on a page it would be for ever.
        is_finished = str(asked.token).endswith(f".{sta_values.LAST}")
        behind = Options(top=most, token=None if edge is None else str(edge[1] - (not is_finished)))
        of = await sta.datastreams(self._session, self._reach, behind)
        rows = await sta_values.listed(self._session, [row.id for row in of[:most]], asked)
        shown = await self._observed(rows[: asked.top], asked, of)
        if len(rows) > asked.top:
            return shown, str(shown[-1]["@iot.id"])
        return shown, f"{of[most - 1].id}.{sta_values.LAST}" if len(of) > most else None

    async def series_of(self, site: str) -> Sequence[SeriesRow]:
        """All series of a site in reach. Raises NotFound, BadQuery where there are too many to merge."""
        await self.one(Entity("FeaturesOfInterest", site), Options())
        of = await sta.series_of_sites(self._session, self._reach, [site], MOST_EXPANDED // 4)
        if len(of) > MOST_EXPANDED // 4:
            raise BadQuery("too many series here: read Observations by Datastream")
        return of

    async def _observed(self, rows: Sequence[Any], asked: Options, of: Sequence[SeriesRow]) -> list[Shown]:
        series = {row.id: row for row in of}
        shown = [self._shapes.observation(row, series[row.series_id]) for row in rows]
        keys: dict[str, list[Key]] = {
            "Datastream": [(row.series_id,) for row in rows],
            "FeatureOfInterest": [(series[row.series_id].site,) for row in rows],
        }
        for name, inner in asked.expand.items():
            above = await self._by_key(RELATED["Observations"][name], inner, keys[name])
            for one, key in zip(shown, keys[name], strict=True):
                one[name] = above.get(key)
        return self._shapes.selected(shown, asked)

    async def place(self, wanted: str) -> Any:
        """One HistoricalLocation in reach. Raises NotFound."""
        key = sta.key_of("HistoricalLocations", wanted)
        found = await sta.places(
            self._session, self._reach, Options(top=1), keys=[] if key is None else [key]
        )
        if not found:
            raise NotFound("unknown-entity", "Nothing of this id in your reach 无此对象或超出权限")
        return found[0]

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
        left = [key for key in level.keys or () if collection == "Locations" and key[1:]]
        if left:
            return len(await sta.places_left(self._session, self._reach, left))
        return await sta.count(self._session, collection, self._reach, asked, level.below, level.keys)

    async def count_observations(self, asked: Options, of: Sequence[SeriesRow]) -> int:
        """How many values of these series all pages have; an estimate where there are very many."""
        if asked.filter.result or len(of) > MOST_COUNTED:
            raise BadQuery(
                f"$count is not offered beside a filter on result or of over {MOST_COUNTED} series"
            )
        counts = [(await values.count(self._session, row.id, asked.filter.span, None))[0] for row in of]
        return sum(counts)

    async def _sites(self, collection: str, asked: Options, keys: Sequence[Key] | None) -> list[Shown]:
        rows = await sta.sites(self._session, collection, self._reach, asked, keys)
        shape = self._shapes.thing if collection == "Things" else self._shapes.feature
        shown, codes = [shape(row) for row in rows], [(row.code,) for row in rows]
        if "Locations" in asked.expand:
            await self._hang_beside("Locations", asked, shown, codes)
        if "Observations" in asked.expand:
            await self._hang_observations(asked.expand["Observations"], shown)
        await self._hang_places(collection, asked, shown, codes)
        await self._hang_datastreams(collection, asked, shown, codes)
        return shown

    async def _locations(self, asked: Options, keys: Sequence[Key] | None) -> list[Shown]:
        """Where sites stand; where they stood before only by key."""
        here = None if keys is None else [key for key in keys if len(key) == 1]
        if asked.filter.id is not None and keys is None:
            key = sta.key_of("Locations", asked.filter.id)
            here, keys = (None, None) if key is None or len(key) == 1 else ([], [key])
        rows = await sta.sites(self._session, "Locations", self._reach, asked, here)
        points: list[tuple[Key, SiteRow, tuple[Any, Any]]] = [
            ((row.code,), row, (row.longitude, row.latitude)) for row in rows
        ]
        for left in await sta.places_left(self._session, self._reach, [key for key in keys or () if key[1:]]):
            points.append(((left.site, left.change), left.SiteRow, (left.longitude, left.latitude)))
        shown = [self._shapes.location(*point) for point in points]
        found = [key for key, *_ in points]
        if "Things" in asked.expand:
            await self._hang_beside("Things", asked, shown, found)
        await self._hang_places("Locations", asked, shown, found)
        return shown

    async def _hang_beside(
        self, name: str, asked: Options, shown: Sequence[Shown], keys: Sequence[Key]
    ) -> None:
        """The Thing that stands at a Location now, or the Location of a Thing."""
        beside = await self._by_key(name, asked.expand[name], [key for key in keys if len(key) == 1])
        for one, key in zip(shown, keys, strict=True):
            one[name] = [beside[key]] if key in beside else []

    async def _places(self, asked: Options, level: Level) -> list[tuple[Any, Shown]]:
        rows = await sta.places(self._session, self._reach, asked, level.below, level.keys)
        shown = [self._shapes.historical_location(row) for row in rows]
        if "Thing" in asked.expand:
            things = await self._by_key("Things", asked.expand["Thing"], [(row.site,) for row in rows])
            for one, row in zip(shown, rows, strict=True):
                one["Thing"] = things.get((row.site,))
        if "Locations" in asked.expand:
            keys = [sta.place_key(row) for row in rows]
            found = await self._by_key("Locations", asked.expand["Locations"], keys)
            for one, key in zip(shown, keys, strict=True):
                one["Locations"] = [found[key]] if key in found else []
        return list(zip(rows, shown, strict=True))

    async def _hang_places(
        self, collection: str, asked: Options, shown: Sequence[Shown], keys: Sequence[Key]
    ) -> None:
        inner = asked.expand.get("HistoricalLocations")
        if inner is None:
            return
        self._spend(len(keys) * min(inner.top, 10))
        below: dict[Key, list[Shown]] = {}
        for row, one in await self._places(inner, Level(below=Below(collection, keys))):
            key = (row.site,) if collection == "Things" else sta.place_key(row)
            below.setdefault(key, []).append(one)
        for one, key in zip(shown, keys, strict=True):
            path = f"{path_of(collection, sta.id_of(key))}/HistoricalLocations"
            mine = self._shapes.selected(below.get(key, []), inner)
            self._hang(one, "HistoricalLocations", mine, inner, path)

    async def _hang_observations(self, inner: Options, shown: Sequence[Shown]) -> None:
        """Observations of FeaturesOfInterest, each merged from its series."""
        for one in shown:
            code = one["@iot.id"]
            self._spend(max(inner.top, 100))
            found, given = await self.observations_of(code, inner)
            path = f"{path_of('FeaturesOfInterest', code)}/Observations"
            self._hang(one, "Observations", found, given, path)

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
            self._spend(len(rows) * (inner.top + inner.skip))
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

"""SensorThings 1.1 (18-088): sites are Things, series Datastreams, values Observations; one way to write.

Promises: links lead through the address the reader used; CreateObservations answers in the order sent with a
self link or "error"; what cannot be written is 405. resultQuality is left to `qc`. Leaves queries to
`rules.sta_query`, shapes to `sta_shapes`.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from kit.auth import Grant
from kit.db import ReaderSession
from kit.problems import BadRequest, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from ingest.api.edge import REGIONS, desk
from ingest.api.observations import May as MaySubmit
from ingest.api.observations import receive
from ingest.api.reading import May
from ingest.api.sta_shapes import Shapes, service_document
from ingest.queries import sta, values
from ingest.rules.rows import Columns
from ingest.rules.sta_create import read_create
from ingest.rules.sta_query import RELATED, BadQuery, Entity, Options, entity_of, options_of
from ingest.tables import SeriesRow, SiteRow

router = APIRouter(tags=["sensorthings"])
PREFIX = "/sta/v1.1"
MOST_EXPANDED = 10_000


class Reader:
    """Reads levels of entities for one request."""

    def __init__(self, session: AsyncSession, grant: Grant, shapes: Shapes) -> None:
        self._session, self._shapes = session, shapes
        self._reach = grant.clause(
            REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc
        )
        self._left = MOST_EXPANDED

    async def things(self, asked: Options, codes: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Things, one more than asked for."""
        rows = await sta.things(self._session, self._reach, asked, codes)
        shown = [self._shapes.thing(row) for row in rows]
        if "Datastreams" in asked.expand:
            inner = asked.expand["Datastreams"]
            self._spend(len(rows) * min(inner.top, 100))
            below = await self.datastreams(inner, sites=[row.code for row in rows])
            for one, row in zip(shown, rows, strict=True):
                mine = [each for each in below if each["properties"]["site"] == row.code]
                self._hang(one, "Datastreams", mine, inner, f"Things({_quoted(row.code)})/Datastreams")
        return self._shapes.selected(shown, asked)

    async def datastreams(
        self, asked: Options, sites: Sequence[str] | None = None, ids: Sequence[int] | None = None
    ) -> list[dict[str, Any]]:
        """Datastreams, one more than asked for (of each site)."""
        rows = await sta.datastreams(self._session, self._reach, asked, sites, ids)
        shown = [self._shapes.datastream(row) for row in rows]
        if "Observations" in asked.expand:
            inner = asked.expand["Observations"]
            self._spend(len(rows) * inner.top)
            below = await self.observations(inner, rows)
            for one, row in zip(shown, rows, strict=True):
                mine = below.get(row.id, [])
                self._hang(one, "Observations", mine, inner, f"Datastreams({row.id})/Observations")
        if "Thing" in asked.expand:
            codes = sorted({row.site for row in rows})
            inner = msgspec.structs.replace(asked.expand["Thing"], top=len(codes))
            above = {one["@iot.id"]: one for one in await self.things(inner, codes)}
            for one, row in zip(shown, rows, strict=True):
                one["Thing"] = above.get(row.site)
        # A site's own list is cut later, by its site: the property must not be selected away before.
        return shown if sites is not None else self._shapes.selected(shown, asked)

    async def observations(self, asked: Options, of: Sequence[SeriesRow]) -> dict[int, list[dict[str, Any]]]:
        """Observations by series, of each one more than asked for."""
        rows = await sta.observations(self._session, [row.id for row in of], asked)
        series = {row.id: row for row in of}
        found: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(row.series_id, []).append(self._shapes.observation(row, series[row.series_id]))
        if "Datastream" in asked.expand:
            for key, some in found.items():
                for one in some:
                    one["Datastream"] = self._shapes.datastream(series[key])
        return {key: self._shapes.selected(some, asked) for key, some in found.items()}

    async def series(self, wanted: str | None) -> SeriesRow:
        """One series in reach. Raises NotFound."""
        found_id = sta.number(wanted or "")
        ids = [] if found_id is None else [found_id]
        found = await sta.datastreams(self._session, self._reach, Options(top=1), ids=ids)
        if not found:
            raise NotFound("unknown-datastream", "No such Datastream in your reach 无此数据流或超出权限")
        return found[0]

    async def count(self, collection: str, asked: Options, of: SeriesRow | None) -> int:
        if of is not None:
            if asked.filter.result:
                raise BadQuery("$count beside a filter on result is not offered")
            return (await values.count(self._session, of.id, asked.filter.span, None))[0]
        return await sta.count_of(
            self._session, SiteRow if collection == "Things" else SeriesRow, self._reach
        )

    def _spend(self, entities: int) -> None:
        self._left -= entities
        if self._left < 0:
            raise BadQuery(f"$expand would give more than {MOST_EXPANDED} entities; ask for fewer by $top")

    def _hang(
        self, one: dict[str, Any], name: str, below: list[dict[str, Any]], asked: Options, path: str
    ) -> None:
        kept = below[: asked.top]
        one[name] = self._shapes.selected(kept, asked) if name == "Datastreams" else kept
        if len(below) > asked.top:
            one[f"{name}@iot.nextLink"] = self._shapes.link(f"{path}?$skip={asked.skip + asked.top}")


@router.get(PREFIX)
async def show_service(request: Request, grant: May) -> Any:
    """What is here, and which requirements are met."""
    return service_document(_base(request))


@router.get(PREFIX + "/{entity}")
async def list_entities(entity: str, request: Request, grant: May, session: ReaderSession) -> Response:
    """A collection, or one of it."""
    return await _answer(request, session, grant, entity, None)


@router.get(PREFIX + "/{entity}/{navigation}")
async def list_related(
    entity: str, navigation: str, request: Request, grant: May, session: ReaderSession
) -> Response:
    """What belongs to one entity."""
    return await _answer(request, session, grant, entity, navigation)


@router.post(PREFIX + "/CreateObservations", status_code=201, response_class=Response)
async def create_observations(request: Request, grant: MaySubmit) -> Response:
    """Send values by Datastream; answers a self link or "error" for each, in the order sent.

    Committed as by POST /observations: a value that was there already gets its link, another value for the
    same instant is kept as a revision and answered "error". The header `Submission` names the receipt.
    """
    order: list[Columns] = []

    def read(*given: Any) -> Columns:
        order[:] = [read_create(*given)]
        return order[0]

    parcel, stored = await desk(request).take(await receive(request, None, read, "sta"), grant)
    if not order:
        wrong = [one.shown() | {"where": one.where} for one in parcel.refused]
        raise Invalid("batch-not-acceptable", "No observation was read 无法读取", errors=wrong)  # type: ignore[arg-type]
    errors = {wrong.row for wrong in parcel.refused} | {later.row for later in stored.revised}
    links = ["error"] * order[0].size
    judged, base = parcel.judged, _base(request)
    if judged is not None:
        ids = [judged.channels[at].ref.id for at in judged.at.tolist()]
        for row, series, start in zip(judged.row.tolist(), ids, judged.start.tolist(), strict=True):
            if row not in errors:
                links[row] = f"{base}/Observations('{series}.{start}')"
    headers = {"Submission": str(parcel.id)}
    return Response(msgspec.json.encode(links), 201, headers=headers, media_type="application/json")


@router.api_route(PREFIX + "/{entity}", methods=["POST", "PUT", "PATCH", "DELETE"])
async def refuse_to_write(entity: str, grant: MaySubmit) -> None:
    """Evidence is not edited, and the register has an interface of its own."""
    raise HTTPException(
        405, "Only CreateObservations writes 仅可通过 CreateObservations 写入", {"Allow": "GET"}
    )


def _base(request: Request) -> str:
    return f"{request.base_url.scheme}://{request.base_url.netloc}{PREFIX}"


async def _answer(
    request: Request, session: AsyncSession, grant: Grant, entity: str, navigation: str | None
) -> Response:
    try:
        which = entity_of(entity)
        reader = Reader(session, grant, Shapes(_base(request)))
        body = await _read(request, reader, which, navigation)
    except BadQuery as error:
        raise BadRequest("query-not-understood", f"{error} 查询不支持") from None
    return JSONResponse(body)


async def _read(request: Request, reader: Reader, which: Entity, navigation: str | None) -> Any:
    target = which.collection
    if navigation is not None:
        if which.id is None or navigation not in RELATED[target]:
            raise NotFound("unknown-navigation", f"{which.collection} have no {navigation[:40]} 无此导航")
        target = RELATED[target][navigation]
    asked = options_of(target, request.query_params.multi_items())
    if navigation is None and which.id is not None:
        return await _one(reader, which, asked)
    found, of = await _level(reader, which, navigation, asked)
    if navigation in ("Thing", "Datastream"):
        return found[0]
    body: dict[str, Any] = {"@iot.count": await reader.count(target, asked, of)} if asked.count else {}
    if len(found) > asked.top and asked.top:
        body["@iot.nextLink"] = _next(request, target, found[asked.top - 1], asked)
    body["value"] = found[: asked.top]
    return Shapes.as_array(body, of, _base(request)) if asked.is_array and of is not None else body


async def _one(reader: Reader, which: Entity, asked: Options) -> Any:
    if which.collection == "Observations":
        series, _, at = str(which.id).partition(".")
        of = await reader.series(series)
        if not (at.isascii() and at.isdigit() and len(at) < 18):
            raise NotFound("unknown-observation", "No such Observation 无此观测")
        asked.filter.start, asked.filter.stop = int(at), int(at) + 1
        found = (await reader.observations(asked, [of])).get(of.id, [])
    elif which.collection == "Things":
        found = await reader.things(asked, [str(which.id)])
    else:
        found = await reader.datastreams(asked, ids=[(await reader.series(which.id)).id])
    if not found:
        raise NotFound("unknown-entity", "Nothing of this id in your reach 无此对象或超出权限")
    return found[0]


async def _level(
    reader: Reader, which: Entity, navigation: str | None, asked: Options
) -> tuple[list[dict[str, Any]], SeriesRow | None]:
    """(entities, the series they are values of)."""
    if navigation == "Datastreams":
        await _one(reader, which, Options())
        shown = await reader.datastreams(asked, sites=[str(which.id)])
        return Shapes.selected(shown, asked), None
    if navigation == "Thing":
        return await reader.things(asked, [(await reader.series(which.id)).site]), None
    if navigation == "Datastream":
        series = await reader.series(str(which.id).partition(".")[0])
        return await reader.datastreams(asked, ids=[series.id]), None
    if navigation == "Observations" or which.collection == "Observations":
        wanted = which.id if navigation else asked.filter.datastream
        if wanted is None:
            raise BadQuery("Observations are read of one Datastream: $filter=Datastream/id eq 1")
        of = await reader.series(wanted)
        return (await reader.observations(asked, [of])).get(of.id, []), of
    if which.collection == "Things":
        return await reader.things(asked), None
    return await reader.datastreams(asked), None


def _next(request: Request, target: str, last: dict[str, Any], asked: Options) -> str:
    """The same query behind the last entity; by its key, so that no page costs the ones before it."""
    given = [pair for pair in request.query_params.multi_items() if pair[0] not in ("$skip", "$skiptoken")]
    token = last.get("@iot.id")
    if target == "Observations":
        token = str(token).partition(".")[2]
    query = urlencode([*given, ("$skiptoken", str(token))], quote_via=quote, safe="$")
    return f"{_base(request)}{request.url.path[len(PREFIX) :]}?{query}"


def _quoted(code: str) -> str:
    return "'" + code.replace("'", "''") + "'"

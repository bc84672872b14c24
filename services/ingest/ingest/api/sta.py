"""SensorThings 1.1 (18-088): sites are Things, series Datastreams, values Observations; one way to write.

Locations, Sensors (a source of a site) and ObservedProperties (factors) are read beside them.

Promises: links lead through the address the reader used; CreateObservations answers in the order sent with a
self link or "error"; what cannot be written is 405. resultQuality is left to `qc`. Leaves queries to
`rules.sta_query`, levels to `sta_reader`, shapes to `sta_shapes`.
"""

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

from ingest.api.edge import desk
from ingest.api.observations import May as MaySubmit
from ingest.api.observations import receive
from ingest.api.reading import May
from ingest.api.sta_reader import Level, Reader
from ingest.api.sta_shapes import Shapes, service_document
from ingest.queries import sta
from ingest.rules.rows import Columns
from ingest.rules.sta_create import read_create
from ingest.rules.sta_query import RELATED, BadQuery, Entity, Options, entity_of, options_of

router = APIRouter(tags=["sensorthings"])
PREFIX = "/sta/v1.1"
_SINGLE = frozenset({"Thing", "Sensor", "ObservedProperty", "Datastream"})


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
        return await reader.one(which, asked)
    if target == "Observations":
        return await _observations(request, reader, which.id or asked.filter.datastream, asked)
    level = await _level(reader, which, navigation)
    found = await reader.level(target, asked, level)
    if navigation in _SINGLE:
        return found[0]
    body: dict[str, Any] = {"@iot.count": await reader.count(target, asked, level)} if asked.count else {}
    return _paged(
        request, body, found, asked, found[asked.top - 1]["@iot.id"] if found[asked.top - 1 :] else ""
    )


async def _level(reader: Reader, which: Entity, navigation: str | None) -> Level:
    """Which entities of the target are meant. Raises NotFound for those of an entity that is not there."""
    if navigation is None or which.id is None:
        return Level()
    if which.collection in ("Datastreams", "Observations"):
        of = await reader.series(which.id.partition(".")[0])
        keys = {"Thing": (of.site,), "Sensor": (of.site, of.source), "ObservedProperty": (of.factor,)}
        return Level(keys=[keys.get(navigation, (of.id,))])
    await reader.one(which, Options())
    key = sta.key_of(which.collection, which.id)
    keys_above = [] if key is None else [key]
    if navigation == "Datastreams":
        return Level(below=sta.Below(which.collection, keys_above))
    return Level(keys=keys_above)


async def _observations(request: Request, reader: Reader, wanted: str | None, asked: Options) -> Any:
    if wanted is None:
        raise BadQuery("Observations are read of one Datastream: $filter=Datastream/id eq 1")
    of = await reader.series(wanted)
    found = (await reader.observations(asked, [of])).get(of.id, [])
    body: dict[str, Any] = {"@iot.count": await reader.count_observations(asked, of)} if asked.count else {}
    last = str(found[asked.top - 1]["@iot.id"]).partition(".")[2] if found[asked.top - 1 :] else ""
    body = _paged(request, body, found, asked, last)
    return Shapes.as_array(body, of, _base(request)) if asked.is_array else body


def _paged(
    request: Request, body: dict[str, Any], found: list[dict[str, Any]], asked: Options, last: Any
) -> dict[str, Any]:
    """A page and the same query behind its last entity; by its key, so that no page costs the ones before."""
    if len(found) > asked.top and asked.top:
        given = [
            pair for pair in request.query_params.multi_items() if pair[0] not in ("$skip", "$skiptoken")
        ]
        query = urlencode([*given, ("$skiptoken", str(last))], quote_via=quote, safe="$")
        body["@iot.nextLink"] = f"{_base(request)}{request.url.path[len(PREFIX) :]}?{query}"
    return {**body, "value": found[: asked.top]}

"""SensorThings 1.1 (18-088): sites are Things, series Datastreams, values Observations; one way to write.

Locations, HistoricalLocations (changes of the register that placed a site), FeaturesOfInterest (sites),
Sensors (a source of a site) and ObservedProperties (factors) are read beside them.

Promises: links lead through the address the reader used; CreateObservations answers in the order sent with a
self link or "error"; what cannot be written is 405. resultQuality is left to `qc`. Leaves queries to
`rules.sta_query`, levels to `sta_reader`, shapes to `sta_shapes`.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from kit.auth import Grant
from kit.db import ReaderSession
from kit.problems import BadRequest, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from ingest.api.edge import desk
from ingest.api.observations import May as MaySubmit
from ingest.api.observations import receive
from ingest.api.reading import May
from ingest.api.sta_paths import SINGLE, Path, follow, level_of
from ingest.api.sta_reader import Reader
from ingest.api.sta_shapes import Shapes, service_document
from ingest.rules.rows import Columns
from ingest.rules.sta_create import read_create
from ingest.rules.sta_query import BadQuery, Options, options_of

router = APIRouter(tags=["sensorthings"])
PREFIX = "/sta/v1.1"
REFUSED: dict[int | str, dict[str, Any]] = {405: {"description": "Nothing is written here 此处不可写入"}}
# The standard answers 400 to a path or query that cannot be read.
UNREAD: dict[int | str, dict[str, Any]] = {400: {"description": "Not readable 路径或查询无法解析"}}
# Read by `rules.sta_query`, which the framework does not know.
_ASKED: dict[str, Any] = {
    "parameters": [
        {"name": f"${name}", "in": "query", "required": False, "schema": {"type": "string"}}
        for name in ("filter", "select", "expand", "orderby", "top", "skip", "count", "resultFormat")
    ]
}
_WRITTEN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
    }
}


@router.get(PREFIX)
async def show_service(request: Request, grant: May) -> Any:
    """What is here, and which requirements are met."""
    return service_document(_base(request))


@router.get(PREFIX + "/{entity}", openapi_extra=_ASKED, responses=UNREAD)
async def list_entities(entity: str, request: Request, grant: May, session: ReaderSession) -> Response:
    """A collection, or one of it."""
    return await _answer(request, session, grant, [entity])


@router.get(PREFIX + "/{entity}/{navigation}", openapi_extra=_ASKED, responses=UNREAD)
async def list_related(
    entity: str, navigation: str, request: Request, grant: May, session: ReaderSession
) -> Response:
    """What belongs to one entity, or a property of it."""
    return await _answer(request, session, grant, [entity, navigation])


@router.get(PREFIX + "/{entity}/{navigation}/{further}", openapi_extra=_ASKED, responses=UNREAD)
@router.get(PREFIX + "/{entity}/{navigation}/{further}/{last}", openapi_extra=_ASKED, responses=UNREAD)
async def list_further(request: Request, grant: May, session: ReaderSession) -> Response:
    """What a longer path leads to, the value of a property, or links alone."""
    return await _answer(request, session, grant, list(request.path_params.values()))


@router.post(PREFIX + "/CreateObservations", status_code=201, response_class=Response, openapi_extra=_WRITTEN)
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


@router.post(PREFIX + "/{entity}", responses=REFUSED)
@router.put(PREFIX + "/{entity}", responses=REFUSED)
@router.patch(PREFIX + "/{entity}", responses=REFUSED)
@router.delete(PREFIX + "/{entity}", responses=REFUSED)
async def refuse_to_write(entity: str, grant: MaySubmit) -> None:
    """Evidence is not edited, and the register has an interface of its own."""
    raise HTTPException(
        405, "Only CreateObservations writes 仅可通过 CreateObservations 写入", {"Allow": "GET"}
    )


def _base(request: Request) -> str:
    return f"{request.base_url.scheme}://{request.base_url.netloc}{PREFIX}"


async def _answer(request: Request, session: AsyncSession, grant: Grant, segments: Sequence[str]) -> Response:
    try:
        reader = Reader(session, grant, Shapes(_base(request)))
        path = await follow(reader, segments)
        if path.attribute is not None:
            return await _property(reader, path)
        body = await _read(request, reader, path)
    except BadQuery as error:
        raise BadRequest("query-not-understood", f"{error} 查询不支持") from None
    if path.form == "$value":
        raise NotFound("unknown-property", "$value is of a property $value 只用于属性")
    return JSONResponse(body if path.form is None else _links(body))


async def _property(reader: Reader, path: Path) -> Response:
    one = await reader.one(path.which, Options())
    if path.attribute not in one:
        raise NotFound("unknown-property", f"No {str(path.attribute)[:40]} here 无此属性")
    value = one[path.attribute]
    if path.form is None:
        return JSONResponse({path.attribute: value})
    return PlainTextResponse(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _links(body: dict[str, Any]) -> dict[str, Any]:
    if "value" not in body:
        return {"@iot.selfLink": body["@iot.selfLink"]}
    return {**body, "value": [{"@iot.selfLink": one["@iot.selfLink"]} for one in body["value"]]}


async def _read(request: Request, reader: Reader, path: Path) -> Any:
    which, target = path.which, path.target
    asked = options_of(target, request.query_params.multi_items())
    if path.navigation is None and which.id is not None:
        return await reader.one(which, asked)
    if target == "Observations":
        if (which.collection == "FeaturesOfInterest" and which.id) or asked.filter.feature:
            return await _observed(request, reader, which.id or asked.filter.feature or "", asked)
        return await _observations(request, reader, which.id or asked.filter.datastream, asked)
    level = await level_of(reader, path)
    found = await reader.level(target, asked, level)
    if path.navigation in SINGLE:
        return found[0]
    body: dict[str, Any] = {"@iot.count": await reader.count(target, asked, level)} if asked.count else {}
    return _paged(
        request, body, found, asked, found[asked.top - 1]["@iot.id"] if found[asked.top - 1 :] else ""
    )


async def _observations(request: Request, reader: Reader, wanted: str | None, asked: Options) -> Any:
    if wanted is None:
        found, asked.token = await reader.all_observations(asked)
        return _everything(request, found, asked)
    of = await reader.series(wanted)
    found = (await reader.observations(asked, [of])).get(of.id, [])
    body: dict[str, Any] = {"@iot.count": await reader.count_observations(asked, [of])} if asked.count else {}
    last = str(found[asked.top - 1]["@iot.id"]).partition(".")[2] if found[asked.top - 1 :] else ""
    body = _paged(request, body, found, asked, last)
    return Shapes.as_array(body, _base(request)) if asked.is_array else body


def _everything(request: Request, found: list[dict[str, Any]], asked: Options) -> Any:
    """A page that may be short, or empty, before the end: series without values are passed over."""
    body: dict[str, Any] = {"value": found}
    if asked.token is not None:
        body["@iot.nextLink"] = _next(request, asked.token)
    return Shapes.as_array(body, _base(request)) if asked.is_array else body


async def _observed(request: Request, reader: Reader, site: str, asked: Options) -> Any:
    found, given = await reader.observations_of(site, asked)
    body: dict[str, Any] = {}
    if asked.count:
        body["@iot.count"] = await reader.count_observations(asked, await reader.series_of(site))
    last = found[given.top - 1]["@iot.id"] if found[given.top - 1 :] else ""
    body = _paged(request, body, found, given, last)
    return Shapes.as_array(body, _base(request)) if asked.is_array else body


def _paged(
    request: Request, body: dict[str, Any], found: list[dict[str, Any]], asked: Options, last: Any
) -> dict[str, Any]:
    """A page and the same query behind its last entity; by its key, so that no page costs the ones before."""
    if len(found) > asked.top and asked.top:
        body["@iot.nextLink"] = _next(request, last)
    return {**body, "value": found[: asked.top]}


def _next(request: Request, token: Any) -> str:
    given = [pair for pair in request.query_params.multi_items() if pair[0] not in ("$skip", "$skiptoken")]
    query = urlencode([*given, ("$skiptoken", str(token))], quote_via=quote, safe="$")
    return f"{_base(request)}{request.url.path[len(PREFIX) :]}?{query}"

"""POST /observations: the bytes as they came, judged row by row, answered after the commit.

Promises: 202 means committed; `validate=only` answers 200 and changes nothing; a body too large is 413 before
it is read whole. Leaves everything else to `flows.submit`.
"""

import re
from datetime import UTC, datetime
from email.message import Message
from typing import Annotated, Literal, NamedTuple

import msgspec
from contracts.ingest import Mode
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from kit import bringing
from kit.auth import Grant, allow
from kit.problems import Forbidden, Invalid, trace_id
from pydantic import BaseModel, Field, ValidationError

from ingest.api.bodies import BODY
from ingest.api.edge import desk
from ingest.flows.submit import Read, Received, read_json
from ingest.rules.cells import table_reader
from ingest.rules.limits import limits_on
from ingest.rules.mapping import Mapping, read_mapping
from ingest.rules.rows import BatchRefused
from ingest.rules.tables import CSV, XLSX

router = APIRouter(tags=["observations"])


class Table(BaseModel):
    """What a CSV or XLSX cannot say of itself."""

    source: str | None = Field(None, max_length=64)
    station: str | None = Field(None, max_length=64, description="Site of every row 全表所属点位")
    label: Literal["start", "end"] | None = None
    period: Literal["rtd", "min", "hour", "day"] | None = None
    historical: bool = False
    mapping: str | None = Field(None, max_length=20_000, description="JSON, as for `jianzhen replay`")


# Read by `_mapping`, not by the framework, which would not show them.
_OF_A_TABLE = [
    {"name": name, "in": "query", "required": False, "schema": schema}
    for name, schema in Table.model_json_schema()["properties"].items()
]
# Whatever is written here goes on in a header of our own; `%` where a name was not ASCII.
_NAME = re.compile(r"[A-Za-z0-9._%-]{1,200}")
May = Annotated[Grant, Depends(allow("observations", "submit"))]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="Repeats get the same answer"),
]
Path = Annotated[
    str | None,
    Header(alias="Uplink-Path", max_length=1000, description="Platforms the values passed, the sender last"),
]
Passed = Annotated[
    Literal["late", "backfill", "historical"] | None,
    Header(alias="Uplink-Mode", description="How the values came to the platform that forwards them"),
]
Validate = Annotated[Literal["only"] | None, Query(description="only: answer, change nothing 只校验不入库")]


class Forwarded(NamedTuple):
    """Of a platform that forwards: those the values passed, itself last, and how they came to it."""

    hops: tuple[str, ...]
    mode: Mode | None


async def _forwarded(path: Path = None, mode: Passed = None) -> Forwarded:
    hops = tuple(dict.fromkeys(hop.strip() for hop in (path or "").split(",") if hop.strip()))
    if strange := [hop for hop in hops if not _NAME.fullmatch(hop)]:
        detail = f"{strange[0][:64]!r} is no platform's name: letters, digits and . _ - 平台名称有误"
        raise Invalid("platform-name", detail)
    # Only a platform that names itself speaks of how values came to it.
    return Forwarded(hops, mode if hops else None)


@router.post(
    "/observations",
    status_code=202,
    response_class=Response,
    openapi_extra=BODY | {"parameters": _OF_A_TABLE},
    responses={
        200: {"description": "With validate=only: what would be answered; nothing was stored"},
        202: {"description": "Committed, with a result per row that was not simply accepted"},
    },
)
async def send_observations(
    request: Request,
    grant: May,
    forwarded: Annotated[Forwarded, Depends(_forwarded)],
    key: Key = None,
    validate: Validate = None,
) -> Response:
    """Send readings as rows, as columns, as CSV or as XLSX. Times without an offset are +08:00.

    A missing value is null. The first committed value of an instant wins; an equal one is a repeat, another
    one is kept as a revision. The query parameters of a table are for CSV and XLSX only.
    """
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "application/json")
    read: Read = read_json
    if kind.get_content_type() in (CSV, XLSX):
        read = table_reader(kind.get_content_type(), kind.get_param("charset"), _mapping(request))  # type: ignore[arg-type]
    if forwarded.hops and grant.principal.uscc:
        # Else a unit could keep its values from the platforms above by naming them.
        raise Forbidden("no-platform", "Only platforms of departments forward 仅部门平台可转发数据")
    received = msgspec.structs.replace(
        await receive(request, key, read), hops=forwarded.hops, mode=forwarded.mode
    )
    if validate:
        return Response(await desk(request).check(received, grant), 200, media_type="application/json")
    return Response(await desk(request).submit(received, grant), 202, media_type="application/json")


async def receive(
    request: Request, key: str | None = None, read: Read = read_json, channel: str = "http"
) -> Received:
    """The whole body and where it came from. Raises TooLarge, Invalid."""
    now = datetime.now(UTC)
    raw = await whole_body(request, limits_on(now.date()).body_bytes)
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    address = request.client.host if request.client else None
    return Received(raw, encoding, address, key, trace_id() or "", now, read, channel)


def _mapping(request: Request) -> Mapping:
    """The mapping of a table sent at once. Raises Invalid."""
    # Read here and not by the framework: a JSON body need not pay for what only tables use.
    try:
        table = Table.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    try:
        given = msgspec.json.decode(table.mapping) if table.mapping else {}
        words = {name: value for name in ("source", "station", "period") if (value := getattr(table, name))}
        if table.historical:
            words["historical"] = True
        if table.label is not None:
            words["time"] = {**given.get("time", {}), "label": table.label}
        return read_mapping({**given, **words})
    except (msgspec.DecodeError, TypeError, AttributeError) as error:
        flaw = BatchRefused("mapping", "mapping-wrong", str(error)).flaw
    except BatchRefused as error:
        flaw = error.flaw
    shown = flaw.at(-1).shown() | {"where": flaw.where}
    raise Invalid("mapping-wrong", "The mapping of the table is wrong 表格的 mapping 有误", errors=[shown])  # type: ignore[list-item]


async def whole_body(request: Request, most: int) -> bytes:
    """The whole body. Raises TooLarge as soon as that is certain."""
    detail = f"A body may have {most:,} bytes; send smaller batches, or POST /uploads 请分批发送，或分片上传"
    return await bringing.whole_body(request, most, detail)

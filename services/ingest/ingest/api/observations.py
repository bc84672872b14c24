"""POST /observations: the bytes as they came, judged row by row, answered after the commit.

Promises: 202 means committed; a body too large is 413 before it is read whole. Leaves everything else to
`flows.submit`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from kit.auth import Grant, allow
from kit.problems import Invalid, TooLarge, trace_id
from starlette.requests import ClientDisconnect

from ingest.api.edge import desk
from ingest.flows.submit import Received
from ingest.rules.limits import limits_on

router = APIRouter(tags=["observations"])
May = Annotated[Grant, Depends(allow("observations", "submit"))]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="Repeats get the same answer"),
]
_ROW = {
    "type": "object",
    "required": ["site", "factor", "time", "value"],
    "properties": {
        "site": {"type": "string", "examples": ["131000-A01"]},
        "factor": {"type": "string", "examples": ["a34004"]},
        "statistic": {"enum": ["rtd", "avg", "min", "max", "cou"], "default": "avg"},
        "basis": {"enum": ["raw", "converted"], "default": "raw"},
        "period": {"enum": ["rtd", "min", "hour", "day"], "default": "hour"},
        "time": {"type": "string", "examples": ["2026-11-21T08:00:00+08:00"]},
        "value": {"type": ["number", "string", "null"], "examples": [12.3]},
        "unit": {"type": "string", "examples": ["ug/m3"]},
        "flag": {"type": "string", "maxLength": 4, "examples": ["N"]},
    },
}
_HEAD = {
    "source": {"type": "string", "maxLength": 64},
    "label": {"enum": ["start", "end"], "default": "start"},
    "historical": {"type": "boolean", "default": False},
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["source", "rows"],
                            "properties": _HEAD | {"rows": {"type": "array", "items": _ROW}},
                        },
                        {
                            "type": "object",
                            "required": ["source", "columns", "data"],
                            "properties": _HEAD
                            | {
                                "columns": {"type": "array", "items": {"type": "string"}},
                                "data": {"type": "array", "items": {"type": "array"}},
                            },
                        },
                    ]
                }
            }
        },
    }
}


@router.post(
    "/observations",
    status_code=202,
    response_class=Response,
    openapi_extra=_BODY,
    responses={202: {"description": "Committed, with a result per row that was not simply accepted"}},
)
async def send_observations(request: Request, grant: May, key: Key = None) -> Response:
    """Send readings as rows or as columns. Times without an offset are +08:00; a missing value is null.

    The first committed value of an instant wins; an equal one is a repeat, another one is kept as a revision.
    """
    now = datetime.now(UTC)
    raw = await read_body(request, limits_on(now.date()).body_bytes)
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    address = request.client.host if request.client else None
    received = Received(raw, encoding, address, key, trace_id() or "", now)
    return Response(await desk(request).submit(received, grant), 202, media_type="application/json")


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises TooLarge as soon as that is certain."""
    detail = f"A body may have {most:,} bytes; send smaller batches 请分批发送"
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge("body-too-large", detail, limit_bytes=most)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise TooLarge("body-too-large", detail, limit_bytes=most)
            chunks.append(chunk)
    except ClientDisconnect:
        raise Invalid("body-incomplete", "The sender left before the body was whole 请求体不完整") from None
    return b"".join(chunks)

"""The register of officers' certificates 执法证 over HTTP: rows in, the register by number, its history.

Promises: a file beyond the limit is refused before it is read whole; the same file again changes nothing.
Leaves what a row must say to the flow and the rules.
"""

import hashlib
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from kit.auth import Grant, allow
from kit.bringing import CONTENT, Row, rows_of, whole_body
from kit.db import ReaderSession, WriterSession
from kit.problems import Invalid
from kit.sheets import SheetRefused

from cases.api.edge import Key, Limit, doer_of, visible
from cases.api.views import certificate_view
from cases.flows import certificates
from cases.flows.repeats import Ask, once
from cases.tables import CertificateEntry

router = APIRouter(tags=["certificates"])
MOST_BYTES = 4 * 1024 * 1024
May = Annotated[Grant, Depends(allow("certificates", "read"))]
MayWrite = Annotated[Grant, Depends(allow("certificates", "write"))]
Number = Annotated[
    str | None, Query(pattern=r"^[^\x00]{1,60}$", description="Number of the certificate 执法证号")
]
After = Annotated[str | None, Query(pattern=r"^[^\x00]{1,60}$", description="`next` of the page before")]
Before = Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")]


@router.get("/certificates")
async def list_certificates(
    grant: May, session: ReaderSession, number: Number = None, limit: Limit = 100, cursor: After = None
) -> dict[str, Any]:
    """执法证登记册: every certificate within reach as it stands today, by number; one if `number` is."""
    today, seen = doer_of(grant).today, visible(grant, CertificateEntry.region)
    if number is not None:
        seen &= CertificateEntry.number == number
    found = await certificates.listed(session, seen, today, cursor, limit)
    items = [certificate_view(row, today) for row in found]
    return {"items": items, "next": found[-1].number if len(found) == limit else None}


@router.get("/certificates/history")
async def list_certificate_history(
    grant: May, session: ReaderSession, number: Number = None, limit: Limit = 100, cursor: Before = None
) -> dict[str, Any]:
    """Every word ever entered, newest first, with who entered it; of one certificate if `number` is given."""
    today, seen = doer_of(grant).today, visible(grant, CertificateEntry.region)
    found = await certificates.history(session, seen, number, cursor, limit)
    items = [certificate_view(row, today) for row in found]
    return {"items": items, "next": found[-1].entry_no if len(found) == limit else None}


@router.post("/certificates", openapi_extra=CONTENT)
async def enter_certificates(
    request: Request, grant: MayWrite, session: WriterSession, key: Key = None
) -> dict[str, Any]:
    """执法证登记: rows as JSON, CSV or XLSX; all are entered, or none and each flaw is told."""
    raw = await whole_body(request, MOST_BYTES, f"A file may have {MOST_BYTES:,} bytes 文件过大，请分次发送")
    rows, doer = await _rows(request, raw), doer_of(grant)
    ask = Ask(grant.principal.subject, key, request.url.path, hashlib.sha256(raw).hexdigest(), doer.now)
    return await once(session, ask, lambda: certificates.enter(session, rows, doer))


async def _rows(request: Request, raw: bytes) -> list[Row]:
    try:
        return await rows_of(raw, request.headers.get("content-type", ""), lambda: _json(raw))
    except SheetRefused as refused:
        raise Invalid("file-unreadable", f"{refused} 文件无法读取") from None


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise SheetRefused(f"not JSON: {wrong}") from None

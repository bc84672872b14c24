"""Files of rows at a door: the body, its rows, and their entry, all of them or none.

Promises: a body is refused before it is read beyond the limit; every row is answered (entered, unchanged, or
what is wrong with it). Leaves the transaction, and the key under which a file is sent again, to the caller.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from kit import sheets
from kit.problems import Fault, Invalid, Problem, TooLarge

Row = dict[str, Any]
MOST_FLAWS = 1000
_ROWS = {
    "type": "object",
    "required": ["rows"],
    "properties": {"rows": {"type": "array", "items": {"type": "object"}}},
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
# For `openapi_extra` of a route that takes a file.
CONTENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _ROWS}, sheets.CSV: _FILE, sheets.XLSX: _FILE},
    }
}


async def whole_body(request: Request, most: int, detail: str) -> bytes:
    """The whole body. Raises TooLarge with `detail` as soon as that is certain."""
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > most:
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


async def rows_of(raw: bytes, media_type: str, decoded: Callable[[], Any]) -> list[Row]:
    """The rows of a CSV, a workbook, or of what `decoded` makes of JSON. Raises SheetRefused.

    Worked example: `{"rows": [{"code": "A1"}]}` gives `[{"code": "A1"}]`.
    """
    media = media_type.partition(";")[0].strip().lower()
    if media != "application/json":
        return [dict(row) for row in await asyncio.to_thread(sheets.read, raw, media)]
    body = decoded()
    rows = body.get("rows") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise sheets.SheetRefused('expected {"rows": [{…}, …]}')
    if len(rows) > sheets.MOST_ROWS:
        raise sheets.SheetRefused(f"more than {sheets.MOST_ROWS:,} rows; send several files")
    return rows


async def entered(
    rows: Sequence[Row],
    code_name: str,
    enter: Callable[[Row], Awaitable[bool]],
    repeated: Callable[[str], Fault],
    ends: tuple[type[Problem], ...] = (),
) -> Row:
    """Enter the rows; `enter` says whether a row changed something. The answer has a line for each.

    Raises Invalid with the flaws of each wrong row (the caller's transaction must then keep nothing), and at
    once what is of `ends`, or no fault of the row (5xx).
    """
    told: list[Row] = []
    wrong: list[Row] = []
    seen: set[str] = set()
    for at, row in enumerate(rows):
        code = str(row.get(code_name, ""))
        if code and code in seen:
            wrong.append({**repeated(code), "where": f"row {at}: {code_name}", "row": at})
            continue
        seen.add(code)
        try:
            is_changed = await enter(row)
        except Problem as problem:
            if problem.status >= 500 or isinstance(problem, ends):
                raise
            wrong += _wrong(at, problem)
            if len(wrong) >= MOST_FLAWS:
                break
        else:
            told.append({"row": at, "code": code, "outcome": "entered" if is_changed else "unchanged"})
    if wrong:
        detail = f"{len(wrong)} flaws in {len(rows)} rows; nothing was changed 文件有误，未作任何更改"
        raise Invalid("file-not-acceptable", detail, errors=wrong)  # type: ignore[arg-type]
    changed = sum(one["outcome"] == "entered" for one in told)
    return {"entered": changed, "unchanged": len(told) - changed, "rows": told, "validated_only": False}


def _wrong(at: int, problem: Problem) -> list[Row]:
    if problem.errors:
        return [{**one, "where": f"row {at}: {one['where']}", "row": at} for one in problem.errors]
    told = {"rule": problem.slug, "what": problem.detail, "mend": problem.title}
    return [{"where": f"row {at}", "row": at, **told}]

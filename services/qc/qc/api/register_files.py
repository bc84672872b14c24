"""Files of records at the door of the registers.

Promises: a file beyond the limit is refused before it is read whole; an unknown column is named. Leaves entry
to `flows.registers.bringing`.
"""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import Header, Query, Request
from kit.bringing import Row, rows_of, whole_body
from kit.problems import Fault, Invalid
from kit.sheets import SheetRefused

from qc.flows.registers.bringing import columns_of
from qc.rules.registers.flaws import flaw
from qc.rules.registers.model import Kind

Only = Annotated[
    Literal["only"] | None, Query(alias="validate", description="only: check, change nothing 仅校验")
]
FileKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="Repeats get the same answer 重复请求得到同一答复",
    ),
]
MOST_BYTES = 16 * 1024 * 1024


async def file_rows(request: Request, kind: Kind) -> tuple[bytes, list[Row]]:
    """The body and its rows. Raises TooLarge, and Invalid for a file that is none or has unknown columns."""
    detail = f"A file may have {MOST_BYTES:,} bytes; send several 文件过大，请分多次发送"
    raw = await whole_body(request, MOST_BYTES, detail)
    try:
        rows = await rows_of(raw, request.headers.get("content-type", ""), lambda: _json(raw))
    except SheetRefused as refused:
        raise Invalid("file-unreadable", f"{refused} 文件无法读取") from None
    unknown = sorted({name for row in rows for name in row} - set(columns_of(kind)))
    if unknown:
        errors: list[Fault] = [flaw(name, "field-unknown", name).told() for name in unknown[:20]]  # type: ignore[misc]
        raise Invalid("file-not-acceptable", "Unknown columns; nothing was changed 未作更改", errors=errors)
    return raw, rows


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise SheetRefused(f"not JSON: {wrong}") from None

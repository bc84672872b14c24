"""Files of the registry at the door: which form was sent, which form is answered.

Promises: a file larger than the limit is refused before it is read whole. Leaves rows to `kit.sheets` and
their entry to `flows.bringing`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Header, Query, Request, Response
from kit import sheets
from kit.auth import Grant
from kit.bringing import CONTENT as CONTENT
from kit.bringing import rows_of
from kit.problems import Invalid

from ingest.api.edge import change_of
from ingest.api.observations import whole_body
from ingest.flows.bringing import Bringing
from ingest.rules.bodies import BodyRefused, decode_body
from ingest.rules.limits import limits_on
from ingest.rules.refusals import texts

Only = Annotated[
    Literal["only"] | None, Query(alias="validate", description="only: check, change nothing 仅校验")
]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
_MEDIA = {"csv": sheets.CSV, "xlsx": sheets.XLSX}


async def sheet_rows(request: Request, columns: Mapping[str, str]) -> tuple[bytes, list[dict[str, Any]]]:
    """The body and its rows. Raises Invalid for a file that is none, or names an unknown column."""
    limits = limits_on(datetime.now(UTC).date())
    raw = await whole_body(request, limits.body_bytes)
    encoding = request.headers.get("content-encoding", "identity")
    try:
        media = request.headers.get("content-type", "")
        rows = await rows_of(raw, media, lambda: decode_body(raw, encoding, limits))
    except (sheets.SheetRefused, BodyRefused) as refused:
        raise Invalid("file-unreadable", f"{refused} 文件无法读取") from None
    unknown = sorted({name for row in rows for name in row} - set(columns))
    if unknown:
        errors: list[Any] = [{"where": name, **texts("table-header", name)} for name in unknown[:20]]
        raise Invalid("file-not-acceptable", "Unknown columns; nothing was changed 未作更改", errors=errors)
    return raw, rows


def bringing(request: Request, grant: Grant, raw: bytes, asked: tuple[str | None, str | None]) -> Bringing:
    """A file to be entered on behalf of who sent it; `asked` is (Idempotency-Key, validate)."""
    who = grant.principal
    return Bringing(
        request.app.state.database,
        partial(change_of, grant=grant),
        f"registry:{request.url.path}:{who.client or '-'}:{who.subject}",
        raw,
        asked[0],
        asked[1] == "only",
    )


def sheet_answer(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], form: str, name: str
) -> Response:
    """A table as a download."""
    ending = form.removeprefix("template-")
    media = _MEDIA[ending]
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(sheets.written(columns, rows, media), media_type=media, headers=headers)

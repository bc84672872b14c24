"""Organisations, sites, devices and series as files, and the history of any of them.

Promises: a file goes through the same checks as single requests, all of it or nothing; exports can be read
back. Leaves rows to `kit.sheets`, their entry to `registry`.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import also
from kit.problems import Invalid
from kit.sheets import CSV, XLSX
from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from ingest.api.asked import PutDevice, PutOrganisation, PutSeries, PutSite
from ingest.api.edge import REGIONS, Cursor, Limit, number_of, page, reach
from ingest.api.files import CONTENT, Key, Only, bringing, sheet_answer, sheet_rows
from ingest.api.registry import (
    note_unapproved,
    put_device_row,
    put_organisation_row,
    put_series_rows,
    put_site_row,
)
from ingest.flows.bringing import bring
from ingest.flows.change import Change, shown
from ingest.flows.registry import Unapproved
from ingest.queries import history
from ingest.rules.refusals import texts
from ingest.tables import DeviceRow, Organisation, RegistryChange, SeriesRow, SiteRow

router = APIRouter(tags=["registry files 登记表"])
MayRead = Annotated[Grant, Depends(allow("registry", "read"))]
MayWrite = Annotated[Grant, Depends(allow("registry", "write"))]
Table = Literal["organisations", "sites", "devices", "series"]
Format = Literal["csv", "xlsx", "template-csv", "template-xlsx"]
# What a table is called by, the shape of a row, where it is kept.
TABLES: dict[str, tuple[str, type[BaseModel], Any]] = {
    "organisations": ("uscc", PutOrganisation, Organisation),
    "sites": ("code", PutSite, SiteRow),
    "devices": ("mn", PutDevice, DeviceRow),
    "series": ("", PutSeries, SeriesRow),
}
_ENTER: dict[str, Callable[[Change, Grant, str, Any], Awaitable[Any]]] = {
    "organisations": put_organisation_row,
    "sites": put_site_row,
    "devices": put_device_row,
}
MOST_EXPORTED = 100_000


def columns_of(table: str) -> dict[str, str]:
    """The columns of a table: name → what it means."""
    key, model, _ = TABLES[table]
    shown_ = {key: "编码 Code (!)"} if key else {}
    for name, field in model.model_fields.items():
        if name != "password":
            shown_[name] = f"{field.description or name}{' (!)' if field.is_required() else ''}"
    return shown_


@router.get("/registry/tables/{table}", response_class=Response, responses=also(CSV, XLSX))
async def export_table(
    table: Table,
    grant: MayRead,
    session: ReaderSession,
    form: Annotated[
        Format, Query(alias="format", description="Export, or the empty template 导出或模板")
    ] = "csv",
) -> Any:
    """What is registered within reach, as CSV or XLSX that can be read back 导出登记表或下载模板."""
    rows: list[Any] = []
    if not form.startswith("template"):
        of = TABLES[table][2]
        asked = select(of)
        if table in ("devices", "series"):
            asked = asked.join(SiteRow)
        asked = asked.where(_within(grant, table)).limit(MOST_EXPORTED)
        rows = [shown(row) for row in await session.scalars(asked.order_by(*of.__table__.primary_key))]
    return sheet_answer(columns_of(table), rows, form, table)


def _within(grant: Grant, table: str) -> Any:
    if table == "organisations":
        return grant.clause(REGIONS, region=Organisation.region, owner_uscc=Organisation.uscc)
    return grant.clause(REGIONS, region=SiteRow.region, owner_dept=SiteRow.dept, owner_uscc=SiteRow.uscc)


@router.post("/registry/tables/{table}", openapi_extra=CONTENT)
async def bring_table(
    table: Table, request: Request, grant: MayWrite, only: Only = None, key: Key = None
) -> Any:
    """Enter a file of organisations, sites, devices or series: all of it or nothing 批量导入登记表."""
    raw, rows = await sheet_rows(request, columns_of(table))
    name, model, _ = TABLES[table]

    async def enter(change: Change, row: dict[str, Any]) -> bool:
        body = _read(model, {field: _cell(field, cell) for field, cell in row.items() if field != name})
        before = change.count
        if table == "series":
            await put_series_rows(change, grant, [body.model_dump()])
        else:
            await _ENTER[table](change, grant, str(row.get(name, "")), body)
        return change.count > before

    try:
        return await bring(bringing(request, grant, raw, (key, only)), rows, name or "code", enter)
    except Unapproved as refused:
        await note_unapproved(request, grant, refused)
        raise


_LISTS = frozenset({"subject_types", "categories", "addresses"})


def _cell(name: str, cell: Any) -> Any:
    """A text of a table as the model wants it: lists by `;`, objects as JSON."""
    if not isinstance(cell, str):
        return cell
    if name in _LISTS:
        return [part.strip() for part in cell.split(";") if part.strip()]
    if name == "instruments":
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell


def _read(model: type[BaseModel], cells: dict[str, Any]) -> Any:
    try:
        return model.model_validate({name: cell for name, cell in cells.items() if cell not in ("", None)})
    except ValidationError as error:
        errors: list[Any] = []
        for one in error.errors():
            where = ".".join(str(part) for part in one["loc"])
            rule = "record-field-missing" if one["type"] == "missing" else "record-type"
            found = where if one["type"] == "missing" else f"{one.get('input')!r} ({one['msg']})"
            errors.append({"where": where, **texts(rule, found[:160])})
        raise Invalid("row-not-acceptable", "The row does not fit 该行不符", errors=errors) from None


@router.get("/registry/changes")
async def list_changes(
    grant: MayRead,
    session: ReaderSession,
    table: Annotated[Table, Query(description="organisations, sites, devices or series")],
    code: Annotated[str, Query(max_length=400, description="Code of the object 编码")],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """Every version of an organisation, site, device or series, and who made it 历次变更及变更人."""
    after, seen = number_of(cursor), reach(grant, RegistryChange)
    found = await history.changes(session, table, code, after, limit + 1, seen)
    return page(found, limit, lambda row: row.id, _change)


def _change(row: RegistryChange) -> dict[str, Any]:
    return {
        "change": row.id,
        "changed_at": row.changed_at.isoformat(),
        "changed_by": row.changed_by,
        "before": row.before,
        "after": row.after,
    }

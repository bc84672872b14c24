"""The registers over HTTP: lists, records, their history, CSV, and what kinds there are.

Promises: one mechanism for every kind of `packs/registers/kinds`; each book has its own rights in the policy;
a list is paged by code; an edit says which version it edits. Leaves what is acceptable to the flows.
"""

import csv
import hashlib
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from kit.auth import Grant, allow
from kit.bringing import CONTENT
from kit.db import Database, ReaderSession, WriterSession
from kit.described import STRICT, also
from kit.problems import NotFound
from kit.sheets import CSV
from sqlalchemy import select

from qc.api.edge import Limit
from qc.api.register_files import FileKey, Only, file_rows
from qc.flows.registers.bringing import File, bring
from qc.flows.registers.change import Change
from qc.flows.registers.owned import reach
from qc.flows.registers.saving import Given, save_record
from qc.flows.repeats import Ask
from qc.rules.registers.model import BOOKS, Kind, kinds
from qc.tables.registers import RegisterChange, RegisterRecord

router = APIRouter()
Handler = Callable[..., Awaitable[Any]]
Code = Annotated[str | None, Query(max_length=200, description="`next` of the page before 上一页的 next")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=40, description="Version that is edited (ETag) 所改版本")
]
Format = Annotated[
    Literal["json", "csv"], Query(alias="format", description="csv: the page as a table 导出本页")
]
ANSWERS = {"list_records": also(CSV), "put_record": STRICT}
RUNS = ("=", "+", "-", "@", "\t", "\r")


async def narrowed(
    site: Annotated[str | None, Query(max_length=64, description="Site 点位")] = None,
    uscc: Annotated[str | None, Query(max_length=18, description="Owner 所属单位")] = None,
    about: Annotated[str | None, Query(max_length=64, description="e.g. the instrument 所属仪器等")] = None,
    flag: Annotated[
        str | None, Query(max_length=64, description="Only with this flag 仅列有此问题的")
    ] = None,
) -> list[Any]:
    """Which records: each word narrows the list."""
    of = RegisterRecord
    named = ((of.site, site), (of.uscc, uscc), (of.about, about))
    found: list[Any] = [column == value for column, value in named if value is not None]
    return [*found, of.flags.contains([flag])] if flag is not None else found


def shown(row: RegisterRecord) -> dict[str, Any]:
    """A record for an answer: its fields, and beside them what the platform makes of it."""
    kind = kinds()[row.kind]
    told = [{"flag": name, "zh": kind.flags[name].zh, "en": kind.flags[name].en} for name in row.flags]
    kept = {"kind": row.kind, "code": row.code, "version": row.change_no, "region": row.region}
    kept |= {"dept": row.dept, "uscc": row.uscc, "site": row.site}
    entered = {"entered_at": row.entered_at.isoformat(), "entered_by": row.entered_by}
    return row.body | kept | {"judged": row.judged, "flags": told} | entered


def table(kind: Kind, rows: list[RegisterRecord]) -> Response:
    """A page as CSV; a cell that a spreadsheet would run goes out as text."""
    names = ["code", *kind.fields, "flags", "version"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    heads = [
        f"{kind.fields[name].zh} {kind.fields[name].en}" if name in kind.fields else "" for name in names
    ]
    writer.writerow(["# 编码 Code", *heads[1:-2], "问题 Flags", "版本 Version"])
    for row in rows:
        cells = {**row.body, "code": row.code, "flags": ";".join(row.flags), "version": row.change_no}
        writer.writerow([_cell(cells.get(name)) for name in names])
    headers = {"Content-Disposition": f'attachment; filename="{kind.name}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        is_table = any(isinstance(one, dict) for one in value)
        value = msgspec.json.encode(value).decode() if is_table else ";".join(map(str, value))
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(RUNS) and not isinstance(value, float | int) else text


@router.get("/registers/kinds", tags=["registers"])
async def list_kinds(grant: Annotated[Grant, Depends(allow("rule-pack", "read"))]) -> dict[str, Any]:
    """Every kind of register: its fields, flags, clocks, source clause 各类台账的字段、问题、期限、依据。"""
    return {"items": [msgspec.to_builtins(kind) for kind in kinds().values()], "next": None}


class Book:
    """One book: its kinds share its rights. Each method makes one route's handler."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds = {kind.name: kind for kind in kinds().values() if kind.book == name}
        self.may_read, self.may_write = allow(name, "read"), allow(name, "write")

    def kind(self, name: str) -> Kind:
        """The kind, if it is of this book."""
        if name not in self.kinds:
            detail = f"There is no such kind in {self.name}; {', '.join(self.kinds)} 无此类别"
            raise NotFound("unknown-kind", detail)
        return self.kinds[name]

    def lister(self) -> Handler:
        async def list_records(  # noqa: PLR0913 - one parameter of the query each
            grant: Annotated[Grant, Depends(self.may_read)],
            kind: str,
            session: ReaderSession,
            wanted: Annotated[list[Any], Depends(narrowed)],
            limit: Limit = 100,
            cursor: Code = None,
            form: Format = "json",
        ) -> Any:
            """Records by code; csv gives the same page as a table 台账列表（可导出 CSV）。"""
            of = RegisterRecord
            asked = select(of).where(
                of.kind == self.kind(kind).name, reach(grant, of), of.code > (cursor or ""), *wanted
            )
            found = list(await session.scalars(asked.order_by(of.code).limit(limit)))
            if form == "csv":
                return table(self.kind(kind), found)
            return {
                "items": [shown(row) for row in found],
                "next": found[-1].code if len(found) == limit else None,
            }

        return list_records

    def shower(self) -> Handler:
        async def show_record(
            grant: Annotated[Grant, Depends(self.may_read)],
            kind: str,
            code: str,
            session: ReaderSession,
            response: Response,
        ) -> Any:
            """One record; its version is the ETag 单条记录，版本号在 ETag。"""
            of = RegisterRecord
            asked = select(of).where(of.kind == self.kind(kind).name, of.code == code, reach(grant, of))
            row = await session.scalar(asked)
            if row is None:
                raise NotFound("unknown-record", "No such record in your reach 无此记录或超出权限")
            response.headers["ETag"] = f'"{row.change_no}"'
            return shown(row)

        return show_record

    def putter(self) -> Handler:
        async def put_record(  # noqa: PLR0913 - one parameter of the request each
            grant: Annotated[Grant, Depends(self.may_write)],
            kind: str,
            code: str,
            body: dict[str, Any],
            session: WriterSession,
            response: Response,
            version: IfMatch = None,
        ) -> Any:
            """Enter or change a record; the same again changes nothing; changing wants If-Match 登记修改。"""
            who = grant.principal
            change = Change(session, f"{who.text} {who.subject}", datetime.now(UTC))
            row = await save_record(change, grant, Given(self.kind(kind), code, body, version))
            response.headers["ETag"] = f'"{row.change_no}"'
            return shown(row)

        return put_record

    def bringer(self) -> Handler:
        async def bring_records(
            grant: Annotated[Grant, Depends(self.may_write)],
            kind: str,
            request: Request,
            only: Only = None,
            key: FileKey = None,
        ) -> Any:
            """Enter a file (CSV, XLSX, JSON rows) of records: all or nothing 批量导入台账。"""
            of, who = self.kind(kind), grant.principal
            raw, rows = await file_rows(request, of)
            now, path = datetime.now(UTC), request.url.path
            ask = Ask(who.subject, key, path, hashlib.sha256(raw).hexdigest(), now) if key else None
            database: Database = request.app.state.database
            return await bring(database, grant, File(of, rows, ask, only == "only"), now)

        return bring_records

    def historian(self) -> Handler:
        async def list_history(
            grant: Annotated[Grant, Depends(self.may_read)],
            kind: str,
            code: str,
            session: ReaderSession,
            limit: Limit = 100,
            cursor: Annotated[int, Query(ge=0, le=2**62)] = 0,
        ) -> Any:
            """Every version of a record and who made it, oldest first 历次版本及修改人。"""
            of = RegisterChange
            asked = select(of).where(
                of.kind == self.kind(kind).name, of.code == code, of.change_no > cursor, reach(grant, of)
            )
            found = list(await session.scalars(asked.order_by(of.change_no).limit(limit)))
            items = [
                {
                    "version": row.change_no,
                    "changed_at": row.changed_at.isoformat(),
                    "changed_by": row.changed_by,
                    **row.after,
                }
                for row in found
            ]
            return {"items": items, "next": found[-1].change_no if len(found) == limit else None}

        return list_history

    def router(self) -> APIRouter:
        """The routes of the book."""
        shelf = APIRouter(prefix=f"/registers/{self.name}", tags=[f"registers/{self.name}"])
        about = "Kinds 类别：" + "、".join(f"{kind.name} {kind.zh}" for kind in self.kinds.values())
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/{kind}", self.lister()),
            ("POST", "/{kind}", self.bringer()),
            ("GET", "/{kind}/{code}", self.shower()),
            ("PUT", "/{kind}/{code}", self.putter()),
            ("GET", "/{kind}/{code}/history", self.historian()),
        ]
        for method, path, handler in routes:
            said = (handler.__doc__ or "").strip()
            name = f"{handler.__name__}_{self.name}"
            shelf.add_api_route(
                path,
                handler,
                methods=[method],
                name=name,
                summary=said,
                description=f"{said} {about}",
                openapi_extra=CONTENT if method == "POST" else None,
                responses=ANSWERS.get(handler.__name__),
            )
        return shelf


for _name in BOOKS:
    router.include_router(Book(_name).router())

"""The books of the registry over HTTP: lists, records, history, files, steps of a proceeding.

Promises: one mechanism for every kind of `rules.kinds`; each book has its own rights in the policy; an edit
says which version it edits. Leaves what is acceptable to `flows.records`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.described import STRICT, also
from kit.problems import NotFound
from kit.sheets import CSV, XLSX
from sqlalchemy import ColumnElement, or_, select

from ingest.api.edge import (
    AsOf,
    Cursor,
    IfMatch,
    Limit,
    Listed,
    change_of,
    inline,
    number_of,
    one_as_of,
    page,
    page_as_of,
    reach,
)
from ingest.api.files import CONTENT, Key, Only, bringing, sheet_answer, sheet_rows
from ingest.flows.bringing import bring
from ingest.flows.change import Change
from ingest.flows.proceedings import take_step
from ingest.flows.records import INTERNAL, Given, record_shown, save_record
from ingest.queries import history
from ingest.rules.kinds import Field, Kind, books, kinds
from ingest.tables import RegistryChange, RegistryRecord

router = APIRouter()
Handler = Callable[..., Awaitable[Any]]
MOST_EXPORTED = 100_000
SAID = {
    "list_records": "List or export records 列出或导出记录。",
    "bring_records": "Enter a file of records (CSV, XLSX or JSON rows), all of it or nothing; "
    "`validate=only` changes nothing 批量导入，整体成功或整体不变。",
    "show_record": "One record; its version is the ETag 单条记录，版本号在 ETag。",
    "put_record": "Enter or change a record; a change wants If-Match (428, 412) 登记或修改。",
    "list_history": "Every version of a record and who made it 历次版本及修改人。",
    "decide": "Approve, refuse or file, by another person of the authority responsible 审批、备案。",
}
ANSWERS = {"list_records": also(CSV, XLSX), "put_record": STRICT}
Format = Annotated[
    Literal["json", "csv", "xlsx", "template-csv", "template-xlsx"],
    Query(description="csv and xlsx export what is listed; template is the empty table 导出或下载模板"),
]


class Filter:
    """Which records: each word narrows the list."""

    def __init__(
        self,
        site: Annotated[str | None, Query(description="Site 点位")] = None,
        uscc: Annotated[str | None, Query(description="Unit, either party 单位（任一方）")] = None,
        region: Annotated[str | None, Query(description="Region, exactly 行政区")] = None,
        state: Annotated[str | None, Query(description="State of the proceeding 状态")] = None,
        flag: Annotated[
            str | None, Query(description="Only records with this flag 仅列有此问题的记录")
        ] = None,
        match: Annotated[
            list[str] | None, Query(description="field:value, e.g. year:2026 按字段筛选", max_length=5)
        ] = None,
    ) -> None:
        self.equal = {"site": site, "region": region, "state": state}
        self.uscc, self.flag, self.match = uscc, flag, match or []

    def clauses(self, on: date | None) -> list[ColumnElement[bool]]:
        of = RegistryRecord
        found = [getattr(of, name) == value for name, value in self.equal.items() if value is not None]
        if self.uscc is not None:
            found.append(or_(of.uscc == self.uscc, of.counterpart == self.uscc))
        if self.flag is not None:
            found.append(of.flags.contains([self.flag]))
        for one in self.match:
            name, _, value = one.partition(":")
            found.append(of.body[name].astext == value)
        if on is not None:
            found.append(or_(of.valid_from.is_(None), of.valid_from <= on))
            found.append(or_(of.valid_to.is_(None), of.valid_to >= on))
        return found


class Named:
    """Which record."""

    def __init__(self, kind: str, code: str) -> None:
        self.kind, self.code = kind, code


def columns_of(kind: Kind) -> dict[str, str]:
    """The columns of a kind's table: name → what it means, in both languages."""
    shown = {"code": "编码 Code (text!)"}
    shown |= {name: _explained(field) for name, field in kind.fields.items()}
    return shown | {"valid_from": "生效日期 Holds from (date)", "valid_to": "失效日期 Holds to (date)"}


def _explained(field: Field) -> str:
    more = f": {'|'.join(field.choices)}" if field.choices else ""
    return f"{field.zh} {field.en} ({field.type}{'!' if field.required else ''}{more})"


class Book:
    """One book: its kinds share its rights. Each method makes one route's handler."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds = {kind.name: kind for kind in kinds().values() if kind.book == name}
        self.may_read, self.may_write = allow(name, "read"), allow(name, "write")
        self.about = "Kinds 类别：" + "、".join(f"{kind.name} {kind.zh}" for kind in self.kinds.values())

    def kind(self, name: str) -> Kind:
        """The kind, if it is of this book."""
        if name not in self.kinds:
            detail = f"{name} is no kind of {self.name}; {', '.join(self.kinds)} 无此类别"
            raise NotFound("unknown-kind", detail)
        return self.kinds[name]

    def lister(self) -> Handler:
        async def list_records(
            grant: Annotated[Grant, Depends(self.may_read)],
            kind: str,
            session: ReaderSession,
            wanted: Annotated[Filter, Depends(inline(Filter))],
            listed: Listed,
            form: Annotated[Format, Query(alias="format")] = "json",
        ) -> Any:
            of = self.kind(kind)
            if form.startswith("template"):
                return await asyncio.to_thread(sheet_answer, columns_of(of), [], form, kind)
            is_public = grant.principal.is_anonymous
            if listed.as_of is not None:
                then = partial(_flat, is_public=is_public)
                return await page_as_of(session, grant, kind, listed, then)
            asked = select(RegistryRecord).where(
                RegistryRecord.kind == kind,
                reach(grant, RegistryRecord),
                RegistryRecord.code > (listed.cursor or ""),
                *wanted.clauses(listed.on),
            )
            most = listed.limit + 1 if form == "json" else MOST_EXPORTED
            found = list(await session.scalars(asked.order_by(RegistryRecord.code).limit(most)))
            if form != "json":
                rows = [record_shown(row) for row in found]
                return await asyncio.to_thread(sheet_answer, columns_of(of), rows, form, kind)
            shown = partial(record_shown, is_public=is_public)
            return page(found, listed.limit, lambda row: row.code, shown)

        return list_records

    def bringer(self) -> Handler:
        async def bring_records(
            grant: Annotated[Grant, Depends(self.may_write)],
            kind: str,
            request: Request,
            only: Only = None,
            key: Key = None,
        ) -> Any:
            of = self.kind(kind)
            raw, rows = await sheet_rows(request, columns_of(of))

            async def enter(change: Change, row: dict[str, Any]) -> bool:
                cells = {name: cell for name, cell in row.items() if name != "code"}
                given = Given(of, str(row.get("code", "")), cells, "*")
                return (await save_record(change, grant, given))[1]

            return await bring(bringing(request, grant, raw, (key, only)), rows, "code", enter)

        return bring_records

    def shower(self) -> Handler:
        async def show_record(
            grant: Annotated[Grant, Depends(self.may_read)],
            named: Annotated[Named, Depends(inline(Named))],
            session: ReaderSession,
            response: Response,
            as_of: AsOf = None,
        ) -> Any:
            kind, code = self.kind(named.kind).name, named.code
            if as_of is not None:
                then = await one_as_of(session, grant, (kind, code), as_of)
                if then is None:
                    raise NotFound("unknown-then", "It was not known at that moment 该时刻未登记或超出权限")
                return _flat(then, is_public=grant.principal.is_anonymous)
            asked = select(RegistryRecord).where(
                RegistryRecord.kind == kind, RegistryRecord.code == code, reach(grant, RegistryRecord)
            )
            row = await session.scalar(asked)
            if row is None:
                raise NotFound("unknown-record", f"No {kind}/{code} in your reach 无此记录或超出权限")
            response.headers["ETag"] = f'"{await history.last_change(session, kind, code)}"'
            return record_shown(row, is_public=grant.principal.is_anonymous)

        return show_record

    def putter(self) -> Handler:
        async def put_record(
            grant: Annotated[Grant, Depends(self.may_write)],
            named: Annotated[Named, Depends(inline(Named))],
            body: dict[str, Any],
            session: WriterSession,
            response: Response,
            version: IfMatch = None,
        ) -> Any:
            async with change_of(session, grant) as change:
                row, _ = await save_record(
                    change, grant, Given(self.kind(named.kind), named.code, body, version)
                )
            response.headers["ETag"] = f'"{await history.last_change(session, row.kind, row.code)}"'
            return record_shown(row)

        return put_record

    def historian(self) -> Handler:
        async def list_history(
            grant: Annotated[Grant, Depends(self.may_read)],
            named: Annotated[Named, Depends(inline(Named))],
            session: ReaderSession,
            limit: Limit = 100,
            cursor: Cursor = None,
        ) -> Any:
            after = number_of(cursor)
            seen = reach(grant, RegistryChange)
            found = await history.changes(
                session, self.kind(named.kind).name, named.code, after, limit + 1, seen
            )
            told = partial(_change, is_public=grant.principal.is_anonymous)
            return page(found, limit, lambda row: row.id, told)

        return list_history

    def decider(self) -> Handler:
        async def decide(
            named: Annotated[Named, Depends(inline(Named))],
            step: str,
            body: dict[str, Any],
            session: WriterSession,
            grant: Grant = Depends(allow(self.name, "decide")),
        ) -> Any:
            async with change_of(session, grant) as change:
                given = Given(self.kind(named.kind), named.code, {})
                return record_shown(await take_step(change, grant, given, step, body))

        return decide

    def router(self) -> APIRouter:
        """The routes of the book."""
        shelf = APIRouter(prefix=f"/registry/{self.name}", tags=[f"registry/{self.name}"])
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/{kind}", self.lister()),
            ("POST", "/{kind}", self.bringer()),
            ("GET", "/{kind}/{code}", self.shower()),
            ("PUT", "/{kind}/{code}", self.putter()),
            ("GET", "/{kind}/{code}/history", self.historian()),
        ]
        if any(kind.steps for kind in self.kinds.values()):
            routes.append(("POST", "/{kind}/{code}/{step}", self.decider()))
        for method, path, handler in routes:
            said = SAID[handler.__name__]
            shelf.add_api_route(
                path,
                handler,
                methods=[method],
                name=f"{handler.__name__}_{self.name}",
                summary=said,
                description=f"{said} {self.about}",
                openapi_extra=CONTENT if handler.__name__ == "bring_records" else None,
                responses=ANSWERS.get(handler.__name__),
            )
        return shelf


def _flat(after: dict[str, Any], *, is_public: bool) -> dict[str, Any]:
    body, hidden = after["body"], {"body"} | (INTERNAL if is_public else set())
    return {**body, **{name: cell for name, cell in after.items() if name not in hidden and name not in body}}


def _change(row: Any, *, is_public: bool) -> dict[str, Any]:
    told = {
        "change": row.id,
        "changed_at": row.changed_at.isoformat(),
        "changed_by": row.changed_by,
        "before": row.before and _flat(row.before, is_public=is_public),
        "after": _flat(row.after, is_public=is_public),
    }
    return {name: cell for name, cell in told.items() if not is_public or name not in INTERNAL}


for _name in books():
    router.include_router(Book(_name).router())

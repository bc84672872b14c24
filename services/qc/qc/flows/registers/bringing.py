"""Many records of one kind at once: all of a file, or nothing of it.

Promises: each row goes the way of a single record; a dry run goes the whole way and keeps nothing; the same
file again changes nothing, under the same key it is not even read again. Leaves reading files to `kit`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from kit.auth import Grant
from kit.bringing import Row, entered
from kit.db import Database
from kit.problems import Fault
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.registers.change import Change
from qc.flows.registers.saving import Given, save_record
from qc.flows.repeats import Ask, once
from qc.rules.registers.flaws import flaw
from qc.rules.registers.model import Field, Kind
from qc.tables.registers import RegisterRecord

# Columns that are no fields: which record, and of an export the version it was edited from and its flags.
BESIDE = {
    "code": "编码 Code (!)",
    "version": "修改时填所改版本 Version, to change a record",
    "flags": "导出时附带，不读 Of an export, not read",
}
TRUTHS = {
    "true": True,
    "1": True,
    "是": True,
    "yes": True,
    "false": False,
    "0": False,
    "否": False,
    "no": False,
}


class File(NamedTuple):
    """A file to be entered; `ask` is the request under its Idempotency-Key, None without one."""

    kind: Kind
    rows: Sequence[Row]
    ask: Ask | None
    is_dry: bool


class _Undone(Exception):
    """A dry run has come to its end."""


def columns_of(kind: Kind) -> dict[str, str]:
    """The columns of a kind: name → what it means, (!) where it must be given."""
    told = {name: f"{of.zh} {of.en}{' (!)' if of.required else ''}" for name, of in kind.fields.items()}
    return {"code": BESIDE["code"]} | told | BESIDE


async def bring(database: Database, grant: Grant, file: File, now: datetime) -> dict[str, Any]:
    """Enter the rows. Raises Invalid with the flaws of each wrong row; then nothing was changed."""
    answer: dict[str, Any] = {}
    try:
        async with database.writer() as session:
            change = Change(session, f"{grant.principal.text} {grant.principal.subject}", now)

            async def run() -> dict[str, Any]:
                return await entered(
                    file.rows, "code", lambda row: _enter(change, grant, file.kind, row), _repeated
                )

            is_kept = file.ask is not None and not file.is_dry
            answer = await once(session, file.ask, run) if is_kept and file.ask else await run()
            if file.is_dry:
                raise _Undone
    except _Undone:
        answer["validated_only"] = True
    return answer


async def _enter(change: Change, grant: Grant, kind: Kind, row: Row) -> bool:
    code = str(row.get("code", ""))
    before = await _version(change.session, kind, code)
    cells = {name: _cell(kind.fields[name], row[name]) for name in kind.fields if name in row}
    version = str(row["version"]) if row.get("version") not in (None, "") else None
    kept = await save_record(change, grant, Given(kind, code, cells, version))
    return kept.change_no != before


async def _version(session: AsyncSession, kind: Kind, code: str) -> int | None:
    known = await session.get(RegisterRecord, (kind.name, code))
    return None if known is None else known.change_no


def _cell(field: Field, cell: Any) -> Any:
    """A text of a table as the field wants it; what fits nothing is left for the field to refuse."""
    if not isinstance(cell, str):
        return cell
    if field.type == "boolean":
        return TRUTHS.get(cell.strip().lower(), cell)
    if field.type == "table":
        try:
            return msgspec.json.decode(cell)
        except msgspec.DecodeError:
            return cell
    return cell


def _repeated(code: str) -> Fault:
    told: Mapping[str, Any] = flaw("code", "repeated", code).told()
    return Fault(where="code", rule=told["rule"], what=told["what"], mend=told["mend"])

"""A record entered or changed: read, judged, kept with its history, its findings and deadlines.

Promises: what it refers to exists and is within the writer's reach; a record of fact is never changed; the
same content again changes nothing and says nothing. Leaves rights to the policy, figures to the rules.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple

from kit.auth import Grant
from kit.problems import Conflict, Fault, Forbidden, Invalid, Problem
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.registers.change import Change
from qc.flows.registers.effects import AFTER, BEFORE_KEEPING, run_clocks
from qc.flows.registers.owned import DEPARTMENTS, Owned, owned, require, whose
from qc.queries import registers
from qc.rules.assess import BEIJING
from qc.rules.registers.cells import CODE, Checked, check
from qc.rules.registers.flaws import Flaw, flaw
from qc.rules.registers.judged import Context, Judged
from qc.rules.registers.judging import judge, methods_used
from qc.rules.registers.model import Kind
from qc.tables.registers import KnownSite, RegisterRecord

PERSONS = ("done_by", "used_by", "analysed_by", "persons")
LOCK = text("SELECT pg_advisory_xact_lock(hashtext('qc.registers'), hashtext(:key))")


class Stale(Problem):
    """Somebody else changed it meanwhile."""

    status = 412
    title = "Changed meanwhile 已被他人修改"


class Unconditional(Problem):
    """An edit that does not say which version it edits."""

    status = 428
    title = "If-Match required 须带 If-Match"


class Given(NamedTuple):
    """A record as sent. `version` is the If-Match header."""

    kind: Kind
    code: str
    cells: Mapping[str, Any]
    version: str | None = None


class Loaded(NamedTuple):
    """What a record refers to: the record it is about, its site, and the bodies of the others by field."""

    about: RegisterRecord | None
    site: KnownSite | None
    related: dict[str, Mapping[str, Any]]


async def save_record(change: Change, grant: Grant, given: Given) -> RegisterRecord:
    """Enter or change one record.

    Raises Invalid (fields), Forbidden (reach), Conflict (a record of fact, too little stock), Stale and
    Unconditional (somebody else's version).
    """
    kind, session = given.kind, change.session
    if kind.by and grant.principal.dept not in kind.by:
        detail = f"{kind.name} are entered by {', '.join(kind.by)} 该类记录由上述单位登记"
        raise Forbidden("not-for-this-department", detail)
    done = check(kind, given.cells, DEPARTMENTS)
    if not CODE.fullmatch(given.code) or (
        kind.name == "agencies" and given.code != done.values.get("uscc", given.code)
    ):
        done.flaws.append(flaw("code", "code", given.code))
    refuse(done.flaws)
    await session.execute(LOCK, {"key": f"{kind.name}/{given.code}"})
    loaded = await _loaded(session, kind, done)
    refuse(done.flaws)
    known = await session.get(RegisterRecord, (kind.name, given.code), with_for_update=True)
    of = await whose(session, kind, done.values, grant.principal, (loaded.about, loaded.site))
    for one in [of] if known is None else [of, owned(known)]:
        require(grant, one)
    if known is not None and known.body == done.values and owned(known) == of:
        return known
    if known is not None:
        _require_version(kind, known, given.version)
    happened = _happened(kind, done, change.now)
    judged = await _judged(session, given, done, loaded, of)
    refuse([*done.flaws, *judged.flaws])
    row = known or RegisterRecord(kind=kind.name, code=given.code)
    for name, cell in of.cells().items():
        setattr(row, name, cell)
    row.site = (
        loaded.site.code
        if loaded.site is not None
        else loaded.about.site
        if loaded.about is not None
        else None
    )
    row.about = done.values.get(kind.about) if kind.about else None
    row.happened_at, row.body, row.judged, row.flags = (
        happened,
        done.values,
        judged.figures,
        sorted(judged.flags),
    )
    row.entered_at, row.entered_by = change.now, change.who
    await _keep(change, kind, row, judged, loaded.about)
    return row


async def _keep(
    change: Change, kind: Kind, row: RegisterRecord, judged: Judged, about: RegisterRecord | None
) -> None:
    if kind.name in BEFORE_KEEPING:
        await BEFORE_KEEPING[kind.name](change, kind, row, about)
    await change.keep(row)
    change.session.add(row)
    await change.session.flush()
    await change.find_flags(kind, row, judged.flags)
    await run_clocks(change, kind, row)
    if kind.name in AFTER:
        await AFTER[kind.name](change, kind, row, about)
        await change.session.flush()


def refuse(flaws: list[Flaw]) -> None:
    """Raises Invalid, naming every flaw, if there is one."""
    if flaws:
        errors: list[Fault] = [one.told() for one in flaws]  # type: ignore[misc]
        raise Invalid("record-not-acceptable", "Nothing was changed 未作任何更改", errors=errors)


def _require_version(kind: Kind, known: RegisterRecord, version: str | None) -> None:
    if kind.appended:
        detail = "A record of fact is not changed; enter another one 事实记录不得修改，请另行登记更正"
        raise Conflict("record-of-fact", detail)
    stands = str(known.change_no)
    if version is None:
        detail = (
            f'{kind.name}/{known.code} stands at "{stands}": send it as If-Match 请在 If-Match 中带上该版本号'
        )
        raise Unconditional("if-match-missing", detail, version=known.change_no)
    if version.strip().removeprefix("W/").strip('"') != stands:
        detail = f"{kind.name}/{known.code} stands at {stands}: read it again 请重新读取后再改"
        raise Stale("changed-meanwhile", detail, version=known.change_no)


def _happened(kind: Kind, done: Checked, now: datetime) -> datetime | None:
    cell = done.values.get(kind.happened) if kind.happened else None
    if cell is None:
        return None
    at = datetime.fromisoformat(cell)
    at = datetime.combine(at.date(), time(), BEIJING) if len(cell) == 10 else at
    if kind.appended and at > now:
        done.flaws.append(flaw(kind.happened, "future", cell))
    return at


async def _loaded(session: AsyncSession, kind: Kind, done: Checked) -> Loaded:
    about: RegisterRecord | None = None
    related: dict[str, Mapping[str, Any]] = {}
    for where, of, code in done.references:
        row = await session.get(RegisterRecord, (of, code), with_for_update=where == kind.about)
        if row is None:
            done.flaws.append(flaw(where, "reference", f"{of}/{code}"))
            continue
        related[where] = row.body
        about = row if where == kind.about else about
    site = None
    if done.values.get("site") is not None:
        site = await session.get(KnownSite, done.values["site"])
        if site is None:
            done.flaws.append(flaw("site", "reference", done.values["site"]))
    return Loaded(about, site, related)


async def _judged(session: AsyncSession, given: Given, done: Checked, loaded: Loaded, of: Owned) -> Judged:
    kind, values, about = given.kind, done.values, loaded.about
    cell = values.get(kind.happened) if kind.happened else None
    day = datetime.fromisoformat(cell).astimezone(BEIJING).date() if cell and len(cell) > 10 else None
    day = day or (date.fromisoformat(cell) if cell else datetime.now(BEIJING).date())
    persons = [person for name in PERSONS for person in values.get(name, [])]
    asked = registers.Asked(
        of.uscc, of.dept, of.parties, persons, values.get("subject"), about.code if about else None
    )
    site = loaded.site.code if loaded.site else about.site if about is not None else None
    context = Context(
        code=given.code,
        uscc=of.uscc,
        day=day,
        related=loaded.related,
        beside=await registers.beside(session, kind.beside, asked),
        methods=await registers.methods(session, [method for _, method in methods_used(values)]),
        is_assessed=await registers.is_assessed(session, site),
    )
    return judge(kind, values, context)

"""Records of declared kinds: entered and changed.

Promises: references exist, whose a record is follows from what it is about, records of fact are never
changed. Leaves steps to `proceedings`, and to `effects` what a record does to the rest of the registry.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import policy
from kit.auth import Grant
from kit.problems import Conflict, Forbidden
from policy import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows import duties, effects
from ingest.flows.change import Change, Found, Scope, match, shown
from ingest.flows.entrusted import owned, require_entrusted
from ingest.flows.registry import refuse
from ingest.flows.upkeep import deadlines
from ingest.rules.kinds import Checked, Kind, check, flags_of, kinds
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.times import CHINA
from ingest.tables import Organisation, RegistryRecord, SiteRow

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATES = ("valid_from", "valid_to")
INTERNAL = frozenset({"entered_by", "changed_by", "recipients", "counterpart", "dept"})
DEPARTMENTS = policy.load().departments


class Given(NamedTuple):
    """A record as sent. `version` is the If-Match header; files say `*`."""

    kind: Kind
    code: str
    cells: Mapping[str, Any]
    version: str | None = None


async def save_record(change: Change, grant: Grant, given: Given) -> tuple[RegistryRecord, bool]:
    """Enter or change one record; whether anything changed.

    Raises Invalid (fields), Forbidden (reach), Conflict (a record of fact, or decided already), Stale and
    Unconditional (somebody else's version).
    """
    kind, session = given.kind, change.session
    _may_enter(kind, grant.principal)
    done, dates = _read(given)
    sites, owners = await _referred(session, kind, done)
    known = await session.get(RegistryRecord, (kind.name, given.code))
    _stamp(kind, done, known, grant.principal)
    refuse(done.flaws)
    if known is not None:
        require_reach(grant, Scope(known.region, known.dept, known.uscc, None, tuple(known.recipients)))
    if not _is_department(grant.principal):
        day = change.now.astimezone(CHINA).date()
        await require_entrusted(session, sites.values(), grant.principal.uscc, day)
    scope = _scope(kind, done.values, (sites, owners), grant.principal, known)
    require_reach(grant, scope)
    if kind.name == "data-sets":
        own = owned(sites.values(), scope.dept, scope.region)
        owner = f"{scope.dept}@{scope.region}"
        refuse([flaw("sites", "record-not-own", f"{one} ≠ {owner}") for one in sites if one not in own])
    if known is None:
        await duties.require_persons_apart(change, kind, given.code, done.values, scope)
    flags = flags_of(kind, done.values) | await effects.unregistered(session, kind, done.values)
    site = _first(kind, done.values, sites)
    cells = {
        "kind": kind.name,
        "code": given.code,
        **scope.cells(),
        **dates,
        "site": site.code if site else None,
        "body": done.values,
        "flags": sorted(flags),
        "state": kind.initial,
    }
    if known is not None:
        if all(getattr(known, name) == cell for name, cell in cells.items() if name != "state"):
            return known, False
        _may_change(kind, known)
        await match(session, kind.name, given.code, given.version, is_strict=True)
    by = {"entered_at": change.now, "entered_by": change.who}
    before = set(known.flags) if known is not None else set()
    row, _ = await change.save(RegistryRecord, (kind.name, given.code), cells | by, scope, kind.name)
    for name, detail in flags.items():
        if name not in before and (name not in kind.flags or kind.flags[name].finding):
            record = f"{kind.name}/{given.code}"
            await change.find(Found(name, scope.region, row.site, scope.uscc, record, detail))
    await session.flush()
    await effects.after_saving(change, row)
    return row, True


def _may_enter(kind: Kind, who: Principal) -> None:
    if kind.by and who.dept not in kind.by:
        detail = f"{kind.name} are entered by {', '.join(kind.by)} 该类记录由上述单位登记"
        raise Forbidden("not-for-this-department", detail)


def addressee(who: Principal) -> str:
    """A department as records address it, such as `ee@131000`."""
    return f"{who.dept}@{who.region}"


def _stamp(kind: Kind, done: Checked, known: RegistryRecord | None, who: Principal) -> None:
    """What the platform keeps by itself (who gave a record, when a step was taken) is not sent by hand."""
    kept = dict(known.body) if known is not None else {kind.giver: [addressee(who)]} if kind.giver else {}
    for name in {kind.giver, *(step.stamps for step in kind.steps.values())} - {""}:
        if done.values.get(name) not in (None, kept.get(name)):
            done.flaws.append(flaw(name, "record-stamped", done.values[name]))
        elif name in kept:
            done.values[name] = kept[name]


def _may_change(kind: Kind, known: RegistryRecord) -> None:
    if kind.appended:
        detail = "A record of fact is not changed; enter another one 事实记录不得修改，请另行登记更正"
        raise Conflict("record-of-fact", detail)
    if kind.steps and known.state not in (kind.editable or [kind.initial]):
        detail = f"It is {known.state} already; enter a new one 已{known.state}，请另立新记录"
        raise Conflict("decided-already", detail, state=known.state)


def _read(given: Given) -> tuple[Checked, dict[str, date | None]]:
    cells = {name: cell for name, cell in given.cells.items() if name not in _DATES}
    done = check(given.kind, cells)
    if not _CODE.fullmatch(given.code):
        done.flaws.append(flaw("code", "record-code", given.code))
    dates: dict[str, date | None] = {}
    for name in _DATES:
        cell = given.cells.get(name)
        try:
            dates[name] = date.fromisoformat(str(cell)[:10]) if cell else None
        except ValueError:
            done.flaws.append(flaw(name, "record-date", cell))
    first, last = dates.get("valid_from"), dates.get("valid_to")
    if first and last and last < first:
        done.flaws.append(flaw("valid_to", "record-order", f"{first} > {last}"))
    return done, dates


async def _referred(
    session: AsyncSession, kind: Kind, done: Checked
) -> tuple[dict[str, SiteRow], dict[str, Organisation]]:
    """What a record refers to; what is not registered becomes a flaw."""
    sites: dict[str, SiteRow] = {}
    owners: dict[str, Organisation] = {}
    for where, type_, of, code in done.references:
        row: Any
        if type_ == "site":
            row = sites.get(code) or await session.get(SiteRow, code)
            if row is not None:
                sites[code] = row
        elif type_ == "unit":
            row = owners.get(code) or await session.get(Organisation, code)
            if row is not None:
                owners[code] = row
        else:
            row = await session.get(RegistryRecord, (of, code))
        if row is None:
            done.flaws.append(flaw(where, "record-reference", f"{of or type_}/{code}"))
    done.flaws += _departments(kind, done.values)
    return sites, owners


def _departments(kind: Kind, values: Mapping[str, Any]) -> list[Flaw]:
    named = [values["authority_dept"]] if "authority_dept" in values else []
    for name, field in kind.fields.items():
        if field.type == "addressees":
            named += [one.partition("@")[0] for one in values.get(name, [])]
    return [flaw("dept", "record-reference", name) for name in named if name not in DEPARTMENTS]


def _first(kind: Kind, values: Mapping[str, Any], sites: Mapping[str, SiteRow]) -> SiteRow | None:
    names = [name for name, field in kind.fields.items() if field.type == "site" and name in values]
    return sites[values[names[0]]] if names else None


def _scope(
    kind: Kind,
    values: Mapping[str, Any],
    referred: tuple[Mapping[str, SiteRow], Mapping[str, Organisation]],
    who: Principal,
    known: RegistryRecord | None,
) -> Scope:
    """Whose a record is: the site's or unit's it is about, entered by a department or an organisation."""
    sites, owners = referred
    site = _first(kind, values, sites)
    is_department = _is_department(who)
    # Of a department a record is the department's; of an organisation it is that organisation's alone.
    entered_for = site.uscc if site else None
    if not is_department:
        entered_for = who.uscc
    elif known is not None and known.dept is None:
        entered_for = known.uscc
    uscc: str | None = values.get("uscc") or entered_for
    region = values.get("region") if "region" in kind.scope else None
    region = (
        region
        or (site.region if site else None)
        or (owners[uscc].region if uscc and uscc in owners else None)
    )
    counterpart = values.get(kind.counterpart) if kind.counterpart else None
    if counterpart is None and site is not None and site.uscc != uscc:
        counterpart = site.uscc
    published = kind.published
    if isinstance(published, str):
        name, _, wanted = published.partition("=")
        published = values.get(name) == wanted
    dept = known.dept if known is not None else who.dept if is_department else None
    recipients = dict.fromkeys(one for name in kind.recipients for one in values.get(name) or ())
    return Scope(region or who.region, dept, uscc, counterpart, tuple(recipients), published)


def _is_department(who: Principal) -> bool:
    return DEPARTMENTS.get(who.dept or "", {}).get("kind") == "government"


def require_reach(grant: Grant, scope: Scope) -> None:
    grant.require(region=scope.region, owner_dept=scope.dept, owner_uscc=scope.uscc)


def record_shown(row: RegistryRecord, *, is_public: bool = False) -> dict[str, Any]:
    """A record for an answer: its fields beside what the platform keeps about it, its clocks included.

    The public does not learn who entered it.
    """
    cells = shown(row)
    body = cells.pop("body")
    clocks = deadlines(kinds()[row.kind], body, datetime.now(UTC))
    hidden = INTERNAL if is_public else frozenset()
    kept = {name: cell for name, cell in cells.items() if name not in body and name not in hidden}
    return {**body, **kept, **({"clocks": clocks} if clocks else {})}

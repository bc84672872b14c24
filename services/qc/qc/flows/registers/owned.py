"""Whose a record is, and who reaches it.

Promises: a record about another one belongs to whom that one belongs to; what is measured at a site belongs
to whom the registry names there; an agency's records are also those of its competent department. Leaves the
rights themselves to the policy.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import policy
from kit.auth import Grant
from kit.problems import Forbidden
from policy import Principal, Row
from sqlalchemy import ColumnElement, any_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from standards.tables import rows

from qc.rules.registers.model import Kind
from qc.tables.registers import KnownSite, RegisterRecord

REGIONS = frozenset(row["code"] for row in rows("regions"))
DEPARTMENTS = frozenset(policy.load().departments)
GOVERNMENT = frozenset(slug for slug, one in policy.load().departments.items() if one["kind"] == "government")


class Owned(NamedTuple):
    """Whose a row is. `parties` are organisations beside the owner that see it."""

    region: str
    dept: str | None
    uscc: str | None
    parties: tuple[str, ...]

    def cells(self) -> dict[str, Any]:
        return self._asdict() | {"parties": list(self.parties)}


def owned(row: Any) -> Owned:
    """Whose a stored row is."""
    return Owned(row.region, row.dept, row.uscc, tuple(row.parties))


def reach(grant: Grant, of: Any) -> ColumnElement[bool]:
    """The rows a grant reaches: by region, by department, as their owner, or as one of their parties."""
    mine = grant.clause(REGIONS, region=of.region, owner_dept=of.dept, owner_uscc=of.uscc)
    return or_(mine, grant.clause(REGIONS, owner_uscc=any_(of.parties)))


def is_reached(grant: Grant, whose: Owned) -> bool:
    """The same for one row."""
    mine = grant.covers(Row(whose.region, whose.dept, whose.uscc))
    return mine or any(grant.covers(Row(owner_uscc=party)) for party in whose.parties)


def require(grant: Grant, whose: Owned) -> None:
    """Raises Forbidden unless the row is within reach."""
    if not is_reached(grant, whose):
        detail = f"{grant.permission} does not reach this record for {grant.principal.text} 超出权限范围"
        raise Forbidden("out-of-scope", detail, permission=grant.permission)


async def whose(
    session: AsyncSession,
    kind: Kind,
    values: Mapping[str, Any],
    who: Principal,
    known: tuple[RegisterRecord | None, KnownSite | None],
) -> Owned:
    """Whose a record of these values will be. `known` are the record it is about and the site it names."""
    about, site = known
    if kind.inherits and about is not None:
        return owned(about)
    if site is not None:
        uscc = site.uscc
    else:
        uscc = values.get(kind.owner) if kind.owner else None
        uscc = uscc or (None if who.dept in GOVERNMENT else who.uscc)
    agency = await _agency(session, uscc)
    region = (site.region if site is not None else None) or (agency.region if agency is not None else None)
    region = region or values.get(kind.region) or (about.region if about is not None else None) or who.region
    dept = who.dept if uscc is None and who.dept in GOVERNMENT else None
    if kind.name == "agencies":
        dept, region = values["competent_dept"], values["region"]
    elif agency is not None:
        dept = agency.dept
    parties: list[str] = []
    for name in kind.parties:
        cell = values.get(name) or []
        parties += [cell] if isinstance(cell, str) else cell
    kept = tuple(dict.fromkeys(party for party in parties if party != uscc))
    return Owned(region or "", dept, uscc, kept)


async def _agency(session: AsyncSession, uscc: str | None) -> RegisterRecord | None:
    return None if uscc is None else await session.get(RegisterRecord, ("agencies", uscc))

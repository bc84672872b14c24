"""Reading the audit, its seals, and what usage is counted from."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, TextClause, and_, false, func, or_, select, text

from gateway.tables import Audit, Seal

# One step per chain instead of one per event.
UNSEALED = """
WITH RECURSIVE chains AS (
    (SELECT chain FROM audit WHERE chain IS NOT NULL ORDER BY chain LIMIT 1)
    UNION ALL
    SELECT (SELECT a.chain FROM audit AS a WHERE a.chain > chains.chain ORDER BY a.chain LIMIT 1)
    FROM chains WHERE chains.chain IS NOT NULL
)
SELECT last.chain, last.number, last.digest
FROM chains CROSS JOIN LATERAL (
    SELECT chain, number, digest, at FROM audit
    WHERE chain = chains.chain ORDER BY number DESC LIMIT 1
) AS last
WHERE last.chain <> :own AND last.at < :before AND NOT EXISTS (
    SELECT FROM audit_seals AS s WHERE s.chain = last.chain AND s.number >= last.number
)
"""


def unsealed_chains(own: UUID, before: datetime) -> TextClause:
    """Chain, last number and digest of those whose last event is older than `before` and under no seal."""
    return text(UNSEALED).bindparams(own=own, before=before)


@dataclass(frozen=True)
class AuditFilter:
    """None means whatever; `cursor` is the id after which older rows follow."""

    subject: str | None = None
    dept: str | None = None
    unit: str | None = None
    case: str | None = None
    service: str | None = None
    permission: str | None = None
    kind: str | None = None
    ref: str | None = None
    chain: UUID | None = None
    request: UUID | None = None
    trace: str | None = None
    grant: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    refused: bool | None = None
    cursor: int | None = None

    @property
    def clauses(self) -> list[ColumnElement[bool]]:
        equal: dict[Any, Any] = {
            Audit.subject: self.subject,
            Audit.dept: self.dept,
            Audit.unit: self.unit,
            Audit.case_id: self.case,
            Audit.service: self.service,
            Audit.permission: self.permission,
            Audit.kind: self.kind,
            Audit.chain: self.chain,
            Audit.request_id: self.request,
            Audit.trace_id: self.trace,
        }
        found = [column == value for column, value in equal.items() if value is not None]
        if self.ref is not None:
            found.append(Audit.refs.contains([self.ref]))
        if self.grant is not None:
            found.append(Audit.grants.contains([self.grant]))
        if self.since is not None:
            found.append(Audit.at >= self.since)
        if self.until is not None:
            found.append(Audit.at < self.until)
        if self.refused is not None:
            found.append(Audit.status >= 400 if self.refused else Audit.status < 400)
        if self.cursor is not None:
            found.append(Audit.id < self.cursor)
        return found


def audit_page(wanted: AuditFilter, limit: int) -> Select[Audit]:
    """Newest first, one row more than asked for, so that the caller sees whether there is a next page."""
    return select(Audit).where(*wanted.clauses).order_by(Audit.id.desc()).limit(limit + 1)


def seal_page(cursor: UUID | None, limit: int) -> Select[Seal]:
    """Oldest first: the ids are in the order of time."""
    query = select(Seal).order_by(Seal.id).limit(limit + 1)
    return query if cursor is None else query.where(Seal.id > cursor)


@dataclass(frozen=True)
class Looked:
    """Whose data: the organisation, what of it a request may name, the regions whose readers list it."""

    uscc: str
    refs: list[str]
    regions: list[str]
    departments: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def looked_at(of: Looked, since: datetime, cursor: int | None, limit: int) -> Select[Audit, bool]:
    """Reads on record, by others, that named this organisation, or listed a region it lies in; newest first.

    `departments` and `kinds` of `of` are left out.
    """
    names = or_(Audit.unit == of.uscc, Audit.refs.overlap(of.refs))
    here = or_(Audit.region.in_(of.regions), func.coalesce(Audit.beyond.overlap(of.regions), false()))
    lists = and_(func.cardinality(Audit.refs) == 0, here)
    query: Select[Audit, bool] = select(Audit, names.label("names_you")).where(
        Audit.at >= since,
        Audit.kind.is_not(None),
        Audit.kind.not_in(of.kinds),
        Audit.status == 200,
        Audit.method.in_(("GET", "HEAD")),
        func.coalesce(Audit.dept, "").not_in(of.departments),
        func.coalesce(Audit.uscc, "") != of.uscc,
        or_(names, lists),
    )
    if cursor is not None:
        query = query.where(Audit.id < cursor)
    return query.order_by(Audit.id.desc()).limit(limit + 1)


def reads_between(since: datetime, until: datetime) -> Select[str, str | None, str | None, int]:
    """Reads on record per department and permission."""
    dept = func.coalesce(Audit.dept, "-").label("dept")
    return (
        select(dept, Audit.permission, Audit.kind, func.sum(Audit.times).label("reads"))
        .where(Audit.at >= since, Audit.at < until, Audit.kind.is_not(None), Audit.status == 200)
        .where(Audit.method.in_(("GET", "HEAD")), Audit.permission.is_not(None))
        .group_by(dept, Audit.permission, Audit.kind)
    )

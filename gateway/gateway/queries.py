"""Reading the audit, its seals, and what usage is counted from."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, TextClause, any_, func, select, text

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
            found.append(_one_of(func.audit_naming(self.ref)))
        if self.grant is not None:
            found.append(_one_of(func.audit_under(self.grant)))
        if self.since is not None:
            found.append(Audit.at >= self.since)
        if self.until is not None:
            found.append(Audit.at < self.until)
        if self.refused is not None:
            found.append(Audit.status >= 400 if self.refused else Audit.status < 400)
        if self.cursor is not None:
            found.append(Audit.id < self.cursor)
        return found


def _one_of(ids: Any) -> ColumnElement[bool]:
    """As an array: a join with a function is planned for a thousand rows, and would walk the whole key."""
    return Audit.id == any_(func.array(select(ids).scalar_subquery()))


def audit_page(wanted: AuditFilter, limit: int) -> Select[Audit]:
    """Newest first, one row more than asked for, so that the caller sees whether there is a next page."""
    return select(Audit).where(*wanted.clauses).order_by(Audit.id.desc()).limit(limit + 1)


def known_requests(ids: list[UUID], since: datetime) -> Select[UUID]:
    """Which of these requests have an event; the first was made at `since`."""
    span = Audit.at >= since - timedelta(minutes=10)  # clocks jump
    return select(Audit.request_id).where(span, Audit.request_id.in_(ids))


def seal_page(cursor: UUID | None, limit: int) -> Select[Seal]:
    """Oldest first: the ids are in the order of time."""
    query = select(Seal).order_by(Seal.id).limit(limit + 1)
    return query if cursor is None else query.where(Seal.id > cursor)


@dataclass(frozen=True)
class Looked:
    """Whose data: what of the asker's own a request may name, the regions whose readers list it."""

    refs: list[str]
    regions: list[str]
    departments: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


LOOKS = text(
    "SELECT * FROM audit_looks(CAST(:held AS text[]), CAST(:lies_in AS text[]), :since, :before, "
    "CAST(:not_by AS text[]), CAST(:not_of AS text[]), :most)"
)
FIRST_PAGE = (1 << 63) - 1


def looked_at(of: Looked, since: datetime, cursor: int | None, limit: int) -> TextClause:
    """Reads on record, by others, that named the asker's organisation, or listed a region it lies in.

    Newest first: id, hour, department and kind, never the person (migration 0006). Whose organisation it is
    the transaction was told. `departments` and `kinds` of `of` are left out.
    """
    return LOOKS.bindparams(
        held=of.refs,
        lies_in=of.regions,
        since=since,
        before=FIRST_PAGE if cursor is None else cursor,
        not_by=of.departments,
        not_of=of.kinds,
        most=limit + 1,
    )


def reads_between(since: datetime, until: datetime) -> Select[str, str | None, str | None, int]:
    """Reads on record per department and permission."""
    dept = func.coalesce(Audit.dept, "-").label("dept")
    return (
        select(dept, Audit.permission, Audit.kind, func.sum(Audit.times).label("reads"))
        .where(Audit.at >= since, Audit.at < until, Audit.kind.is_not(None), Audit.status == 200)
        .where(Audit.method.in_(("GET", "HEAD")), Audit.permission.is_not(None))
        .group_by(dept, Audit.permission, Audit.kind)
    )

"""Reading the audit."""

from dataclasses import dataclass

from sqlalchemy import Select, select

from gateway.tables import Audit


@dataclass(frozen=True)
class AuditFilter:
    """None means whatever; `before` is the id after which older rows follow."""

    subject: str | None = None
    service: str | None = None
    refused: bool | None = None
    before: int | None = None


def audit_page(wanted: AuditFilter, limit: int) -> Select[tuple[Audit]]:
    """Newest first, one row more than asked for, so that the caller sees whether there is a next page."""
    query = select(Audit).order_by(Audit.id.desc()).limit(limit + 1)
    if wanted.subject is not None:
        query = query.where(Audit.subject == wanted.subject)
    if wanted.service is not None:
        query = query.where(Audit.service == wanted.service)
    if wanted.refused is not None:
        query = query.where(Audit.status >= 400 if wanted.refused else Audit.status < 400)
    if wanted.before is not None:
        query = query.where(Audit.id < wanted.before)
    return query

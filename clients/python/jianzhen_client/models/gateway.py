"""Bodies and answers of gateway. Made by `make docs`: do not edit."""

from typing import Literal, NotRequired, TypedDict


class AuditRow(TypedDict):
    """A refusal, or a write that was let through. `times` counts equal refusals of one moment."""

    id: int
    at: str
    request_id: str
    subject: str
    principal: str
    client: str | None
    address: str
    service: str
    method: str
    path: str
    permission: str | None
    status: int
    reason: str
    times: int
    policy_version: str


class AuditPage(TypedDict):
    """AuditPage"""

    items: list[AuditRow]
    next: str | None


class RevocationRow(TypedDict):
    """Tokens of `value` issued before `not_before` are void."""

    kind: Literal["subject", "session", "client", "all"]
    value: str
    not_before: str
    reason: str
    said_by: str
    said_at: str


class RevocationPage(TypedDict):
    """RevocationPage"""

    items: list[RevocationRow]
    next: str | None


class RevocationAsked(TypedDict):
    """`not_before` is now when absent; `reason` is kept and shown to auditors."""

    reason: str
    not_before: NotRequired[str | None]

"""Bodies and answers of gateway. Made by `make docs`: do not edit."""

from typing import Literal, NotRequired, TypedDict


class AuditRow(TypedDict):
    """A refusal, or a write or a read on record that was let through. `times` counts equal refusals."""

    id: int
    at: str
    request_id: str
    trace_id: str | None
    subject: str
    principal: str
    dept: str | None
    region: str | None
    uscc: str | None
    client: str | None
    address: str
    service: str
    method: str
    path: str
    route: str | None
    refs: list[str] | None
    permission: str | None
    kind: str | None
    purpose: str | None
    case_id: str | None
    unit: str | None
    status: int
    reason: str
    times: int
    policy_version: str
    chain: str | None
    number: int | None
    digest: str | None
    grants: list[str] | None
    beyond: list[str] | None


class AuditPage(TypedDict):
    """AuditPage"""

    items: list[AuditRow]
    next: str | None


class GrantRow(TypedDict):
    """A grant as given, and its early end, if it has one. `state` is to-come, live, over or ended."""

    id: str
    subject: str
    person: str
    regions: list[str]
    permissions: list[str]
    purpose: str
    order_no: str
    legal_ground: str
    valid_from: str
    valid_to: str
    given_in: str
    given_by: str
    given_at: str
    state: str
    state_zh: str
    ended_at: str | None
    ended_by: str | None
    ended_reason: str | None


class GrantPage(TypedDict):
    """GrantPage"""

    items: list[GrantRow]
    next: str | None


class GrantAsked(TypedDict):
    """`subject` is the person's `sub` in the tokens, `person` the name; `order_no` the number of the
    case or of the order that sends the officer; it holds from `valid_from` until before `valid_to`.
    """

    subject: str
    person: str
    regions: list[str]
    permissions: list[str]
    purpose: str
    order_no: str
    legal_ground: str
    valid_from: str
    valid_to: str


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

"""Events of `credit`: who is listed or banned, since when, on what basis, and when it ends."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class Listed(Event, frozen=True, kw_only=True):
    """A subject entered the list of seriously dishonest subjects. Dates are legal dates (Asia/Shanghai)."""

    PRODUCER: ClassVar[str] = "credit"

    listing_id: str
    case_id: str
    decision_no: str
    uscc: str
    organisation_zh: str
    organisation_en: str
    subject_type: str
    region: str
    ground: str
    legal_basis: str
    valid_from: str
    valid_to: str
    listed_at_ms: int


class ListingSuspended(Event, frozen=True, kw_only=True):
    """The listing's basis is in question: nobody is barred by it until it is restored or removed."""

    PRODUCER: ClassVar[str] = "credit"

    listing_id: str
    uscc: str
    region: str
    reason: str
    suspended_at_ms: int


class ListingRemoved(Event, frozen=True, kw_only=True):
    """The listing ended: annulled, repaired or expired."""

    PRODUCER: ClassVar[str] = "credit"

    listing_id: str
    uscc: str
    region: str
    outcome: Literal["annulled", "repaired", "expired"]
    reason: str
    removed_at_ms: int


class PersonBanned(Event, frozen=True, kw_only=True):
    """A person may not work in the trade from a legal day on, until a day or, without `valid_to`, for life.

    `person` is the subject by which the identity realm knows the person, never an identity number.
    """

    PRODUCER: ClassVar[str] = "credit"

    ban_id: str
    person: str
    name: str
    region: str
    ground: str
    decision_no: str
    legal_basis: str
    valid_from: str
    valid_to: str | None = None
    banned_at_ms: int


class PersonBanLifted(Event, frozen=True, kw_only=True):
    """The decision behind a ban was annulled: it bars nobody."""

    PRODUCER: ClassVar[str] = "credit"

    ban_id: str
    person: str
    region: str
    reason: str
    lifted_at_ms: int

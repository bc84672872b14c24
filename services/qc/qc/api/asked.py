"""What is asked of the desk: the bodies of its writes, typed and bounded; unknown fields are refused."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from qc.flows.custody.asked import Asked, Instant, Region, Short, Storable

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Storable]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=2000), Storable]
SeriesId = Annotated[int, Field(ge=1, lt=2**63)]
Check = Literal["zero", "span", "sample", "standard", "compare"]


class Acknowledge(Asked):
    note: Note = ""


class Assign(Asked):
    """`assignee` is a person of the roster, or whoever will look into it."""

    assignee: Short
    note: Note = ""


class Close(Asked):
    """`cause` is a slug of the dated list of causes (GET /desk-rules)."""

    cause: Short
    note: Reason


class Shift(Asked):
    """[starts_at, ends_at) of one person at one level (1 is asked first)."""

    region: Region
    dept: Short
    level: Annotated[int, Field(ge=1, le=9)]
    person: Short
    name: Short
    contact: Note = ""
    starts_at: Instant
    ends_at: Instant


class EnterShifts(Asked):
    shifts: Annotated[list[Shift], Field(min_length=1, max_length=500)]


class Suppress(Asked):
    """A rule, a series, a site, or what they have in common, within a region, until `expires_at`."""

    region: Region
    rule: Short | None = None
    series: SeriesId | None = None
    site: Short | None = None
    expires_at: Instant
    reason: Reason


class GiveReason(Asked):
    reason: Reason


class Decide(Asked):
    """`released` names the series whose figures may be used (none: all); only with `release`."""

    decision: Literal["release", "keep-out"]
    released: Annotated[list[SeriesId], Field(max_length=20, default_factory=list)]
    reason: Reason


class OrderCheck(Asked):
    """A remote check of the analyser of a factor; `mn` if the site has several loggers."""

    check: Check
    site: Short
    factor: Short
    mn: Short | None = None
    alarm: UUID | None = None
    reason: Reason


class ListPoints(Asked):
    """Points ("site/factor") from which `take` are drawn by a value that is published after `value_after`.

    `announced` says beforehand which value that will be, e.g. "双色球 2026138 期 red balls".
    """

    region: Region
    purpose: Reason
    candidates: Annotated[list[Short], Field(min_length=1, max_length=5000)]
    take: Annotated[int, Field(ge=1, le=1000)]
    announced: Reason
    value_after: Instant


class DrawPoints(Asked):
    """The published value exactly as published, where it can be looked up, and what is checked there."""

    value: Short
    value_source: Reason
    check: Check

"""Bodies and answers of qc. Made by `make docs`: do not edit."""

from typing import Any, Literal, NotRequired, TypedDict


class Acknowledge(TypedDict):
    """Acknowledge"""

    note: NotRequired[str]


class Assign(TypedDict):
    """`assignee` is a person of the roster, or whoever will look into it."""

    assignee: str
    note: NotRequired[str]


class Close(TypedDict):
    """`cause` is a slug of the dated list of causes (GET /desk-rules)."""

    cause: str
    note: str


class Shift(TypedDict):
    """[starts_at, ends_at) of one person at one level (1 is asked first)."""

    region: str
    dept: str
    level: int
    person: str
    name: str
    contact: NotRequired[str]
    starts_at: str
    ends_at: str


class EnterShifts(TypedDict):
    """EnterShifts"""

    shifts: list[Shift]


class GiveReason(TypedDict):
    """GiveReason"""

    reason: str


class Suppress(TypedDict):
    """A rule, a series, a site, or what they have in common, within a region, until `expires_at`."""

    region: str
    rule: NotRequired[str | None]
    series: NotRequired[int | None]
    site: NotRequired[str | None]
    expires_at: str
    reason: str


class Decide(TypedDict):
    """`released` names the series whose figures may be used (none: all); only with `release`."""

    decision: Literal["release", "keep-out"]
    released: NotRequired[list[int]]
    reason: str


class OrderCheck(TypedDict):
    """A remote check of the analyser of a factor; `mn` if the site has several loggers."""

    check: Literal["zero", "span", "sample", "standard", "compare"]
    site: str
    factor: str
    mn: NotRequired[str | None]
    alarm: NotRequired[str | None]
    reason: str


class ListPoints(TypedDict):
    """Points ("site/factor") from which `take` are drawn by a value that is published after
    `value_after`.

    `announced` says beforehand which value that will be, e.g. "双色球 2026138 期 red balls".
    """

    region: str
    purpose: str
    candidates: list[str]
    take: int
    announced: str
    value_after: str


class DrawPoints(TypedDict):
    """The published value exactly as published, where it can be looked up, and what is checked there."""

    value: str
    value_source: str
    check: Literal["zero", "span", "sample", "standard", "compare"]


class Closing(TypedDict):
    """Why a finding is settled."""

    reason: str
    """处理情况 How it was settled"""


class BringRecordsMetrologyBody(TypedDict):
    """BringRecordsMetrologyBody"""

    rows: list[dict[str, Any]]


class BringRecordsProficiencyBody(TypedDict):
    """BringRecordsProficiencyBody"""

    rows: list[dict[str, Any]]


class BringRecordsAgenciesBody(TypedDict):
    """BringRecordsAgenciesBody"""

    rows: list[dict[str, Any]]


class BringRecordsCapacityBody(TypedDict):
    """BringRecordsCapacityBody"""

    rows: list[dict[str, Any]]


class EnterPerson(TypedDict):
    """A person and the posts held since a day. `subject` is the person in the identity realm."""

    number: str
    name: str
    subject: str
    region: str
    posts: list[str]
    since: str


class Leave(TypedDict):
    """离职: the day from which no post is held any more."""

    left_on: str
    reason: str


class EnterResult(TypedDict):
    """A figure found by hand; `value` as written, "<0.02" too. `corrects` the result it replaces."""

    number: str
    sample: str
    region: str
    site: str
    factor: str
    value: str
    unit: str
    method: str
    corrects: NotRequired[str | None]


class Sign(TypedDict):
    """A signature in a post, or the return of the result with the reason."""

    post: str
    outcome: NotRequired[Literal["signed", "returned"]]
    reason: NotRequired[str]


class FileReport(TypedDict):
    """A report over results, named by the sha256 of its bytes."""

    number: str
    region: str
    results: list[str]
    sha256: str
    object: NotRequired[str | None]


class RequestProof(TypedDict):
    """A unit is asked to prove a flagged period of a series; `suspicion_id` if a suspicion is the
    reason.
    """

    series: int
    from_time: str
    to_time: str
    question_zh: str
    question_en: str
    suspicion_id: NotRequired[str | None]


class Proof(TypedDict):
    """One document: its kind, the instant it was made at, its sha256 and where it lies."""

    kind: Literal["raw_data", "log", "video", "calibration", "production", "statement", "other"]
    title: str
    sha256: str
    object: str
    made_at: str


class GiveEvidence(TypedDict):
    """What the unit gives for the period."""

    statement: str
    documents: list[Proof]


class DecideProof(TypedDict):
    """The evidence proves the data, or does not; reasons are mandatory."""

    outcome: Literal["accepted", "rejected"]
    reason: str


class TellSteps(TypedDict):
    """Steps of one sample; each is judged by itself."""

    sample: str
    region: str
    steps: list[dict[str, Any]]

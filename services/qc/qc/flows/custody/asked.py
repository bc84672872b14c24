"""What is asked of the doors of custody: bodies typed and bounded.

Promises: unknown fields are refused; a document is named by its sha256 and where it lies. Leaves what an act
needs to the rules, so that a refusal cites the clause.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


def _is_storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored 不能含空字符")
    return text


def _is_of_our_time(at: datetime) -> datetime:
    if not 1990 <= at.year <= 2100:
        raise ValueError("the year must lie between 1990 and 2100 年份超出范围")
    return at.astimezone(UTC)


Storable = AfterValidator(_is_storable)
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), Storable]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), Storable]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
Number = Annotated[str, StringConstraints(pattern=r"^[\w.\-/]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Instant = Annotated[AwareDatetime, AfterValidator(_is_of_our_time)]
Region = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$")]
Post = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]


class Asked(BaseModel):
    """Refuses unknown fields, so that a mistyped one is not silently lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EnterPerson(Asked):
    """A person and the posts held since a day. `subject` is the person in the identity realm."""

    number: Number
    name: Short
    subject: Short
    region: Region
    posts: Annotated[list[Post], Field(min_length=1, max_length=10)]
    since: date


class Leave(Asked):
    """离职: the day from which no post is held any more."""

    left_on: date
    reason: Said


class Place(Asked):
    """Where a step was done, WGS 84."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]


class ToldStep(Asked):
    """One step of a sample. `raw` is the raw record itself, `raw_object` a reference to it."""

    number: Annotated[int, Field(ge=1, le=100_000)]
    stage: Short
    happened_at: Instant
    persons: Annotated[list[Number], Field(max_length=50)] = []
    instruments: Annotated[list[Short], Field(max_length=50)] = []
    materials: Annotated[list[Short], Field(max_length=50)] = []
    method: Short | None = None
    environment: Annotated[dict[Short, Short], Field(max_length=50)] = {}
    measurement: Text | None = None
    place: Place | None = None
    detail: Text | None = None
    raw: Annotated[str, StringConstraints(max_length=65_536), Storable] | None = None
    raw_sha256: Sha256 | None = None
    raw_object: Short | None = None


class TellSteps(Asked):
    """Steps of one sample; each is judged by itself."""

    sample: Number
    region: Region
    steps: Annotated[list[dict[str, object]], Field(min_length=1, max_length=500)]


class EnterResult(Asked):
    """A figure found by hand; `value` as written, "<0.02" too. `corrects` the result it replaces."""

    number: Number
    sample: Number
    region: Region
    site: Short
    factor: Short
    value: Annotated[str, StringConstraints(pattern=r"^(ND|[<>]?-?\d{1,12}(\.\d{1,12})?([eE]-?\d{1,3})?)$")]
    unit: Short
    method: Short
    corrects: UUID | None = None


class Sign(Asked):
    """A signature in a post, or the return of the result with the reason."""

    post: Post
    outcome: Literal["signed", "returned"] = "signed"
    reason: Text = ""


class FileReport(Asked):
    """A report over results, named by the sha256 of its bytes."""

    number: Number
    region: Region
    results: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    sha256: Sha256
    object: Short | None = None


class RequestProof(Asked):
    """A unit is asked to prove a flagged period of a series; `suspicion_id` if a suspicion is the reason."""

    series: Annotated[int, Field(ge=1, lt=2**63)]
    from_time: Instant
    to_time: Instant
    question_zh: Said
    question_en: Said
    suspicion_id: UUID | None = None


class Proof(Asked):
    """One document: its kind, the instant it was made at, its sha256 and where it lies."""

    kind: Literal["raw_data", "log", "video", "calibration", "production", "statement", "other"]
    title: Short
    sha256: Sha256
    object: Short
    made_at: Instant


class GiveEvidence(Asked):
    """What the unit gives for the period."""

    statement: Said
    documents: Annotated[list[Proof], Field(min_length=1, max_length=200)]


class DecideProof(Asked):
    """The evidence proves the data, or does not; reasons are mandatory."""

    outcome: Literal["accepted", "rejected"]
    reason: Said

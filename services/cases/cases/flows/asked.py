"""What is asked of `cases`: the bodies of its acts, typed and bounded.

Promises: unknown fields are refused; a document is named by kind, title and the sha256 of its bytes. Leaves
to the rules which documents, officers and reasons an act needs, so that a refusal cites the clause.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


def _is_storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    return text


def _is_of_our_time(at: datetime) -> datetime:
    if not 1990 <= at.year <= 2100:
        raise ValueError("the year must lie between 1990 and 2100")
    return at.astimezone(UTC)


def _is_day_of_our_time(day: date) -> date:
    if not 1990 <= day.year <= 2100:
        raise ValueError("the year must lie between 1990 and 2100")
    return day


Storable = AfterValidator(_is_storable)
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), Storable]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
Instant = Annotated[AwareDatetime, AfterValidator(_is_of_our_time)]
Day = Annotated[date, AfterValidator(_is_day_of_our_time)]
SeriesId = Annotated[int, Field(ge=1, lt=2**63)]
Uscc = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[0-9A-Za-z]{18}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$")]
Channel = Literal["web", "wechat", "phone", "letter", "visit"]
SubjectType = Literal["unit", "agency", "operator", "supplier", "vehicle_insp"]


class Asked(BaseModel):
    """Refuses unknown fields, so that a mistyped one is not silently lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(Asked):
    """A document of the file: its kind (see the acts), its title and the sha256 of its bytes, hex."""

    kind: Short
    title: Short
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Officer(Asked):
    """An officer who took part, by name and enforcement certificate number 执法证号."""

    name: Short
    certificate: Short


class Who(Asked):
    """举报人: name and how to reach them; kept apart, masked for everybody but the right that names it."""

    name: Short
    contact: Short


class OpenLead(Asked):
    """A lead from outside: `origin_id` is its number at the origin, the same number opens it only once.

    `channel` is the way a report from the public came: for `origin` report only.
    """

    origin: Literal["report", "inspection", "superior", "department"]
    origin_id: Short
    channel: Channel | None = None
    region: Region
    site: Short
    summary: Annotated[Text, Field(min_length=1)]
    uscc: Uscc | None = None
    organisation_zh: Short | None = None
    organisation_en: Short | None = None
    from_time: Instant | None = None
    to_time: Instant | None = None
    reporter: Who | None = None


class RejectLead(Asked):
    """不予立案: reasons are mandatory."""

    reason: Text
    documents: Annotated[list[Document], Field(max_length=200)] = []


class FileLead(Asked):
    """立案. `late_reason`: who extended the time limit and why, once it has passed."""

    reason: Text
    officers: Annotated[list[Officer], Field(max_length=20)] = []
    documents: Annotated[list[Document], Field(max_length=200)] = []
    late_reason: Text = ""


class ConfirmFraud(Asked):
    """认定: the end of the investigation. Window and series default to those of the lead, the subject to its.

    `outcome` not_confirmed ends the case; the fields of the subject and the act are then not needed.
    """

    outcome: Literal["confirmed", "not_confirmed"] = "confirmed"
    investigation_report: Text
    reason: Text
    officers: Annotated[list[Officer], Field(max_length=20)] = []
    documents: Annotated[list[Document], Field(max_length=200)] = []
    typology: str = ""
    subject_type: SubjectType | None = None
    uscc: Uscc | None = None
    organisation_zh: Short | None = None
    organisation_en: Short | None = None
    act_from: Instant | None = None
    act_to: Instant | None = None
    series_ids: Annotated[list[SeriesId], Field(max_length=1000)] | None = None

    def window(
        self, from_at: datetime | None, to_at: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        """The window of the act: as given, else as the lead has it."""
        return self.act_from or from_at, self.act_to or to_at


class Review(Asked):
    """法制审核: passed or returned, with reasons."""

    outcome: Literal["passed", "returned"] = "passed"
    reason: Text
    documents: Annotated[list[Document], Field(max_length=200)] = []


class Hearing(Asked):
    """听证: what was heard and what it came to."""

    reason: Text
    documents: Annotated[list[Document], Field(max_length=200)] = []


class Decide(Asked):
    """处罚决定. `reason` is the reasoning of the decision; the act's day says which law judges the amount."""

    decision_no: Short
    amount_yuan: Annotated[int, Field(ge=0, le=10_000_000_000)]
    reason: Text
    act: Literal["falsification", "evasion", "damage"] = "falsification"
    is_serious: bool = False
    has_harm: bool = False
    documents: Annotated[list[Document], Field(max_length=200)] = []
    late_reason: Text = ""


class Annul(Asked):
    """撤销: reasons are mandatory."""

    reason: Text
    documents: Annotated[list[Document], Field(max_length=200)] = []


class RecordIntervention(Asked):
    """干预留痕. `intervener` is the department that intervened (`gov@131000`), with the person's name.

    `medium` is where the original is kept 介质存档, `extraction` how it was lawfully taken 依法提取;
    `addressed_to` a department (`ee@131000`) that reads it beside discipline inspection.
    """

    category: Literal["instigation", "obstruction", "interference", "target", "other"]
    form: Literal["instruction", "letter", "oral", "hint", "other"]
    region: Region
    intervener: Annotated[str, StringConstraints(pattern=r"^[a-z_.]{2,30}@[0-9]{6}([0-9]{3})?$")]
    intervener_name: Short
    happened_at: Instant
    content: Annotated[Text, Field(min_length=1)]
    medium: Short
    extraction: Short
    lead_id: UUID | None = None
    addressed_to: Annotated[str, StringConstraints(pattern=r"^[a-z_.]{2,30}@[0-9]{6}([0-9]{3})?$")] | None = (
        None
    )
    attachments: Annotated[list[Document], Field(max_length=50)] = []


class NameMember(Asked):
    """专案组成员: the token subject of a person, their department, until when and why."""

    subject: Short
    dept: Annotated[str, StringConstraints(pattern=r"^[a-z_.]{2,30}$")]
    until: Instant
    reason: Annotated[Text, Field(min_length=1)]


class EndMember(Asked):
    """A member leaves the team now: reasons are mandatory."""

    reason: Annotated[Text, Field(min_length=1)]


class CertificateRow(Asked):
    """执法证登记: one certificate as the department that issues them has it. Days are legal days.

    `dept` and `region` are the holder's. Whose it is: the token's `subject`, or `holder_sha256` (sha256 in
    hex of name and identity number as the department has them), or both. `state_from` defaults to
    `valid_from` for what is in force; suspending and revoking give it and a `reason`. `source`: the document.
    """

    number: Annotated[Short, StringConstraints(max_length=60)]
    dept: Annotated[str, StringConstraints(pattern=r"^[a-z_.]{2,30}$")]
    region: Region
    subject: Short | None = None
    holder_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    kind: Short = "enforcement"
    valid_from: Day
    valid_until: Day
    state: Literal["in_force", "suspended", "revoked"] = "in_force"
    state_from: Day | None = None
    reason: Annotated[Text, StringConstraints(max_length=2000)] = ""
    source: Short

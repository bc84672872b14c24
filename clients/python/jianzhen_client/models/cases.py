"""Bodies and answers of cases. Made by `make docs`: do not edit."""

from typing import Any, Literal, NotRequired, TypedDict


class Who(TypedDict):
    """举报人: name and how to reach them; kept apart, masked for everybody but the right that names
    it.
    """

    name: str
    contact: str


class OpenLead(TypedDict):
    """A lead from outside: `origin_id` is its number at the origin, the same number opens it only
    once.

    `channel` is the way a report from the public came: for `origin` report only.
    """

    origin: Literal["report", "inspection", "superior", "department"]
    origin_id: str
    channel: NotRequired[Literal["web", "wechat", "phone", "letter", "visit"] | None]
    region: str
    site: str
    summary: str
    uscc: NotRequired[str | None]
    organisation_zh: NotRequired[str | None]
    organisation_en: NotRequired[str | None]
    from_time: NotRequired[str | None]
    to_time: NotRequired[str | None]
    reporter: NotRequired[Who | None]


class Officer(TypedDict):
    """An officer who took part, by name and enforcement certificate number 执法证号."""

    name: str
    certificate: str


class Document(TypedDict):
    """A document of the file: its kind (see the acts), its title and the sha256 of its bytes, hex."""

    kind: str
    title: str
    sha256: str


class FileLead(TypedDict):
    """立案. `late_reason`: who extended the time limit and why, once it has passed."""

    reason: str
    officers: NotRequired[list[Officer]]
    documents: NotRequired[list[Document]]
    late_reason: NotRequired[str]


class RejectLead(TypedDict):
    """不予立案: reasons are mandatory."""

    reason: str
    documents: NotRequired[list[Document]]


class ConfirmFraud(TypedDict):
    """认定: the end of the investigation. Window and series default to those of the lead, the subject
    to its.

    `outcome` not_confirmed ends the case; the fields of the subject and the act are then not
    needed.
    """

    outcome: NotRequired[Literal["confirmed", "not_confirmed"]]
    investigation_report: str
    reason: str
    officers: NotRequired[list[Officer]]
    documents: NotRequired[list[Document]]
    typology: NotRequired[str]
    subject_type: NotRequired[Literal["unit", "agency", "operator", "supplier", "vehicle_insp"] | None]
    uscc: NotRequired[str | None]
    organisation_zh: NotRequired[str | None]
    organisation_en: NotRequired[str | None]
    act_from: NotRequired[str | None]
    act_to: NotRequired[str | None]
    series_ids: NotRequired[list[int] | None]


class Hearing(TypedDict):
    """听证: what was heard and what it came to."""

    reason: str
    documents: NotRequired[list[Document]]


class Review(TypedDict):
    """法制审核: passed or returned, with reasons."""

    outcome: NotRequired[Literal["passed", "returned"]]
    reason: str
    documents: NotRequired[list[Document]]


class Decide(TypedDict):
    """处罚决定. `reason` is the reasoning of the decision; the act's day says which law judges the
    amount.
    """

    decision_no: str
    amount_yuan: int
    reason: str
    act: NotRequired[Literal["falsification", "evasion", "damage"]]
    is_serious: NotRequired[bool]
    has_harm: NotRequired[bool]
    documents: NotRequired[list[Document]]
    late_reason: NotRequired[str]


class Annul(TypedDict):
    """撤销: reasons are mandatory."""

    reason: str
    documents: NotRequired[list[Document]]


class EnterCertificatesBody(TypedDict):
    """EnterCertificatesBody"""

    rows: list[dict[str, Any]]


class RecordIntervention(TypedDict):
    """干预留痕. `intervener` is the department that intervened (`gov@131000`), with the person's name.

    `medium` is where the original is kept 介质存档, `extraction` how it was lawfully taken 依法提取
    ; `addressed_to` a department (`ee@131000`) that reads it beside discipline inspection.
    """

    category: Literal["instigation", "obstruction", "interference", "target", "other"]
    form: Literal["instruction", "letter", "oral", "hint", "other"]
    region: str
    intervener: str
    intervener_name: str
    happened_at: str
    content: str
    medium: str
    extraction: str
    lead_id: NotRequired[str | None]
    addressed_to: NotRequired[str | None]
    attachments: NotRequired[list[Document]]


class NameMember(TypedDict):
    """专案组成员: the token subject of a person, their department, until when and why."""

    subject: str
    dept: str
    until: str
    reason: str


class EndMember(TypedDict):
    """A member leaves the team now: reasons are mandatory."""

    reason: str

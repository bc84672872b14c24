"""Events of `cases`: from lead to decision, and back when the basis falls away."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class LeadOpened(Event, frozen=True, kw_only=True):
    """A lead exists and waits for an officer."""

    PRODUCER: ClassVar[str] = "cases"

    lead_id: str
    origin: Literal["suspicion", "report", "inspection", "superior", "department"]
    origin_id: str
    site: str
    region: str
    uscc: str | None
    opened_at_ms: int


class LeadClosed(Event, frozen=True, kw_only=True):
    """A lead ended without a case: rejected by an officer, or withdrawn because its basis fell away."""

    PRODUCER: ClassVar[str] = "cases"

    lead_id: str
    outcome: Literal["rejected", "withdrawn"]
    region: str
    reason: str
    closed_at_ms: int


class CaseFiled(Event, frozen=True, kw_only=True):
    """立案: an officer filed the lead as a case."""

    PRODUCER: ClassVar[str] = "cases"

    case_id: str
    lead_id: str
    region: str
    site: str
    uscc: str | None
    filed_at_ms: int
    decide_by: str


class FraudConfirmed(Event, frozen=True, kw_only=True):
    """认定: the authority confirmed falsification of these series in [from_ms, to_ms).

    `typology` is the code of 环发〔2015〕175号 (T01 … I05).
    """

    PRODUCER: ClassVar[str] = "cases"

    case_id: str
    region: str
    site: str
    uscc: str
    organisation_zh: str
    organisation_en: str
    typology: str
    series_ids: list[int]
    from_ms: int
    to_ms: int
    confirmed_at_ms: int


class PenaltyDecided(Event, frozen=True, kw_only=True):
    """处罚决定: the decision that credit and publication act on. Amounts in yuan."""

    PRODUCER: ClassVar[str] = "cases"

    case_id: str
    decision_no: str
    region: str
    site: str
    uscc: str
    organisation_zh: str
    organisation_en: str
    subject_type: Literal["unit", "agency", "operator", "supplier", "vehicle_insp", "person"]
    typology: str
    amount_yuan: int
    legal_basis: str
    reasoning: str
    decided_at_ms: int


class BasisWithdrawn(Event, frozen=True, kw_only=True):
    """The suspicion behind a case was withdrawn after filing: effects stop now, a person decides the end."""

    PRODUCER: ClassVar[str] = "cases"

    case_id: str
    suspicion_id: str
    region: str
    site: str
    uscc: str | None
    reason_zh: str
    reason_en: str
    withdrawn_at_ms: int


class CaseAnnulled(Event, frozen=True, kw_only=True):
    """撤销: the head of the organ annulled the case or its decision (行政处罚法 Art. 48)."""

    PRODUCER: ClassVar[str] = "cases"

    case_id: str
    region: str
    site: str
    uscc: str | None
    reason: str
    annulled_at_ms: int


class LeafRequested(Event, frozen=True, kw_only=True):
    """Decisions that ask for a leaf in the evidence log; ids are those of cases. Columns of equal length.

    `leaves` are hex of sha256(nonce ‖ record), the record being canonical JSON of `submission` (an id of
    `submissions`), the sha256 of what was decided, and `received_at`: the log learns nothing from them.
    """

    PRODUCER: ClassVar[str] = "cases"

    subject: Literal["penalty", "annulment"]
    submissions: list[str]
    leaves: list[str]
    received_at_ms: list[int]

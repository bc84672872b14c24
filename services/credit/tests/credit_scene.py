"""The events of a case as `credit` hears them: plain values for the tests."""

from datetime import UTC, datetime

from contracts.cases import BasisWithdrawn, CaseAnnulled, PenaltyDecided

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
USCC = "9144030071526726XG"


def decided(case_id: str = "c-1", subject_type: str = "unit", at: datetime = NOW) -> PenaltyDecided:
    return PenaltyDecided(
        case_id=case_id,
        decision_no=f"廊环罚〔2026〕{case_id}号",
        region="131000",
        site="131000-A01",
        uscc=USCC,
        organisation_zh="甲公司",
        organisation_en="Company A",
        subject_type=subject_type,  # type: ignore[arg-type]
        typology="T08",
        amount_yuan=200_000,
        legal_basis="《生态环境法典》第一千零八十八条",
        reasoning="参数被改",
        decided_at_ms=int(at.timestamp() * 1000),
    )


def withdrawn(case_id: str = "c-1") -> BasisWithdrawn:
    return BasisWithdrawn(
        case_id=case_id,
        suspicion_id="s-1",
        region="131000",
        site="131000-A01",
        uscc=USCC,
        reason_zh="迟到的更正",
        reason_en="a late correction",
        withdrawn_at_ms=MS + 1000,
    )


def annulled(case_id: str = "c-1") -> CaseAnnulled:
    return CaseAnnulled(
        case_id=case_id,
        region="131000",
        site="131000-A01",
        uscc=USCC,
        reason="依据不成立",
        annulled_at_ms=MS + 2000,
    )

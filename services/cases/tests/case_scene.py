"""The signals, papers and people of a case: plain values for the tests of `cases`."""

from datetime import UTC, datetime
from typing import Any

import policy
from cases.flows.acts import Doer
from contracts.ingest import SeriesRef
from contracts.qc import AlarmRaised, AlarmWithdrawn, Finding, SuspicionRaised, SuspicionWithdrawn
from kit.auth import Grant
from standards.regions import is_within

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
HOUR = 3_600_000
PERMISSIONS = {
    "leads:open": ("case.officer", "ee.enf"),
    "leads:decide": ("case.officer", "ee.enf"),
    "cases:confirm-fraud": ("case.officer", "ee.enf"),
    "cases:review": ("case.legal_reviewer", "ee.enf"),
    "cases:decide": ("case.approver", "ee"),
    "cases:annul": ("case.approver", "ee"),
}


def series(series_id: int = 7, site: str = "131000-A01", region: str = "131000") -> SeriesRef:
    return SeriesRef(
        id=series_id,
        site=site,
        site_kind="station",
        region=region,
        element="air",
        factor="a34004",
        statistic="avg",
        basis="raw",
        period="hour",
        source="logger",
        unit="ug/m3",
        decimals=0,
        name_zh="细颗粒物",
        name_en="PM2.5",
        uscc="9144030071526726XG",
        organisation_zh="甲运维公司",
        organisation_en="Company A",
    )


def suspicion(at: int = 0, suspicion_id: str = "s-1", score: float = 0.9, **more: Any) -> SuspicionRaised:
    finding = Finding(
        rule="K1X9",
        statistic=8,
        threshold=6,
        weight=0.5,
        score=1.0,
        from_ms=MS - 12 * HOUR,
        to_ms=MS - 2 * HOUR,
        message_zh="小时值冻结而分钟值变化",
        message_en="hours frozen while their minutes move",
        source_clause="K1, X9",
    )
    return SuspicionRaised(
        suspicion_id=suspicion_id,
        rule_pack="core-1",
        score=score,
        series=[series(**more)],
        from_ms=MS - 12 * HOUR,
        to_ms=MS - 2 * HOUR,
        findings=[finding],
        raised_at_ms=MS + at,
    )


def suspicion_withdrawn(at: int = 1000, suspicion_id: str = "s-1") -> SuspicionWithdrawn:
    return SuspicionWithdrawn(
        suspicion_id=suspicion_id,
        site="131000-A01",
        region="131000",
        score=0.1,
        reason_zh="迟到的更正",
        reason_en="a late correction",
        withdrawn_at_ms=MS + at,
    )


def alarm(at: int = 0, alarm_id: str = "a-1", severity: str = "suspect", **more: Any) -> AlarmRaised:
    return AlarmRaised(
        alarm_id=alarm_id,
        rule="K1",
        rule_pack="core-1",
        severity=severity,  # type: ignore[arg-type]
        series=series(**more),
        from_ms=MS - 4 * HOUR,
        to_ms=MS - 3 * HOUR,
        value=8,
        threshold=6,
        message_zh="数值长时间不变",
        message_en="constant for too long",
        source_clause="K1",
        raised_at_ms=MS + at,
    )


def alarm_withdrawn(at: int = 1000, alarm_id: str = "a-1") -> AlarmWithdrawn:
    return AlarmWithdrawn(
        alarm_id=alarm_id,
        site="131000-A01",
        region="131000",
        reason_zh="迟到的更正",
        reason_en="a late correction",
        withdrawn_at_ms=MS + at,
    )


def papers(*kinds: str) -> list[dict[str, str]]:
    return [{"kind": kind, "title": kind, "sha256": "0" * 64} for kind in kinds]


OFFICERS = [{"name": "张三", "certificate": "HB-0001"}, {"name": "李四", "certificate": "HB-0002"}]
FILE = {"reason": "涉嫌修改参数，应当立案", "officers": OFFICERS, "documents": papers("filing_approval")}
CONFIRM = {
    "typology": "T08",
    "subject_type": "operator",
    "investigation_report": "现场检查发现斜率被改为0.6",
    "reason": "参数被改，数据失真",
    "officers": OFFICERS,
    "documents": papers("site_inspection_record", "investigation_report", "determination_opinion"),
}
REVIEW = {"reason": "事实清楚，证据确凿，程序合法", "documents": papers("review_opinion")}
DECIDE = {
    "decision_no": "廊环罚〔2026〕12号",
    "amount_yuan": 200_000,
    "reason": "当事人修改仪器参数，依法处罚",
    "documents": papers("prior_notice", "penalty_decision"),
}
ANNUL = {"reason": "据以认定的数据已更正，认定依据不成立"}


def doer_for(
    permission: str, subject: str | None = None, region: str = "131000", now: datetime = NOW
) -> Doer:
    """The usual person for a permission, in Langfang unless told: `doer_for("cases:decide")`."""
    role, dept = PERMISSIONS[permission]
    who = policy.Principal(
        subject=subject or role, dept=dept, region=region, roles=frozenset({role}), token_id="t"
    )
    decision = policy.load().decide(permission, who)
    assert decision.allowed
    return Doer(Grant(who, permission, decision, is_within), now)

"""How leads, cases and their history look from outside: every name in Chinese and English.

Promises: times are UTC with offset, legal days are dates in China; `next` lists the acts that can follow,
with role, documents and basis. Leaves who may do them to the policy.
"""

from base64 import b64encode
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from standards import identity, regions
from standards.calendar import legal_date
from tlog.receipts import record_of

from cases.flows.register import certificate
from cases.rules import certificates, machine, penalties, typology
from cases.tables import Case, CaseStep, CertificateEntry, Intervention, Lead, SealedDecision, Signal

ORIGINS = {
    "suspicion": ("质控发现", "Found by quality control"),
    "report": ("举报", "Report from the public"),
    "inspection": ("检查发现", "Inspection"),
    "superior": ("上级交办", "Handed down by a superior"),
    "department": ("部门移送", "Handed over by another department"),
}
CHANNELS = {
    "web": ("网络", "Web"),
    "wechat": ("微信", "WeChat"),
    "phone": ("电话", "Telephone"),
    "letter": ("来信", "Letter"),
    "visit": ("来访", "Visit"),
}
NOTED = {
    "open": ("线索登记", "lead opened"),
    "reopen": ("线索恢复", "lead opened again"),
    "withdraw": ("线索撤回", "lead withdrawn"),
    "withdraw_basis": ("案件依据撤回", "basis of the case withdrawn"),
    "team_named": ("专案组成员加入", "member named to the special-case team"),
    "team_ended": ("专案组成员离组", "member left the special-case team"),
    "self_proof_requested": ("要求自我举证", "self-proof asked of the unit"),
    "self_proof_answered": ("收到举证材料", "evidence received from the unit"),
    "self_proof_overdue": ("逾期未举证", "no evidence in time"),
    "self_proof_accepted": ("举证予以采信", "self-proof accepted"),
    "self_proof_rejected": ("举证不予采信", "self-proof rejected"),
}


CATEGORIES = {
    "instigation": ("指使弄虚作假", "Instigating falsification"),
    "obstruction": ("限制、阻挠执法", "Restricting or obstructing enforcement"),
    "interference": ("干扰查处、追责", "Interfering with investigation or accountability"),
    "target": ("下达考核指标", "Making data a target of assessment"),
    "other": ("其他", "Other"),
}
FORMS = {
    "instruction": ("批示", "Written instruction"),
    "letter": ("函文", "Letter"),
    "oral": ("口头意见", "Word of mouth"),
    "hint": ("暗示", "Hint"),
    "other": ("其他", "Other"),
}

CHECKED = {
    "register": ("按执法证登记册核验", "Checked against the register of certificates"),
    "tokens": (
        "本部门登记册尚无证件，仅按已出示的令牌核验",
        "The department's register is empty: checked against what tokens have shown, no more",
    ),
}


def both(name: str, names: tuple[str, str]) -> dict[str, str]:
    """`state` → `state_zh`, `state_en`."""
    return {f"{name}_zh": names[0], f"{name}_en": names[1]}


def place(row: Lead | Case) -> dict[str, Any]:
    """Where and whom it concerns. A code whose check character is wrong is shown with its warnings."""
    oddities = identity.uscc(row.uscc).warnings if row.uscc else ()
    return {
        "region": row.region,
        **both("region", (regions.name(row.region), regions.name(row.region, "en"))),
        "site": row.site,
        "uscc": row.uscc,
        "uscc_warnings": [{"zh": oddity.zh, "en": oddity.en} for oddity in oddities],
        "organisation_zh": row.organisation_zh,
        "organisation_en": row.organisation_en,
    }


def following(state: str, on: date, *, is_basis_withdrawn: bool = False) -> list[dict[str, Any]]:
    """The acts that can follow, as the law of the legal day knows them."""
    return [
        {
            "act": act.act,
            "zh": act.zh,
            "en": act.en,
            "role": act.role,
            "documents": [
                {"kind": kind, **dict(zip(("zh", "en"), machine.document_label(kind), strict=True))}
                for kind in act.documents
            ],
            "officers": act.officers,
            "basis": act.basis,
        }
        for act in machine.acts_from(state, on, is_basis_withdrawn=is_basis_withdrawn)
    ]


def lead_view(lead: Lead, case_id: UUID | None, on: date) -> dict[str, Any]:
    """A lead as a row of a list."""
    return {
        "id": str(lead.lead_id),
        "origin": lead.origin,
        **both("origin", ORIGINS[lead.origin]),
        "origin_id": lead.origin_id,
        "channel": lead.channel,
        **both("channel", CHANNELS[lead.channel] if lead.channel else ("", "")),
        **place(lead),
        "summary": lead.summary,
        "score": lead.score,
        "from_time": _time(lead.from_at),
        "to_time": _time(lead.to_at),
        "state": lead.state,
        **both("state", machine.label(lead.state)),
        "opened_at": _time(lead.opened_at),
        "file_by": lead.file_by.isoformat(),
        "is_file_by_provisional": lead.is_file_by_provisional,
        "is_overdue": lead.state == "LEAD" and on > lead.file_by,
        "closed_at": _time(lead.closed_at),
        "closed_reason": lead.closed_reason,
        "case_id": str(case_id) if case_id else None,
    }


def lead_detail(
    lead: Lead, case_id: UUID | None, on: date, steps: Iterable[CaseStep], alarms: Iterable[Signal]
) -> dict[str, Any]:
    """A lead with its findings, the alarms beside it, its history, and what can follow."""
    return {
        **lead_view(lead, case_id, on),
        "series": lead.series,
        "findings": lead.findings,
        "alarms": [alarm_view(alarm) for alarm in alarms],
        "steps": [step_view(step) for step in steps],
        "next": following(lead.state, on),
    }


def case_view(case: Case, on: date) -> dict[str, Any]:
    """A case as a row of a list."""
    return {
        "id": str(case.case_id),
        "lead_id": str(case.lead_id),
        **place(case),
        "subject_type": case.subject_type,
        "state": case.state,
        **both("state", machine.label(case.state)),
        "is_basis_withdrawn": case.is_basis_withdrawn,
        "basis_withdrawn_at": _time(case.basis_withdrawn_at),
        **both(
            "basis_withdrawn_reason", _pair(case.basis_withdrawn_reason_zh, case.basis_withdrawn_reason_en)
        ),
        "filed_at": _time(case.filed_at),
        "decide_by": case.decide_by.isoformat(),
        "is_decide_by_provisional": case.is_decide_by_provisional,
        "is_overdue": case.state in {"FILED", "FRAUD_CONFIRMED", "LEGAL_REVIEWED"} and on > case.decide_by,
        "typology": case.typology,
        **both("typology", typology.label(case.typology) if case.typology else ("", "")),
        "series_ids": case.series_ids,
        "act_from": _time(case.act_from_at),
        "act_to": _time(case.act_to_at),
        "confirmed_at": _time(case.confirmed_at),
        "decision_no": case.decision_no,
        "amount_yuan": case.amount_yuan,
        "legal_basis": case.legal_basis,
        "decided_at": _time(case.decided_at),
        "annulled_at": _time(case.annulled_at),
        "annulled_reason": case.annulled_reason,
    }


def confirmed_view(case: Case) -> dict[str, Any]:
    """A confirmed case as a court sees it: who, what, when, the decision; no officers, no findings."""
    told = case_view(case, legal_date(case.filed_at))
    inner = {"lead_id", "decide_by", "is_decide_by_provisional", "is_overdue", "series_ids", "annulled_at"}
    kept = {name: value for name, value in told.items() if name not in inner | {"annulled_reason"}}
    return kept | {"reasoning": case.reasoning}


def case_detail(
    case: Case, on: date, steps: Iterable[CaseStep], sealed: Iterable[SealedDecision]
) -> dict[str, Any]:
    """A case with its report, reasoning, history, the range of its fine, and what can follow."""
    return {
        **case_view(case, on),
        "investigation_report": case.investigation_report,
        "reasoning": case.reasoning,
        "fine_range": _range(case, on),
        "steps": [step_view(step) for step in steps],
        "next": following(case.state, on, is_basis_withdrawn=case.is_basis_withdrawn),
        "leaves": [_leaf(one) for one in sealed],
    }


def _leaf(sealed: SealedDecision) -> dict[str, Any]:
    """What is needed to find a decision in the evidence log, and to prove its words."""
    record = record_of(sealed.case_id, sealed.sha256, sealed.sealed_at)
    return {
        "kind": sealed.kind,
        "content": sealed.content,
        "sha256": record.sha256,
        "received_at": record.received_at,
        "nonce": b64encode(sealed.nonce).decode(),
        "entry": sealed.entry.hex(),
    }


def step_view(step: CaseStep) -> dict[str, Any]:
    """One entry of the history."""
    act = machine.act(step.act, legal_date(step.at))
    return {
        "act": step.act,
        **both("act", (act.zh, act.en) if act else NOTED.get(step.act, (step.act, step.act))),
        "from_state": step.from_state,
        "to_state": step.to_state,
        **both("to_state", machine.label(step.to_state)),
        "actor": step.actor_text,
        "at": _time(step.at),
        "reason": step.reason,
        "basis": step.basis,
        "officers": step.officers,
        **_checked(step),
        "documents": step.documents,
        "trace_id": step.trace_id,
    }


def _checked(step: CaseStep) -> dict[str, Any]:
    against = step.details.get("officers_checked")
    return (
        {} if against is None else {"officers_checked": against, **both("officers_checked", CHECKED[against])}
    )


def alarm_view(alarm: Signal) -> dict[str, Any]:
    """An alarm beside a lead."""
    return {
        "id": alarm.signal_id,
        "rule": alarm.rule,
        "severity": alarm.severity,
        "series_id": alarm.series_id,
        **both("message", (alarm.message_zh, alarm.message_en)),
        "from_time": _time(alarm.from_at),
        "to_time": _time(alarm.to_at),
    }


def _range(case: Case, on: date) -> dict[str, Any] | None:
    if case.act_to_at is None or case.subject_type is None:
        return None
    basis = penalties.basis_for(case.subject_type, "falsification", legal_date(case.act_to_at), on)
    if basis is None:
        return None
    return {
        "basis": basis.text,
        "min_yuan": basis.min_yuan,
        "max_yuan": basis.max_yuan,
        **both("further", (basis.further_zh, basis.further_en)),
        "is_provisional": basis.is_provisional,
    }


def _pair(zh: str | None, en: str | None) -> tuple[str, str]:
    return zh or "", en or ""


def _time(at: Any) -> str | None:
    return at.isoformat() if at is not None else None


def intervention_view(row: Intervention) -> dict[str, Any]:
    """An intervention for whoever may read it: never who recorded it, nor of which department they are."""
    return {
        "id": str(row.intervention_id),
        "category": row.category,
        **both("category", CATEGORIES[row.category]),
        "form": row.form,
        **both("form", FORMS[row.form]),
        "region": row.region,
        **both("region", (regions.name(row.region), regions.name(row.region, "en"))),
        "intervener": row.intervener,
        "intervener_name": row.intervener_name,
        "happened_at": _time(row.happened_at),
        "content": row.content,
        "lead_id": str(row.lead_id) if row.lead_id else None,
        "addressed_to": row.addressed_to,
        "medium": row.medium,
        "extraction": row.extraction,
        "attachments": row.attachments,
        "recorded_on": legal_date(row.recorded_at).isoformat(),
    }


def certificate_view(row: CertificateEntry, on: date) -> dict[str, Any]:
    """An entry of the register, and how the certificate stands by it on a legal day."""
    stands = certificates.standing(certificate(row), on)
    kind = certificates.kind_of(row.kind, on)
    return {
        "entry": row.entry_no,
        "number": row.number,
        "dept": row.dept,
        "region": row.region,
        **both("region", (regions.name(row.region), regions.name(row.region, "en"))),
        "subject": row.subject,
        "is_holder_digest_known": row.holder_sha256 is not None,
        "kind": row.kind,
        **both("kind", (kind["zh"], kind["en"]) if kind else (row.kind, row.kind)),
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat(),
        "state": row.state,
        "state_from": row.state_from.isoformat(),
        "standing": stands,
        **both("standing", certificates.STANDINGS[stands]),
        "reason": row.reason,
        "source": row.source,
        "entered_by": row.entered_by_text,
        "entered_at": _time(row.entered_at),
    }

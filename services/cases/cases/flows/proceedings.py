"""The proceedings of a filed case: confirmation, legal review, decision, annulment.

Promises: investigator, reviewer and approver are three people; a fine lies within the range of the law of the
act's day; a case whose basis was withdrawn goes nowhere but to annulment. Only series that qc named, in the
case's own region, can be confirmed as falsified: no officer can strike out another region's figures. Leaves
the prior notice's own steps, service and payment to later work (see `cases.rules.machine`).
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from contracts.cases import CaseAnnulled, FraudConfirmed, PenaltyDecided
from kit.outbox import put
from kit.problems import Conflict
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from standards.regions import is_within

from cases import queries
from cases.flows import leaves
from cases.flows.acts import Doer, carried, judge, proposal, record, to_ms
from cases.flows.asked import Annul, ConfirmFraud, Decide, Hearing, Review
from cases.rules import clocks, penalties, typology
from cases.rules.refusal import Refusal
from cases.tables import Case, Lead


async def confirm_fraud(session: AsyncSession, case_id: UUID, asked: ConfirmFraud, doer: Doer) -> Case:
    """认定 or 不予认定, on the investigation report of two officers."""
    case = await queries.case(session, case_id, is_locked=True)
    if asked.outcome == "not_confirmed":
        act = judge(
            await proposal(session, "do_not_confirm", asked, doer, case), doer.today, _reported(asked)
        )
        record(session, act, asked, doer, case, case_id)
        case.investigation_report = asked.investigation_report
        return case
    lead = await queries.lead(session, case.lead_id)
    own = [int(series["id"]) for series in lead.series if is_within(series["region"], case.region)]
    known_until = min(lead.to_at, doer.now) if lead.to_at is not None else None
    _take_over(case, asked, (lead.from_at, known_until), own)
    known = {*own, *await queries.alarmed_series(session, case.site, case.region)}
    proposed = await proposal(session, "confirm_fraud", asked, doer, case)
    act = judge(proposed, doer.today, [*_reported(asked), *_missing(case, asked, known, doer)])
    record(session, act, asked, doer, case, case_id)
    case.confirmed_at, case.investigation_report = doer.now, asked.investigation_report
    await put(session, _confirmed(case, doer.now), key=str(case_id), traces=carried(case.traces))
    return case


async def review(session: AsyncSession, case_id: UUID, asked: Review, doer: Doer) -> Case:
    """法制审核 by a person who neither filed nor confirmed; `returned` keeps the state and says why."""
    case = await queries.case(session, case_id, is_locked=True)
    name = "review" if asked.outcome == "passed" else "return"
    act = judge(await proposal(session, name, asked, doer, case), doer.today)
    record(session, act, asked, doer, case, case_id)
    return case


async def hold_hearing(session: AsyncSession, case_id: UUID, asked: Hearing, doer: Doer) -> Case:
    """听证 by a person who did not investigate; the state stays, the record joins the file."""
    case = await queries.case(session, case_id, is_locked=True)
    act = judge(await proposal(session, "hold_hearing", asked, doer, case), doer.today)
    record(session, act, asked, doer, case, case_id)
    return case


async def decide(session: AsyncSession, case_id: UUID, asked: Decide, doer: Doer) -> Case:
    """处罚决定: reasoned, reviewed, in time, within the range of the clause that judges the act."""
    case = await queries.case(session, case_id, is_locked=True)
    lead = await queries.lead(session, case.lead_id)
    proposed = await proposal(session, "decide", asked, doer, case)
    basis, further = _legal_basis(case, lead, asked, doer)
    act = judge(proposed, doer.today, further)
    assert basis is not None
    record(session, act, asked, doer, case, case_id)
    case.decision_no, case.amount_yuan, case.reasoning = asked.decision_no, asked.amount_yuan, asked.reason
    case.legal_basis_id, case.legal_basis, case.decided_at = basis.id, basis.text, doer.now
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict("decision-number-taken", f"文号已使用 · {asked.decision_no} is taken") from error
    event = _decided(case, doer.now)
    await put(session, event, key=str(case_id), traces=carried(case.traces))
    await leaves.seal(session, case_id, event, doer.now)
    return case


async def annul(session: AsyncSession, case_id: UUID, asked: Annul, doer: Doer) -> Case:
    """撤销 by the head of the organ, with reasons; whatever the case led to is undone by whoever listens."""
    case = await queries.case(session, case_id, is_locked=True)
    act = judge(await proposal(session, "annul", asked, doer, case), doer.today)
    record(session, act, asked, doer, case, case_id)
    case.annulled_at, case.annulled_reason = doer.now, asked.reason
    event = CaseAnnulled(
        case_id=str(case_id),
        region=case.region,
        site=case.site,
        uscc=case.uscc,
        reason=asked.reason,
        annulled_at_ms=to_ms(doer.now),
    )
    await put(session, event, key=str(case_id), traces=carried(case.traces))
    await leaves.seal(session, case_id, event, doer.now)
    return case


def _take_over(
    case: Case, asked: ConfirmFraud, window: tuple[datetime | None, datetime | None], own: list[int]
) -> None:
    if case.state != "FILED":
        return
    case.typology, case.subject_type = asked.typology, asked.subject_type
    case.uscc = asked.uscc or case.uscc
    case.organisation_zh = asked.organisation_zh or case.organisation_zh
    case.organisation_en = asked.organisation_en or case.organisation_en or case.organisation_zh
    case.act_from_at, case.act_to_at = asked.window(*window)
    case.series_ids = asked.series_ids if asked.series_ids is not None else own


def _reported(asked: ConfirmFraud) -> list[Refusal]:
    if asked.investigation_report:
        return []
    what, mend = "调查报告为空 · no investigation report", "写明调查经过和结论 · state course and findings"
    return [Refusal("investigation_report", "行政处罚法（2021修订）第54条", what, mend)]


def _missing(case: Case, asked: ConfirmFraud, known: set[int], doer: Doer) -> Iterator[Refusal]:
    refusal = typology.refusal(asked.typology)
    if refusal is not None:
        yield refusal
    for field in ("uscc", "organisation_zh", "subject_type"):
        if not getattr(case, field):
            what, mend = f"未确定当事人 · {field} is not known", f"填写 {field} · give {field}"
            yield Refusal(field, "行政处罚法（2021修订）第59条", what, mend)
    begins, ends = case.act_from_at, case.act_to_at
    if begins is None or ends is None or begins >= ends or ends > doer.now:
        what = "违法行为起止时间不成立 · not a window of the past"
        yield Refusal("act_from", "生态环境法典第1057条", what, "填写 act_from、act_to · give both")
    strange = sorted(set(case.series_ids) - known)
    if strange:
        what = f"不属于本案点位 · series {strange} are not of this site"
        yield Refusal(
            "series_ids", case.site, what, "只填写本案点位的数据序列 · name series of the site only"
        )


def _legal_basis(
    case: Case, lead: Lead, asked: Decide, doer: Doer
) -> tuple[penalties.Basis | None, list[Refusal]]:
    if case.act_to_at is None or case.subject_type is None:
        return None, []
    act_end = legal_date(case.act_to_at)
    basis = penalties.basis_for(
        case.subject_type, asked.act, act_end, doer.today, is_serious=asked.is_serious
    )
    found = [
        penalties.amount_refusal(basis, asked.amount_yuan, act_end),
        clocks.limitation_refusal(act_end, legal_date(lead.opened_at), has_harm=asked.has_harm),
        clocks.lateness_refusal(case.decide_by, doer.today, asked.late_reason),
    ]
    return basis, [refusal for refusal in found if refusal is not None]


def _confirmed(case: Case, now: datetime) -> FraudConfirmed:
    assert case.act_from_at and case.act_to_at and case.uscc and case.organisation_zh and case.typology
    return FraudConfirmed(
        case_id=str(case.case_id),
        region=case.region,
        site=case.site,
        uscc=case.uscc,
        organisation_zh=case.organisation_zh,
        organisation_en=case.organisation_en or case.organisation_zh,
        typology=case.typology,
        series_ids=case.series_ids,
        from_ms=to_ms(case.act_from_at),
        to_ms=to_ms(case.act_to_at),
        confirmed_at_ms=to_ms(now),
    )


def _decided(case: Case, now: datetime) -> PenaltyDecided:
    assert case.uscc and case.organisation_zh and case.typology and case.decision_no
    assert case.amount_yuan is not None and case.legal_basis and case.reasoning
    return PenaltyDecided(
        case_id=str(case.case_id),
        decision_no=case.decision_no,
        region=case.region,
        site=case.site,
        uscc=case.uscc,
        organisation_zh=case.organisation_zh,
        organisation_en=case.organisation_en or case.organisation_zh,
        subject_type=case.subject_type,  # type: ignore[arg-type]
        typology=case.typology,
        amount_yuan=case.amount_yuan,
        legal_basis=case.legal_basis,
        reasoning=case.reasoning,
        decided_at_ms=to_ms(now),
    )

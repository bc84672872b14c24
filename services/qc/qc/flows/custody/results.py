"""Manual results: entered, signed post by post, shown with everybody who answers for them.

Promises: nothing of a result changes; a mistake is corrected by another result that names it. A signature is
over the result and the steps as they were then. Leaves who may sign to `qc.rules.custody.signing`.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kit.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from qc.flows.custody.asked import EnterResult, Sign
from qc.flows.custody.lims import sample_flags
from qc.flows.custody.people import liability
from qc.flows.custody.who import Doer
from qc.queries import custody as stored
from qc.rules.custody.chain import Link, Signer, chain
from qc.rules.custody.law import Law, Post, law_on
from qc.rules.custody.signing import Objection, Person, Signed, Wish, objections, unreviewed
from qc.tables.custody import LabStep, ManualResult, Signature


async def enter_result(session: AsyncSession, asked: EnterResult, doer: Doer) -> dict[str, Any]:
    """A figure of a sample whose steps are known. Raises NotFound, Conflict."""
    owned = doer.owned(asked.region)
    institution = owned["institution"]
    await stored.lock(session, "result", institution, asked.number)
    if await stored.taken(session, ManualResult, institution, asked.number) is not None:
        raise Conflict(
            "number-taken", f"结果编号已使用 · the number {asked.number} is taken; results are kept"
        )
    if not await stored.steps_of(session, institution, asked.sample):
        raise NotFound("sample-unknown", f"样品无流转记录 · no step of sample {asked.sample} is known")
    if asked.corrects is not None:
        before = await stored.result(session, asked.corrects)
        if before.institution != institution:
            raise NotFound("result-unknown", f"There is no manual result {asked.corrects} here 结果不存在")
        if await stored.correction_of(session, asked.corrects) is not None:
            raise Conflict("already-corrected", "该结果已有更正 · the result is corrected already")
    row = ManualResult(
        result_id=uuid7(),
        **owned,
        **asked.model_dump(exclude={"region"}),
        entered_at=doer.now,
        entered_by=doer.subject,
    )
    session.add(row)
    await session.flush()
    return await result_detail(session, row, doer)


async def sign(session: AsyncSession, result_id: UUID, asked: Sign, doer: Doer) -> dict[str, Any]:
    """A signature, or a return with its reason. Raises Forbidden with every objection, Conflict."""
    row = await stored.result(session, result_id)
    doer.grant.require(region=row.region, owner_dept=row.owner_dept, owner_uscc=row.uscc)
    if row.institution != doer.institution:
        raise Forbidden("other-institution", "只能为本机构的结果签字 · only results of one's own institution")
    law = law_on(doer.today)
    post = law.post(asked.post)
    if post is None or post.role is None:
        mend = " | ".join(one.id for one in law.signing)
        fault = Fault(where="post", rule="签字岗位 · signing posts", what=asked.post, mend=mend)
        raise Invalid("post-unknown", f"{asked.post} does not sign 该岗位不签字", errors=[fault])
    if asked.outcome == "returned" and (not asked.reason or post.level is None):
        fault = Fault(
            where="reason",
            rule="LF-44",
            what="退回须由审核岗位说明理由 · a review returns with reasons",
            mend="reason",
        )
        raise Invalid("return-without-reason", fault["what"], errors=[fault])
    await stored.lock(session, "sample", row.institution, row.sample)
    await stored.lock(session, "result", row.institution, row.number)
    steps = list(await stored.steps_of(session, row.institution, row.sample))
    signed = (await stored.signatures_of(session, [result_id]))[result_id]
    person = await _signer(session, row, doer)
    bans = await stored.bans_of(session, doer.subject, row.uscc)
    held = [] if person is None else await stored.certificates_of(session, row, person.number)
    wish = Wish(post, person, doer.grant.principal.roles, doer.today, bans, row.factor, held)
    _refuse(objections(wish, [stored.step(one) for one in steps], [_signed(one) for one in signed], law))
    assert person is not None
    session.add(
        Signature(
            result_id=result_id,
            post=post.id,
            outcome=asked.outcome,
            person=person.number,
            name=person.name,
            subject=person.subject,
            grade=post.grade,
            reason=asked.reason,
            signed_sha256=_digest(row, steps),
            signed_at=doer.now,
        )
    )
    await session.flush()
    return await result_detail(session, row, doer)


async def result_detail(session: AsyncSession, row: ManualResult, doer: Doer) -> dict[str, Any]:
    """A result with all persons, stages, elements, clocks, signatures, reports and its correction."""
    steps = list(await stored.steps_of(session, row.institution, row.sample))
    signed = (await stored.signatures_of(session, [row.result_id]))[row.result_id]
    reports = await stored.reports_of(session, row.result_id)
    links = await _chain(session, row, steps, signed)
    law = law_on(legal_date(row.entered_at))
    correction = await stored.correction_of(session, row.result_id)
    flags = sample_flags(steps, doer)
    return result_view(row, signed, law) | {
        "chain": [link_view(link, law) for link in links],
        "stages": [
            {"id": stage.id, "zh": stage.zh, "en": stage.en, "source": stage.source}
            | {"is_present": any(one.stage == stage.id for one in steps if one.revision == 0)}
            for stage in law.stages
        ],
        "steps": [step_view(one) for one in steps],
        "signatures": [signature_view(one) for one in signed],
        "flags": flags + _changed(row, steps, signed),
        "reports": [{"id": str(one.report_id), "number": one.number} for one in reports],
        "corrected_by": str(correction) if correction else None,
    }


def result_view(row: ManualResult, signed: Sequence[Signature], law: Law) -> dict[str, Any]:
    """A result as lists show it."""
    missing = unreviewed([_signed(one) for one in signed], law)
    is_returned = any(one.outcome == "returned" for one in signed)
    state = "returned" if is_returned else "issued" if not missing else "open"
    names = ("institution", "region", "number", "sample", "site", "factor", "value", "unit", "method")
    return {name: getattr(row, name) for name in names} | {
        "id": str(row.result_id),
        "state": state,
        "lacks": [{"post": post.id, "zh": post.zh, "en": post.en} for post in missing],
        "corrects": str(row.corrects) if row.corrects else None,
        "entered_at": row.entered_at.isoformat(),
    }


def link_view(link: Link, law: Law) -> dict[str, Any]:
    """A person of the chain as it travels."""
    grade = law.grade(link.grade)
    return {
        "post": link.post.id,
        "post_zh": link.post.zh,
        "post_en": link.post.en,
        "grade": grade.id,
        "grade_zh": grade.zh,
        "grade_en": grade.en,
        "grade_source": grade.source,
        "person": link.person,
        "name": link.name,
        "at": link.at.isoformat(),
        "left_on": link.left_on.isoformat() if link.left_on else None,
        "is_liable": True,
    } | liability(law)


def step_view(row: LabStep) -> dict[str, Any]:
    """A step as it travels, its raw record included."""
    names = (
        "institution", "sample", "number", "revision", "stage", "persons", "instruments", "materials",
        "method", "environment", "measurement", "place", "detail", "raw", "raw_sha256", "raw_object",
        "content_sha256",
    )  # fmt: skip
    times = {"happened_at": row.happened_at.isoformat(), "received_at": row.received_at.isoformat()}
    return {"id": row.step_id} | {name: getattr(row, name) for name in names} | times


def signature_view(row: Signature) -> dict[str, Any]:
    """A signature as it travels."""
    names = ("post", "outcome", "person", "name", "grade", "reason", "signed_sha256")
    return {name: getattr(row, name) for name in names} | {"signed_at": row.signed_at.isoformat()}


async def _chain(
    session: AsyncSession, row: ManualResult, steps: Sequence[LabStep], signed: Sequence[Signature]
) -> list[Link]:
    on = legal_date(signed[-1].signed_at if signed else row.entered_at)
    people = await stored.people_of(session, row.institution, on)
    head = next(iter(await stored.heads_of(session, row.institution, on)), None)
    signers = [Signer(one.post, one.person, one.name, one.grade, one.signed_at) for one in signed]
    return chain([stored.step(one) for one in steps], signers, people, head, law_on(on))


async def _signer(session: AsyncSession, row: ManualResult, doer: Doer) -> Person | None:
    people = await stored.people_of(session, row.institution, doer.today)
    return next((person for person in people.values() if person.subject == doer.subject), None)


def _signed(row: Signature) -> Signed:
    return Signed(row.post, row.outcome, row.person, row.subject)


def _digest(row: ManualResult, steps: Sequence[LabStep]) -> str:
    """The sha256 of what a signer has before the eyes: the result and the first tellings of its steps."""
    names = ("institution", "number", "sample", "site", "factor", "value", "unit", "method")
    told = {name: getattr(row, name) for name in names}
    told["steps"] = [[one.number, one.content_sha256] for one in steps if one.revision == 0]
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _changed(
    row: ManualResult, steps: Sequence[LabStep], signed: Sequence[Signature]
) -> list[dict[str, str]]:
    """`steps-after-signature`: steps were told after somebody signed, so that not all signed the same."""
    now = _digest(row, steps)
    return [
        {
            "flag": "steps-after-signature",
            "where": one.post,
            "zh": "签字后又补报了环节记录",
            "en": "steps were told after this signature",
            "source": "廊办字〔2018〕50号 二12",
        }
        for one in signed
        if one.signed_sha256 != now
    ]


def _refuse(found: list[Objection]) -> None:
    if not found:
        return
    faults = [Fault(where="post", rule=one.rule, what=one.what, mend=one.mend) for one in found]
    detail = "；".join(one.what for one in found)
    if all(one.rule in ("order", "once", "returned") for one in found):
        raise Conflict("not-in-order", detail, errors=faults)
    raise Forbidden("signature-refused", detail, errors=faults)


def lacking(signed: Sequence[Signature], law: Law) -> list[Post]:
    """Posts that have not signed."""
    return unreviewed([_signed(one) for one in signed], law)

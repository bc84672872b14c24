"""Steps of a laboratory, as its system tells them: kept in order, the first telling stands.

Promises: a row is accepted, a repeat, an edit kept beside the first, or refused with its reason; nothing is
overwritten. Leaves the flags to `qc.rules.custody.steps`.
"""

import hashlib
from typing import Any

from kit.problems import Fault, Invalid
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.custody.asked import TellSteps, ToldStep
from qc.flows.custody.who import Doer
from qc.queries import custody as stored
from qc.rules.custody.law import law_on
from qc.rules.custody.steps import Flag, clock_flags, stage_flags
from qc.tables.custody import LabStep


async def tell_steps(session: AsyncSession, asked: TellSteps, doer: Doer) -> dict[str, Any]:
    """Keep the steps of a sample; the answer has one result per row, and the flags of the sample now.

    Raises Invalid if no row is acceptable.
    """
    owned = doer.owned(asked.region)
    await stored.lock(session, "sample", owned["institution"], asked.sample)
    known = list(await stored.steps_of(session, owned["institution"], asked.sample))
    if len(known) + len(asked.steps) > stored.PER_SAMPLE:
        what = f"样品环节过多 · a sample has at most {stored.PER_SAMPLE} tellings of steps"
        fault = Fault(
            where="sample",
            rule=str(stored.PER_SAMPLE),
            what=asked.sample,
            mend="检查系统 · see to the system",
        )
        raise Invalid("too-many-steps", what, errors=[fault])
    answers: list[dict[str, Any]] = []
    for at, row in enumerate(asked.steps):
        told, faults = _read(row, f"steps[{at}]", doer)
        if told is None:
            answers.append({"row": at, "outcome": "refused", "errors": faults})
            continue
        outcome, added = _placed(told, known, asked, owned, doer)
        if added is not None:
            session.add(added)
            known.append(added)
        answers.append({"row": at, "number": told.number, "outcome": outcome})
    if all(answer["outcome"] == "refused" for answer in answers):
        errors = [fault for answer in answers for fault in answer["errors"]]
        raise Invalid("no-row-acceptable", "没有可接受的记录 · no row is acceptable", errors=errors)
    await session.flush()
    return {"sample": asked.sample, "items": answers, "flags": flags_of(known, doer)}


def flags_of(known: list[LabStep], doer: Doer) -> list[dict[str, str]]:
    """The flags of a sample's clocks and edits."""
    return [flag_view(flag) for flag in clock_flags([stored.step(row) for row in known], law_on(doer.today))]


def sample_flags(known: list[LabStep], doer: Doer) -> list[dict[str, str]]:
    """All flags of a sample: stages, elements, clocks."""
    steps = [stored.step(row) for row in known]
    law = law_on(doer.today)
    return [flag_view(flag) for flag in (*stage_flags(steps, law), *clock_flags(steps, law))]


def flag_view(flag: Flag) -> dict[str, str]:
    """A flag as it travels."""
    return {"flag": flag.flag, "where": flag.where, "zh": flag.zh, "en": flag.en, "source": flag.source}


def _read(row: dict[str, object], where: str, doer: Doer) -> tuple[ToldStep | None, list[Fault]]:
    try:
        told = ToldStep.model_validate(row)
    except ValidationError as error:
        return None, [
            Fault(
                where=".".join([where, *map(str, fault["loc"])]),
                rule=fault["type"],
                what=fault["msg"],
                mend="按接口文档更正 · correct as documented",
            )
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    stages = [stage.id for stage in law_on(doer.today).stages]
    if told.stage not in stages:
        mend = " | ".join(stages)
        return None, [Fault(where=f"{where}.stage", rule="九个环节 · 9 stages", what=told.stage, mend=mend)]
    if told.raw is not None and told.raw_sha256 not in (None, _sha256(told.raw)):
        what = "原始记录与摘要不符 · the raw record has another sha256"
        return None, [Fault(where=f"{where}.raw_sha256", rule="sha256", what=what, mend=_sha256(told.raw))]
    return told, []


def _placed(
    told: ToldStep, known: list[LabStep], asked: TellSteps, owned: dict[str, Any], doer: Doer
) -> tuple[str, LabStep | None]:
    digest = _sha256(told.model_dump_json())
    tellings = [row for row in known if row.number == told.number]
    if any(row.content_sha256 == digest for row in tellings):
        return "repeat", None
    row = LabStep(
        **owned,
        **told.model_dump(exclude={"place", "raw_sha256"}),
        place=told.place.model_dump() if told.place else None,
        raw_sha256=_sha256(told.raw) if told.raw is not None else told.raw_sha256,
        sample=asked.sample,
        revision=len(tellings),
        content_sha256=digest,
        received_at=doer.now,
        received_from=doer.subject,
    )
    return ("edit-kept" if tellings else "accepted"), row


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

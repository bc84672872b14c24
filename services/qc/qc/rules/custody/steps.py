"""Steps of a sample in the laboratory: which are missing, which lack an element, which clock is wrong.

Promises: every answer is a function of the steps known, whatever order they came in; nothing is corrected.
Leaves persons and signatures to `chain` and `signing`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qc.rules.custody.law import Law, Named


@dataclass(frozen=True)
class Step:
    """A step as told. `revision` 0 is the first telling of its `number`."""

    number: int
    revision: int
    stage: str
    happened_at: datetime
    received_at: datetime
    persons: tuple[str, ...]
    has: frozenset[str]


@dataclass(frozen=True)
class Flag:
    """Something a supervisor must see: what, where, by which clause."""

    flag: str
    where: str
    zh: str
    en: str
    source: str


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps that count: the first telling of each number, by number."""
    return sorted((step for step in steps if step.revision == 0), key=lambda step: step.number)


def missing_stages(steps: Sequence[Step], law: Law) -> list[Named]:
    """Stages of the chain without a step. Source: LF-41, 廊办字〔2018〕50号 二12.

    Worked example: steps of sampling and analysis only → the other seven.
    """
    present = {step.stage for step in steps if step.revision == 0}
    return [stage for stage in law.stages if stage.id not in present]


def stage_flags(steps: Sequence[Step], law: Law) -> list[Flag]:
    """`stage-missing` for each stage without a step, `element-missing` for each record that lacks one.

    Source of the elements: 辽宁省方案（十二）. Worked example: an analysis without a method →
    element-missing at step 6, method.
    """
    found = [
        Flag("stage-missing", stage.id, f"缺少环节：{stage.zh}", f"stage missing: {stage.en}", stage.source)
        for stage in missing_stages(steps, law)
    ]
    for step in in_order(steps):
        for element in law.elements:
            if step.stage in element.stages and element.id not in step.has:
                zh, en = f"记录缺少要素：{element.zh}", f"record lacks: {element.en}"
                where = f"{step.number}/{step.stage}/{element.id}"
                found.append(Flag("element-missing", where, zh, en, element.source))
    return found


def clock_flags(steps: Sequence[Step], law: Law) -> list[Flag]:
    """Edits, gaps of number, clocks that run back or ahead, and records that came late, oldest number first.

    Source: SLm-21, 商洛监测方案 五(二) 全程留痕. Worked example: step 2 at 09:00 after step 1 at 10:00 →
    clock-back at 2.
    """
    return sorted(_clock_flags(steps, law), key=lambda flag: (int(flag.where), flag.flag))


def _clock_flags(steps: Sequence[Step], law: Law) -> Iterator[Flag]:
    source = law.clocks.source
    counted = in_order(steps)
    for step in steps:
        if step.revision > 0:
            zh, en = "记录事后被改写，首次记录仍然有效", "told again differently; the first telling stands"
            yield Flag("edited", str(step.number), zh, en, source)
    for step in counted:
        where = str(step.number)
        if step.happened_at > step.received_at + timedelta(seconds=law.clocks.ahead_seconds):
            yield Flag("clock-ahead", where, "发生时间晚于接收时间", "happened after it was received", source)
        if step.received_at > step.happened_at + timedelta(hours=law.clocks.late_hours):
            hours = law.clocks.late_hours
            zh, en = f"发生{hours}小时后才记录", f"recorded more than {hours} h after it happened"
            yield Flag("entered-late", where, zh, en, source)
    for before, step in zip([None, *counted], counted, strict=False):
        if step.number != (before.number + 1 if before else 1):
            yield Flag(
                "number-gap", str(step.number), "之前的步骤未收到", "the step before is missing", source
            )
        if before is not None and step.happened_at < before.happened_at:
            zh, en = "早于前一步骤的时间", "earlier than the step before"
            yield Flag("clock-back", str(step.number), zh, en, source)

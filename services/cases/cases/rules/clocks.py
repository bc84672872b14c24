"""Deadlines of the proceedings, from the dated periods of `standards.deadlines`, and limitation.

Promises: every due date says whether it is provisional, because the calendar of that year is not yet official
or the period was read in a secondary source. A late act is not void: it needs the
reason of the extension, which stays in the history. Leaves suspension of the clock (hearing, appraisal,
transfer to the police) to later work.
"""

from dataclasses import dataclass
from datetime import date

from standards import deadlines

from cases.rules.dated import in_force, read
from cases.rules.refusal import Refusal


@dataclass(frozen=True)
class Due:
    """The last day (China) on which an act is in time."""

    day: date
    is_provisional: bool
    source: str


def due(deadline: str, start: date) -> Due:
    """The due day of `deadline` counted from the legal day `start` (day 0), by the law of that day.

    Worked example: a case filed on 2026-11-21 is decided by 2027-02-19 (90 days; 行政处罚法 Art. 60).
    LookupError if no period of that name is in force.
    """
    found = deadlines.due(deadline, start)
    return Due(found.date, found.provisional or not found.rule.confirmed, found.rule.source)


def lateness_refusal(last_day: date, today: date, late_reason: str) -> Refusal | None:
    """A late act without the reason of its extension is refused; in time, or explained, it is not."""
    if today <= last_day or late_reason.strip():
        return None
    return Refusal(
        "late_reason",
        f"期限至 {last_day.isoformat()} · due by {last_day.isoformat()}",
        "已超过期限且未说明延期批准 · the deadline has passed and no extension is stated",
        "填写延期批准文号和理由 · state who extended it and why",
    )


def limitation_refusal(act_end: date, discovered: date, *, has_harm: bool) -> Refusal | None:
    """Why the act is too old to be penalised, or None (two years; five where harm resulted).

    Counted from the end of a continuing act to its discovery (行政处罚法 Art. 36, Code Art. 1054).
    Worked example: ended 2024-11-20, discovered 2026-11-21, no harm → refused.
    """
    records = in_force(read("penalties")["limitations"], discovered)
    if not records:
        return None
    record = records[-1]
    years = record["years_if_harm"] if has_harm else record["years"]
    if discovered <= _years_later(act_end, years):
        return None
    return Refusal(
        "act_end",
        f"{record['law_zh']} · {record['law_en']}",
        f"行为终了已超过 {years} 年 · the act ended more than {years} years before it was discovered",
        "不予处罚，撤销案件 · no penalty; annul the case",
    )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)

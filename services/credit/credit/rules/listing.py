"""On which ground, in which grade and how long a subject is listed, and where a listing stands.

Promises: ground and period are dated data and cite their basis; where a listing stands depends only on what
is known about its case, never on the order in which it became known. Leaves who may repair and how (Order 36)
to later work: here a listing ends by annulment or by its last day.
"""

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Literal

from credit.rules.dated import Record, in_force

Standing = Literal["LISTED", "SUSPENDED", "ANNULLED", "EXPIRED"]

LABELS: dict[str, tuple[str, str]] = {
    "LISTED": ("已列入", "Listed"),
    "SUSPENDED": ("依据存疑，暂停适用", "Suspended: its basis is in question"),
    "ANNULLED": ("已撤销", "Annulled"),
    "EXPIRED": ("期满移出", "Expired"),
}


@dataclass(frozen=True)
class Term:
    """A listing as law sees it. Valid on both `valid_from` and `valid_to`; `repair_from` is the earliest
    day on which repair may be asked for."""

    ground: str
    ground_zh: str
    ground_en: str
    grade: str
    grade_zh: str
    grade_en: str
    basis_zh: str
    basis_en: str
    valid_from: date
    repair_from: date
    valid_to: date


@dataclass(frozen=True)
class Known:
    """What is known about a case: the legal days of its decision and last day, and what undid it."""

    valid_from: date
    valid_to: date
    is_basis_withdrawn: bool
    is_annulled: bool


def term(subject_type: str, decided_on: date) -> Term | None:
    """The listing that follows from a penalty decided on a legal day, or None if no ground is on file.

    Period: the maximum of the grade; a period in months ends on the day of the same number (民法典 Art. 202).
    Worked example: `term("unit", date(2026, 11, 21))` → serious, repair from 2027-11-21, until 2029-11-21.
    """
    for ground in in_force("grounds", decided_on):
        if subject_type not in ground["subjects"]:
            continue
        for period in in_force("periods", decided_on):
            if period["grade"] == ground["grade"]:
                return _term(ground, period, decided_on)
    return None


def standing(known: Known, today: date) -> Standing:
    """Where the listing stands on a legal day, whatever the order of arrival.

    Annulled beats everything; a withdrawn basis suspends; after the last day it has expired.
    Worked example: decided 2026-11-21, basis withdrawn, then annulled → `ANNULLED`.
    """
    if known.is_annulled:
        return "ANNULLED"
    if today > known.valid_to:
        return "EXPIRED"
    return "SUSPENDED" if known.is_basis_withdrawn else "LISTED"


def notice(on: date) -> Record | None:
    """The step owed before listing, by the law of that day; this slice records it and does not clock it."""
    records = in_force("notices", on)
    return records[-1] if records else None


def months_later(day: date, months: int) -> date:
    """The day of the same number `months` later, or the last of that month.

    Worked example: 2028-02-29 plus 12 months is 2029-02-28.
    """
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _term(ground: Record, period: Record, decided_on: date) -> Term:
    return Term(
        ground=ground["ground"],
        ground_zh=ground["zh"],
        ground_en=ground["en"],
        grade=ground["grade"],
        grade_zh=period["zh"],
        grade_en=period["en"],
        basis_zh=f"{ground['basis_zh']}；{period['basis_zh']}",
        basis_en=f"{ground['basis_en']}; {period['basis_en']}",
        valid_from=decided_on,
        repair_from=months_later(decided_on, period["min_months"]),
        valid_to=months_later(decided_on, period["max_months"]),
    )

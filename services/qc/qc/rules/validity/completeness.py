"""How many valid parts a period needs, what it has, and which clause is unmet by how much.

Promises: a period is valid only by a clause in force on its first day; without one it is neither valid nor
invalid; it never has more valid parts than parts. Leaves which parts are valid to the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np

from qc.rules.outcome import Flags, Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, read
from qc.rules.validity.periods import Period, month_of_year, number_of, parts_in, start_ms

Part = Literal["minute", "hour", "8h", "day"]
NO_CLAUSE = -1
_WORDS = {
    "minute": ("分钟值", "minutes"),
    "hour": ("小时值", "hours"),
    "8h": ("8 小时平均值", "8-hour means"),
    "day": ("日均值", "days"),
}


class Clause(Dated, frozen=True, kw_only=True):
    """One requirement: `at_least` parts, or `percent` of the due ones; of `each_month` of a longer period."""

    id: str
    profile: str
    factor: tuple[str, ...] = ("*",)
    period: Literal["hour", "8h", "day", "month", "quarter", "year"]
    of: Part
    at_least: int | None = None
    february: int | None = None
    percent: int | None = None
    each_month: bool = False
    zh: str
    en: str

    def is_for(self, profile: str, factor: str, period: str) -> bool:
        """Whether it asks something of such a period of such a series."""
        return (self.profile, self.period) == (profile, period) and any(
            fnmatchcase(factor, pattern) for pattern in self.factor
        )


@once
def clauses() -> tuple[Clause, ...]:
    """All packaged requirements."""
    return read("completeness", tuple[Clause, ...])


def clauses_for(profile: str, factor: str, period: str) -> tuple[Clause, ...]:
    """What is asked of a period of a series, whatever the day."""
    return tuple(clause for clause in clauses() if clause.is_for(profile, factor, period))


@dataclass(frozen=True, slots=True)
class Met:
    """One clause on P periods: does it apply, what there is, what it asks; `month` is the worst one (1 …
    12) of a clause that asks of each month, else 0.
    """

    clause: Clause
    applies: Flags
    have: Ints
    required: Ints
    month: Ints

    @property
    def is_unmet(self) -> Flags:
        return self.applies & (self.have < self.required)


@dataclass(frozen=True, slots=True)
class Validity:
    """P periods, ascending: valid 1, invalid 0, no clause -1; valid parts and due parts."""

    period: Period
    number: Ints
    state: Ints
    have: Ints
    due: Ints
    met: tuple[Met, ...]

    @property
    def start(self) -> Ints:
        """The instants the periods begin, UTC milliseconds."""
        return start_ms(self.period, self.number)


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of periods: when each begins (UTC milliseconds), and is it valid.

    `exempt` parts were not due (a registered shutdown): they lower what is due, and do not count.
    """

    of: Part
    ts: Ints
    is_valid: Flags
    exempt: Flags

    @classmethod
    def plain(cls, of: Part, ts: Ints, is_valid: Flags) -> "Parts":
        """Parts that were all due."""
        return cls(of, ts, is_valid, np.zeros(len(ts), dtype=bool))


def judged(period: Period, number: Ints, parts: Parts, asked: Sequence[Clause]) -> Validity:
    """Judge periods `number` (ascending) by their parts, which need not be sorted or complete.

    Source: the clauses. Worked example: a day of flue gas with 19 valid hours → state 0, have 19, due 24,
    clause hj75-day unmet by 1.
    """
    counts = parts.is_valid & ~parts.exempt
    whose = number_of(period, parts.ts)
    have = counted(whose[counts], number)
    calendar = np.full(len(number), 17) if parts.of == "8h" else parts_in(period, parts.of, number)
    due = calendar - counted(whose[parts.exempt], number)
    begins = start_ms(period, number)
    met = tuple(
        _each_month(clause, number, period, parts.ts[counts], begins)
        if clause.each_month
        else _whole(clause, number, period, have, due)
        for clause in asked
        if clause.of == parts.of
    )
    is_asked, is_unmet = np.zeros(len(number), dtype=bool), np.zeros(len(number), dtype=bool)
    for one in met:
        is_asked |= one.applies
        is_unmet |= one.is_unmet
    state = np.where(is_asked, (~is_unmet).astype(np.int64), NO_CLAUSE)
    return Validity(period, number, state, have, due, met)


def counted(whose: Ints, number: Ints) -> Ints:
    """How many of `whose` each of the ascending `number` has."""
    if not len(number):
        return np.zeros(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(number, whose), len(number) - 1)
    found: Ints = np.bincount(at[number[at] == whose], minlength=len(number))
    return found


def _whole(clause: Clause, number: Ints, period: Period, have: Ints, due: Ints) -> Met:
    if clause.percent is not None:
        required = -(-due * clause.percent // 100)
    else:
        required = np.full(len(number), clause.at_least or 0)
        if clause.february is not None and period == "month":
            required = np.where(month_of_year(number) == 2, clause.february, required)
    applies = clause.covers(start_ms(period, number))
    # A period in which nothing was due asks for nothing, and shows nothing either.
    return Met(clause, applies & (due > 0), have, required, np.zeros(len(number), dtype=np.int64))


def _each_month(clause: Clause, number: Ints, period: Period, ts: Ints, begins: Ints) -> Met:
    """The month that lacks most stands for its period."""
    length = {"quarter": 3, "year": 12}[period]
    months = number_of("month", begins)[:, None] + np.arange(length)
    flat = np.unique(months)
    have = counted(number_of("month", ts), flat)[np.searchsorted(flat, months)]
    usual = clause.at_least or 0
    required = np.where(month_of_year(months) == 2, clause.february or usual, usual)
    worst = np.argmax(required - have, axis=1)
    rows = np.arange(len(number))
    month = month_of_year(months)[rows, worst]
    return Met(clause, clause.covers(begins), have[rows, worst], required[rows, worst], month)


def told(met: Met, place: int) -> dict[str, object]:
    """One clause on one period in both languages, with its figures.

    Worked example: "valid day: 19 valid hours, at least 20 are required, 1 lacking (HJ 75-2017 …)".
    """
    clause, have, required = met.clause, int(met.have[place]), int(met.required[place])
    zh, en = _WORDS[clause.of]
    month = int(met.month[place])
    of_zh, of_en = (f"{month} 月", f" in month {month}") if month else ("", "")
    lacking = max(0, required - have)
    return {
        "clause": clause.id,
        "have": have,
        "required": required,
        "lacking": lacking,
        "text_zh": f"{clause.zh}：{of_zh}有效{zh} {have} 个，要求不少于 {required} 个，缺 {lacking} 个。",
        "text_en": f"{clause.en}: {have} valid {en}{of_en}, at least {required} required, {lacking} lacking.",
        "source": clause.source,
    }

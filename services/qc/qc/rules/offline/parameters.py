"""An instrument's parameters as series of a file: slope, intercept, range, and when they were changed.

Promises: a parameter is no measurement, so no test that looks at measurements sees it; what it changes speaks
through P1. Pure. Leaves weighing a change to `qc.rules.falsify.parameters`.
"""

import re
from collections.abc import Sequence

import numpy as np

from qc.rules.falsify.extras import ParameterChange
from qc.rules.falsify.panel import HOUR_MS
from qc.rules.offline.readings import Member, Ordered
from qc.rules.outcome import Flags, Floats, Ints

# HJ 212-2017 appendix B: i13001 range, i13007 intercept, i13008 slope; what files call them else.
WORDS = {
    "slope": "i13008", "斜率": "i13008", "intercept": "i13007", "截距": "i13007",
    "span range": "i13001", "量程": "i13001",
}  # fmt: skip
_NAME = re.compile(
    rf"(?:(?P<whose>.+?)[\s_\-.:/]*)??(?P<what>i130\d\d|{'|'.join(WORDS)})(?:[\s_\-](?:info|rtd|avg))?",
    re.IGNORECASE,
)
# Changes within this of a mark of maintenance or calibration were declared (two hours: standards §6.1 P1).
DECLARED_MS = 2 * HOUR_MS
DECLARED = (ord("M"), ord("C"))
# What a falsifier has no use for: flow, weather and state, which no parameter of an analyser scales.
BESIDE = ("a00", "a01", "w00", "w01010", "i")


def parameter_of(name: str) -> tuple[str, str] | None:
    """(whose, which parameter) a series is, None for a measurement.

    Worked example: `a21026-i13008` → (`a21026`, `i13008`); `slope` → (``, `i13008`); `SO2` → None.
    """
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return None
    what = found["what"].lower()
    return (found["whose"] or "").strip(), WORDS.get(what, what)


def changes_of(
    known: Ordered, members: Sequence[Member], rows: Sequence[int], start_ms: int, step_ms: int
) -> tuple[ParameterChange, ...] | None:
    """The changes of every parameter of the panel's `rows` (members), None where the file has no parameter.

    The first value is taken for the one at acceptance; an intercept is weighed by the usual size of its row.
    """
    found: list[ParameterChange] = []
    told = False
    for place, member in enumerate(members):
        parameter = parameter_of(member.name)
        if parameter is None:
            continue
        mine = [k for k, row in enumerate(rows) if _belongs(members[row], member, parameter[0])]
        told |= bool(mine)
        at, before, after, initial, ordered = _steps(known, place)
        for k in mine:
            level = _usual(known, rows[k])
            for when, old, new, is_ordered in zip(at, before, after, ordered, strict=True):
                at_i = (int(when) - start_ms) // step_ms
                found.append(
                    ParameterChange(
                        k, at_i, parameter[1], float(old), float(new), initial, bool(is_ordered), level
                    )
                )
    return tuple(found) if told else None


def _belongs(measured: Member, parameter: Member, whose: str) -> bool:
    if measured.station != parameter.station or parameter_of(measured.name):
        return False
    if whose:
        return whose.casefold() in (measured.name.casefold(), measured.factor.casefold())
    return not measured.factor.startswith(BESIDE)


def _steps(known: Ordered, place: int) -> tuple[Ints, Floats, Floats, float, Flags]:
    """(instants, values before, after, first value, declared) of the changes of one parameter."""
    rows = slice(int(known.starts[place]), int(known.starts[place + 1]))
    value, ts, mark = known.columns.value[rows], known.columns.ts[rows], known.columns.flag[rows]
    declared = ts[np.isin(mark, DECLARED)]
    at = np.flatnonzero(np.isfinite(value))
    value, ts = value[at], ts[at]
    new = np.flatnonzero(value[1:] != value[:-1]) + 1
    near = np.searchsorted(declared, ts[new] + DECLARED_MS, "right") - np.searchsorted(
        declared, ts[new] - DECLARED_MS, "left"
    )
    return ts[new], value[new - 1], value[new], float(value[0]) if len(value) else float("nan"), near > 0


def _usual(known: Ordered, member: int) -> float:
    value = known.columns.value[int(known.starts[member]) : int(known.starts[member + 1])]
    value = value[np.isfinite(value)]
    return float(np.median(value)) if len(value) else float("nan")

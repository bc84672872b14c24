"""Checks of instruments: drift of zero and span, comparison with the reference method, certificates, visits.

Promises: limits are dated data, looked up by application, factor and level; a check says per factor whether
it passed, which is what `state` reads. Leaves who may enter a check to the kinds.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import cache
from math import sqrt
from statistics import fmean, stdev
from typing import Literal

import msgspec

from qc.rules.assess import BEIJING
from qc.rules.registers.dated import read
from qc.rules.registers.flaws import flaw
from qc.rules.registers.judged import Cells, Context, Judged
from qc.rules.registers.people import uncertified
from qc.rules.validity.dated import Dated

Basis = Literal["full-scale", "reference", "absolute"]
Statistic = Literal["relative-accuracy", "mean-absolute", "mean-relative", "pairs-absolute", "pairs-relative"]


class DriftLimit(Dated, frozen=True, kw_only=True):
    """`within`: no action; between, adjust; above `beyond`: out of control. In % of the basis, or units."""

    applications: tuple[str, ...]
    factors: tuple[str, ...]
    assessed: bool = False
    basis: Basis
    zero_within: float
    zero_beyond: float
    span_within: float
    span_beyond: float


class ComparisonLimit(Dated, frozen=True, kw_only=True):
    """The limit for reference means in [`from_level`, `below`), of so many pairs at least.

    `may_miss` (of the pairs-… statistics): how many of the pairs may exceed the limit.
    """

    applications: tuple[str, ...]
    factors: tuple[str, ...]
    assessed: bool = False
    from_level: float = 0
    below: float = 1e12
    statistic: Statistic
    limit: float
    pairs: int
    may_miss: int = 0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `limits.yaml`. `t` is Student's t for 95 % two-sided by degrees of freedom."""

    drift: tuple[DriftLimit, ...]
    comparison: tuple[ComparisonLimit, ...]
    t: tuple[float, ...]


@cache
def limits() -> Limits:
    return read("limits", Limits)


def _stricter_first(lines: Sequence[DriftLimit | ComparisonLimit], is_assessed: bool) -> list[int]:
    places = [at for at, line in enumerate(lines) if is_assessed or not line.assessed]
    return sorted(places, key=lambda at: not lines[at].assessed)


def drift_limit(application: str, factor: str, day: date, *, is_assessed: bool) -> DriftLimit | None:
    """The line that applies, that for assessment points first; None where no standard says anything."""
    lines = limits().drift
    for at in _stricter_first(lines, is_assessed):
        line = lines[at]
        if line.holds(day) and application in line.applications and _any(factor, line.factors):
            return line
    return None


def comparison_limit(
    application: str, factor: str, level: float, day: date, *, is_assessed: bool
) -> ComparisonLimit | None:
    """The line for a mean of the reference method, in the unit of the standard."""
    lines = limits().comparison
    for at in _stricter_first(lines, is_assessed):
        line = lines[at]
        fits = line.holds(day) and application in line.applications and _any(factor, line.factors)
        if fits and line.from_level <= level < line.below:
            return line
    return None


def _any(factor: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(factor, pattern) for pattern in patterns)


def judge_calibration(values: Cells, context: Context) -> Judged:
    """Zero and span drift of each factor against the limits of the day.

    Source: HJ 75-2017 §11.2, HJ 355-2019 table 1. Worked example: full scale 200 mg/m³, span gas 160 read as
    182 → drift 11 % of full scale, beyond 10 %: out of control.
    """
    done, passed = Judged(), {}
    application = context.related["instrument"]["application"]
    told = []
    for row in values["readings"]:
        factor = row["factor"]
        line = drift_limit(application, factor, context.day, is_assessed=context.is_assessed)
        if line is None:
            done.flaws.append(flaw("readings", "no-limit", factor))
            continue
        if factor not in context.related["instrument"]["factors"]:
            done.flaws.append(flaw("readings", "reference", f"{factor} of the instrument"))
            continue
        one, is_within, is_in_control = _drift(row, line)
        told.append({"factor": factor, **one, "is_in_control": is_in_control, "source": line.source})
        passed[factor] = is_in_control
        if not is_in_control:
            done.flags["out-of-control"] = {"factor": factor, **one}
        elif not is_within and not values.get("is_adjusted"):
            done.flags["drift-not-adjusted"] = {"factor": factor, **one}
    done.figures |= {"passed": passed, "drift": told}
    done.flags |= uncertified(values.get("done_by", []), list(passed), context)
    return done


def _drift(row: Cells, line: DriftLimit) -> tuple[dict[str, float | str], bool, bool]:
    size = {"full-scale": row["full_scale"], "absolute": 100.0}.get(line.basis)
    told: dict[str, float | str] = {"basis": line.basis}
    is_within = is_in_control = True
    for end in ("zero", "span"):
        if row.get(f"{end}_reading") is None or row.get(f"{end}_reference") is None:
            continue
        reference = row[f"{end}_reference"]
        share = size if size is not None else abs(reference) or row["full_scale"]
        drift = round(100 * (row[f"{end}_reading"] - reference) / share, 6)
        told |= {f"{end}_drift": drift, f"{end}_beyond": getattr(line, f"{end}_beyond")}
        is_within &= abs(drift) <= getattr(line, f"{end}_within")
        is_in_control &= abs(drift) <= getattr(line, f"{end}_beyond")
    return told, is_within, is_in_control


def relative_accuracy(reference: Sequence[float], monitored: Sequence[float]) -> float:
    """RA in %: (|mean difference| + confidence coefficient) / mean of the reference method.

    Source: HJ 75-2017 appendix (confidence coefficient t(0.975, n − 1) · s / √n). At least two pairs; inf for
    a reference mean of 0. Worked example: nine pairs that all differ by 10 at a mean of 100 → 10 %.
    """
    differences = [b - a for a, b in zip(reference, monitored, strict=True)]
    count = len(differences)
    t = limits().t[min(count - 1, len(limits().t)) - 1]
    confidence = t * stdev(differences) / sqrt(count)
    mean = fmean(reference)
    return 100 * (abs(fmean(differences)) + confidence) / mean if mean else float("inf")


def judge_comparison(values: Cells, context: Context) -> Judged:
    """Manual comparison against the limit for its level.

    Source: HJ 75-2017 §9.3 and §11.4, HJ 355-2019 table 1. Worked example: SO2 at a mean of 30 mg/m³ is held
    against ±17 mg/m³, at 800 mg/m³ against a relative accuracy of 15 %.
    """
    done = Judged()
    instrument, factor = context.related["instrument"], values["factor"]
    reference = [pair["reference"] for pair in values["pairs"]]
    monitored = [pair["monitored"] for pair in values["pairs"]]
    level = fmean(reference)
    line = comparison_limit(
        instrument["application"], factor, level, context.day, is_assessed=context.is_assessed
    )
    if line is None:
        done.flaws.append(flaw("factor", "no-limit", f"{instrument['application']} {factor}"))
        return done
    if len(reference) < line.pairs:
        done.flaws.append(flaw("pairs", "pairs", f"{len(reference)} < {line.pairs} ({line.source})"))
        return done
    figure, is_passed = _compared(line, reference, monitored)
    told = {"statistic": line.statistic, "figure": figure, "limit": line.limit, "reference_mean": level}
    done.figures |= told | {"pairs": len(reference), "source": line.source, "passed": {factor: is_passed}}
    if not is_passed:
        done.flags["comparison-failed"] = told
    done.flags |= uncertified(values.get("done_by", []), [factor], context)
    return done


def _compared(
    line: ComparisonLimit, reference: Sequence[float], monitored: Sequence[float]
) -> tuple[float, bool]:
    """The figure and whether it keeps the limit; of pairs the figure is how many keep it."""
    if line.statistic == "relative-accuracy":
        figure = round(relative_accuracy(reference, monitored), 6)
        return figure, figure <= line.limit
    differences = [b - a for a, b in zip(reference, monitored, strict=True)]
    if line.statistic.startswith("mean"):
        mean = fmean(differences)
        is_relative = line.statistic == "mean-relative"
        figure = round(100 * mean / fmean(reference) if is_relative else mean, 6)
        return figure, abs(figure) <= line.limit
    errors = [
        100 * difference / base if line.statistic == "pairs-relative" and base else difference
        for base, difference in zip(reference, differences, strict=True)
    ]
    kept = sum(round(abs(error), 9) <= line.limit for error in errors)
    return kept, len(errors) - kept <= line.may_miss


def judge_verification(values: Cells, context: Context) -> Judged:
    """A certificate of verification: holds through its last legal day, if it passed."""
    last = date.fromisoformat(values["valid_to"])
    end = datetime.combine(last + timedelta(days=1), time(), BEIJING)
    done = Judged({"passed": {"*": values["result"] == "passed"}, "valid_to_ms": int(end.timestamp() * 1000)})
    if values["result"] != "passed":
        done.flags["verification-failed"] = {"certificate_no": values["certificate_no"]}
    return done


def judge_visit(values: Cells, context: Context) -> Judged:
    """A visit of upkeep: that it was made is what counts; who made it must hold a certificate."""
    done = Judged({"passed": {"*": True}})
    done.flags |= uncertified(values["done_by"], [], context)
    return done

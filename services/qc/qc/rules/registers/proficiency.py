"""Scores between laboratories and of operators, and whether two results can be compared at all.

Promises: a result is brought to the unit of its round before it is scored; what was done by another method,
or on another fraction, is told as not comparable and never scored against the other. Leaves who takes part to
the rounds.
"""

from functools import cache
from math import sqrt
from statistics import median, quantiles

import msgspec
from standards import units

from qc.rules.registers.dated import first, read
from qc.rules.registers.flaws import flaw
from qc.rules.registers.judged import Cells, Context, Judged
from qc.rules.validity.dated import Dated


class Score(Dated, frozen=True, kw_only=True):
    """|z| up to `satisfactory` is so, from `unsatisfactory` on it is not; |En| up to `en` is satisfactory."""

    satisfactory: float
    unsatisfactory: float
    en: float
    least_for_consensus: int


class OperatorWeights(Dated, frozen=True, kw_only=True):
    """Points of 100 for each part of a third-party comparison; below `poor` the operator is poor."""

    comparison: float
    transmission: float
    records: float
    poor: float


class ScoreRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `scores.yaml`."""

    proficiency: tuple[Score, ...]
    operators: tuple[OperatorWeights, ...]


@cache
def score_rules() -> ScoreRules:
    return read("scores", ScoreRules)


def z_score(value: float, assigned: float, sigma: float) -> float:
    """z = (x − X) / σ. Source: GB/T 28043 (ISO 13528) §9.4. Worked example: (12 − 10) / 0.5 = 4."""
    return (value - assigned) / sigma


def en_score(value: float, assigned: float, u_value: float, u_assigned: float) -> float:
    """En = (x − X) / √(U² + U_ref²), expanded uncertainties. Source: GB/T 28043 (ISO 13528) §9.7."""
    return (value - assigned) / sqrt(u_value**2 + u_assigned**2)


def consensus(values: list[float]) -> tuple[float, float]:
    """(median, 0.7413 · interquartile range) of the participants, where nobody knows the true value.

    Source: CNAS-GL002. Worked example: 9, 10, 11, 12, 13 → (11, 1.4826).
    """
    low, _, high = quantiles(values, n=4, method="inclusive")
    return median(values), 0.7413 * (high - low)


def judge_value(values: Cells, context: Context) -> Judged:
    """The assigned value of a round: as given, or where nobody knows it the consensus of the results.

    Source: GB/T 28043 (ISO 13528) §7; CNAS-GL002. Worked example: results 9, 10, 11, 12, 13 → 11, σ 1.4826.
    """
    done = Judged()
    assigned, sigma = values.get("assigned"), values.get("sigma")
    if values["basis"] == "consensus":
        results = [one.body["result"] for one in context.beside.get("pt-results", ())]
        enough = len(results) >= first(score_rules().proficiency, context.day).least_for_consensus
        assigned, sigma = consensus(results) if enough else (None, None)
        done.figures["results"] = len(results)
        if not sigma:
            done.flaws.append(flaw("basis", "consensus", f"{len(results)}"))
    missing = [name for name, given in (("assigned", assigned), ("sigma", sigma)) if given is None]
    if values["basis"] != "consensus":
        done.flaws += [flaw(name, "field-missing", name) for name in missing]
    done.figures |= {"assigned": assigned, "sigma": sigma}
    return done


def judge_result(values: Cells, context: Context) -> Judged:
    """A laboratory's result of a round, scored once the assigned value is registered.

    Source: 长春 (六)2; GB/T 28043 (ISO 13528). Worked example: x = 13.2, X = 10, σ = 1 → z = 3.2,
    unsatisfactory.
    """
    done, round_ = Judged(), context.related["round"]
    if not units.are_compatible(values["unit"], round_["unit"]):
        done.flaws.append(flaw("unit", "unit-mismatch", f"{values['unit']} → {round_['unit']}"))
        return done
    value = float(units.convert(str(values["result"]), values["unit"], round_["unit"]))
    done.figures |= {"result": value, "unit": round_["unit"], "outcome": "waiting"}
    known = next((one.body for one in context.beside.get("pt-values", ())), None)
    if known is None:
        return done
    rule = first(score_rules().proficiency, context.day)
    z = round(z_score(value, known["assigned"], known["sigma"]), 4)
    outcome = (
        "satisfactory"
        if abs(z) <= rule.satisfactory
        else "unsatisfactory"
        if abs(z) >= rule.unsatisfactory
        else "questionable"
    )
    done.figures |= {"z": z, "source": rule.source}
    if known.get("uncertainty") is not None and values.get("uncertainty") is not None:
        u = float(units.convert(str(values["uncertainty"]), values["unit"], round_["unit"]))
        en = round(en_score(value, known["assigned"], u, known["uncertainty"]), 4)
        done.figures["en"] = en
        outcome = "unsatisfactory" if abs(en) > rule.en else outcome
    done.figures["outcome"] = outcome
    if outcome != "satisfactory":
        done.flags[outcome] = {"z": z, "en": done.figures.get("en")}
    return done


def judge_operator(values: Cells, context: Context) -> Judged:
    """The score of an operator in a third-party comparison, 0 to 100.

    Source: 无名市 (四)3; the weights are dated data. Worked example: 18 of 20 comparisons passed, 95 % of the
    data transmitted, 100 % of the records complete, weights 60/20/20 → 54 + 19 + 20 = 93.
    """
    done = Judged()
    if values["operator"] == (values.get("third_party") or context.uscc):
        done.flaws.append(flaw("operator", "not-third-party", values["operator"]))
    if values["passed"] > values["compared"]:
        done.flaws.append(flaw("passed", "range", f"{values['passed']} > {values['compared']}"))
    rule = first(score_rules().operators, context.day)
    parts = {
        "comparison": rule.comparison * values["passed"] / values["compared"],
        "transmission": rule.transmission * values["transmission_percent"] / 100,
        "records": rule.records * values["records_percent"] / 100,
    }
    score = round(sum(parts.values()), 2)
    done.figures |= {"score": score, "parts": parts, "source": rule.source}
    if score < rule.poor:
        done.flags["operator-poor"] = {"score": score, "below": rule.poor}
    return done


def judge_activity(values: Cells, context: Context) -> Judged:
    """Quality control inside a laboratory, or supervision from outside; nobody supervises itself.

    Source: 商洛监测方案 五(二). Worked example: a laboratory that enters a spot check of itself is refused.
    """
    done = Judged()
    if values["side"] == "external" and values["laboratory"] == context.uscc:
        done.flaws.append(flaw("side", "not-third-party", values["laboratory"]))
    return done


def judge_comparability(values: Cells, context: Context) -> Judged:
    """Two results of the same thing in one unit; by other methods or on other fractions: not comparable.

    Source: 廊办字〔2018〕50号 二6. Worked example: 0.35 mg/L and 350 ug/L by one method → equal.
    """
    done, (one, other) = Judged(), (values["first"][0], values["second"][0])
    why = []
    if not units.are_compatible(one["unit"], other["unit"]):
        why.append("unit")
    why += [name for name in ("method", "fraction") if one.get(name) != other.get(name)]
    unit = one["unit"]
    if "unit" not in why:
        a, b = (float(units.convert(str(row["value"]), row["unit"], unit)) for row in (one, other))
        done.figures |= {"first": a, "second": b, "unit": unit}
        if not why:
            mean = (abs(a) + abs(b)) / 2
            done.figures["relative_difference"] = round(100 * abs(a - b) / mean, 4) if mean else 0.0
    done.figures["is_comparable"] = not why
    if why:
        done.flags["not-comparable"] = {"differs": why}
    return done

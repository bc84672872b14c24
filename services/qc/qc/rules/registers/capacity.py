"""Capacity of laboratories against the standard of their level, completion of annual plans, traceability.

Promises: each gap names what is had, what is asked and its clause. Leaves the county report to the flows.
"""

from functools import cache

from qc.rules.registers.dated import read
from qc.rules.registers.judged import Cells, Context, Judged
from qc.rules.validity.dated import Dated


class CapacityStandard(Dated, frozen=True, kw_only=True):
    """The least `figure` an institution of a level must have."""

    level: str
    figure: str
    least: float
    zh: str
    en: str


@cache
def capacity_standards() -> tuple[CapacityStandard, ...]:
    return read("capacity", tuple[CapacityStandard, ...])


def judge_capacity(values: Cells, context: Context) -> Judged:
    """Gaps of a laboratory: floor space, staff, vehicles, instruments, trained share.

    Source: 商洛监测方案 三(二)(三). Worked example: a county laboratory of 900 m² lacks 100 m² of 1,000.
    """
    gaps = []
    for line in capacity_standards():
        if line.level != values["level"] or not line.holds(context.day) or values.get(line.figure) is None:
            continue
        if values[line.figure] < line.least:
            gaps.append(
                {
                    "figure": line.figure,
                    "has": values[line.figure],
                    "least": line.least,
                    "lacks": line.least - values[line.figure],
                    "zh": line.zh,
                    "en": line.en,
                    "source": line.source,
                }
            )
    done = Judged({"gaps": gaps})
    if gaps:
        done.flags["capacity-gap"] = {"figures": [gap["figure"] for gap in gaps]}
    return done


def judge_plan(values: Cells, context: Context) -> Judged:
    """How much of an annual plan is done, weighted: the score of 100.

    Source: 商洛监测方案 二(五). Worked example: 9 of 12 runs at weight 1 and 1 of 1 at weight 3 → 93.75.
    """
    weights = [item.get("weight", 1) for item in values["items"]]
    shares = [min(1.0, item["done"] / item["planned"]) for item in values["items"]]
    score = 100 * sum(w * s for w, s in zip(weights, shares, strict=True)) / sum(weights)
    is_complete = all(share >= 1 for share in shares)
    done = Judged({"score": round(score, 2), "is_complete": is_complete})
    return done


def judge_material(values: Cells, context: Context) -> Judged:
    """Whether the chain of a reference material reaches a national or international standard, step by step.

    Source: 长春 (六)2 溯源到国家计量基准; 廊办字〔2018〕50号 二12. The last link must be `national`, and no
    link may lie below the one before it.
    """
    ranks = {"working": 0, "secondary": 1, "primary": 2, "national": 3}
    links = [ranks[link["level"]] for link in values.get("traceability", [])]
    done = Judged({"is_traceable": bool(links) and links[-1] == 3 and links == sorted(links)})
    if not done.figures["is_traceable"]:
        done.flags["untraceable"] = {"levels": [link["level"] for link in values.get("traceability", [])]}
    return done

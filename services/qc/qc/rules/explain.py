"""What a rule found, in plain Chinese and English, with its figures rounded as the series reports them.

Promises: texts come from the rule pack; figures are filled in, never computed anew. Leaves judging to
`qc.rules.assess`.
"""

import math
from dataclasses import dataclass

from contracts.ingest import SeriesRef

from qc.rules.pack import Rule


@dataclass(frozen=True)
class Figure:
    """The figures of one rule on one value."""

    value: float
    statistic: float
    threshold: float
    margin: float


def shown(number: float, decimals: int) -> str:
    """A figure as people read it. Worked example: (8.7, 1) → "8.7"; (0.2065, 1) → "0.207"; NaN → "–"."""
    if math.isnan(number):
        return "–"
    if number == round(number, decimals):
        return f"{number:.{decimals}f}"
    return f"{number:.3g}" if abs(number) < 100 else f"{number:.{decimals}f}"


def told(rule: Rule, ref: SeriesRef, figure: Figure) -> tuple[str, str]:
    """The sentence of a rule that fired, zh and en."""
    counts = rule.function in ("is_flat", "follows_gap", "is_revised")
    decimals = 0 if counts else ref.decimals
    figures = {
        "value": shown(figure.value, ref.decimals),
        "statistic": shown(figure.statistic, decimals),
        "threshold": shown(figure.threshold, decimals),
        "margin": shown(figure.margin, decimals),
        "unit": ref.unit,
    }
    return rule.text_zh.format(**figures), rule.text_en.format(**figures)

"""The evidence score: how strongly several tests together point to falsified data.

Promises: score = 1 - Π(1 - w·s), each part s between 0 and 1, weights and bands as dated data; the same parts
in any order give the same number to the last bit. No score proves anything: a person decides. Leaves to
others: the tests themselves, and their thresholds.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Literal

from standards.exact import Number, fraction
from standards.tables import in_force

Band = Literal["case", "queue", "log"]


def part_score(statistic: Number, threshold: Number, strong: Number) -> float:
    """How far a statistic has gone from its threshold (0) to a strong value (1), cut to [0, 1].

    `strong` may lie below `threshold` (a p-value). ValueError if they are equal. 15 in [10, 20] → 0.5.
    """
    span = fraction(strong) - fraction(threshold)
    if span == 0:
        raise ValueError("threshold and strong value must differ")
    return float(min(Fraction(1), max(Fraction(0), (fraction(statistic) - fraction(threshold)) / span)))


def weight(rule: str, on: date) -> float | None:
    """The weight of a test in the score, or None if the test does not count towards it: K1 → 0.35."""
    return {row["rule"]: float(row["weight"]) for row in in_force("evidence_weights", on)}.get(rule)


def combined_score(parts: Mapping[str, Number] | Iterable[tuple[str, Number]], on: date) -> float:
    """The combined score of (rule, s) parts; tests without a weight add nothing. ValueError unless 0 ≤ s ≤ 1.

    Several parts of one rule may be given as pairs.

    >>> combined_score({"D1": 1, "X9": 1}, date(2026, 11, 21))
    0.8
    """
    pairs = parts.items() if isinstance(parts, Mapping) else parts
    weights = {row["rule"]: Fraction(row["weight"]) for row in in_force("evidence_weights", on)}
    remaining = Fraction(1)
    for rule, part in pairs:
        share = fraction(part)
        if not 0 <= share <= 1:
            raise ValueError(f"the part of {rule} is not between 0 and 1")
        remaining *= 1 - weights.get(rule, Fraction(0)) * share
    return float(1 - remaining)


def band(score: float, on: date) -> Band:
    """What a score leads to: `case` from 0.8, an analyst's `queue` from 0.5, else the `log`."""
    reached = [row for row in in_force("evidence_bands", on) if fraction(score) >= Fraction(row["from"])]
    name = max(reached, key=lambda row: Fraction(row["from"]))["band"] if reached else "log"
    return "case" if name == "case" else "queue" if name == "queue" else "log"

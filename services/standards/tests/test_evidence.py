"""The evidence score: order does not matter, more evidence never weakens it."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import evidence
from standards.tables import rows

ON = date(2026, 11, 21)
RULES = [row["rule"] for row in rows("evidence_weights")]


def test_golden_scores() -> None:
    assert evidence.combined_score({"K1": 1}, ON) == 0.35
    assert evidence.combined_score({"D1": 1, "X9": 1}, ON) == 0.8
    assert evidence.combined_score({"D1": 0.5}, ON) == 0.3
    assert evidence.combined_score({}, ON) == 0
    assert evidence.combined_score({"range": 1}, ON) == 0
    assert evidence.combined_score([("K1", 1), ("K1", 1)], ON) == 0.5775
    assert evidence.weight("M2", ON) == 0.45
    assert evidence.weight("range", ON) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        evidence.combined_score({"K1": 1.1}, ON)


def test_parts_are_cut_to_zero_and_one() -> None:
    assert evidence.part_score(15, 10, 20) == 0.5
    assert evidence.part_score(5, 10, 20) == 0
    assert evidence.part_score(25, 10, 20) == 1
    assert evidence.part_score(0.0005, 0.001, 0) == 0.5
    with pytest.raises(ValueError, match="must differ"):
        evidence.part_score(1, 2, 2)


def test_bands() -> None:
    assert [evidence.band(s, ON) for s in (0, 0.49, 0.5, 0.79, 0.8, 1)] == [
        "log",
        "log",
        "queue",
        "queue",
        "case",
        "case",
    ]


@given(st.dictionaries(st.sampled_from(RULES), st.floats(0, 1), max_size=4), st.sampled_from(RULES))
def test_order_does_not_matter_and_more_evidence_never_weakens(parts: dict[str, float], rule: str) -> None:
    scores = {evidence.combined_score(list(order), ON) for order in permutations(parts.items())}
    assert len(scores) == 1
    (score,) = scores
    assert 0 <= score < 1
    assert evidence.combined_score([*parts.items(), (rule, 0.5)], ON) >= score

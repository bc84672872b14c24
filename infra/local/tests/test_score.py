"""The scorer, on cases small enough to be judged by hand."""

import math

import pytest
from jianzhen.planting.plant import Truth
from jianzhen.planting.score import Claim, merged, score, station_months
from planted_scene import city
from qc.rules.falsify.panel import HOUR_MS


def truth(planting: int, from_i: int, to_i: int, row: int = 0, kind: str = "freeze") -> Truth:
    return Truth(planting, kind, "S0", "a34004", row, from_i, to_i, to_i - from_i)  # type: ignore[arg-type]


def claim(from_i: int, to_i: int, row: int = 0, kind: str = "freeze", known: int | None = None) -> Claim:
    return Claim(row, from_i, to_i, kind, ("K1",), known if known is not None else to_i)


def test_a_claim_over_the_stretch_finds_it_and_its_delay_counts_from_the_beginning() -> None:
    found = score([claim(90, 110)], [truth(1, 100, 124)], HOUR_MS)
    assert (found.recall, found.precision) == (1.0, 1.0)
    assert found.kinds[0].delay == 10.0


@pytest.mark.parametrize(
    "wrong",
    [claim(124, 130), claim(90, 100), claim(100, 124, row=1), claim(0, 4000)],
    ids=["after", "before", "another row", "says nothing"],
)
def test_what_does_not_meet_the_truth_is_false(wrong: Claim) -> None:
    found = score([wrong], [truth(1, 100, 124)], HOUR_MS)
    assert (found.recall, found.precision, found.claims) == (0.0, 0.0, 1)
    assert math.isnan(found.kinds[0].delay)


def test_what_was_claimed_of_the_untouched_series_finds_nothing() -> None:
    old = claim(100, 124)
    assert score([old], [truth(1, 100, 124)], HOUR_MS, before=[old]).recall == 0.0
    grown = claim(100, 160)
    assert score([grown], [truth(1, 130, 160)], HOUR_MS, before=[old]).recall == 1.0


def test_a_word_about_an_hour_of_two_months_is_no_answer_and_one_about_a_day_is() -> None:
    whole = truth(1, 1000, 2440, kind="scale")
    assert score([claim(1500, 1501)], [whole], HOUR_MS).recall == 0.0
    assert score([claim(1500, 1524)], [whole], HOUR_MS).recall == 1.0
    assert score([claim(n, n + 1) for n in range(1500, 1620, 5)], [whole], HOUR_MS).recall == 1.0


def test_only_hours_that_were_not_claimed_before_count() -> None:
    old = [claim(1500, 1524)]
    whole = truth(1, 1000, 2440, kind="scale")
    assert score([claim(1495, 1530)], [whole], HOUR_MS, before=old).recall == 0.0
    assert score([claim(1495, 1530, kind="scale")], [whole], HOUR_MS, before=old).recall == 1.0


def test_a_wrong_name_finds_but_does_not_name() -> None:
    kind = score([claim(100, 124, kind="copy-day")], [truth(1, 100, 124)], HOUR_MS).kinds[0]
    assert (kind.found, kind.named) == (1, 0)


def test_rows_of_one_planting_are_one_and_the_earliest_claim_gives_the_delay() -> None:
    truths = [truth(1, 100, 200, row=0, kind="dilution"), truth(1, 100, 200, row=1, kind="dilution")]
    found = score([claim(150, 190, row=1), claim(110, 140, row=1)], truths, HOUR_MS)
    assert found.kinds[0].planted == 1
    assert found.kinds[0].delay == 40.0


def test_the_worst_kind_stands_first_and_kinds_weigh_alike() -> None:
    truths = [truth(1, 0, 10), truth(2, 100, 110), truth(3, 500, 520, kind="smooth")]
    found = score([claim(0, 10), claim(100, 110)], truths, HOUR_MS)
    assert [one.kind for one in found.kinds] == ["smooth", "freeze"]
    assert found.recall == 0.5


def test_files_add_up() -> None:
    one = score([claim(0, 10)], [truth(1, 0, 10)], HOUR_MS)
    two = score([claim(50, 60), claim(70, 80)], [truth(1, 0, 10)], HOUR_MS)
    both = merged([one, two])
    assert (both.recall, both.right, both.claims) == (0.5, 1, 3)
    assert both.by_test == (("K1", 1, 3),)
    assert both.kinds[0].delays == (10.0,)


def test_station_months() -> None:
    assert station_months(city(), (0, 24 * 30)) == pytest.approx(3 * 30 / 30.4375)

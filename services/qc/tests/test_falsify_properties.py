"""What holds for every falsification test on any panel, and for the combination of findings."""

import math
from dataclasses import replace

import numpy as np
import pytest
from falsify_scene import HAVE, ON, TESTS, honest, panel_of, say
from hypothesis import given, settings
from hypothesis import strategies as st
from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.finding import PROFILES, Finding, Stretch
from qc.rules.falsify.panel import DAY_MS

OWN = sorted(test for test in TESTS if test[0] in "KDBN")
HOURS = 60 * 24


def every(panel, profile: str = "ambient-air") -> catalogue.Report:  # type: ignore[no-untyped-def]
    return catalogue.run(panel, profile, [TESTS[test] for test in OWN], ON, HAVE)


def odd_series(kind: str, length: int) -> np.ndarray:
    rng = np.random.default_rng(len(kind) + length)
    made = {
        "huge": rng.choice([1e308, -1e308, 1.0], length),
        "denormal": rng.choice([5e-324, 1e-310, 0.0, 1.0], length),
        "nothing": np.full(length, np.nan),
        "constant": np.full(length, 42.0),
        "infinite": rng.choice([np.inf, -np.inf, 3.0], length),
        "zero": np.zeros(length),
        "negative": -np.round(rng.lognormal(3, 1, length)),
        "sparse": np.where(rng.random(length) < 0.02, 7.0, np.nan),
        "two values": rng.choice([0.1, 1e11], length),
        "wide": 10.0 ** rng.uniform(-11, 11, length),
    }
    return made[kind]


@pytest.mark.parametrize("length", [1, 2, 13, 200, 1500])
@pytest.mark.parametrize("step_ms", [300_000, 3_600_000, DAY_MS, 7 * DAY_MS])
def test_no_panel_breaks_a_test(length: int, step_ms: int) -> None:
    kinds = ("huge", "denormal", "nothing", "constant", "infinite", "zero", "negative", "sparse")
    rows = [odd_series(kind, length) for kind in (*kinds, "two values", "wide")]
    stations = tuple(f"s{i}" for i in range(len(rows)))
    for factors in ((), ("a34004", "w01001", "load", "a21026", "a34002") * 2):
        report = every(panel_of(*rows, stations=stations, factors=factors, step_ms=step_ms))
        for finding in report.findings:
            assert 0 <= finding.where.from_i < finding.where.to_i <= length
            assert 0.0 <= finding.strength <= 1.0
            assert math.isnan(finding.p) or 0.0 <= finding.p <= 1.0
            assert all(0 <= s.from_i < s.to_i <= length for s in finding.evidence)


def spoilt(seed: int) -> list[np.ndarray]:
    rows = [honest(HOURS, seed + i) for i in range(4)]
    rows[0][300:330] = rows[0][300]
    rows[1][720:744] = rows[1][480:504]
    rows[2][800:900] = np.round(rows[2][800:900] / 5) * 5
    rows[3][1000:1030] = rows[0][1000:1030]
    rows[3][100:140] = np.nan
    return rows


def test_the_order_of_the_series_is_irrelevant() -> None:
    rows = spoilt(40)
    names = tuple(f"s{i}" for i in range(4))
    order = [2, 0, 3, 1]
    straight = every(panel_of(*rows, stations=names))
    mixed = every(panel_of(*(rows[i] for i in order), stations=tuple(names[i] for i in order)))

    def said(report: catalogue.Report, back: list[int]) -> set[tuple[object, ...]]:
        return {
            (f.test, back[f.where.row], f.where.from_i, f.where.to_i, round(f.statistic, 9))
            for f in report.findings
        }

    assert straight.findings
    assert said(straight, [0, 1, 2, 3]) == said(mixed, order)


def test_a_panel_is_judged_twice_the_same_and_left_as_it_was() -> None:
    panel = panel_of(*spoilt(41))
    before = panel.value.copy()
    first, second = every(panel), every(panel)
    assert first == second
    assert np.array_equal(panel.value, before, equal_nan=True)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_test_says_what_it_was_lacking_or_how_often_it_looked(profile: str) -> None:
    panel = panel_of(honest(HOURS, 42))
    report = catalogue.run(panel, profile, [TESTS[test] for test in OWN], ON, frozenset())
    outlets = {
        test for test in ("B6", "D6", "K5", "N5", "N6") if TESTS[test].settings_for(profile, "a34004") is None
    }
    assert set(report.not_run) == {"B5", "D2", "D5", "K3", "K4"} | outlets
    p_valued = [test for test in OWN if TESTS[test].p_valued and test not in report.not_run]
    assert report.looks == 2 * len(p_valued)
    assert report.expected_false == pytest.approx(
        sum(TESTS[test].false_per_series_month for test in OWN if test not in report.not_run)
    )


def test_sentences_can_be_filled_from_the_figures() -> None:
    report = every(panel_of(*spoilt(43)))
    assert {f.test for f in report.findings} >= {"K1", "D1"}
    for finding in report.findings:
        test = TESTS[finding.test]
        for text in (test.text_zh, test.text_en):
            assert "{" not in text.format(**finding.figures)


def finding(test: str, begin: int, end: int, strength: float = 1.0, p: float = 1e-6, row: int = 0) -> Finding:
    return Finding(test, Stretch(row, begin, end), 5.0, 1.0, p, strength, TESTS[test].kind)


def test_the_heaviest_finding_names_a_suspicion_and_its_neighbours_speak_for_it() -> None:
    findings = [finding("K1", 100, 140), finding("D4", 95, 145, 0.5), finding("N1", 0, 50)]
    (one,) = combine.suspicions(findings[:2], TESTS, 0.8)
    assert (one.where, one.kind) == (Stretch(0, 100, 140), "freeze")
    assert one.score == pytest.approx(1 - (1 - 0.9) * (1 - 0.45))
    assert combine.suspicions(findings, TESTS, 0.8) == [one]
    assert combine.suspicions([finding("N1", 0, 50), finding("B3", 0, 50)], TESTS, 0.8) == []


def test_a_weak_month_says_little_of_each_of_its_days() -> None:
    day, month = finding("K1", 100, 124, 0.8), finding("N3", 0, 720, 0.5)
    assert combine.suspicions([day, replace(month, where=Stretch(0, 100, 124))], TESTS, 0.8)
    assert combine.suspicions([day, month], TESTS, 0.8) == []


def test_tests_that_look_at_the_same_are_one_witness() -> None:
    level = [finding("S1", 0, 100, 0.7), finding("X6", 0, 100, 0.7)]
    assert combine.score_of(level, TESTS) == pytest.approx(0.9 * 0.7)
    assert combine.suspicions(level, TESTS, 0.8) == []


def test_two_half_witnesses_make_one_suspicion() -> None:
    half = [finding("D3", 0, 100, 0.7), finding("D4", 50, 150, 0.7)]
    assert combine.suspicions(half[:1], TESTS, 0.8) == []
    assert len(combine.suspicions(half, TESTS, 0.8)) == 1


@given(st.permutations(range(6)))
@settings(max_examples=30)
def test_suspicions_do_not_depend_on_the_order_of_the_findings(order: list[int]) -> None:
    findings = [
        finding("K1", 0, 30), finding("D1", 20, 60, 0.95), finding("N2", 10, 400, 0.6),
        finding("K1", 500, 530), finding("D4", 520, 700, 0.4), finding("B2", 0, 30, 1.0, row=1),
    ]  # fmt: skip
    expected = [(s.where, s.kind, s.score) for s in combine.suspicions(findings, TESTS, 0.8)]
    mixed = combine.suspicions([findings[i] for i in order], TESTS, 0.8)
    assert [(s.where, s.kind, s.score) for s in mixed] == expected


def test_discoveries_are_controlled_over_all_looks() -> None:
    assert combine.discovery_limit([0.0001, 0.004, 0.3, math.nan], 100, 0.05) == 0.0001
    assert combine.discovery_limit([0.0001, 0.0009, 0.3], 100, 0.05) == 0.0009
    assert combine.discovery_limit([0.2], 100, 0.05) == 0.0
    chance = finding("K1", 0, 30, 1.0, p=0.001)
    (alone,) = combine.suspicions([chance], TESTS, 0.8, combine.Control(10, 0.05))
    (lost,) = combine.suspicions([chance], TESTS, 0.8, combine.Control(100_000, 0.05))
    assert alone.survives
    assert not lost.survives
    assert combine.suspicions([chance], TESTS, 0.8)[0].survives


def test_a_copied_day_is_found_in_a_file_of_three_weeks() -> None:
    series = honest(21 * 24, 44)
    series[360:384] = series[144:168]
    panel = panel_of(series)
    found = combine.suspicions(say(panel, "D1"), TESTS, 0.8)
    assert [(s.where.from_i, s.where.to_i) for s in found] == [(360, 384)]
    short = replace(panel, value=panel.value[:, :100], mark=panel.mark[:, :100])
    assert say(replace(short, present=panel.present[:, :100]), "D1") == []

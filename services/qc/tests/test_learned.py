"""The learned detector: fitted on its training window alone, explained, asked for only, never deciding."""

from dataclasses import replace

import numpy as np
import pytest
from falsify_scene import HAVE, ON, TESTS
from hypothesis import given
from hypothesis import strategies as st
from qc.rules.falsify import catalogue, combine
from qc.rules.falsify.finding import Finding, Stretch
from qc.rules.falsify.panel import HOUR_MS, LOCAL_MS, Panel
from qc.rules.learned.features import FEATURES, measured
from qc.rules.learned.model import learn
from qc.rules.offline.profile import load_profile

L1 = TESTS["L1"]
DAYS, TRAIN = 300, 180
PACK = load_profile("ambient-air").pack


def city(seed: int = 3) -> Panel:
    """Four stations of dust and a gas: shared weather, days, noise of their own."""
    rng, n = np.random.default_rng(seed), DAYS * 24

    def slow(memory: float) -> np.ndarray:
        shocks, made = rng.standard_normal(n) * np.sqrt(1 - memory**2), np.zeros(n)
        for at in range(1, n):
            made[at] = memory * made[at - 1] + shocks[at]
        return made

    weather, day = slow(0.97), np.sin(2 * np.pi * np.arange(n) / 24)
    names = [(f"S{number}", factor) for number in range(4) for factor in ("a34004", "a21004")]
    value = np.array([np.round(60 * np.exp(0.6 * weather + 0.25 * slow(0.7) + 0.2 * day), 1) for _ in names])
    nothing = np.full(len(names), np.nan)
    return Panel(
        -LOCAL_MS, HOUR_MS, tuple(station for station, _ in names), tuple(factor for _, factor in names),
        ("ug/m3",) * len(names), value,
        np.zeros(value.shape, dtype=np.int64), np.ones(value.shape, dtype=bool),
        np.full(len(names), 0.1), nothing, nothing, nothing, nothing, np.full((len(names), 2), np.nan),
    )  # fmt: skip


def falsified(panel: Panel, first_day: int, days: int = 6) -> Panel:
    """Row 2 made up for some days: an even curve around a level of its own, blind to what the others see."""
    value, at = panel.value.copy(), np.arange(first_day * 24, (first_day + days) * 24)
    value[2, at] = np.round(55 + 8 * np.sin(2 * np.pi * at / 24), 1)
    return replace(panel, value=value)


CITY = city()


def found(panel: Panel) -> list[Finding]:
    return list(catalogue.run(panel, "ambient-air", [L1], ON, HAVE | {"learned"}).findings)


def test_made_up_days_are_found_and_explained():
    (finding,) = [one for one in found(falsified(CITY, 220)) if one.strength == 1.0]
    assert (finding.where.row, finding.p) == (2, 1.0)
    assert abs(finding.where.from_i - 220 * 24) <= 24 and abs(finding.where.to_i - 226 * 24) <= 24
    parts = {name: finding.figures[name] for name in FEATURES}
    assert sum(parts.values()) == pytest.approx(1.0)
    # An even curve: every move follows from the one before, and none from the weather.
    assert max(parts, key=parts.__getitem__) in ("roughness", "smoothness")
    assert (finding.figures["trained_from"], finding.figures["trained_to"]) == (19700101, 19700629)
    hours = finding.evidence
    assert hours and all(220 * 24 <= one.from_i < one.to_i <= 226 * 24 for one in hours)
    for text in (L1.text_zh, L1.text_en):
        assert "19700629" in text.format_map(finding.figures)


def test_untouched_days_are_left_alone():
    assert not [one for one in found(CITY) if one.strength == 1.0]


def test_a_model_is_its_training_window_and_nothing_else():
    train = TRAIN * 24

    def version(panel: Panel) -> str:
        return learn(panel, measured(panel, train), train).version

    assert version(CITY) == version(city()) == version(falsified(CITY, 220))
    assert version(CITY) != version(falsified(CITY, 100))
    assert version(CITY).startswith("learned@")
    model = learn(CITY, measured(CITY, train), train)
    assert set(model.series) == set(range(8)) and model.trained_to_ms == CITY.start_ms + train * HOUR_MS
    assert not [one for one in found(falsified(CITY, 100)) if one.where.from_i < train]


def test_it_runs_only_if_it_is_asked_for():
    report = catalogue.run(falsified(CITY, 220), "ambient-air", [L1], ON, HAVE)
    assert report.findings == () and report.not_run == {"L1": ("learned",)}


def test_a_short_or_empty_series_has_no_model():
    for value in (np.full(CITY.value.shape, np.nan), np.full(CITY.value.shape, 42.0)):
        assert found(replace(CITY, value=value)) == []
    short = replace(CITY, value=CITY.value[:, :240], mark=CITY.mark[:, :240], present=CITY.present[:, :240])
    assert found(short) == []


def learned_finding(begin: int, length: int, strength: float) -> Finding:
    return Finding("L1", Stretch(0, begin, begin + length), 9.0, 1.5, 1.0, strength, "other")


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300), st.floats(0, 1)), max_size=60),
    st.floats(0, 0.71),
)
def test_it_never_decides_alone_however_often_it_speaks(drawn, other):
    """Not a suspicion, not even the queue; beside a test, no more than its own bounded share."""
    alone = [learned_finding(*one) for one in drawn]
    assert combine.score_of(alone, TESTS) < L1.weight + 1e-9 < PACK.queue_threshold < PACK.case_threshold
    assert combine.suspicions(alone, TESTS, PACK.queue_threshold) == []
    beside = Finding("K1", Stretch(0, 100, 160), 9.0, 1.5, 0.9, other / TESTS["K1"].weight, "freeze")
    assert combine.suspicions([*alone, beside], TESTS, PACK.case_threshold) == []


def test_it_opens_no_case_without_an_analyst():
    """What makes a suspicion a discovery over the network must be another test's chance."""
    beside = Finding("K1", Stretch(0, 100, 160), 9.0, 1.5, 0.9, 0.85, "freeze")
    (raised,) = combine.suspicions(
        [beside, learned_finding(100, 48, 1.0)], TESTS, PACK.case_threshold, combine.Control(100, 0.05)
    )
    assert {one.test for one in raised.findings} == {"K1", "L1"} and not raised.survives

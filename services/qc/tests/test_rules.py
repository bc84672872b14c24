"""Each rule alone, by table: worked examples, guards, and what must not fire."""

import sys

import numpy as np
import pytest
from contracts.ingest import SeriesRef
from qc.rules import change, cross, pieces, points
from qc.rules.assess import assess
from qc.rules.frame import Columns, roster_of
from qc.rules.outcome import run_lengths
from qc.rules.pack import load_pack
from qc.rules.track import track_of

HOUR = 3_600_000.0


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def series_of(values: np.ndarray, hours: list[int] | None = None):
    n = len(values)
    ts = np.array(hours if hours is not None else range(n), dtype=np.int64) * int(HOUR)
    return np.zeros(n, dtype=np.int64), ts, values, np.isfinite(values)


def flat(values, min_run=6, reach=2, floor=10.0, hours=None, borne_out=None):
    s, t, v, usable = series_of(column(*values), hours)
    n = len(v)
    known = np.zeros(n, bool) if borne_out is None else np.array(borne_out)
    return change.is_flat(
        track_of(s, t, v, usable), np.full(n, float(min_run)), np.full(n, reach * HOUR), np.full(n, floor),
        lambda rows: known[rows],
    )  # fmt: skip


def step(values, limit=200.0, reach=3, hours=None, still=()):
    rows = track_of(*series_of(column(*values), hours))
    n = len(values)
    return change.has_step(
        rows, np.full(n, limit), np.full(n, 0.7), np.full(n, reach * HOUR), np.array(still, dtype=np.int64)
    )


@pytest.mark.parametrize(
    ("flag", "letters", "fires"),
    [("M", "FMSDC", True), ("N", "FMSDC", False), ("S", "FMSDC", True), ("T", "T", True), ("B", "T", False)],
)
def test_a_data_mark_fires_for_its_letters_only(flag, letters, fires):
    spoken = points.is_marked(np.array([ord(flag)]), letters)
    assert spoken.fired.tolist() == [fires]
    assert spoken.ran.tolist() == [True]


def test_no_mark_is_not_an_unknown_mark():
    spoken = points.has_unknown_mark(np.array([0, ord("N"), ord("Q"), -1]), "NFMSDCTB")
    assert spoken.fired.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("value", "low", "high", "limit", "margin"),
    [
        (1200.0, 0.0, 1000.0, 2.0, 200.0),
        (1000.0, 0.0, 1000.0, 2.0, None),
        (0.0, 0.0, 1000.0, np.nan, None),
        (-1.5, 0.0, 1000.0, 2.0, None),
        (-3.0, 0.0, 1000.0, 2.0, 1.0),
        (-0.1, 0.0, 1000.0, np.nan, 0.1),
        (3.9, 4.0, np.nan, 5.0, pytest.approx(0.1)),
        (1e308, 0.0, 1000.0, 2.0, 1e308),
        (5e-324, 0.0, 1000.0, 2.0, None),
    ],
)
def test_a_value_outside_its_range_fires_with_its_margin(value, low, high, limit, margin):
    spoken = points.is_out_of_range(column(value), column(low), column(high), column(limit))
    assert bool(spoken.fired[0]) is (margin is not None)
    if margin is not None:
        assert spoken.margin[0] == margin


def test_without_bounds_a_range_is_not_judged():
    spoken = points.is_out_of_range(column(5.0, np.nan), column(np.nan, 0), column(np.nan, 9), column(1, 1))
    assert spoken.ran.tolist() == [False, False]
    assert np.isnan(spoken.margin).all()


@pytest.mark.parametrize(
    ("values", "fires"),
    [
        ((50, 900, 60, 55), [1]),
        ((50, 60, 70, 80), []),
        ((50, 900, 910, 905), [1]),
        ((50, 900, 60, 900, 55), [1]),
        ((50, np.nan, 300), [2]),
        ((900, 50, 60), [1]),
        # Below the limit, but there and back; with the return above the limit, and the way there not.
        ((50, 195, 45, 50), [1]),
        ((50, 185, 180, 50), []),
        ((50, 120, 190, 50), []),
        ((60, 250, 45, 50), [1]),
        ((60, 5, 206, 210), [2]),
        ((200, 190, 45, 200, 190), [2]),
        ((50, 189, 50, 189, 50), []),
    ],
)
def test_a_spike_is_charged_once_and_its_neighbours_are_spared(values, fires):
    assert np.flatnonzero(step(values).fired).tolist() == fires


def test_a_spike_below_the_limit_tells_by_how_much_it_stands_out_from_both_sides():
    spoken = step((50, 195, 45, 50))
    assert (spoken.statistic[1], spoken.threshold[1]) == (145.0, 140.0)
    assert (spoken.statistic[2], spoken.threshold[2], spoken.margin[2]) == (150.0, 200.0, -50.0)


def test_what_comes_after_a_flat_line_is_not_compared_with_it():
    values = (80, *[400] * 6, 85, 90, 400)
    assert np.flatnonzero(step(values).fired).tolist() == [1, 7, 9]
    spoken = step(values, still=range(1, 7))
    assert np.flatnonzero(spoken.fired).tolist() == [1, 9]
    assert spoken.ran.tolist() == [False, *[True] * 6, False, True, True]


def test_a_step_across_a_long_silence_is_not_judged():
    spoken = step((50, 900), hours=[0, 4])
    assert not spoken.ran.any()


def test_a_masked_value_does_not_condemn_its_neighbours():
    s, t, v, usable = series_of(column(50, 5000, 60))
    usable[1] = False
    spoken = change.has_step(track_of(s, t, v, usable), column(200.0), column(0.7), column(3 * HOUR))
    assert not spoken.fired.any()
    assert spoken.statistic[2] == 10


@pytest.mark.parametrize(
    ("values", "fires"),
    [
        ([42] * 7, list(range(7))),
        ([42] * 5, []),
        ([1, *[42] * 6, 3], [1, 2, 3, 4, 5, 6]),
        ([42] * 3 + [41] + [42] * 5, []),
        ([2] * 200, []),
        ([10] * 12, []),
        ([42, 42, 42, np.nan, 42, 42, 42], [0, 1, 2, 4, 5, 6]),
        ([42, 42, 42, np.nan, np.nan, 42, 42, 42], []),
    ],
)
def test_a_flat_line_fires_over_its_whole_run_above_the_floor(values, fires):
    assert np.flatnonzero(flat(values).fired).tolist() == fires


def test_hours_borne_out_by_their_minutes_count_in_a_run_but_do_not_fire():
    spoken = flat([42] * 6, borne_out=[True, False, False, True, False, False])
    assert spoken.fired.tolist() == [False, True, True, False, True, True]
    assert not flat([42] * 12, borne_out=[True] * 12).fired.any()


@pytest.mark.parametrize(
    ("mean", "count", "swing", "is_borne_out"),
    [(75.2, 60, 83, True), (75.0, 60, 0, False), (75.0, 44, 83, False), (80.0, 60, 83, False)],
)
def test_an_hour_is_borne_out_by_enough_minutes_that_moved_and_agree(mean, count, swing, is_borne_out):
    found = cross.is_borne_out(
        column(75), column(mean), column(count), column(swing), column(45), column(0.005), column(1)
    )
    assert found.tolist() == [is_borne_out]


def test_a_flat_line_tells_its_length():
    spoken = flat([42] * 9)
    assert set(spoken.statistic) == {9.0}
    assert set(spoken.margin) == {3.0}


def test_two_series_never_make_one_run():
    v = column(*[42] * 8)
    s = np.array([0] * 4 + [1] * 4, dtype=np.int64)
    t = (np.arange(8, dtype=np.int64)) * int(HOUR)
    rows = track_of(s, t, v, np.ones(8, bool))
    spoken = change.is_flat(
        rows, column(6.0), column(2 * HOUR), column(1.0), lambda rows: np.zeros(len(rows), bool)
    )
    assert not spoken.fired.any()


def test_the_value_after_a_gap_counts_the_absent_periods():
    rows = track_of(*series_of(column(1, 2, 3), hours=[0, 3, 40]))
    spoken = change.follows_gap(rows, np.full(3, HOUR), np.full(3, 12 * HOUR))
    assert spoken.fired.tolist() == [False, True, False]
    assert spoken.statistic[1] == 2


def part(parts, wholes, hours=None):
    s, t, p, _ = series_of(column(*parts), hours)
    n = len(p)
    return cross.part_exceeds_whole(
        s,
        t,
        p,
        column(*wholes),
        np.full(n, 10.0),
        np.full(n, 0.1),
        np.full(n, 3.0),
        np.full(n, 2 * HOUR),
    )


@pytest.mark.parametrize(
    ("parts", "wholes", "fires"),
    [
        ((95, 95, 95), (80, 80, 80), [0, 1, 2]),
        ((95, 95), (80, 80), []),
        ((90, 90, 90), (80, 80, 80), []),
        ((540, 540, 540), (500, 500, 500), []),
        ((560, 560, 560), (500, 500, 500), [0, 1, 2]),
        ((95, 70, 95, 95), (80, 80, 80, 80), []),
        ((95, 95, np.nan, 95), (80, 80, 80, 80), [0, 1, 3]),
    ],
)
def test_pm25_above_pm10_needs_three_hours_and_a_real_excess(parts, wholes, fires):
    assert np.flatnonzero(part(parts, wholes).fired).tolist() == fires


def hour(value, mean, count, resolution=0.1):
    n = 1
    return cross.differs_from_minutes(
        column(value),
        np.ones(n, bool),
        column(mean),
        column(count),
        column(45),
        column(0.005),
        column(resolution),
    )


@pytest.mark.parametrize(
    ("value", "mean", "count", "fires"),
    [
        (50.0, 41.3, 60, True),
        (50.0, 49.9, 60, False),
        (50.0, 49.7, 60, True),
        (1000.0, 996.0, 60, False),
        (50.0, 41.3, 44, False),
        (50.0, 41.3, 45, True),
        (0.3, 0.1 + 0.1, 60, False),
    ],
)
def test_an_hour_is_compared_with_the_mean_of_at_least_45_minutes(value, mean, count, fires):
    assert hour(value, mean, count).fired.tolist() == [fires]


def test_too_few_minutes_give_no_judgement_rather_than_a_pass():
    assert hour(50.0, 50.0, 44).ran.tolist() == [False]


def frozen(values, means):
    s, t, v, _ = series_of(column(*values))
    n = len(v)
    contradicted = np.abs(v - column(*means)) > 1
    return cross.is_frozen_against_minutes(
        s, t, v, np.ones(n, bool), contradicted, column(*means), np.full(n, 1.0), np.full(n, 2 * HOUR)
    )


def test_frozen_hours_over_moving_minutes_fire_where_they_differ():
    spoken = frozen([42, 42, 42, 42], [42, 47, 51, 42])
    assert spoken.fired.tolist() == [False, True, True, False]


def test_a_stuck_sensor_with_an_offset_is_not_called_frozen_against_its_minutes():
    assert not frozen([42, 42, 42, 42], [50, 50, 50.5, 50]).fired.any()


def test_moving_hours_of_a_wrongly_set_logger_are_not_called_frozen():
    assert not frozen([42, 47, 52, 57], [50, 55, 60, 65]).fired.any()


def test_run_lengths_of_nothing_is_nothing():
    assert run_lengths(np.zeros(0, bool)).tolist() == []
    assert run_lengths(np.array([False, True, True, False, True])).tolist() == [3, 3, 3, 2, 2]


def test_what_many_rows_are_told_is_what_they_are_told_in_one_go(monkeypatch):
    rng = np.random.default_rng(3)
    refs = [
        SeriesRef(
            id=n + 1, site=f"S{n // 2}", site_kind="station", region="131000", element="air", factor=factor,
            statistic="avg", basis="raw", period="hour", source="DL-1", unit="ug/m3", decimals=0,
        )
        for n, factor in enumerate(("a34004", "a34002", "a34004", "a34002", "a21026"))
    ]  # fmt: skip
    values = [np.round(40 * np.exp(rng.normal(0, 0.4, length))) for length in (1500, 1500, 90, 90, 4000)]
    values[0][1390:1420] = values[4][505:540] = 77.0
    values[4][700] = 9000.0
    columns = Columns(
        np.repeat(np.arange(5), [len(one) for one in values]),
        np.concatenate([np.arange(len(one)) for one in values]) * int(HOUR) + 1_767_225_600_000,
        np.concatenate(values), np.zeros(7180, dtype=np.int64), np.zeros(7180, dtype=np.int64),
    )  # fmt: skip
    pack = load_pack()
    roster = roster_of(refs, pack)
    whole = assess(columns, roster, pack)
    for module in (pieces, sys.modules[assess.__module__]):
        monkeypatch.setattr(module, "PIECE", 500)
    assert len(list(pieces.pieces(columns, roster))) > 10
    cut = assess(columns, roster, pack)
    assert {pack.named(name).bit for name in ("K1", "X1", "range")} <= set(
        (whole.tests & -whole.tests).tolist()
    )
    assert np.array_equal(cut.code, whole.code) and np.array_equal(cut.tests, whole.tests)
    for one, other in zip(cut.outcomes, whole.outcomes, strict=True):
        for name in ("rows", "fired", "ran"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for name in ("statistic", "threshold", "margin"):
            known = getattr(one, name)
            np.testing.assert_array_equal(known[one.rows], getattr(other, name)[one.rows])
            assert np.isnan(np.delete(known, one.rows)).all()

"""Lag-correlation: the figures against a plain computation, and over HTTP for whom the policy says."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from qc.rules.correlation import lagged, on_grid, strongest
from qc_scene import BEGIN, HOUR, START, Lane, ref

ANALYST, ELSEWHERE = "ee.mon/qc.analyst@131000", "ee.mon/qc.analyst@131100"
STATION = ref(1, "a21026")
STACK = ref(2, "a21026", site="131000-P01", site_kind="outlet", element="waste_gas", unit="mg/m3")
WIND = ref(3, "a01001", unit="℃", decimals=1)
MINUTE_SERIES = ref(4, "a21026", "min")


def plain(x, y, lag: int):
    pairs = [
        (x[t], y[t - lag])
        for t in range(len(x))
        if 0 <= t - lag < len(y) and not np.isnan(x[t]) and not np.isnan(y[t - lag])
    ]
    return np.corrcoef(np.array(pairs).T)[0, 1], len(pairs)


def remembering(random, n: int, memory: float) -> np.ndarray:
    made = np.zeros(n)
    for t in range(1, n):
        made[t] = memory * made[t - 1] + random.normal()
    return made


def test_the_figures_are_those_of_a_plain_computation_with_gaps():
    random = np.random.default_rng(4)
    x, y = random.normal(size=300), random.normal(size=300)
    x[random.integers(0, 300, 40)] = np.nan
    for one in lagged(x, y, 6):
        r, pairs = plain(x, y, one.lag)
        assert one.pearson == pytest.approx(r, abs=1e-12) and one.pairs == pairs


def test_independent_curves_with_memory_are_seldom_called_related():
    """The naive interval would exclude 0 in about half of these; the honest one in about 5 %."""
    random = np.random.default_rng(9)
    wrong = 0
    for _ in range(200):
        (one,) = lagged(remembering(random, 400, 0.9), remembering(random, 400, 0.9), 0)
        wrong += not one.low <= 0 <= one.high
    assert wrong <= 24


@example([0.0] * 22 + [9.9792015476736e291, 1.7976931348623157e308])
@example([-1.7976931348623157e308, 1.7976931348623157e308] * 20)
@example([5e-324, 0.0] * 20)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=64), min_size=1, max_size=80))
def test_any_numbers_give_figures_within_bounds_or_none(values):
    grid = np.array(values)
    for one in lagged(grid, grid[::-1].copy(), 3):
        figures = (one.pearson, one.spearman, one.low, one.high)
        assert figures == (None,) * 4 or all(-1 <= figure <= 1 for figure in figures)


def test_values_beside_the_window_are_left_out():
    assert np.isnan(on_grid([-HOUR, 5 * HOUR], [1.0, 2.0], 0, 5)).all()


def test_no_pairs_have_no_strongest_lag():
    assert strongest(lagged(np.full(50, np.nan), np.zeros(50), 2)) is None


async def test_UN_03_an_outlet_upwind_shows_its_lag(lane: Lane, client, tokens):
    random = np.random.default_rng(2)
    smoke = np.round(40 + 5 * remembering(random, 203, 0.7), 2)
    station = np.round(10 + smoke[:200] / 8, 2)
    rows = [(STACK, START + t * HOUR, float(v)) for t, v in enumerate(smoke[3:])]
    rows += [(STATION, START + t * HOUR, float(v)) for t, v in enumerate(station)]
    rows += [(WIND, START + t * HOUR, float(v)) for t, v in enumerate(np.round(random.normal(5, 2, 200), 1))]
    rows += [(MINUTE_SERIES, START, 1.0)]
    await lane.send(rows)
    # smoke[3:] comes three hours before the station's curve, which is made of smoke[:200].
    query = {"with": [2, 3], "from": BEGIN.isoformat(), "to": (BEGIN + timedelta(hours=200)).isoformat()}

    async def ask(path: str, who: str = ANALYST, **changes):
        return await client.get(path, params=query | changes, headers=tokens.bearer(who))

    told = (await ask("/correlations/1")).json()
    stack, wind = told["items"]
    assert stack["strongest"]["lag"] == 3 and stack["strongest"]["pearson"] > 0.99
    assert stack["strongest"]["low"] > 0.9 and stack["strongest"]["pairs"] == 197
    assert abs(wind["lags"][24]["pearson"]) < 0.5 and len(wind["lags"]) == 49
    assert told["note_zh"] and told["note_en"]
    assert (await ask("/correlations/1", ELSEWHERE)).status_code == 403
    assert (await ask("/correlations/99")).status_code == 404
    for changes, kind in (
        ({"with": [4]}, "series-not-hourly"),
        ({"to": query["from"]}, "window-unusable"),
        ({"from": "2020-01-01"}, "window-unusable"),
    ):
        refused = await ask("/correlations/1", **changes)
        assert refused.status_code == 422 and refused.json()["type"].endswith(kind)
        assert refused.json()["errors"][0]["mend"]
    assert (await ask("/correlations/1", lags=169)).status_code == 422

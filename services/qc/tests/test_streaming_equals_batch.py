"""After the same set of values has arrived, in any split and order, the current codes are equal."""

from random import Random

import numpy as np
import pytest
from contracts.ingest import SeriesRef
from hypothesis import given, settings
from hypothesis import strategies as st
from qc.rules.assess import assess, sum_minutes
from qc.rules.frame import Columns, keys_of, merged, roster_of
from qc.rules.pack import load_pack
from qc.rules.windows import hours_of, windows_of

PACK = load_pack()
HOUR = 3_600_000
START = 1_795_000_000_000 // HOUR * HOUR


def ref(number: int, factor: str, period: str) -> SeriesRef:
    return SeriesRef(
        id=number, site="131000-A01", site_kind="station", region="131000", element="air", factor=factor,
        statistic="avg", basis="raw", period=period, source="131000-A01-DL", unit="ug/m3", decimals=0,
    )  # fmt: skip


REFS = (ref(1, "a34004", "hour"), ref(2, "a34002", "hour"), ref(3, "a34004", "min"))
ROSTER = roster_of(REFS, PACK)
HOURS = 30


def columns(rows: list[tuple[int, int, float, str]]) -> Columns:
    rows = sorted(rows)
    return Columns(
        np.array([r[0] for r in rows], dtype=np.int64),
        np.array([r[1] for r in rows], dtype=np.int64),
        np.array([r[2] for r in rows], dtype=np.float64),
        np.array([ord(r[3]) if r[3] else 0 for r in rows], dtype=np.int64),
        np.zeros(len(rows), dtype=np.int64),
    )


class Store:
    """What the service does with its tables, in memory: values known and their current verdicts."""

    def __init__(self) -> None:
        self.known = columns([])
        self.current: dict[int, tuple[int, int]] = {}

    def _near(self, windows) -> np.ndarray:
        """Minutes of the hours that may change and of those beside them: all the service loads."""
        reach, near = PACK.mean_reach_periods * HOUR, np.zeros(len(self.known), dtype=bool)
        for s, a, b in zip(windows.series, windows.judged_from, windows.judged_to, strict=True):
            near |= (s == 0) & (self.known.ts >= a - reach) & (self.known.ts < b + reach + HOUR)
        return near

    def receive(self, new: Columns) -> None:
        self.known = merged(self.known, new)
        hours = hours_of(new.series, new.ts, ROSTER)
        windows = windows_of(new.series, new.ts, ROSTER, hours[np.isin(hours, self.known.keys)])
        inside = np.zeros(len(self.known), dtype=bool)
        for s, a, b in zip(windows.series, windows.start, windows.end, strict=True):
            inside |= (self.known.series == s) & (self.known.ts >= a) & (self.known.ts <= b)
        window = self.known.take(inside)
        minutes = self.known.take((self.known.series == 2) & self._near(windows))
        valid = assess(minutes, ROSTER, PACK).code < 4
        verdict = assess(window, ROSTER, PACK, sum_minutes(minutes, valid))
        judged = windows.covers(window)
        for key, code, tests in zip(
            window.keys[judged], verdict.code[judged], verdict.tests[judged], strict=True
        ):
            self.current[int(key)] = (int(code), int(tests))


# Mostly one level, many hours absent: long sparse runs are what a window that is too short would miss.
levels = st.sampled_from([42.0] * 9 + [60.0, 90.0, 700.0, 2000.0, 3.0, float("nan")])
hour_rows = st.dictionaries(
    st.tuples(st.sampled_from([0, 1]), st.integers(0, HOURS - 1)),
    st.tuples(levels, st.sampled_from([""] * 9 + ["N", "M", "Q"])),
    min_size=20,
    max_size=60,
)
minute_hours = st.dictionaries(
    st.integers(0, HOURS - 1), st.tuples(st.sampled_from([42.0, 60.0, 95.0]), st.integers(40, 60)), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(hour_rows, minute_hours, st.randoms(use_true_random=False), st.integers(1, 12))
def test_any_split_and_order_of_arrival_ends_in_the_same_codes(hours, minutes, random, pieces):
    rows = [(s, START + h * HOUR, v, f) for (s, h), (v, f) in hours.items()]
    rows += [
        (2, START + h * HOUR + m * 60_000, level, "N")
        for h, (level, count) in minutes.items()
        for m in range(count)
    ]
    random.shuffle(rows)
    store = Store()
    cuts = sorted(random.randrange(len(rows) + 1) for _ in range(pieces - 1))
    for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        if b > a:
            store.receive(columns(rows[a:b]))
    everything = columns(rows)
    batch = assess(everything, ROSTER, PACK)
    expected = {
        int(key): (int(code), int(tests))
        for key, code, tests in zip(everything.keys, batch.code, batch.tests, strict=True)
    }
    assert store.current == expected


@pytest.mark.parametrize("seed", range(12))
def test_the_sparsest_run_that_counts_is_found_in_any_order(seed):
    """Equal hours, two apart, over moving minutes: the first is reopened from ten hours away."""
    random = Random(seed)
    rows = [(0, START + h * HOUR, 42.0, "") for h in range(0, 14, 2)]
    random.shuffle(rows)
    late = [
        (2, START + h * HOUR + m * 60_000, 60.0 + 5 * (h % 4), "N") for h in (0, 2, 12) for m in range(50)
    ]
    everything = [*rows, *late] if seed % 2 else [*late, *rows]
    store = Store()
    for row in rows[:3] if seed % 2 else []:
        store.receive(columns([row]))
    for start in range(3 if seed % 2 else 0, len(everything), 1 if seed % 2 == 0 else 7):
        store.receive(columns(everything[start : start + (1 if seed % 2 == 0 else 7)]))
    batch = assess(columns(everything), ROSTER, PACK)
    assert [store.current[int(key)] for key in columns(everything).keys] == [
        (int(code), int(tests)) for code, tests in zip(batch.code, batch.tests, strict=True)
    ]
    assert (batch.tests & PACK.named("K1X9").bit).any()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("is_borne_out", [False, True])
def test_a_step_behind_the_sparsest_flat_line_is_judged_alike_in_any_order(seed, is_borne_out):
    """Equal hours two apart, then a jump three hours later; or the last hour is borne out by its minutes."""
    rows = [(0, START + h * HOUR, 42.0, "") for h in range(0, 12, 2)] + [(0, START + 13 * HOUR, 700.0, "")]
    minutes = [(2, START + 10 * HOUR + m * 60_000, 32.0 + 20 * (m % 2), "N") for m in range(50)]
    arrivals = [[row] for row in rows] + ([minutes] if is_borne_out else [])
    Random(seed).shuffle(arrivals)
    store, everything = Store(), columns([row for some in arrivals for row in some])
    for some in arrivals:
        store.receive(columns(some))
    batch = assess(everything, ROSTER, PACK)
    assert [store.current[int(key)] for key in everything.keys] == [
        (int(code), int(tests)) for code, tests in zip(batch.code, batch.tests, strict=True)
    ]
    jump = batch.tests[everything.value == 700.0]
    assert (batch.tests & PACK.named("K1").bit).any()
    assert bool(jump[0] & PACK.named("step").bit) is is_borne_out


anything = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 200), anything, st.sampled_from("NMTBQ ")), max_size=80
    )
)
def test_whatever_the_values_every_row_gets_a_code(rows):
    unbounded = roster_of((*REFS, ref(4, "w20012", "min")), PACK)
    known = {(s, START + n * 60_000): (value, flag) for s, n, value, flag in rows}
    given_rows = columns([(s, ts, value, flag.strip()) for (s, ts), (value, flag) in known.items()])
    verdict = assess(given_rows, unbounded, PACK)
    assert len(verdict.code) == len(given_rows)
    assert set(verdict.code.tolist()) <= {1, 2, 3, 4, 9}
    fired = np.array([outcome.fired for outcome in verdict.outcomes])
    assert ((verdict.tests != 0) == fired.any(axis=0)).all()
    missing = np.isnan(given_rows.value) | (given_rows.flag == ord("B"))
    assert ((verdict.code == 9) == missing).all()


def test_a_window_of_a_minute_reopens_its_hour_and_the_partner_of_the_hour():
    minute = np.array([2]), np.array([START + 5 * 60_000])
    windows = windows_of(*minute, ROSTER, hours_of(*minute, ROSTER))
    assert windows.series.tolist() == [0, 1, 2]
    reach = PACK.reach_periods["hour"] * HOUR
    assert reach >= 12 * HOUR
    assert windows.judged_from[0] == START - reach
    assert windows.start[0] == START - 2 * reach
    assert windows.start[2] == windows.end[2] == START + 5 * 60_000


def test_far_apart_values_do_not_open_everything_between_them():
    ts = np.array([START, START + 5000 * HOUR])
    nothing = np.zeros(0, dtype=np.int64)
    windows = windows_of(np.zeros(2, dtype=np.int64), ts, roster_of(REFS[:1], PACK), nothing)
    assert len(windows.series) == 2
    outside = columns([(0, START + 2500 * HOUR, 1.0, "")])
    assert not windows.covers(outside).any()


def test_keys_sort_like_series_and_instant():
    keys = keys_of(np.array([0, 0, 1]), np.array([START, START + 1, START - 10**9]))
    assert (np.diff(keys) > 0).all()

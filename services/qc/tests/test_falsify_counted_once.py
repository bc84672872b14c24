"""What is counted once for many windows, neighbours or lags against the same counted for each alone."""

import numpy as np
import pytest
from falsify_scene import honest
from numpy.lib.stride_tricks import sliding_window_view
from qc.rules.falsify import aligned, comb, daymax, history, pasted, patterns, ranks, sites


@pytest.mark.parametrize("wide", [1, 2, 7, ranks.SHORT - 1, ranks.SHORT, 1501, 4000])
def test_lines_are_told_by_their_ranks_at_every_width(wide: int) -> None:
    rows = np.round(np.random.default_rng(wide).normal(size=(3, wide)), 1)
    np.testing.assert_array_equal(ranks.line_medians(rows), np.median(rows, axis=1))
    at = (0.0, 0.1, 0.5, 0.98, 1.0)
    np.testing.assert_allclose(ranks.line_quantiles(rows, at), np.quantile(rows, at, axis=1), rtol=1e-15)


@pytest.mark.parametrize("day", [2, 3, 8, 13, 24])
def test_the_running_maximum_is_that_of_every_window(day: int) -> None:
    x = honest(300, day)
    x[::7], x[100:130] = np.nan, np.nan
    windows = sliding_window_view(np.where(np.isfinite(x), x, -np.inf), day)[:-1].max(axis=1)
    told = np.r_[np.full(day, np.nan), np.where(np.isfinite(windows), windows, np.nan)]
    np.testing.assert_array_equal(daymax.running_maximum(x, day), told)


@pytest.mark.parametrize("local", [False, True])
def test_a_comb_is_told_from_the_waves_of_each_window(local: bool) -> None:
    rng, length = np.random.default_rng(3), 4
    cells = rng.poisson(0.2, (40, 256))
    cells[20:24], count = 0, 0
    cells[10:14, ::4] += 3
    waves, count = np.fft.rfft(cells, axis=1), cells.sum(axis=1)
    first, last = int(np.ceil(comb.LOWEST * 256)), int(comb.HIGHEST * 256)

    def of(part: np.ndarray, begin: int) -> np.ndarray:
        return part[begin : begin + length].sum(axis=0)

    side = [of(waves, at)[first:last] / of(count, at) for at in range(0, 40, length) if of(count, at)]
    habit = np.median(np.real(side), axis=0) + 1j * np.median(np.imag(side), axis=0)
    n = np.array([of(count, at) for at in range(37)])
    off = np.array([np.abs(of(waves, at)[first:last] - n[at] * habit) ** 2 for at in range(37)])
    off /= np.fmax(n, 1)[:, None]
    good = n >= comb.LEAST_MOVES
    assert good.any()
    assert not good.all()
    off /= np.fmax(np.median(off[good], axis=0) / np.log(2), 1.0)
    if local:
        off /= np.fmax(np.median(off, axis=1) / np.log(2), 1.0)[:, None]
    expected = np.where(good, off.max(axis=1) / np.log(10) - np.log10(last - first), np.nan)
    tail, teeth = comb.strongest(comb.upto_of(waves, count), length, local)
    np.testing.assert_allclose(tail, expected, rtol=1e-9)
    np.testing.assert_array_equal(np.isfinite(teeth), good)
    assert teeth[10] == 4.0


@pytest.mark.parametrize("gaps", [0.0, 0.02, 0.4])
def test_a_pairs_windows_are_those_of_both_less_what_one_does_not_know(gaps: float) -> None:
    rng, rows = np.random.default_rng(5), []
    for seed in (1, 2):
        x = honest(960, seed)
        x[rng.random(960) < gaps] = np.nan
        rows.append(x)
    a, b = (sites.side_of(x, 1.0, [24, 72])[0] for x in rows)
    both = np.isfinite(rows[0]) & np.isfinite(rows[1])
    lost = sites._lost(a, b.unknown)
    for mine, its in zip(a.windows, b.windows, strict=True):
        count, sums, squares = mine.beside(lost, its)
        alone = np.where(both, a.value, 0.0)
        size = (mine.length, mine.stride)
        np.testing.assert_array_equal(count, history.windowed(history.counted(both), *size))
        for told, part in ((sums, alone * a.unit), (squares, alone * alone)):
            upto = np.r_[0, np.cumsum(part.astype(np.int64))]
            np.testing.assert_array_equal(told, history.windowed(upto, *size))


def test_moves_come_again_only_to_what_is_known() -> None:
    x = np.random.default_rng(6).integers(20, 26, 400).astype(np.float64)
    x[200:248] = x[152:200]
    x[::11] = np.nan
    column = aligned.column_of(x, 1.0)
    earlier = np.where(column.known, column.digits, pasted.UNKNOWN)
    later = np.where(column.known & (column.moved > 0), column.digits, pasted.STILL)
    again = [
        bool(np.isfinite(x[i - 48]) and x[i] == x[i - 48] and np.isfinite(x[i - 1]) and x[i] != x[i - 1])
        for i in range(48, 400)
    ]
    bytes_of = np.add.reduceat(again, np.arange(0, 352, 8))
    expected = np.flatnonzero(bytes_of[:-1] + bytes_of[1:] >= 8) * 8 + 48
    assert len(expected)
    np.testing.assert_array_equal(pasted._places(earlier, later, 48, 8), expected)


def test_a_move_without_a_partner_counts_on_neither_side() -> None:
    rng = np.random.default_rng(7)
    d = rng.normal(size=400)
    d[rng.random(400) < 0.05] = np.nan
    row = patterns.Moves(d, np.zeros(401), 1e-4)
    ((share, interval),) = patterns.repetition(row, [96], [4])
    for place in range(0, len(share), 5):
        part = d[place * 4 : place * 4 + 96]
        tried = []
        for lag in range(4, 49):
            before, after = part[:-lag], part[lag:]
            both = np.isfinite(before) & np.isfinite(after)
            due = (before[both] ** 2 + after[both] ** 2).sum() + (96 - lag) * 1e-4 + 1e-12
            tried.append(1 - 2 * (before[both] * after[both]).sum() / due)
        assert share[place] == pytest.approx(min(tried), rel=1e-6)
        assert interval[place] == 4 + int(np.argmin(tried))

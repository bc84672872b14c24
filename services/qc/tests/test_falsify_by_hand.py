"""The quick ways of the falsification tests against the slow ones: the same definition, window by window."""

from itertools import pairwise

import numpy as np
import pytest
from falsify_scene import honest, panel_of
from qc.rules.falsify import (
    absent,
    bounds,
    bunching,
    constant,
    copies,
    digits,
    floors,
    history,
    lag,
    matched,
    patterns,
    ranks,
    reference,
    repeats,
    scan,
    sites,
    steady,
)

HOURS = 40 * 24


def series(seed: int, hours: int = HOURS, gaps: float = 0.02) -> np.ndarray:
    """Whole µg/m³ with gaps, a freeze, a copied day, a heaped and a capped week."""
    rng, x = np.random.default_rng(seed), honest(hours, seed)
    x[100:130] = x[100]
    x[400:424] = x[300:324]
    x[500:600] = np.round(x[500:600] / 5) * 5
    x[650:780] = np.fmin(x[650:780], np.round(np.quantile(x[650:780], 0.5)))
    x[rng.random(hours) < gaps] = np.nan
    return x


def windows(n: int, window: int, stride: int = 1) -> list[slice]:
    return [slice(begin, begin + window) for begin in range(0, n - window + 1, stride)]


def close(one: object, other: object, by: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=by, atol=by)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 500, 5000])
def test_ranks_are_those_of_a_sorted_row(length: int) -> None:
    row = np.random.default_rng(length).normal(size=length)
    with_gaps = np.r_[row, np.nan, np.nan]
    close(ranks.median_of(with_gaps), np.median(row))
    close(ranks.quantiles_of(row, (0.0, 0.1, 0.9, 0.98, 1.0)), np.quantile(row, [0.0, 0.1, 0.9, 0.98, 1.0]))
    by_rank = [np.sort(row)[round(q * (length - 1))] for q in (0.25, 0.5, 0.8)]
    close(ranks.nearest(with_gaps[None], (0.25, 0.5, 0.8))[:, 0], by_rank)
    assert np.isnan(ranks.nearest(np.full((1, 3), np.nan), (0.5,))).all()


def test_numbers_are_equal_where_figures_are() -> None:
    for figures in (np.array([7.0, 5, 7, 8]), np.array([7.0, 5e9, 7, -3])):
        assert np.array_equal(
            np.equal.outer(*[ranks.numbered(figures)] * 2), np.equal.outer(figures, figures)
        )


def test_sums_of_products_are_whole_numbers_that_lose_nothing() -> None:
    a, b = (np.random.default_rng(seed).normal(0, 50, 3000) for seed in (1, 2))
    unit = history.fixed(3000, max(np.abs(a).max(), np.abs(b).max()))
    total = history.products(a * unit, b * unit, np.empty(3001, dtype=np.int64)) / unit**2
    close(total, np.r_[0, np.cumsum(a * b)], 1e-7)


def test_peers_are_taken_off_hour_by_hour() -> None:
    rng = np.random.default_rng(3)
    statistic = rng.normal(size=(7, 3000))
    statistic[rng.random(statistic.shape) < 0.3] = np.nan
    quick = history.against_peers(statistic, [np.arange(7)], share=0.75)
    for column in range(0, 3000, 41):
        known = np.sort(statistic[:, column][np.isfinite(statistic[:, column])])
        common = max(0.0, known[int((len(known) - 1) * 0.75)]) if len(known) > 3 else 0.0
        close(quick[:, column], statistic[:, column] - common)


@pytest.mark.parametrize("most", [(np.inf, np.inf), (3.0, 1.0)])
def test_rarity_is_that_of_block_maxima_and_leaves_out_only_what_is_common(most: tuple[float, float]) -> None:
    statistic = np.random.default_rng(4).gumbel(0, 1, 2000)
    statistic[1500:1510] = 14.0
    block = max(24, min(720 // 3, 2000 // 12))
    maxima = np.sort([statistic[k : k + block].max() for k in range(0, 2000 - block + 1, block)])
    middle, upper = (maxima[round(q * (len(maxima) - 1))] for q in (0.5, 0.75))
    scale = np.clip((upper - middle) / (-np.log(-np.log(0.75)) + np.log(-np.log(0.5))), 0.1, most[1])
    z = np.fmax(0, (statistic - min(middle, most[0])) / scale - np.log(-np.log(0.5)))
    k = max(len(maxima), 60 if np.isfinite(most[1]) else 0)
    slow = k * np.log(1 + z / k) / np.log(10) - np.log10(720 / block)
    close(history.rarity(statistic[None], 24, 720, 0.1, most)[0], slow)
    quick = history.rarity(statistic[None], 24, 720, 0.1, most, 1.5)[0]
    assert np.array_equal(quick >= 1.5, slow >= 1.5)
    close(quick[slow >= 1.5], slow[slow >= 1.5])


def test_counts_are_as_surprising_as_the_chernoff_bound_says() -> None:
    of = np.arange(200)
    count = of * 2 // 3
    slow = history.tail_of_binomial(count.astype(float), of.astype(float), np.array(0.3))
    close(history.tail_of_counts(count, of, 0.3), slow, 1e-6)


def test_levels_are_compared_with_windows_of_their_own_tenth() -> None:
    rng = np.random.default_rng(5)
    statistic, mean = rng.normal(size=500), rng.lognormal(size=500)
    statistic[rng.random(500) < 0.1] = np.nan
    known = np.isfinite(statistic)
    edges = np.sort(mean[known])[np.arange(1, 10) * known.sum() // 10]
    tenth = (mean[:, None] >= edges).sum(axis=1)
    slow = [statistic[i] - np.median(statistic[known & (tenth == tenth[i])]) for i in range(500)]
    close(constant.at_level(statistic[None], mean[None])[0][0], np.where(known, slow, np.nan))


def test_likeness_of_days_is_one_minus_r_square_of_levels_and_moves() -> None:
    x = honest(50 * 24, 6)
    x[30 * 24 : 31 * 24] = np.round(x[5 * 24 : 6 * 24] * 1.1)
    alike, partner = copies.most_alike(x[None], np.array([1.0]), 24, 24)
    days = x.reshape(50, 24) - x.reshape(50, 24).mean(axis=1)[:, None]
    for day in (5, 12, 30):
        rest = []
        for other in range(50):
            found = 1.0
            for part, noise in ((days, 1 / 12), (np.diff(days), 2 / 12)):
                a, b = part[day], part[other]
                sizes = [np.sqrt(one @ one + len(one) * noise) for one in (a, b)]
                found *= max(1 - max(0.0, a @ b / sizes[0] / sizes[1]) ** 2, copies.LEAST_REST)
            rest.append(found if other != day else 1.0)
        close(alike[0, day], -0.5 * np.log(min(rest)), 1e-3)
        assert partner[0, day] == 24 * int(np.argmin(rest))


def test_repeats_are_found_wherever_twelve_values_come_again() -> None:
    whole = np.nan_to_num(series(7, gaps=0.0)).astype(np.int64)
    codes, good = repeats.hashes(whole, np.ones(len(whole), dtype=bool), 12)
    assert good.all()
    slow = set()
    for later in range(len(whole) - 11):
        for earlier in range(later - 1, -1, -1):
            if (whole[later : later + 12] == whole[earlier : earlier + 12]).all():
                slow |= {(later, later - earlier)} if later - earlier >= 12 else set()
                break
    quick = {
        (place, step)
        for begin, end, step in repeats.repeats_within(codes, good, 12)
        for place in range(begin, end - 11)
    }
    assert quick == slow and (400, 100) in slow


def test_information_is_told_by_how_often_a_move_comes_at_its_level() -> None:
    x = series(8)
    quick = repeats.information(x, 1.0)
    group = np.searchsorted(repeats.LEVELS, np.abs(x[:-1]))
    move = np.diff(x)
    for i in range(0, len(move), 7):
        if np.isfinite(move[i]):
            same = np.isfinite(move) & (group == group[i])
            close(quick[i + 1], min(1.5, -np.log10((move[same] == move[i]).mean())))
        else:
            assert quick[i + 1] == 0


@pytest.mark.parametrize("gaps", [0.0, 0.02])
def test_repetition_is_what_moves_some_hours_before_leave_unexplained(gaps: float) -> None:
    x = honest(HOURS, 9)
    x[300:444] = np.tile(x[300:324], 6)
    x[np.random.default_rng(1).random(HOURS) < gaps] = np.nan
    moved = patterns.moves(panel_of(x), 0)
    (rest, interval), _ = patterns.repetition(moved, [72, 168], [3, 7])
    for place, where in list(enumerate(windows(len(moved.d), 72, 3)))[::9]:
        shares = {}
        for step in range(4, 37):
            a, b = moved.d[where][step:], moved.d[where][:-step]
            both = np.isfinite(a) & np.isfinite(b)
            likely = (a[both] ** 2 + b[both] ** 2).sum() + (72 - step) * moved.noise
            shares[step] = 1 - 2 * (a[both] * b[both]).sum() / likely
        if np.isfinite(rest[place]):
            close(rest[place], max(min(shares.values()), 1e-4), 1e-6)
            close(shares[int(interval[place])], min(shares.values()), 1e-9)
    assert np.nanmin(rest) == 1e-4 if not gaps else np.nanmin(rest) < 0.1


def test_smoothness_is_the_mean_of_logarithms() -> None:
    moved = patterns.moves(panel_of(series(10)), 0)
    (quick,) = patterns.smoothness(moved, [36])
    slow, level = np.full(len(quick), np.nan), np.zeros(len(quick))
    bends = np.full(len(quick), np.nan)
    for begin, where in enumerate(windows(len(moved.d), 36)):
        d, second = moved.d[where], np.diff(moved.d[where])
        count = np.isfinite(second).sum()
        logs = [
            np.nansum(np.log(np.abs(part) + np.sqrt(share * moved.noise) + 1e-9)) / max(count, 1)
            for part, share in ((d, 2), (second, 6))
        ]
        level[begin] = np.nansum(moved.level[1:][where])
        if count >= 0.75 * 35 and np.nansum(d**2) >= 40 * 36 * moved.noise:
            slow[begin], bends[begin] = logs[0] - logs[1], -logs[1]
    known = np.isfinite(bends)
    edges = np.sort(level[known])[np.arange(1, 10) * known.sum() // 10]
    tenth = (level[:, None] >= edges).sum(axis=1)
    for place in np.flatnonzero(known)[::11]:
        if np.abs(level[place] - edges).min() > 1e-6:
            usual = np.median(bends[known & (tenth == tenth[place])])
            close(quick[place], slow[place] + 0.3 * (bends[place] - usual), 0.02)
    assert np.array_equal(known, np.isfinite(quick)) and known.any()


@pytest.mark.parametrize("near", bounds.NEAR)
def test_ties_at_the_top_are_counted_window_by_window(near: float) -> None:
    x = series(11)
    tops = bounds.tops_of(x, 96, 12)
    quick = bounds.ties_at_top(x, 1.0, tops, near)
    for place, where in enumerate(windows(len(x), 96, 12)):
        values = np.where(np.isfinite(x[where]), x[where], -np.inf)
        top = values.max()
        depth, reach = max(near * top, 0.5), max(0.2 * top, 4.0)
        high = values > top - depth
        visits = high.sum() - (high[1:] & high[:-1]).sum()
        cells = max(np.rint(depth), 1) / max(np.rint(reach - depth), 1)
        due, more = max(1.0, ((values > top - reach).sum() - high.sum()) * cells), high.sum() - 1
        fires = visits >= 4 and top > 10 and more > due
        close(quick[place], more * np.log10(more / due) - (more - due) / np.log(10) if fires else 0.0)
    assert quick.max() > 0


def test_the_chi_square_of_digits_is_that_of_their_counts() -> None:
    panel = panel_of(series(12))
    seen = digits.digits_of(panel)
    sums, usual = digits._digit_sums(seen, 0, 400)
    quick = digits.chi_of(sums, usual, 168)
    for begin, where in list(enumerate(windows(HOURS, 168)))[::31]:
        count = np.bincount(seen.last[0, where][seen.free[0, where]], minlength=10)
        close(quick[begin], ((count - count.sum() * usual) ** 2 / (count.sum() * usual)).sum(), 1e-6)


def test_neighbours_are_as_near_as_the_correlation_of_values_and_moves() -> None:
    a, b = series(13), series(14)
    b[200:260] = np.round(a[200:260] * 1.2)
    one, other = (sites.side_of(row, 1.0, [40]) for row in (a, b))
    (quick,) = sites.nearness(one, other)
    for place, where in list(enumerate(windows(HOURS, 40, 5)))[::5]:
        total = 0.0
        for p, q, share in ((a[where], b[where], 1), (np.diff(a[where]), np.diff(b[where]), 2)):
            both = np.isfinite(p) & np.isfinite(q)
            p, q, noise = p[both], q[both], share / 12
            var_p, var_q = p.var() + noise, q.var() + noise
            cov = max(0.0, ((p - p.mean()) * (q - q.mean())).mean())
            told = both.mean() >= 0.75 and (share > 1 or min(var_p, var_q) > 108 * noise)
            total += -0.5 * np.log(max(1 - cov**2 / var_p / var_q, copies.LEAST_REST)) if told else np.nan
        close(quick[place], total, 1e-6)


def test_no_run_of_equal_values_is_passed_over() -> None:
    rng = np.random.default_rng(15)
    for length in (11, 12, 13, 30):
        for begin in range(0, 200, 7):
            a, b = rng.normal(size=300), rng.normal(size=300)
            b[begin : begin + length] = a[begin : begin + length]
            assert sites.may_run(a, b, 1e-9, 12) or length < 12


def test_a_shift_gains_what_the_moved_reference_loses_less() -> None:
    own, other = series(16), series(17)
    width = 3.0
    gains, losses = lag._gains(own, other, np.array([-5, 3]), width, 6)
    at_zero = np.minimum(np.abs(own - other), width)
    for line, step in enumerate((-5, 3)):
        moved = np.full(HOURS, np.nan)
        for t in range(HOURS):
            if 0 <= t - step < HOURS:
                moved[t] = other[t - step]
        gain = np.nan_to_num(at_zero - np.fmin(np.abs(own - moved), width))
        gain[np.isnan(at_zero) | np.isnan(own - moved)] = 0
        close(gains[line], gain.reshape(-1, 6).sum(axis=1))
    close(losses, np.nan_to_num(at_zero).reshape(-1, 6).sum(axis=1))


def test_a_row_is_predicted_as_if_it_had_been_left_out() -> None:
    x = np.random.default_rng(18).normal(size=(5, 400))
    x[4] += x[0] - 0.5 * x[1]
    quick = reference._predict(x, np.zeros((0, 400)), np.ones(x.shape, dtype=bool))
    full = np.vstack([x, np.ones(400)])
    gram, penalty = full @ full.T / 400, 0.01 + 2 * 6 / 400
    for row in range(5):
        others = [k for k in range(6) if k != row]
        system = gram[np.ix_(others, others)] + penalty * np.diag([1, 1, 1, 1, 1e-6])
        close(quick[row], np.linalg.solve(system, gram[others, row]) @ full[others], 1e-6)


def test_the_strongest_excursion_is_judged_without_what_it_touches() -> None:
    row = np.random.default_rng(19).normal(size=2000)
    row[900:1000] -= 3
    tried = scan.contrasts(row[None], 4, 4)[0]
    contrast = max((c for c in tried if c.shape == "box"), key=lambda c: np.nanmax(np.abs(c.d)))
    place, reach = int(np.nanargmax(np.abs(contrast.d))), contrast.length
    best, first, last = scan._scored(contrast, place, {})
    assert first < 1000 and last > 900
    assert any(e.from_i < 1000 and e.to_i > 900 for e in scan.excursions(tried, {}, 4.0))
    apart = (contrast.at + reach <= first - reach) | (contrast.at >= last + reach)
    known = np.abs(contrast.history[apart][np.isfinite(contrast.history[apart])])
    scale = max(np.quantile(known, 0.9) / 1.645, np.quantile(known, 0.98) / 2.326)
    scale *= 1 + 4 * reach / (apart.sum() * max(1, reach // 8))
    close(best.z, abs(contrast.d[place]) / scale)
    assert scan._most(contrast, np.array([place]), {})[0] >= best.z


def test_the_quietest_stretch_is_told_from_the_windows_apart_from_it() -> None:
    rng = np.random.default_rng(20)
    value, around = rng.normal(50, 8, 2000), rng.normal(50, 8, 2000)
    value[700:748] = rng.normal(50, 0.5, 48)
    found = next(s for s in steady.steady(value, around, 0.1, 24, 1.0) if s.from_i < 748 and s.to_i > 700)
    size = next(days * 24 for days in (2, 1, 4) if days * 24 <= found.to_i - found.from_i)
    lively, own = (np.array([row[w].std() for w in windows(2000, size)]) for row in (around, value))
    quiet = np.log(np.hypot(lively, 0.2) / np.hypot(own, 0.03))
    keep = lively > np.median(lively) / 2
    place = int(np.argmax(np.where(keep, quiet, -np.inf)))
    apart = keep & (np.abs(np.arange(len(quiet)) - place) >= 2 * size)
    high, middle = np.quantile(quiet[apart], 0.98), np.median(quiet[keep])
    close(found.quiet, quiet[place], 1e-6)
    close(found.z, 2.05 * (quiet[place] - middle) / max(high - middle, 0.1), 1e-6)


def test_gaps_moved_by_days_meet_the_ranks_that_stand_there() -> None:
    rng = np.random.default_rng(21)
    ranked, at = rng.normal(size=HOURS), np.flatnonzero(rng.random(HOURS) < 0.05)
    quick = absent._moved(ranked, at, 5, 24, 40)
    slow = np.zeros(40)
    for hour in at:
        slow[hour // 24] += ranked[(hour + 5 * 24 + 5 % 3 * 4) % HOURS]
    close(quick, slow)
    rank = absent._ranks(ranked, 480)
    for a, b in pairwise((0, 480, 960)):
        close(rank[a:b], [((ranked[a:b] < one).sum() + 0.5) / 480 - 0.5 for one in ranked[a:b]])


def test_shapes_are_correlated_as_if_laid_on_every_block() -> None:
    rng = np.random.default_rng(23)
    n, weighed = 600, np.fft.rfft(rng.normal(size=(4, 1200)), axis=1)
    white = np.fft.irfft(weighed, 2 * n, axis=1)[:, :n]
    sums, before = matched._summed(weighed, n), None
    for shape in matched.shapes(n, 4, 4):
        before = matched._tried(sums, before, shape, 2.5)
        plain = [
            [row[at : at + len(shape.values)] @ shape.values for at in range(before.z.shape[1])]
            for row in white
        ]
        close(before.z, np.array(plain) / np.sqrt(2.5), 1e-8)
        close(before.usual, np.median(np.abs(before.z), axis=1) / 0.6745)


def test_no_stretch_is_passed_over_that_would_have_reached_the_threshold() -> None:
    rows = np.random.default_rng(29).normal(size=(6, 1500))
    rows[2, 300:340] -= 1.2
    rows[4, 900:960] -= 0.8
    least = 3.5
    seen = matched.excursions(rows, 4, 4, least)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matched, "_may_reach", lambda *_: True)
        assert matched.excursions(rows, 4, 4, least) == seen
    assert any(seen)


@pytest.mark.parametrize("days", bunching.WINDOWS)
def test_bunching_counts_what_lies_in_each_band_window_by_window(days: int) -> None:
    x = series(31, 24 * 400)
    cuts, day = bunching.cut_offs(x, 1.0, np.nan), np.arange(len(x)) // 24
    table = bunching.counted(x, cuts, 1.0, day)
    edges = (cuts * 0.88, cuts * 1.06)
    band = bunching.band_of(table, (cuts * (1 - 0.12), cuts * (1 + 0.06)), 1.0, days)
    for place, begin in enumerate(range(0, 400 - days + 1, days // 6)):
        inside = x[begin * 24 : (begin + days) * 24]
        plain = [
            np.count_nonzero((inside >= low) & (inside < high)) for low, high in zip(*edges, strict=True)
        ]
        assert band.count[:, place].tolist() == plain
    close(band.noise, 1 / (band.count + 0.5))
    close(band.level, np.log((band.count + 0.5) / band.wide))


def test_visits_to_the_smallest_are_those_of_each_window() -> None:
    x = series(37, 24 * 60)
    level, block, length = np.arange(len(x)) // 7 % (floors.LEVELS + 1), 60, 4
    visited = floors.visits_of(x, 1.0, level, block)
    _, smallest, count = floors.at_smallest(visited, 1.0, block, length)
    visit = np.isfinite(x) & np.r_[True, x[1:] != x[:-1]]
    for place in range(len(count)):
        inside = slice(place * block, (place + length) * block)
        values = x[inside][visit[inside]]
        if values.min() < np.nanmin(x) + floors.DEPTH:
            assert (smallest[place], count[place]) == (values.min(), np.sum(values == values.min()))

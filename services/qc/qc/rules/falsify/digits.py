"""N1–N3: what the digits of a series look like against the digits it had elsewhere.

Promises: only digits that the values' own movement leaves to chance are judged, on the step the instrument
reports at that size. Leaves bunching below limits to `qc.rules.falsify.bounds`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel, once_per_panel
from qc.rules.outcome import Flags, Floats, Ints

# A logger regime that a quarter of the network shares is no invention of one station.
SOME_PEERS = 0.75
# A series whose median move is below so many steps leaves no digit to chance.
LIVELY_STEPS = 2.0
# Periods whose ten counts fit into the processor's cache.
SPAN = 4096
# A block shorter than this says little of ten digits.
LEAST_BLOCK = 100
# Values of one power of ten that show with how many digits it is written.
LEAST_OF_SIZE = 50
BENFORD = np.log10(1 + 1 / np.arange(1, 10))


@dataclass(frozen=True, slots=True)
class Digits:
    """The last digit 0–9, is it left to chance, is the value off the grid of its step, is it written with
    fewer digits than that, [S, N] each.
    """

    last: NDArray[np.uint8]
    free: Flags
    off: Flags
    coarse: Flags


@once_per_panel
def digits_of(panel: Panel) -> Digits:
    """The digits of a panel's readings on the step each row mostly has, made once."""
    x, steps, window = history.readings(panel), history.steps(panel), 24
    found = Digits(np.zeros(x.shape, np.uint8), *(np.zeros(x.shape, np.bool_) for _ in range(3)))
    for row, step in enumerate(np.where(np.isfinite(steps), steps, 1.0).tolist()):
        in_use = digit_steps(x[row], step)
        found.last[row], found.free[row], found.off[row] = free_digits(x[row], step, window, in_use)
        found.coarse[row] = in_use > 1.5 * step
    return found


def digit_steps(values: Floats, step: float) -> Floats:
    """The step in use at the size of each value of a row [N]: files with five significant digits have fewer
    decimals from 100 on. Never finer than `step`. Worked example: 99.123, 100.25 → 0.001, 0.01.
    """
    found = np.full(len(values), step)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(values)))
    known = np.isfinite(size)
    if not known.any():
        return found
    least = float(size[known].min())
    often = np.bincount((size[known] - least).astype(np.int64))
    for one in (np.flatnonzero(often >= LEAST_OF_SIZE) + least).tolist():
        of_size = known & (size == one)
        own = float(history.step_of(values[of_size][None])[0])
        if own > step:
            found[of_size] = own
    return found


def free_digits(
    x: Floats, step: float, window: int, in_use: Floats
) -> tuple[NDArray[np.uint8], Flags, Flags]:
    """(last digit 0–9, is it left to chance, is the value off the grid of `step`) of a row, [N] each.

    `in_use` are the row's `digit_steps`. The digit is left to chance where the values around it move by some
    steps between periods.
    """
    scaled = x / step
    size = np.abs(scaled)
    off = np.abs(scaled - np.rint(scaled)) > 1e-6 * np.fmax(1.0, size)
    whole = np.rint(x / in_use)
    known = np.isfinite(whole)
    large = np.abs(whole)
    digit = np.where(known, np.fmod(large, 10.0), 0.0).astype(np.uint8)
    if len(x) <= window:
        return digit, np.zeros(len(x), dtype=bool), known & off
    move = np.abs(np.diff(whole, prepend=whole[:1]))
    # A coarse series (CO in hundreds) that jumps for a week has changed its logger, not its digits.
    if not history.quantiles(move[None], (0.5,))[0, 0] >= LIVELY_STEPS:
        return digit, np.zeros(len(x), dtype=bool), known & off
    moving = history.rolling_sum(np.fmin(move, 10 + 0 * move), window)
    seen = history.windowed(history.counted(np.isfinite(move)), window)
    lively, left = np.zeros(len(x), dtype=bool), window // 2
    lively[left : left + len(moving)] = moving > 2.5 * np.fmax(seen, 1)
    lively[:left] = lively[left]
    lively[left + len(moving) :] = lively[left + len(moving) - 1]
    return digit, known & lively & ~off & (large >= 10), known & off


def usual_blocks(panel: Panel, least: int) -> int:
    """Periods of a block whose share is one voice of what is usual: a month, in a short file a twelfth of it.

    Of three months a falsified one would be two voices. Worked example: 120 days of hours → 240 periods.
    """
    month = max(history.per_month(panel), least)
    return min(month, max(LEAST_BLOCK, panel.shape[1] // 12))


def usual_share(hits: Ints, of: Ints, length: int) -> float:
    """The median over blocks of `length` of hits / of, from their sums up to each period [N + 1].

    A falsified part does not move it; 1 where nothing is known.
    """
    blocks = max(1, (len(hits) - 1) // length)
    size = (len(hits) - 1) // blocks
    part, asked = (np.diff(total[: blocks * size + 1 : size]) for total in (hits, of))
    share = np.where(asked >= max(5, size // 10), part / np.fmax(asked, 1), np.nan)
    middle = float(history.quantiles(share[None], (0.5,))[0, 0])
    return 1.0 if np.isnan(middle) else middle


def _surprises(panel: Panel, chosen: Chosen, hits: Flags, of: Flags, name: str, usual: int) -> list[Finding]:
    """Windows of several lengths in which `hits` are too many for their usual share over `usual` periods."""
    found: list[Finding] = []
    judged = set(chosen.rows)
    for rows in panel.of_factor.values():
        # Where nobody has a hit, no window has too many.
        if judged.isdisjoint(rows.tolist()) or not hits[rows].any():
            continue
        counts, asked = ([history.counted(part[row]) for row in rows] for part in (hits, of))
        share = [usual_share(c, n, usual) for c, n in zip(counts, asked, strict=True)]
        for days in (3, 7, 15, 30, 60):
            window = history.periods(panel, 24 * days, 30)
            if hits.shape[1] < 3 * window:
                break
            for row, begin, rare in _rare_windows(panel, chosen, rows, (counts, asked, share), window):
                place = int(np.flatnonzero(rows == row)[0])
                count, n = (int(t[place][begin + window] - t[place][begin]) for t in (counts, asked))
                figures = {
                    name: count / max(n, 1), "usual": share[place], "n": float(n), "window": float(window),
                }  # fmt: skip
                where = Stretch(row, begin, begin + window)
                found.append(_finding(chosen, where, rare, row, figures))
    return history.rarest_only(found)


def _rare_windows(
    panel: Panel,
    chosen: Chosen,
    rows: Ints,
    sums: tuple[list[Ints], list[Ints], list[float]],
    window: int,
) -> list[tuple[int, int, float]]:
    """(row, first period, rarity) of the windows to report among the rows of one factor."""
    tail = np.empty((len(rows), panel.shape[1] - window + 1))
    for place, (counted, asked, share) in enumerate(zip(*sums, strict=True)):
        n = history.windowed(asked, window)
        tail[place] = history.tail_of_counts(history.windowed(counted, window), n, share)
        tail[place, n < max(40, 0.4 * window)] = np.nan
    return _reported(panel, chosen, rows, tail, window, (0.4, 3.0, 1.5))


def _reported(
    panel: Panel, chosen: Chosen, rows: Ints, tail: Floats, window: int, scale: tuple[float, float, float]
) -> list[tuple[int, int, float]]:
    """(row, first period, rarity): of each excursion the rarest window, and the first that counts in full."""
    tail = history.against_peers(tail, [np.arange(len(rows))], share=SOME_PEERS)
    reach = (chosen.figure("threshold", chosen.rows[0]), chosen.figure("strong", chosen.rows[0]))
    rare = history.rarity(tail, window, history.per_month(panel), scale[0], scale[1:], reach[0])
    judged = set(chosen.rows)
    return [
        (int(rows[e.row]), begin, float(rare[e.row, begin]))
        for e in history.excursions(rare, reach[0], window // 2, reach[1])
        if int(rows[e.row]) in judged
        for begin in sorted({e.early, e.peak})
    ]


def _finding(chosen: Chosen, where: Stretch, rare: float, row: int, figures: dict[str, float]) -> Finding:
    reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
    return Finding(
        chosen.test.id, where, rare, reach[0], history.chance(rare), strength(rare, *reach), chosen.test.kind,
        (), {**figures, "rare": rare},
    )  # fmt: skip


@register("N1")
def first_digit(panel: Panel, chosen: Chosen) -> list[Finding]:
    """N1: mean deviation of first digits from Benford's law, where values span two powers of ten, §6.1."""
    x = history.readings(panel)
    low, high = history.quantiles(np.where(x > 0, x, np.nan), (0.01, 0.99))
    found: list[Finding] = []
    for row in chosen.rows:
        values = x[row][x[row] > 0]
        if len(values) < chosen.test.min_n or not high[row] / low[row] >= chosen.figure("span", row):
            continue
        first = np.clip(np.floor(values / 10.0 ** np.floor(np.log10(values)) + 1e-9), 1, 9).astype(np.int64)
        share = np.bincount(first, minlength=10)[1:] / len(values)
        off = float(np.abs(share - BENFORD).mean())
        reach = (chosen.figure("threshold", row), chosen.figure("strong", row))
        if off > reach[0]:
            known = np.flatnonzero(np.isfinite(x[row]))
            where = Stretch(row, int(known[0]), int(known[-1]) + 1)
            figures = {f"first_{d}": float(s) for d, s in enumerate(share, start=1)}
            found.append(
                Finding(
                    "N1", where, off, reach[0], float("nan"), strength(off, *reach), chosen.test.kind, (),
                    figures,
                )
            )  # fmt: skip
    return found


@register("N2")
def terminal_digit(panel: Panel, chosen: Chosen) -> list[Finding]:
    """N2: χ² of the last digit against its own usual distribution, and values off the instrument's grid."""
    known, seen = np.isfinite(history.readings(panel)), digits_of(panel)
    week = history.periods(panel, 168, 30)
    odd = _surprises(panel, chosen, seen.off, known, "off_grid", week)
    # A logger that converts units for a week does this too: it may speak for a suspicion, not make one.
    found = [replace(f, strength=min(f.strength, chosen.figure("off_grid_most", f.where.row))) for f in odd]
    odd = []
    for rows in panel.of_factor.values():
        if not set(chosen.rows).isdisjoint(rows.tolist()):
            odd += _liked_digits(panel, chosen, rows, seen)
    return found + history.rarest_only(odd)


def _liked_digits(panel: Panel, chosen: Chosen, rows: Ints, seen: Digits) -> list[Finding]:
    """The findings of N2's χ² in the rows of one factor."""
    windows = [history.periods(panel, 24 * days, 100) for days in (7, 15, 30, 60)]
    windows = [window for window in windows if panel.shape[1] >= 3 * window]
    tails = [np.full((len(rows), panel.shape[1] - window + 1), np.nan) for window in windows]
    month, found = usual_blocks(panel, 400), list[Finding]()
    kept: dict[int, tuple[Ints, Floats]] = {}
    for place, row in enumerate(rows.tolist()):
        if seen.free[row].any():
            sums, usual = _digit_sums(seen, row, month)
            for tail, window in zip(tails, windows, strict=True):
                n = history.windowed(sums[10], window)
                tail[place] = np.where(
                    n >= max(60, window // 4), tail_of_chi(chi_of(sums, usual, window)), np.nan
                )
    for tail, window in zip(tails, windows, strict=True):
        for row, begin, rare in _reported(panel, chosen, rows, tail, window, (0.5, 4.0, 2.0)):
            sums, usual = kept[row] = kept.get(row) or _digit_sums(seen, row, month)
            part = sums[:, begin : begin + window + 1]
            figures = {
                "chi_square": float(chi_of(part, usual, window)[0]),
                "n": float(part[10, -1] - part[10, 0]),
            }
            for d in range(10):
                figures[f"digit_{d}"] = float((part[d, -1] - part[d, 0]) / max(figures["n"], 1))
            odd = _finding(chosen, Stretch(row, begin, begin + window), rare, row, figures)
            found.append(odd)
    return found


def _digit_sums(seen: Digits, row: int, month: int) -> tuple[Ints, Floats]:
    """How often a digit, and any (the last line), stood free up to each period; usual shares."""
    last, free = seen.last[row], seen.free[row]
    sums = history.counted(np.array([*((last == d) & free for d in range(10)), free]))
    usual = np.array([usual_share(sums[d], sums[10], month) for d in range(10)])
    return sums, np.clip(usual / max(float(usual.sum()), 1e-9), 0.01, 1)


def chi_of(sums: Ints, usual: Floats, window: int) -> Floats:
    """χ² of the digits of every window against their usual shares: Σ c²/(n·s) - 2n + n·Σs."""
    found = np.zeros(sums.shape[1] - window)
    for begin in range(0, len(found), SPAN):
        part = sums[:, begin : begin + SPAN + window]
        n = (part[10, window:] - part[10, :-window]).astype(np.float64)
        square = found[begin : begin + SPAN]
        for share, line in zip(1 / usual, part[:10], strict=True):
            one = (line[window:] - line[:-window]).astype(np.float64)
            term = share * one
            term *= one
            square += term
        square /= np.fmax(n, 1e-9)
        square += n * (usual.sum() - 2)
    return np.fmax(found, 0.0)


def tail_of_chi(chi: Floats, freedom: int = 9) -> Floats:
    """-log10 of the chance of a χ² that large (Wilson–Hilferty). Worked example: 27.88 with 9 df
    → about 3."""
    share = 2 / (9 * freedom)
    z = np.fmax(0.0, (np.cbrt(chi / freedom) - (1 - share)) / np.sqrt(share))
    tail: Floats = z * z / 2 / np.log(10) + np.log10(1 + z * np.sqrt(2 * np.pi))
    return tail


@register("N3")
def heaping(panel: Panel, chosen: Chosen) -> list[Finding]:
    """N3: more values end in 0 or 5, or in 0, than this series usually has, standards §6.1."""
    seen = digits_of(panel)
    month = usual_blocks(panel, 100)
    found: list[Finding] = []
    for ends in ((0, 5), (0,)):
        hits = seen.free & (seen.last == 0 if ends == (0,) else seen.last % 5 == 0)
        found += _surprises(panel, chosen, hits, seen.free, "share", month)
    return history.rarest_only(found)

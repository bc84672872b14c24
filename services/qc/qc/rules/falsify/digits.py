"""N1–N3: what the digits of a series look like against the digits it had elsewhere.

Promises: only digits that the values' own movement leaves to chance are judged, on the step the instrument
reports at that size. Leaves bunching below limits to `qc.rules.falsify.bounds`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Flags, Floats

BENFORD = np.log10(1 + 1 / np.arange(1, 10))


def free_digits(x: Floats, steps: Floats, window: int) -> tuple[NDArray[np.int64], Flags, Flags]:
    """(last digit 0–9, is it left to chance, is the value off the grid of `steps`), [S, N] each.

    The digit is left to chance where the values around it move by some steps between periods.
    """
    scaled = x / steps[:, None]
    whole = np.rint(scaled)
    off = np.abs(scaled - whole) > 1e-6 * np.fmax(1.0, np.abs(scaled))
    known = np.isfinite(whole)
    digit = np.where(known, np.abs(whole) % 10, 0).astype(np.int64)
    if x.shape[1] <= window:
        return digit, np.zeros(x.shape, dtype=bool), known & off
    move = np.abs(np.diff(whole, axis=1, prepend=whole[:, :1]))
    moving = history.rolling_sum(np.where(np.isfinite(move), np.fmin(move, 10), 0.0), window)
    seen = history.rolling_sum(np.isfinite(move).astype(np.float64), window)
    lively = np.zeros(x.shape, dtype=bool)
    left = window // 2
    lively[:, left : left + moving.shape[1]] = moving > 2.5 * np.fmax(seen, 1)
    lively[:, :left] = lively[:, left : left + 1]
    lively[:, left + moving.shape[1] :] = lively[:, left + moving.shape[1] - 1 : left + moving.shape[1]]
    return digit, known & lively & ~off & (np.abs(whole) >= 10), known & off


def usual_share(hits: Floats, of: Floats, length: int) -> Floats:
    """The median over blocks of `length` of hits / of, per row [S, 1]: a falsified part does not move it."""
    blocks = max(1, hits.shape[1] // length)
    size = hits.shape[1] // blocks
    part = [a[:, : blocks * size].reshape(len(a), blocks, size).sum(axis=2) for a in (hits, of)]
    share = np.where(part[1] >= max(5, size // 10), part[0] / np.fmax(part[1], 1), np.nan)
    middle = history.quantiles(share, (0.5,))[0]
    usual: Floats = np.where(np.isnan(middle), 1.0, middle)[:, None]
    return usual


def _surprises(
    panel: Panel, chosen: Chosen, hits: Floats, of: Floats, name: str, share: Floats
) -> list[Finding]:
    """Windows of several lengths in which `hits` are too many for their usual share."""
    found: list[Finding] = []
    month = history.per_month(panel)
    first = chosen.rows[0]
    for days in (3, 7, 15, 30, 60):
        window = history.periods(panel, 24 * days, 30)
        if hits.shape[1] < 3 * window:
            break
        count, n = history.rolling_sum(hits, window), history.rolling_sum(of, window)
        tail = history.tail_of_binomial(count, n, share)
        tail = history.against_peers(
            np.where(n >= max(40, 0.4 * window), tail, np.nan), panel.of_factor.values()
        )
        rare = history.rarity(tail, window, month, 0.4, (3.0, 1.5))
        reach = (chosen.figure("threshold", first), chosen.figure("strong", first))
        for e in history.excursions(rare[list(chosen.rows)], reach[0], window // 2, reach[1]):
            row = chosen.rows[e.row]
            for begin in sorted({e.early, e.peak}):
                figures = {
                    name: float(count[row, begin] / max(n[row, begin], 1)),
                    "usual": float(share[row, 0]), "n": float(n[row, begin]), "window": float(window),
                }  # fmt: skip
                where = Stretch(row, begin, begin + window)
                found.append(_finding(chosen, where, float(rare[row, begin]), row, figures))
    return history.rarest_only(found)


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
    x = history.readings(panel)
    steps = history.step_of(x)
    digit, free, off = free_digits(x, np.where(np.isfinite(steps), steps, 1.0), 24)
    known, off_grid = np.isfinite(x).astype(np.float64), off.astype(np.float64)
    week = history.periods(panel, 168, 30)
    odd = _surprises(panel, chosen, off_grid, known, "off_grid", usual_share(off_grid, known, week))
    # A logger that converts units for a week does this too: it may speak for a suspicion, not make one.
    found = [replace(f, strength=min(f.strength, chosen.figure("off_grid_most", f.where.row))) for f in odd]
    odd = []
    month = history.per_month(panel)
    of = free.astype(np.float64)
    hits = [((digit == d) & free).astype(np.float64) for d in range(10)]
    usual = np.stack([usual_share(one, of, max(month, 400)) for one in hits])
    usual = np.clip(usual / np.fmax(usual.sum(axis=0), 1e-9), 0.01, 1)
    for days in (7, 15, 30, 60):
        window = history.periods(panel, 24 * days, 100)
        if x.shape[1] < 3 * window:
            break
        n = history.rolling_sum(of, window)
        chi = sum(
            (history.rolling_sum(one, window) - n * share) ** 2 / np.fmax(n * share, 1e-9)
            for one, share in zip(hits, usual, strict=True)
        )
        tail = np.where(n >= max(60, window // 4), tail_of_chi(chi), np.nan)
        tail = history.against_peers(tail, panel.of_factor.values())
        rare = history.rarity(tail, window, month, 0.5, (4.0, 2.0))
        reach = (chosen.figure("threshold", chosen.rows[0]), chosen.figure("strong", chosen.rows[0]))
        for e in history.excursions(rare[list(chosen.rows)], reach[0], window // 2, reach[1]):
            row = chosen.rows[e.row]
            for begin in sorted({e.early, e.peak}):
                figures = {"chi_square": float(chi[row, begin]), "n": float(n[row, begin])}
                for d in range(10):
                    inside = hits[d][row, begin : begin + window]
                    figures[f"digit_{d}"] = float(inside.sum() / max(n[row, begin], 1))
                where = Stretch(row, begin, begin + window)
                odd.append(_finding(chosen, where, float(rare[row, begin]), row, figures))
    return found + history.rarest_only(odd)


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
    x = history.readings(panel)
    steps = history.step_of(x)
    digit, free, _ = free_digits(x, np.where(np.isfinite(steps), steps, 1.0), 24)
    of = free.astype(np.float64)
    month = max(history.per_month(panel), 100)
    found: list[Finding] = []
    for ends in ((0, 5), (0,)):
        hits = (np.isin(digit, ends) & free).astype(np.float64)
        found += _surprises(panel, chosen, hits, of, "share", usual_share(hits, of, month))
    return history.rarest_only(found)

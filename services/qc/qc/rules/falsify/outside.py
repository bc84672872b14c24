"""S2 and S3: a series against what others see from outside: satellites and inspectors.

Promises: chance is told by permutation (S3) and by the row's own ordinary days (S2).
"""

import numpy as np

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.clock import runs
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference, robust_sd
from qc.rules.outcome import Flags, Floats

PERMUTATIONS, SEED = 2000, 20210
LEAST_VISITS = 10


@register("S2")
def satellite(panel: Panel, chosen: Chosen) -> list[Finding]:
    """More deep negative days where the satellite sees much than where it sees little [S2].

    Source: Turiel & Kaufmann 2021 (impulses at high days); standards §6.1 S2. The statistic is the z of
    the two shares. Worked example: 20 of 100 high days and 2 of 200 others lie 3 deviations low → z ~ 6.
    """
    found: list[Finding] = []
    if panel.extras.satellite is None:
        return found
    days = panel.shape[1] // panel.per_day
    known = reference(panel)
    for row in chosen.rows:
        seen = _daily(panel.extras.satellite[row], panel.per_day, days)
        here = _daily(known.y[row], panel.per_day, days)
        both = np.isfinite(seen) & np.isfinite(here)
        if both.sum() < chosen.test.min_n or not np.ptp(seen[both]) > 0:
            continue
        slope, base = np.polyfit(seen[both], here[both], 1)
        left = np.where(both, here - base - slope * seen, np.nan)
        low = left < -3 * robust_sd(left[None])[0]
        high = seen > np.nanquantile(seen, 2 / 3)
        z = two_shares(
            int((low & high).sum()),
            int((high & both).sum()),
            int((low & ~high & both).sum()),
            int((~high & both).sum()),
        )
        where = np.flatnonzero(low & high)
        if len(where):
            stretch = Stretch(row, int(where[0]) * panel.per_day, (int(where[-1]) + 1) * panel.per_day)
            found += judged(chosen, stretch, z, "other", {"z": z, "impulses": float(len(where))})
    return found


def two_shares(a: int, n: int, b: int, m: int) -> float:
    """z of a/n against b/m with a pooled share. Worked example: two_shares(20, 100, 2, 200) = 5.95."""
    if not n or not m:
        return 0.0
    share = (a + b) / (n + m)
    spread = np.sqrt(max(share * (1 - share), 1e-12) * (1 / n + 1 / m))
    return float((a / n - b / m) / spread)


@register("S3")
def inspection_response(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Values under inspection against those without, by permuting which days were inspected [S3].

    The statistic is -log10 p, asked only where the mean ratio is below `ratio`. Source: standards §6.1 S3.
    Worked example: 12 visits with half the usual SO2 → p ~ 0.001.
    """
    found: list[Finding] = []
    if panel.extras.inspected is None:
        return found
    days, known = panel.shape[1] // panel.per_day, reference(panel)
    for row in chosen.rows:
        visited = _daily((panel.extras.inspected[row] > 0).astype(np.float64), panel.per_day, days) > 0
        mean = _daily(known.best[row], panel.per_day, days)
        if len(runs(visited)) < LEAST_VISITS:
            continue
        ratio, p = permuted(mean, visited)
        if ratio <= chosen.figure("ratio", row):
            for a, b in runs(visited):
                where = Stretch(row, a * panel.per_day, b * panel.per_day)
                found += judged(chosen, where, -float(np.log10(p)), "other", {"ratio": ratio, "p": p})
    return found


def permuted(mean: Floats, visited: Flags) -> tuple[float, float]:
    """(ratio of the visited days to the others, one-sided p) from logarithmic daily means [D].

    Worked example: visited days 0.7 lower than the rest → ratio 0.5, p = 1 / 2001.
    """
    known = np.isfinite(mean)
    x, v = mean[known], visited[known]
    if not v.any() or v.all():
        return 1.0, 1.0
    random, real = np.random.default_rng(SEED), float(x[v].mean() - x[~v].mean())
    drawn = np.array([x[random.permutation(len(x))[: int(v.sum())]].mean() for _ in range(PERMUTATIONS)])
    rest = (x.sum() - drawn * v.sum()) / (len(x) - v.sum())
    return float(np.exp(real)), float((1 + (drawn - rest <= real).sum()) / (1 + PERMUTATIONS))


def _daily(row: Floats, per_day: int, days: int) -> Floats:
    block = row[: days * per_day].reshape(days, per_day)
    count = np.isfinite(block).sum(axis=1)
    return np.where(2 * count >= per_day, np.nansum(block, axis=1) / np.maximum(count, 1), np.nan)

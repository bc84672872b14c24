"""C3: gaps, one by one, that fall on peaks of what the rest of the panel says.

Promises: a gap is compared with the same hours of the days around it, so that a nightly check proves
nothing; a long gap counts as one. Leaves hours counted together, and marks, to C2 and M1.
"""

import numpy as np

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.clock import runs
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import cumulated
from qc.rules.falsify.marks import EXCUSES
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import reference
from qc.rules.outcome import Flags, Floats, Ints

# Days around a gap whose same hours it is ranked among, and the least of them that must be known.
AROUND_DAYS, LEAST_DAYS = 20, 10
# Gaps that are granted at the middle rank: a few prove nothing.
GRANTED = 2
# Longest time, in days, that one finding may span; gaps longer than this many days are a failure.
LONGEST_DAYS, FAILURE_DAYS = 200, 3


@register("C3")
def hiding_peaks(panel: Panel, chosen: Chosen) -> list[Finding]:
    """C3: gaps whose expected values stand out of those just before and after, more than on the days around.

    The statistic is the sum of ranks above the middle in deviations of as many ranks drawn at random
    (Wilcoxon), for the stretch of gaps where it is largest. Source: standards §6.1 C2, B3. Worked example:
    fourteen gaps in a month, of ranks around 0.9 → about 4.8.
    """
    if panel.per_day < 8:
        return []
    expected, missing = reference(panel).expected, ~np.isfinite(panel.value) & ~np.isin(panel.mark, EXCUSES)
    for rows in panel.of_station.values():
        if len(rows) > 1:
            missing[rows] &= np.isfinite(panel.value[rows]).any(axis=0)
    found: list[Finding] = []
    for row in chosen.rows:
        gaps = runs(missing[row])
        if len(gaps) < chosen.test.min_n or not np.isfinite(expected[row]).any():
            continue
        at, rank = ranked(missing[row], expected[row], panel.per_day)
        told = clearest(at, rank, chosen.test.min_n, LONGEST_DAYS * panel.per_day)
        if told is not None:
            first, last, z = told
            where = Stretch(row, int(at[first, 0]), int(at[last, 1]))
            figures = {"z": z, "gaps": float(last - first + 1), "rank": float(rank[first : last + 1].mean())}
            found += judged(chosen, where, z, chosen.test.kind, figures)
    return found


def ranked(missing: Flags, expected: Floats, per_day: int) -> tuple[Ints, Floats]:
    """The gaps [n, 2] and where each stands, 0 to 1, among the same hours of the days around [n].

    What is ranked is the mean inside less that of half a day before and after: a high day is weather, the
    gap that begins and ends with its peak is not. Gaps that cannot be compared are left out. Worked example:
    3 h missing where 50 is expected between 20 and 25, on other days as much as around it → near 1.
    """
    sums = cumulated(expected), cumulated(np.isfinite(expected).astype(np.float64))
    gaps = np.array(runs(missing), dtype=np.int64).reshape(-1, 2)
    gaps = gaps[gaps[:, 1] - gaps[:, 0] <= FAILURE_DAYS * per_day]
    moves = np.array([0, *(k for k in range(-AROUND_DAYS, AROUND_DAYS + 1) if k)]) * per_day
    begin, end = gaps[:, :1] + moves, gaps[:, 1:] + moves
    inside = (begin >= 0) & (end <= len(expected))
    off = _off_flanks(sums, np.where(inside, begin, 0), np.where(inside, end, 0), per_day // 2)
    known = np.isfinite(off[:, 1:]).sum(axis=1)
    kept = np.isfinite(off[:, 0]) & (known >= LEAST_DAYS)
    below = (off[:, 1:] < off[:, :1]).sum(axis=1)
    return gaps[kept], (below[kept] + 0.5) / (known[kept] + 1)


def _off_flanks(sums: tuple[Floats, Floats], a: Ints, b: Ints, flank: int) -> Floats:
    """Means over periods [a, b) less those of both flanks together; NaN where one is unknown."""
    total, count = sums
    last = len(total) - 1
    before, after = np.maximum(a - flank, 0), np.minimum(b + flank, last)
    beside = total[after] - total[b] + total[a] - total[before]
    known, known_beside = count[b] - count[a], count[after] - count[b] + count[a] - count[before]
    with np.errstate(all="ignore"):
        off: Floats = (total[b] - total[a]) / known - beside / known_beside
    return off


def clearest(at: Ints, rank: Floats, least: int, longest: int) -> tuple[int, int, float] | None:
    """The run of at least `least` gaps that ranks highest: first and last gap, and z; None if there are too
    few."""
    n = len(rank)
    if n < least:
        return None
    total = np.r_[0.0, np.cumsum(rank - 0.5)]
    first, last = np.triu_indices(n, least - 1)
    z = (total[last + 1] - total[first]) / np.sqrt((last - first + 1 + GRANTED) / 12)
    z[at[last, 1] - at[first, 0] > longest] = -np.inf
    best = int(np.argmax(z))
    return int(first[best]), int(last[best]), float(z[best])

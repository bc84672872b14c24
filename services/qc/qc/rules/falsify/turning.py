"""D5: a series that seldom turns round, as an average over several periods does.

Promises: only the signs of moves are looked at, so that a coarse scale hides nothing and a plateau says
nothing; what all stations do is weather, what the series always does is its analyser. Leaves how large moves
are to D4.
"""

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Floats

# Windows in days: what is averaged over a few periods shows within days, on a coarse scale within weeks.
WINDOW_DAYS = (5, 10, 20, 40)
# Moves further apart than this share of a day have nothing to do with each other; pairs a window needs at
# least.
APART, LEAST_PAIRS = 0.5, 20
# The median of |z| of a standard normal variate.
MIDDLE = 0.6745


@register("D5")
def seldom_turning(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D5: log odds of going on against turning round, less the other stations' and the series' own.

    The statistic is in deviations of the counts, or of the row's other windows where these vary more. Source:
    proposal; the turning point test (Kendall 1973) with the network in the place of white noise. Worked
    example: CO in tenths of a mg/m³, averaged over 9 h for three weeks: 8 turns in 70 pairs of moves where
    28 are usual → z about 5.
    """
    if panel.per_day < 8:
        return []
    turns, goes_on = paired(panel)
    found: list[Finding] = []
    for days in WINDOW_DAYS:
        if turns.shape[1] < 6 * days:
            continue
        z, share = lasting(panel, turns, goes_on, days)
        least = min(chosen.figure("threshold", row) for row in chosen.rows)
        for e in history.excursions(z[list(chosen.rows)], least, days):
            row, begin = chosen.rows[e.row], e.peak * panel.per_day
            where = Stretch(row, begin, min(panel.shape[1], begin + days * panel.per_day))
            figures = {"z": e.rare, "turns": float(share[row, e.peak]), "days": float(days)}
            beside = [Stretch(int(r), where.from_i, where.to_i) for r in panel.of_factor[panel.factor[row]]]
            beside = [stretch for stretch in beside if stretch.row != row]
            found += judged(chosen, where, e.rare, chosen.test.kind, figures, beside[:5])
    return history.rarest_only(found)


def paired(panel: Panel) -> tuple[Floats, Floats]:
    """Per row and day how many moves turn the one before round, and how many go on [S, D] each.

    Worked example: 1, 2, 3, 3, 2, 4 → one that goes on, two that turn.
    """
    x, days = history.readings(panel), panel.shape[1] // panel.per_day
    turns, goes_on = np.zeros((len(x), days)), np.zeros((len(x), days))
    for row, values in enumerate(x):
        moves = np.diff(values)
        at = np.flatnonzero(np.isfinite(moves) & (moves != 0))
        if len(at) < 2:
            continue
        up = moves[at] > 0
        day = at[1:] // panel.per_day
        near = (np.diff(at) <= APART * panel.per_day) & (day < days)
        turned = up[1:] != up[:-1]
        turns[row] = np.bincount(day[near & turned], minlength=days)
        goes_on[row] = np.bincount(day[near & ~turned], minlength=days)
    return turns, goes_on


def lasting(panel: Panel, turns: Floats, goes_on: Floats, days: int) -> tuple[Floats, Floats]:
    """How much more seldom each window turns than it should, in deviations, and the share of turns [S, M].

    -inf where a window has too few moves to tell.
    """
    turned, went_on = history.rolling_sum(turns, days) + 0.5, history.rolling_sum(goes_on, days) + 0.5
    odds = np.log(went_on / turned)
    odds[turned + went_on < LEAST_PAIRS] = np.nan
    odds = history.against_peers(odds, panel.of_factor.values(), both_ways=True)
    z = (odds - history.quantiles(odds, (0.5,))[0][:, None]) / np.sqrt(1 / turned + 1 / went_on)
    usual = history.quantiles(np.abs(z), (0.5,))[0] / MIDDLE
    z /= np.fmax(np.nan_to_num(usual), 1.0)[:, None]
    return np.where(np.isfinite(z), z, -np.inf), turned / (turned + went_on)

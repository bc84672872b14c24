"""What a value should have been: predictions of each series from the rest of the panel, and what is left
over.

Promises: a prediction of a row never uses that row's own value of the hour; one falsified neighbour moves it
little (regressors are pulled to their own predictions first). Leaves what a residual means to the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qc.rules.falsify import curved, ranks
from qc.rules.falsify.history import readings
from qc.rules.falsify.panel import Panel, once_per_panel
from qc.rules.outcome import Flags, Floats

# A row with fewer values, or fewer different ones, predicts nothing and is not predicted.
LEAST_VALUES = 48
LEAST_DISTINCT = 5
# The share of a row's own variance that stays unexplained at best: twins must not become infinitely sharp.
TWIN_SHARE = 0.02


@dataclass(frozen=True)
class Reference:
    """Transformed values and residuals, each [S, N], NaN where there is none.

    `y` is ln(value + floor) for rows that are positive and skewed, else the value itself; `logarithmic` [S]
    says which, `floor` [S] is what was added. `network` is y less what the other stations' same factor
    says, `joint` that less what the same station's other network residuals say, `cross` y less what the same
    station's other factors and the hour say, `own` y less the row's own usual day, for rows
    that no network speaks of.
    `bent` [S]: `cross` follows curves, since no network speaks of the station and there are hours enough.
    `expected` is the prediction of y by the network, else by the other factors, also where nothing is
    reported.
    Worked example: one of 12 stations reports PM2.5 × 0.6 for a week → `network` about -0.5 in that week.
    """

    y: Floats
    logarithmic: Flags
    floor: Floats
    network: Floats
    joint: Floats
    cross: Floats
    own: Floats
    expected: Floats
    bent: Flags

    @cached_property
    def unit(self) -> Floats:
        """What a level is small against: 1 for logarithmic rows, else the row's robust deviation [S]."""
        return np.where(self.logarithmic, 1.0, robust_sd(self.y))

    @cached_property
    def best(self) -> Floats:
        """Per row the sharpest residual there is: joint, else cross, else own [S, N]."""
        seen = seen_at_all(self.joint)
        best = np.where(seen[:, None], self.joint, self.cross)
        alone = ~seen & ~seen_at_all(self.cross)
        best[alone] = self.own[alone]
        return best


@once_per_panel
def reference(panel: Panel) -> Reference:
    """The residuals of a panel, made once."""
    with np.errstate(all="ignore"):
        y, logarithmic, floor = transformed(readings(panel))
        network, expected = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
        for rows in panel.of_factor.values():
            network[rows], expected[rows] = mutual(y[rows], least=min(3, len(rows) - 1))
        joint, cross = network.copy(), np.full(y.shape, np.nan)
        clock, bent = _clock(panel), np.zeros(len(y), dtype=np.bool_)
        for rows in panel.of_station.values():
            linked = rows[seen_at_all(network[rows])]
            if len(linked) > 1:
                joint[linked], _ = mutual(network[linked], least=0)
            bent[rows] = not len(linked) and curved.can_bend(len(rows), len(clock), y.shape[1])
            if bent[rows].all():
                cross[rows], told = curved.mutual(y[rows], clock)
            else:
                cross[rows], told = mutual(y[rows], least=max(1, (len(rows) - 1) // 2), beside=clock)
            alone = ~seen_at_all(expected[rows])
            expected[rows[alone]] = told[alone]
        own = np.full(y.shape, np.nan)
        lonely = ~seen_at_all(network)
        own[lonely] = y[lonely] - usual_day(panel, y[lonely])
        return Reference(y, logarithmic, floor, network, joint, cross, own, expected, bent)


def transformed(value: Floats) -> tuple[Floats, Flags, Floats]:
    """ln(value + floor) where a row is positive and skewed, the value elsewhere; wild values are pulled in.

    The floor is the larger of the 10th percentile and a tenth of the median: near the detection limit a
    logarithm would only show noise. Worked example: PM2.5 of 10 … 300 with a 10th percentile of 8 → ln(x +
    8).
    """
    y = np.full(value.shape, np.nan)
    logarithmic, floor = np.zeros(len(value), dtype=np.bool_), np.zeros(len(value))
    for row, column in enumerate(value):
        known = column[np.isfinite(column)]
        if len(known) < LEAST_VALUES or len(np.unique(known[:: max(1, len(known) // 2000)])) < LEAST_DISTINCT:
            continue
        least, low, middle, high = ranks.quantiles_of(known, (0.01, 0.1, 0.5, 0.9))
        if least >= 0 and high > 1.5 * max(low, 1e-9):
            logarithmic[row], floor[row] = True, max(low, 0.1 * middle, 1e-9)
            column = np.log(np.maximum(column, 0.0) + floor[row])
        y[row] = _tamed(column)
    return y, logarithmic, floor


def mutual(y: Floats, least: int, beside: Floats | None = None) -> tuple[Floats, Floats]:
    """Each row less its ridge prediction from the other rows (and `beside`, regressors only), and that [R,
    N].

    `least`: how many other rows must have a value. Two passes: the second fits and predicts with values that
    were pulled to within three robust deviations of the first prediction.
    """
    left, told = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    middle, width = middles_of(y)
    usable = np.flatnonzero(np.isfinite(width) & (width > 0))
    if len(usable) < 2 and (beside is None or not len(usable)):
        return left, told
    y, middle, width = y[usable], middle[usable], width[usable]
    x = (y - middle[:, None]) / width[:, None]
    known = np.isfinite(x)
    foreseen = known.sum(axis=0) - known >= least
    enough = foreseen & known
    # Where a few rows are missing, the hour's middle row stands in for them if there are enough of a kind.
    stand_in = ranks.across(x) if least >= 3 and beside is None else np.zeros(x.shape[1])
    x = np.where(known, x, np.where(np.isfinite(stand_in), stand_in, 0.0))
    extra = np.zeros((0, x.shape[1])) if beside is None else beside
    clean = np.clip(x, -6.0, 6.0)
    predicted = _predict(clean, extra, known)
    clean = np.where(known, x, predicted)
    spread = np.fmax(robust_sd(np.where(enough, x - predicted, np.nan)), TWIN_SHARE)
    spread = np.where(np.isfinite(spread), spread, 1.0)[:, None]
    clean = predicted + np.clip(clean - predicted, -3 * spread, 3 * spread)
    predicted = _predict(clean, extra, known)
    rest = np.where(enough, x - predicted, np.nan)
    usual = ranks.medians(rest)[:, None]
    left[usable] = (rest - usual) * width[:, None]
    told[usable] = np.where(foreseen, predicted + usual, np.nan) * width[:, None] + middle[:, None]
    return left, told


def _predict(x: Floats, extra: Floats, known: Flags) -> Floats:
    """Ridge prediction of each row of x from the other rows and the extra ones [R, N]."""
    rows, n = len(x), x.shape[1]
    full = np.vstack([x, extra, np.ones((1, n))])
    seen = known.any(axis=0)
    inside = full if seen.all() else full[:, seen]
    gram = inside @ inside.T / max(1, int(seen.sum()))
    penalty = 0.01 + 2.0 * len(full) / max(1, int(seen.sum()))
    # Leaving out one row after the other takes one inverse: the weights of a row are its line, negated, by
    # its own entry.
    inverse = np.linalg.inv(gram + penalty * np.diag(np.r_[np.ones(len(full) - 1), 1e-6]))
    weights = -inverse[:rows] / np.diag(inverse)[:rows, None]
    weights[np.arange(rows), np.arange(rows)] = 0.0
    return weights @ full


def usual_day(panel: Panel, y: Floats) -> Floats:
    """The row's median at each hour of the day, laid over all days [S, N]."""
    profile = np.zeros(y.shape)
    if panel.per_day < 2:
        return profile + ranks.medians(y)[:, None]
    for hour in range(24):
        at = np.flatnonzero(panel.hour_of_day == hour)
        if len(at):
            profile[:, at] = ranks.medians(y[:, at])[:, None]
    return profile


def _clock(panel: Panel) -> Floats:
    """Two harmonics of the day, and of the year where more than a year is seen [K, N]."""
    periods = [24.0 * 3_600_000, 12.0 * 3_600_000] if panel.per_day >= 6 else []
    year = 365.25 * 24 * 3_600_000
    if panel.shape[1] * panel.step_ms > year:
        periods += [year, year / 2]
    angle = [2 * np.pi * panel.starts_ms / period for period in periods]
    waves: Sequence[NDArray[np.float64]] = [wave(a) for a in angle for wave in (np.sin, np.cos)]
    return np.array(waves).reshape(len(waves), panel.shape[1])


def _tamed(column: Floats) -> Floats:
    """Values further than 50 robust deviations from the middle are pulled to that; not finite → NaN."""
    finite = np.where(np.isfinite(column), column, np.nan)
    middle, width = _middle_of(finite)
    return np.clip(finite, middle - 50 * width, middle + 50 * width) if width > 0 else finite


def robust_sd(y: Floats) -> Floats:
    """1.4826 × median absolute deviation per row, the plain deviation where that is 0 (half equal) [R]."""
    width: Floats = middles_of(y)[1]
    return width


def middles_of(y: Floats) -> Floats:
    """Median and robust deviation of each row [2, R]."""
    found: Floats = np.empty((2, len(y)))
    for row, values in enumerate(y):
        found[:, row] = _middle_of(values)
    return found


def _middle_of(row: Floats) -> tuple[float, float]:
    known = ranks.known_of(row)
    if not len(known):
        return float("nan"), float("nan")
    middle = ranks.median_of(known)
    width = 1.4826 * ranks.median_of(np.abs(known - middle))
    return middle, width if width > 0 else float(np.std(known))


def seen_at_all(y: Floats) -> Flags:
    """Which rows have a finite value anywhere [R]."""
    return np.array([bool(np.isfinite(row).any()) for row in y], dtype=np.bool_)

"""What the learned detector looks at: residuals of a seasonal regression, and seven measures of each window.

Promises: everything that is fitted is fitted on the training periods alone and applied to all; a window says
nothing where less than three quarters of its periods have a value. Leaves what is unusual to `model`.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify.history import readings, rolling_sum
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.falsify.reference import transformed
from qc.rules.outcome import Flags, Floats, Ints

FEATURES = ("level", "spread", "roughness", "smoothness", "agreement", "equal", "trend")
# Windows are a day long, begun four times a day; a week of days where there is nothing shorter.
PER_DAY, WEEK = 4, 7
KNOWN = 0.75
# Standardised values are pulled to this before they are regressors: one wild neighbour is no explanation.
CALM = 4.0
RIDGE = 20.0
# What a spread is at least, in standard deviations of the series: the noise of the last digit.
LEAST = 0.02


@dataclass(frozen=True)
class Measured:
    """`y` standardised values and `residual` [S, N]; `features` [F, S, M] of windows of `length` periods,
    begun every `stride`, the first at period 0; `weights` of each row's regression (NaN row: not modelled).
    """

    y: Floats
    residual: Floats
    features: Floats
    length: int
    stride: int
    weights: Floats

    def trained(self, periods: int) -> int:
        """How many windows lie within the first `periods`."""
        return max(0, (periods - self.length) // self.stride + 1)


def measured(panel: Panel, train: int) -> Measured:
    """Fitted on the first `train` periods of the panel.

    Worked example: a year of hours and train = 5,256 → features of 1,457 windows, 873 of them for training.
    """
    y = _standardised(readings(panel), train)
    residual, predicted, weights = _residuals(panel, y, train)
    length, stride = (WEEK, 1) if panel.per_day < 2 else (panel.per_day, max(1, panel.per_day // PER_DAY))
    same = np.zeros(y.shape)
    same[:, 1:] = (panel.digits[:, 1:] == panel.digits[:, :-1]) & np.isfinite(y[:, 1:])
    with np.errstate(all="ignore"):
        features = _features(y, residual, predicted, same, length, stride)
    return Measured(y, residual, features, length, stride, weights)


def _standardised(value: Floats, train: int) -> Floats:
    """Logarithms where the training values are skewed, less their median, by their robust deviation."""
    before, logarithmic, floor = transformed(value[:, :train])
    with np.errstate(all="ignore"):
        y = np.where(logarithmic[:, None], np.log(np.maximum(value, 0.0) + floor[:, None]), value)
        known = np.isfinite(before).any(axis=1)
        middle, width = np.full(len(y), np.nan), np.full(len(y), np.nan)
        for row in np.flatnonzero(known):
            low, middle[row], high = np.nanquantile(before[row], (0.16, 0.5, 0.84))
            width[row] = (high - low) / 2
        y = (y - middle[:, None]) / np.where(width > 0, width, np.nan)[:, None]
    clipped: Floats = np.clip(y, -12.0, 12.0)
    return clipped


def _residuals(panel: Panel, y: Floats, train: int) -> tuple[Floats, Floats, Floats]:
    """What the clock, the other stations and the station's other factors leave of each row."""
    calm = np.where(np.isfinite(y), np.clip(y, -CALM, CALM), 0.0)
    clock = _clock(panel, train)
    most = max((len(rows) for rows in panel.of_station.values()), default=1)
    weights = np.full((len(y), 1 + most + len(clock)), np.nan)
    residual, predicted = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    for row in range(len(y)):
        own = np.isfinite(y[row])
        if own[:train].sum() < 2 * weights.shape[1]:
            continue
        beside = panel.of_station[panel.station[row]]
        told = [
            _others(y, calm, panel.of_factor[panel.factor[row]], row),
            *calm[beside[beside != row]],
            *clock,
        ]
        x = np.array(told)
        fit = x[:, :train][:, own[:train]]
        gram = fit @ fit.T + RIDGE * np.eye(len(x))
        solved = np.linalg.solve(gram, fit @ calm[row, :train][own[:train]])
        weights[row, : len(solved)] = solved
        predicted[row] = solved @ x
        residual[row] = np.where(own, y[row] - predicted[row], np.nan)
    return residual, predicted, weights


def _others(y: Floats, calm: Floats, rows: Ints, row: int) -> Floats:
    """The mean of the same factor elsewhere, 0 where nobody else has a value [N]."""
    others = rows[rows != row]
    count = np.isfinite(y[others]).sum(axis=0)
    mean: Floats = np.where(count > 0, calm[others].sum(axis=0) / np.fmax(count, 1), 0.0)
    return mean


def _clock(panel: Panel, train: int) -> Floats:
    """A constant, two harmonics of the day, one of the year where a year was seen [K, N]."""
    periods = [24.0 * HOUR_MS, 12.0 * HOUR_MS] if panel.per_day >= 6 else []
    year = 365.25 * 24 * HOUR_MS
    if train * panel.step_ms >= year:
        periods.append(year)
    angles = [2 * np.pi * panel.starts_ms / period for period in periods]
    return np.array([np.ones(panel.shape[1]), *(wave(one) for one in angles for wave in (np.sin, np.cos))])


def _features(
    y: Floats, residual: Floats, predicted: Floats, same: Floats, length: int, stride: int
) -> Floats:
    def total(x: Floats) -> Floats:
        return rolling_sum(x, length, stride)

    def deviation(x: Floats) -> Floats:
        known = np.fmax(total(np.isfinite(x).astype(float)), 1.0)
        variance = total(x * x) / known - (total(x) / known) ** 2
        return np.log(np.sqrt(np.fmax(variance, 0.0)) + LEAST)

    known = np.isfinite(residual)
    count = total(known.astype(float))
    move = np.diff(y, axis=1, prepend=np.nan)
    turn = np.diff(move, axis=1, prepend=np.nan)
    both, told = np.where(known, y, np.nan), np.where(known, predicted, np.nan)
    mean_y, mean_p, mean_e = total(both) / count, total(told) / count, total(residual) / count
    common = total(both * told) / count - mean_y * mean_p
    spread = np.exp(deviation(both)) * np.exp(deviation(told))
    at = np.arange(y.shape[1], dtype=np.float64)[None, :] * np.ones((len(y), 1))
    clock = np.where(known, at, np.nan)
    slope = total(residual * clock) / count - mean_e * total(clock) / count
    found = np.array(
        [
            mean_e,
            deviation(residual),
            deviation(move) - deviation(both),
            deviation(turn) - deviation(move),
            np.arctanh(np.clip(common / spread, -0.98, 0.98)),
            total(same) / length,
            12.0 * slope / length,
        ]
    )
    seen: Flags = count >= KNOWN * length
    return np.where(seen[None], found, np.nan)

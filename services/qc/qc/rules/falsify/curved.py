"""What a value should have been, by a curved relation to the other rows of its station.

Promises: for stations without a network, where the machine decides: emissions answer load and temperatures in
curves, not lines. A prediction of a row never uses that row. Leaves the rest to `reference`.
"""

import numpy as np

from qc.rules.falsify import ranks
from qc.rules.outcome import Flags, Floats

# Values per weight fitted, at least: fewer, and the curve follows the noise.
VALUES_PER_WEIGHT = 60
# Robust deviations regressors and residuals are pulled to; passes of the fit.
CALM, FAR, PASSES = 4.0, 2.5, 4


def can_bend(rows: int, beside: int, known: int) -> bool:
    """Whether squares and products can be fitted. Worked example: 11 rows, 4 waves, 20,000 values: yes."""
    others = rows - 1
    return others >= 2 and known >= VALUES_PER_WEIGHT * (beside + 1 + others + others * (others + 1) // 2)


def mutual(y: Floats, beside: Floats) -> tuple[Floats, Floats]:
    """Each row less its ridge prediction from the others, their squares and products, and `beside` [R, N].

    Fitted again and again with what lies far from the fit pulled in, so that a falsified stretch does not
    bend the curve. Worked example: NOX on load, temperatures and humidity → a residual half as wide as a
    line's.
    """
    left, told = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    middle = ranks.medians(y)
    width = 1.4826 * ranks.medians(np.abs(y - middle[:, None]))
    usable = np.flatnonzero(np.isfinite(width) & (width > 0))
    x = (y[usable] - middle[usable, None]) / width[usable, None]
    known = np.isfinite(x)
    filled = np.where(known, np.clip(x, -CALM, CALM), 0.0)
    for place, row in enumerate(usable.tolist()):
        features = _features(np.delete(filled, place, axis=0), beside)
        foreseen = np.delete(known, place, axis=0).mean(axis=0) >= 0.5
        predicted = _fitted(features, x[place], known[place] & foreseen)
        rest = np.where(foreseen, x[place] - predicted, np.nan)
        usual = float(ranks.medians(rest[None])[0])
        left[row] = (rest - usual) * width[row]
        told[row] = np.where(foreseen, predicted + usual, np.nan) * width[row] + middle[row]
    return left, told


def _features(others: Floats, beside: Floats) -> Floats:
    """The other rows, their squares and products, the waves and a constant [K, N]."""
    first, second = np.triu_indices(len(others))
    return np.concatenate([others, others[first] * others[second], beside, np.ones((1, others.shape[1]))])


def _fitted(features: Floats, x: Floats, known: Flags) -> Floats:
    """The prediction of x [N] by a ridge fit over what is known, wild residuals pulled in."""
    inside = features[:, known]
    n = max(1, int(known.sum()))
    gram = inside @ inside.T / n
    penalty = np.diag(np.full(len(gram), 0.003 + len(gram) / n))
    penalty[-1, -1] = 1e-6
    aim = np.clip(x[known], -2 * CALM, 2 * CALM)
    weights: Floats = np.zeros(len(features))
    for _ in range(PASSES):
        weights = np.asarray(np.linalg.solve(gram + penalty, inside @ aim / n), dtype=np.float64)
        rest = x[known] - weights @ inside
        far = FAR * 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
        aim = weights @ inside + np.clip(rest, -far, far)
    predicted: Floats = weights @ features
    return predicted

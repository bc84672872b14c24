"""What is usual for each series, learned from a training window, and how unusual every window is.

Promises: a model is data: what it was trained on, when from and to, and its version, the hash of all of it;
the same model and values give the same answer. Of each window it can be told which feature made it unusual.
Leaves findings to `detect`.
"""

import hashlib
from functools import cached_property
from math import log, log10

import msgspec
import numpy as np

from qc.rules.falsify.history import GUMBEL_MIDDLE, GUMBEL_UPPER, MIDDLE, UPPER
from qc.rules.falsify.panel import DAY_MS, Panel
from qc.rules.learned.features import FEATURES, Measured
from qc.rules.outcome import Floats

# Robust deviations a feature is pulled to, when it is learned and when it is judged.
LEARNED, JUDGED = 5.0, 12.0
# How far the correlation of features is pulled to none: a few hundred windows do not tell 21 of them apart.
SHRUNK = 0.3
LEAST_WINDOWS, BLOCK_DAYS, LEAST_BLOCKS = 60, 10, 6
MONTH_DAYS = 30


class SeriesModel(msgspec.Struct, frozen=True, kw_only=True):
    """One series: its regression's weights; per feature median and robust deviation; the inverse of the
    features' correlation; location and scale of the largest distance in ten days; windows learned from.
    """

    station: str
    factor: str
    weights: tuple[float, ...]
    middle: tuple[float, ...]
    width: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    location: float
    scale: float
    blocks: int
    windows: int


class Model(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Every series that has a model, by row of the panel, and the window [from, to) it was trained on."""

    trained_from_ms: int
    trained_to_ms: int
    step_ms: int
    features: tuple[str, ...]
    series: dict[int, SeriesModel]

    @cached_property
    def version(self) -> str:
        """Worked example: "learned@3f9c…" (twelve digits of the hash of everything in it)."""
        content = msgspec.json.encode(msgspec.to_builtins(self, str_keys=True), order="sorted")
        return f"learned@{hashlib.sha256(content).hexdigest()[:12]}"


def learn(panel: Panel, seen: Measured, train: int) -> Model:
    """The model of a panel's first `train` periods. A series with too few windows has none."""
    last = seen.trained(train)
    series = {}
    for row in range(panel.shape[0]):
        features = seen.features[:, row, :last]
        features = features[:, np.isfinite(features).all(axis=0)]
        if features.shape[1] >= LEAST_WINDOWS:
            made = _series(panel, seen, row, features, last)
            if made is not None:
                series[row] = made
    end = panel.start_ms + train * panel.step_ms
    return Model(
        trained_from_ms=panel.start_ms, trained_to_ms=end, step_ms=panel.step_ms, features=FEATURES,
        series=series,
    )  # fmt: skip


def _series(panel: Panel, seen: Measured, row: int, features: Floats, last: int) -> SeriesModel | None:
    low, middle, high = np.quantile(features, (0.16, 0.5, 0.84), axis=1)
    # A feature that hardly varies in training (no equal values in a year) must not make every day unusual.
    width = np.fmax((high - low) / 2, 0.05)
    z = np.clip((features - middle[:, None]) / width[:, None], -LEARNED, LEARNED)
    correlation = (1 - SHRUNK) * (z @ z.T / z.shape[1]) + SHRUNK * np.eye(len(z))
    inverse = np.linalg.inv(correlation)
    far = _distance(seen.features[:, row, :last], middle, width, inverse)
    block = max(1, BLOCK_DAYS * DAY_MS // (panel.step_ms * seen.stride))
    count = last // block
    if count < LEAST_BLOCKS:
        return None
    maxima = np.where(np.isfinite(far), far, -np.inf)[: count * block].reshape(count, block).max(axis=1)
    maxima = maxima[np.isfinite(maxima)]
    if len(maxima) < LEAST_BLOCKS:
        return None
    usual, upper = np.quantile(maxima, (MIDDLE, UPPER))
    scale = max(float(upper - usual) / (GUMBEL_UPPER - GUMBEL_MIDDLE), 0.3)
    return SeriesModel(
        station=panel.station[row],
        factor=panel.factor[row],
        weights=tuple(float(one) for one in seen.weights[row][np.isfinite(seen.weights[row])]),
        middle=tuple(middle.tolist()),
        width=tuple(width.tolist()),
        inverse=tuple(tuple(line) for line in inverse.tolist()),
        location=float(usual),
        scale=scale,
        blocks=len(maxima),
        windows=features.shape[1],
    )


def rarity(model: Model, seen: Measured, rows: int) -> Floats:
    """-log10 of the chance of such a window in a month of the series [S, M]; NaN where there is no model.

    With k blocks of history the tail is (1 + z/k)^-k: a short training window claims less.
    """
    rare = np.full((rows, seen.features.shape[2]), np.nan)
    for row, one in model.series.items():
        far = _distance(
            seen.features[:, row], np.array(one.middle), np.array(one.width), np.array(one.inverse)
        )
        z = np.fmax(0.0, (far - one.location) / one.scale + GUMBEL_MIDDLE)
        rare[row] = one.blocks * np.log1p(z / one.blocks) / log(10) - log10(MONTH_DAYS / BLOCK_DAYS)
    return rare


def shares(one: SeriesModel, features: Floats) -> dict[str, float]:
    """How much each feature has in the distance of a window [F], the largest first; they add up to 1.

    Worked example: a frozen day → {"equal": 0.6, "spread": 0.3, …}.
    """
    z = _scaled(features, np.array(one.middle), np.array(one.width))
    part = z * (np.array(one.inverse) @ z)
    part = np.fmax(part, 0.0)
    whole = float(part.sum()) or 1.0
    order = np.argsort(-part)
    return {FEATURES[k]: float(part[k]) / whole for k in order.tolist()}


def _scaled(features: Floats, middle: Floats, width: Floats) -> Floats:
    shape = (-1,) + (1,) * (features.ndim - 1)
    scaled: Floats = np.clip((features - middle.reshape(shape)) / width.reshape(shape), -JUDGED, JUDGED)
    return scaled


def _distance(features: Floats, middle: Floats, width: Floats, inverse: Floats) -> Floats:
    """Mahalanobis distance of windows [M] from the usual one; NaN where a feature is missing."""
    z = _scaled(features, middle, width)
    far: Floats = np.sqrt(np.fmax(np.einsum("fm,fg,gm->m", z, inverse, z), 0.0))
    return far

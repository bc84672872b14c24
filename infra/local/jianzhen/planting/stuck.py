"""Kinds in which a signal stands still or is too quiet: held, banded, averaged, dipped into a standard."""

import numpy as np
from numpy.random import Generator
from qc.rules.outcome import Floats

from jianzhen.planting.scene import Deed, Scene, drawn, planter


@planter("freeze", (12, 120), (6, 15))
def freeze(scene: Scene, rng: Generator) -> Deed | None:
    """The output is held at the last value before the stretch, which complies: below the upper third.

    Strength: half a day to five days long.
    """
    if scene.at == 0:
        return None
    held = scene.panel.value[scene.row, scene.at - 1]
    near = scene.around()
    if not np.isfinite(held) or not np.quantile(near, 0.1) <= held <= np.quantile(near, 0.67):
        return None
    return Deed((scene.written(np.full(scene.n, held)),))


@planter("narrow-band", (72, 336), (12, 40))
def narrow_band(scene: Scene, rng: Generator) -> Deed | None:
    """A limiter keeps the output within a band around a complying level: a quiet, self-similar wobble.

    Strength: the band is 1 to 4 % of the level wide to either side, three days to two weeks long.
    """
    level = float(np.quantile(scene.around(), rng.uniform(0.2, 0.6)))
    half = level * drawn(rng, 0.01, 0.04)
    return Deed((scene.written(level + np.clip(half * _wobble(rng, scene.n, 0.7), -half, half)),))


@planter("smooth", (240, 1440), (45, 120))
def smooth(scene: Scene, rng: Generator) -> Deed | None:
    """The analyser's damping is turned up: a centred moving average over several hours.

    Strength: a window of 5 to 24 periods (daily series: 5 to 10), ten to sixty days long.
    """
    width = round(drawn(rng, 5, 24 if scene.is_hourly else 10))
    known = np.where(np.isfinite(scene.value), scene.value, 0.0)
    kernel = np.ones(width)
    count = np.convolve(np.isfinite(scene.value), kernel, "same")
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.convolve(known, kernel, "same") / count
    return Deed((scene.written(mean),))


@planter("probe-in-standard", (24, 168), (8, 20), roles=("pollutant", "conductivity", "ph"))
def probe_in_standard(scene: Scene, rng: Generator) -> Deed | None:
    """The probe hangs in a bottle of standard: values stick at a round concentration, with instrument noise
    and a slow drift.

    Strength: noise of 0.3 to 1.5 % of the concentration, a drift of up to 1 %, one to seven days long.
    """
    near = scene.around()
    wished = float(np.quantile(near, rng.uniform(0.3, 0.7)))
    standard = _round_number(wished)
    if standard <= 0:
        return None
    noise = standard * drawn(rng, 0.003, 0.015) * rng.standard_normal(scene.n)
    drift = standard * rng.uniform(-0.01, 0.01) * np.linspace(0.0, 1.0, scene.n)
    return Deed((scene.written(standard + noise + drift),))


def _wobble(rng: Generator, n: int, memory: float) -> Floats:
    """First-order noise of about unit spread [n]."""
    shocks = rng.standard_normal(n) * np.sqrt(1 - memory**2)
    made = np.empty(n)
    last = float(rng.standard_normal())
    for i in range(n):
        last = memory * last + shocks[i]
        made[i] = last
    return made


def _round_number(value: float) -> float:
    """The nearest concentration that is sold: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if value <= 0:
        return 0.0
    decade = 10.0 ** np.floor(np.log10(value))
    sold = decade * np.array([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])
    return float(sold[np.argmin(np.abs(sold - value))])

"""Kinds in which values come from elsewhere: another day, another station, a pattern, another hour."""

import numpy as np
from numpy.random import Generator
from qc.rules.outcome import Floats

from jianzhen.planting.scene import Deed, Scene, planter

RETOUCHED = 0.2


@planter("copy-day", (24, 72), (7, 20))
def copy_day(scene: Scene, rng: Generator) -> Deed | None:
    """One to three whole days are pasted from one to thirty days before, same hours of the day (daily
    series: one to three weeks, from weeks before).

    Strength: four in five are exact copies; in the others a third of the values is retouched by one last
    digit.
    """
    lag = 7 * int(rng.integers(1, 9))
    if scene.is_hourly:
        day = scene.panel.per_day
        lag = int(rng.integers(1, 31)) * day
        # From midnight to midnight, as one pastes days in a table.
        at = scene.at - int(scene.panel.hour_of_day[scene.at]) * day // 24
        scene = Scene(scene.panel, scene.row, at, max(1, round(scene.n / day)) * day)
    source = scene.at - max(lag, scene.n)
    if source < 0 or scene.at < 0 or scene.at + scene.n > scene.panel.shape[1]:
        return None
    return _pasted(scene, scene.panel.value[scene.row, source : source + scene.n], rng)


@planter("copy-site", (12, 96), (7, 20))
def copy_site(scene: Scene, rng: Generator) -> Deed | None:
    """The hours of another station of the network are reported as one's own.

    Strength: half a day to four days; one in five retouched like `copy-day`.
    """
    panel = scene.panel
    others = [
        int(row)
        for row in panel.of_factor[panel.factor[scene.row]]
        if panel.station[int(row)] != panel.station[scene.row]
    ]
    if not others:
        return None
    other = int(rng.choice(others))
    levels = np.nanmedian(scene.around()), np.nanmedian(scene.around(other))
    # Nobody reports a level that is not the station's.
    if not 0.4 <= levels[0] / max(levels[1], 1e-12) <= 2.5:
        return None
    return _pasted(scene, panel.value[other, scene.at : scene.at + scene.n], rng)


@planter("period", (96, 336), (21, 60))
def period(scene: Scene, rng: Generator) -> Deed | None:
    """A script reports the same day again and again: a real day, or a smooth daily curve (daily series:
    week).

    Strength: four days to two weeks; half are a real day, half a sine of the usual swing; one in five
    retouched.
    """
    cycle = scene.panel.per_day if scene.is_hourly else 7
    near = scene.around()
    if rng.random() < 0.5:
        source = scene.at - cycle * int(rng.integers(1, 8))
        if source < 0:
            return None
        pattern = scene.panel.value[scene.row, source : source + cycle]
        if not np.isfinite(pattern).all() or len(np.unique(pattern)) < cycle // 3:
            return None
    else:
        level, swing = np.quantile(near, rng.uniform(0.3, 0.6)), rng.uniform(0.2, 0.6)
        turn = 2 * np.pi * (np.arange(cycle) / cycle + rng.random())
        pattern = level * (1 + swing * np.sin(turn))
    return _pasted(scene, np.resize(pattern, scene.n), rng, spread=float(np.ptp(pattern)))


@planter("shift-time", (120, 720), (30, 90))
def shift_time(scene: Scene, rng: Generator) -> Deed | None:
    """Values are reported for another hour, so that a peak falls where nobody looks.

    Strength: 2 to 12 periods later or earlier (daily series: 1 to 5), five to thirty days long.
    """
    lag = int(rng.integers(2, 13) if scene.is_hourly else rng.integers(1, 6)) * int(rng.choice((-1, 1)))
    source = scene.at - lag
    if source < 0 or source + scene.n > scene.panel.shape[1]:
        return None
    return Deed((scene.written(scene.panel.value[scene.row, source : source + scene.n]),))


def _pasted(scene: Scene, source: Floats, rng: Generator, spread: float | None = None) -> Deed | None:
    """`source` in place of the stretch, if it is worth pasting: known, and not a flat line."""
    known = source[np.isfinite(source)]
    share = 0.95 if scene.is_hourly else 0.7
    if len(known) < share * len(source) or len(np.unique(known)) < min(5, len(known) // 2):
        return None
    if spread is not None and spread < 4 * scene.step():
        return None
    if rng.random() < RETOUCHED:
        moved = rng.choice((-1.0, 1.0), scene.n) * (rng.random(scene.n) < 1 / 3)
        source = source + moved * scene.step()
    return Deed((scene.written(source),))

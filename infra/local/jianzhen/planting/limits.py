"""Kinds that keep a limit, and kinds that betray a hand: capped, bunched, left out, marked, rounded."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from qc.rules.outcome import Flags, Floats

from jianzhen.planting.scene import Deed, Scene, drawn, planter

MARKS = (ord("M"), ord("D"), ord("C"), ord("F"))


@planter("cap", (720, 4320), (60, 180), share=0.02, least=15)
def cap(scene: Scene, rng: Generator) -> Deed | None:
    """The output cannot pass a ceiling just below the limit: every higher value is reported as the ceiling.

    Strength: at 90 to 99.5 % of the limit, one to six months long.
    """
    limit = _limit(scene, rng)
    if limit is None:
        return None
    ceiling = np.round(limit * rng.uniform(0.9, 0.995), scene.decimals())
    return Deed((scene.written(np.fmin(scene.value, ceiling)),), limit=limit)


@planter("bunch", (1440, 8760), (120, 400), share=0.01, least=25)
def bunch(scene: Scene, rng: Generator) -> Deed | None:
    """Values a little above the limit are typed in a little below it; the far ones cannot be hidden.

    Strength: 70 to 100 % of the values up to 8–25 % above go to 0.5–6 % below, two to twelve months long.
    """
    limit = _limit(scene, rng)
    if limit is None:
        return None
    above, below = limit * rng.uniform(0.08, 0.25), limit * rng.uniform(0.02, 0.06)
    moved = (
        (scene.value >= limit) & (scene.value < limit + above) & (rng.random(scene.n) < rng.uniform(0.7, 1))
    )
    # At least one step below: a value on the limit complies in no useful way.
    target = limit - np.fmax(scene.step(), rng.uniform(0.005 * limit, below, scene.n))
    return Deed((scene.written(target, where=moved),), limit=limit)


@planter("gap-when-high", (720, 4320), (60, 180), share=0.02, least=15)
def gap_when_high(scene: Scene, rng: Generator) -> Deed | None:
    """The line goes down when values come near the limit, and comes back when they have fallen.

    Strength: 70 to 100 % of the episodes from 85–100 % of the limit on, often with the hour before; the
    limit, or what the unit takes for one, one to six months long.
    """
    found = _episodes(scene, rng)
    if found is None:
        return None
    hidden, limit = found
    change = scene.kept()
    gone = hidden & scene.free()
    # A file that keeps empty rows keeps them here, too; a stream just has nothing.
    keeps_rows = bool((scene.panel.present[scene.row] & ~np.isfinite(scene.panel.value[scene.row])).any())
    return Deed(
        (
            replace(
                change,
                value=np.where(gone, np.nan, change.value),
                present=change.present & ~(gone & (not keeps_rows)),
            ),
        ),
        limit=limit,
    )


@planter("mark-when-high", (720, 4320), (60, 180), share=0.02, least=15)
def mark_when_high(scene: Scene, rng: Generator) -> Deed | None:
    """The unit marks the high hours as maintenance, fault, calibration or shutdown, and leaves the values.

    Strength: as `gap-when-high`; one mark for the whole stretch in half of the cases.
    """
    found = _episodes(scene, rng)
    if found is None:
        return None
    hidden, limit = found
    change = scene.kept()
    marks = np.full(scene.n, rng.choice(MARKS)) if rng.random() < 0.5 else rng.choice(MARKS, scene.n)
    # One episode, one excuse.
    start = hidden & ~np.concatenate(([False], hidden[:-1]))
    excuse = np.maximum.accumulate(np.where(start, np.arange(scene.n), 0))
    return Deed(
        (replace(change, mark=np.where(hidden & scene.free(), marks[excuse], change.mark)),), limit=limit
    )


@planter("heap", (336, 1440), (60, 180), least=30)
def heap(scene: Scene, rng: Generator) -> Deed | None:
    """Somebody reads a dial and writes round numbers: values go to the nearest 5 or 10 marks of it.

    Strength: 50 to 95 % of the values, two weeks to two months long.
    """
    if not _has_digits(scene):
        return None
    # Nobody reads three decimals off a dial: at most some twenty marks within the spread of the values.
    mark = max(scene.step(), 10.0 ** np.floor(np.log10(float(np.nanstd(scene.value)) / 20)))
    coarse = mark * int(rng.choice((5, 10)))
    return Deed(
        (
            scene.written(
                np.round(scene.value / coarse) * coarse, where=rng.random(scene.n) < rng.uniform(0.5, 0.95)
            ),
        )
    )


@planter("digits", (336, 1440), (60, 180), least=30)
def digits(scene: Scene, rng: Generator) -> Deed | None:
    """Somebody makes values up: the leading digits are plausible, the last one follows a person's taste.

    Strength: tastes from mild to strong (Dirichlet 0.4–1.5 over the ten digits), two weeks to two months
    long.
    """
    if not _has_digits(scene):
        return None
    step = scene.step()
    taste = rng.dirichlet(np.full(10, drawn(rng, 0.4, 1.5)))
    last = rng.choice(10, scene.n, p=taste)
    tens: Floats = np.floor(np.round(scene.value / step) / 10)
    invented: Floats = (tens * 10 + last) * step
    return Deed((scene.written(invented),))


def _has_digits(scene: Scene) -> bool:
    """The last digit carries no information of its own: the values spread over many of them."""
    return float(np.nanstd(scene.value)) >= 8 * scene.step()


def _limit(scene: Scene, rng: Generator) -> float | None:
    """The limit a falsifier works to: the panel's if it matters in this stretch; else one the unit may have,
    at the upper quantiles of the series, in two significant digits.
    """
    known = scene.value[scene.free()]
    limit = float(scene.panel.limit[scene.row])
    if np.isfinite(limit):
        return limit if len(known) and 0.02 <= float((known >= limit).mean()) <= 0.6 else None
    near = scene.around()
    level = float(np.quantile(near, rng.uniform(0.75, 0.95))) if len(near) else 0.0
    return float(f"{level:.2g}") if level > 0 and float((known >= level).mean()) >= 0.02 else None


def _episodes(scene: Scene, rng: Generator) -> tuple[Flags, float] | None:
    """The hours near or above the limit, episode by episode; some escape."""
    limit = _limit(scene, rng)
    if limit is None:
        return None
    with np.errstate(invalid="ignore"):
        high = scene.value >= limit * rng.uniform(0.85, 1.0)
    number = np.cumsum(high & ~np.concatenate(([False], high[:-1])))
    taken = rng.random(int(number[-1]) + 1) < rng.uniform(0.7, 1.0)
    hidden = high & taken[number]
    early = rng.random(scene.n) < 0.5
    before = np.concatenate((hidden[1:], [False])) & ~hidden & early
    return hidden | before, limit

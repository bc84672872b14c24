"""Kinds that turn the level: a factor, an offset, a hidden drift, another calibration line."""

import numpy as np
from numpy.random import Generator

from jianzhen.planting.scene import Deed, ParameterRecord, Scene, drawn, planter


@planter("scale", (240, 2160), (45, 150))
def scale(scene: Scene, rng: Generator) -> Deed | None:
    """A factor in the logger: every value is reported at a share of what was measured.

    Strength: ×0.4 to ×0.8, ten to ninety days long.
    """
    return Deed((scene.written(scene.value * rng.uniform(0.4, 0.8)),))


@planter("offset", (240, 2160), (45, 150))
def offset(scene: Scene, rng: Generator) -> Deed | None:
    """The zero is set too high: a constant is taken off every value; what would be negative is the smallest.

    Strength: 25 to 60 % of the median of the stretch, ten to ninety days long.
    """
    typical = float(np.nanmedian(scene.value))
    taken = typical * rng.uniform(0.25, 0.6)
    return Deed((scene.written(scene.value - taken),)) if taken >= 2 * scene.step() else None


@planter("drift-hide", (720, 2880), (90, 240))
def drift_hide(scene: Scene, rng: Generator) -> Deed | None:
    """A sensor loses sensitivity and is put right in silence, step by step: a saw-tooth on the true series.

    Strength: loses 25 to 60 % within 8 to 25 days (daily series: 20 to 50), then jumps back; one to four
    months.
    """
    loss = rng.uniform(0.25, 0.6)
    cycle = scene.days(rng.uniform(8, 25) if scene.is_hourly else rng.uniform(20, 50))
    phase = np.arange(scene.n) % cycle / cycle
    return Deed((scene.written(scene.value * (1 - loss * phase)),))


@planter("parameter-change", (240, 1440), (45, 150))
def parameter_change(scene: Scene, rng: Generator) -> Deed | None:
    """Slope and intercept of the calibration line are changed, and changed back at the end.

    Strength: slope ×0.45 to ×0.8, the intercept down by up to 15 % of the median, ten to sixty days long; in
    half of the cases the instrument's log has both changes, in the other half it has been cleaned.
    """
    slope = round(rng.uniform(0.45, 0.8), 3)
    intercept = -round(float(np.nanmedian(scene.value)) * rng.uniform(0, 0.15), 3)
    change = scene.written(scene.value * slope + intercept)
    if rng.random() < 0.5:
        return Deed((change,))
    end = scene.at + scene.n
    # HJ 212 codes of slope and intercept.
    records = [("i13008", 1.0, slope), ("i13007", 0.0, intercept)]
    return Deed(
        (change,),
        tuple(
            ParameterRecord(scene.row, at, name, *((before, after) if at == scene.at else (after, before)))
            for name, before, after in records
            for at in (scene.at, end)
        ),
    )


@planter("dilution", (12, 168), (10, 40), share=0.3)
def dilution(scene: Scene, rng: Generator) -> Deed | None:
    """Clean air or water is let in before the probe, at constant load: all pollutants fall together, oxygen
    goes towards that of air, the temperature towards that of what is let in. In ambient air the inlet is
    covered or sprayed: dust falls, the gases do not.

    Strength: 20 to 60 % of what is sampled is clean, half a day to a week long.
    """
    kept = rng.uniform(0.4, 0.8)
    panel, row = scene.panel, scene.row
    dust = scene.role("dust")
    stack = scene.role("oxygen") + scene.role("temperature")
    falling = scene.role("pollutant") + scene.role("conductivity") + dust
    if dust and not stack:
        falling = dust
    if row not in falling:
        return None
    here = slice(scene.at, scene.at + scene.n)
    changes = [scene.written(panel.value[one, here] * kept, row=one) for one in falling]
    for one in scene.role("oxygen"):
        changes.append(scene.written(kept * panel.value[one, here] + (1 - kept) * 20.9, row=one))
    outside = scene.role("air")
    for one in scene.role("temperature"):
        let_in = panel.value[outside[0], here] if outside else np.full(scene.n, rng.uniform(5, 30))
        changes.append(scene.written(kept * panel.value[one, here] + (1 - kept) * let_in, row=one))
    return Deed(tuple(changes))


@planter("night-dump", (720, 1800), (60, 150), roles=("pollutant", "dust", "conductivity", "flow"), share=0.2)
def night_dump(scene: Scene, rng: Generator) -> Deed | None:
    """What is not treated goes out at night: flow and conductivity rise from 22 to 6 while the reported
    concentrations stay; where neither is measured, the concentration itself rises at night.

    Strength: ×1.5 to ×3 in 70 to 100 % of the nights, 30 to 75 days long.
    """
    if not scene.is_hourly:
        return None
    panel = scene.panel
    here = slice(scene.at, scene.at + scene.n)
    hour, day = panel.hour_of_day[here], panel.day[here]
    night = (hour >= 22) | (hour < 6)
    # The night belongs to the evening it begins with.
    evening = day - (hour < 6) - day[0] + 1
    chosen = rng.random(int(evening.max()) + 1) < rng.uniform(0.7, 1.0)
    rows = scene.role("flow") + scene.role("conductivity") or [scene.row]
    if scene.row not in rows:
        return None
    times = drawn(rng, 1.5, 3.0)
    return Deed(
        tuple(
            scene.written(panel.value[one, here] * times, row=one, where=night & chosen[evening])
            for one in rows
        )
    )

"""Planting: where, how long, and the truth afterwards.

Promises: a function of panel, kind and generator alone; what is outside the truth's stretch is untouched; the
truth begins with the first and ends with the last value that changed. Leaves what a kind does to its planter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.random import Generator
from qc.rules.falsify.finding import Kind
from qc.rules.falsify.panel import HOUR_MS, Panel
from qc.rules.outcome import Flags

from jianzhen.planting import copied, levels, limits, stuck
from jianzhen.planting.scene import PLANTERS, Change, Deed, ParameterRecord, Planter, Scene, drawn, role_of

MODULES = (stuck, copied, limits, levels)
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "other")
TRIES = 400


@dataclass(frozen=True, slots=True)
class Truth:
    """Periods [from_i, to_i) of a row were falsified; rows of one planting share its number.

    `changed` counts the values, marks or presences that differ from the real series.
    """

    planting: int
    kind: Kind
    station: str
    factor: str
    row: int
    from_i: int
    to_i: int
    changed: int


@dataclass(frozen=True)
class Planted:
    """A panel with falsifications, the truth about them, what the instruments' logs say, and which kinds
    found no place (with why).
    """

    panel: Panel
    truths: tuple[Truth, ...]
    parameters: tuple[ParameterRecord, ...] = ()
    unplaced: tuple[Kind, ...] = ()


def plant(panel: Panel, kind: Kind, rng: Generator, window: tuple[int, int] | None = None) -> Planted:
    """One falsification of a kind, somewhere in periods `window` (default: anywhere).

    `truths` is empty where the panel offers no place for the kind (no second station to copy from, no flow).
    Worked example: plant(load_beijing(folder), "freeze", np.random.default_rng(1)).truths[0].kind ==
    "freeze".
    """
    return plant_all(panel, (kind,), rng, window)


def plant_all(
    panel: Panel, kinds: Iterable[Kind], rng: Generator, window: tuple[int, int] | None = None
) -> Planted:
    """Several falsifications into one panel, none over another; `kinds` may name a kind more than once."""
    first, last = window or (0, panel.shape[1])
    changed = replace(
        panel, value=panel.value.copy(), mark=panel.mark.copy(), present=panel.present.copy(),
        limit=panel.limit.copy(),
    )  # fmt: skip
    taken = np.zeros(panel.shape, dtype=np.bool_)
    truths: list[Truth] = []
    records: list[ParameterRecord] = []
    unplaced: list[Kind] = []
    for number, kind in enumerate(kinds):
        deed = _placed(panel, PLANTERS[kind], rng, (first, last), taken)
        if deed is None:
            unplaced.append(kind)
            continue
        for change in deed.changes:
            truth = _done(changed, panel, change, number, kind, taken)
            if truth is not None:
                truths.append(truth)
                if np.isfinite(deed.limit):
                    changed.limit[change.row] = deed.limit
        records += deed.parameters
    return Planted(changed, tuple(truths), tuple(records), tuple(unplaced))


def _placed(panel: Panel, way: Planter, rng: Generator, window: tuple[int, int], taken: Flags) -> Deed | None:
    """Try places until one will do; None if none does."""
    rows = [row for row, factor in enumerate(panel.factor) if role_of(factor) in way.roles]
    for _ in range(TRIES if rows else 0):
        if panel.step_ms <= HOUR_MS:
            n = round(drawn(rng, *way.hours) * HOUR_MS / panel.step_ms)
        else:
            n = round(drawn(rng, *way.periods))
        row = int(rng.choice(rows))
        room = window[1] - window[0] - n
        if room <= 0:
            continue
        scene = Scene(panel, row, window[0] + int(rng.integers(0, room)), n)
        free = scene.free()
        if free.mean() < 0.7 or len(np.unique(scene.value[free])) < 4:
            continue
        deed = way.plant(scene, rng)
        if deed is not None and _worth(panel, deed, way) and not _meets(deed, taken, window):
            return deed
    return None


def _differs(panel: Panel, change: Change) -> Flags:
    here = slice(change.from_i, change.from_i + len(change.value))
    old = panel.value[change.row, here]
    same = (old == change.value) | (np.isnan(old) & np.isnan(change.value))
    differs: Flags = (
        ~same
        | (panel.mark[change.row, here] != change.mark)
        | (panel.present[change.row, here] != change.present)
    )
    return differs


def _worth(panel: Panel, deed: Deed, way: Planter) -> bool:
    """Enough of the stretch changed for a falsifier to have bothered."""
    differs = _differs(panel, deed.changes[0])
    known = np.isfinite(panel.value[deed.changes[0].row, deed.changes[0].from_i :][: len(differs)]).sum()
    return bool(differs.sum() >= way.least and differs.sum() >= way.share * known)


def _meets(deed: Deed, taken: Flags, window: tuple[int, int]) -> bool:
    return any(
        change.from_i < window[0]
        or change.from_i + len(change.value) > window[1]
        or taken[change.row, change.from_i : change.from_i + len(change.value)].any()
        for change in deed.changes
    )


def _done(
    changed: Panel, panel: Panel, change: Change, number: int, kind: Kind, taken: Flags
) -> Truth | None:
    """Write a change into the copy; its truth, trimmed to what differs."""
    differs = np.flatnonzero(_differs(panel, change))
    if not len(differs):
        return None
    here = slice(change.from_i, change.from_i + len(change.value))
    changed.value[change.row, here] = change.value
    changed.mark[change.row, here] = change.mark
    changed.present[change.row, here] = change.present
    # A day of honest data stays between two falsifications of one row.
    aside = panel.per_day
    taken[change.row, max(0, here.start - aside) : here.stop + aside] = True
    begin, end = change.from_i + int(differs[0]), change.from_i + int(differs[-1]) + 1
    return Truth(
        number,
        kind,
        panel.station[change.row],
        panel.factor[change.row],
        change.row,
        begin,
        end,
        len(differs),
    )

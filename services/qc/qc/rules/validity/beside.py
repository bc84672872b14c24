"""What the device reported beside what its own parts give: hours, days, converted values.

Promises: only a valid figure made of enough valid parts is compared. Leaves the tolerance to the packaged
data.
"""

from dataclasses import dataclass

import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.falsify.panel import HOUR_MS
from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.validity.conversion import at_reference_oxygen, conversion_rules
from qc.rules.validity.dated import legal_day
from qc.rules.validity.recompute import (
    Comparison,
    Item,
    Medium,
    compared,
    plain_means,
    tolerance,
    weighted_means,
)
from qc.rules.validity.rows import Rows


@dataclass(frozen=True, slots=True)
class Beside:
    """Reports and recomputations on the same rows, and the item they were compared as."""

    item: Item
    reported: Floats
    done: Comparison
    source: str


def resolution(ref: SeriesRef) -> float:
    """One step of the last digit of a series, in its unit."""
    return float(10.0**-ref.decimals) if ref.resolution is None else ref.resolution


def minutes_beside(  # noqa: PLR0913 - the hours, their minutes, the flow, and what is compared as what
    ref: SeriesRef, medium: Medium, hour: Ints, reported: Floats, minutes: Rows, flow: Floats, least: int
) -> Beside | None:
    """Reported hours beside the mean of their good minutes (water: or their mean by flow).

    Source: HJ 212-2017 appendix D. Worked example: 50.0 reported, 60 minutes of 41.3 → differs by 8.7.
    """
    start = minutes.ts - minutes.ts % HOUR_MS
    group = np.minimum(np.searchsorted(hour, start), max(0, len(hour) - 1))
    inside = (hour[group] == start) & minutes.is_good if len(hour) else np.zeros(0, dtype=bool)
    plain = plain_means(group, len(hour), minutes.value, inside)
    lawful = [plain.value]
    if medium == "water":
        lawful.append(weighted_means(group, len(hour), minutes.value, flow, inside).value)
    return beside("hour-mean", ref, medium, hour, reported, lawful, plain.count >= least)


def converted_beside(
    ref: SeriesRef, hour: Ints, reported: Floats, raw: Floats, oxygen: Floats, kind: str
) -> Beside | None:
    """Reported converted hours beside their raw hours at the reference oxygen of a kind of plant.

    Source: HJ 212-2017 appendix D. Worked example: raw 28, O2 8.5 %, coal power (6 %) → 33.6.
    """
    if not len(hour):
        return None
    on, rules = legal_day(int(hour[0])), conversion_rules()
    made = at_reference_oxygen(raw, oxygen, rules.reference(kind, on), rules.oxygen_on(on)).value
    return beside("converted", ref, "gas", hour, reported, [made], np.isfinite(made))


def beside(  # noqa: PLR0913 - what is compared, on which rows, and as what
    item: Item,
    ref: SeriesRef,
    medium: Medium,
    start: Ints,
    reported: Floats,
    lawful: list[Floats],
    enough: Flags,
) -> Beside | None:
    """A comparison by the tolerance in force on the first row's day; None where none was in force."""
    try:
        allowed = tolerance(item, medium, legal_day(int(start[0]))) if len(start) else None
    except LookupError:
        allowed = None
    if allowed is None:
        return None
    return Beside(
        item, reported, compared(reported, lawful, enough, resolution(ref), allowed), allowed.source
    )

"""Exceedance of a limit by figures of the limit's own averaging, and what exempts from it.

Promises: only valid figures exceed; equal to the limit is not above it; an exemption is by a source, a
state of the plant and, where the source gives them, hours. Leaves which limit a permit sets to the
register.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, read
from qc.rules.validity.periods import number_of

NOT_JUDGED, WITHIN, ABOVE, EXEMPT, PRESUMED = 0, 1, 2, 3, 4
NO_STATE = -1


class Cap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for a factor while its limit does not."""

    factor: str
    limit: float
    unit: str


class Exemption(Dated, frozen=True, kw_only=True):
    """States of a kind of plant (`*` any) in which a limit does not hold, and for how many hours."""

    id: str
    kind: str
    states: tuple[str, ...]
    hours_per_year: int | None = None
    hours_at_once: Mapping[str, int] = msgspec.field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    zh: str
    en: str


class Seed(Dated, frozen=True, kw_only=True):
    """Limits of a standard, per factor; `reference` names the kind of plant whose oxygen they refer to."""

    standard: str
    averaging: Literal["hour", "day"]
    reference: str | None = None
    limits: Mapping[str, float]


class ExceedanceRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `exceedance.yaml`."""

    exemptions: tuple[Exemption, ...]
    seeds: tuple[Seed, ...]


@once
def exceedance_rules() -> ExceedanceRules:
    """The packaged exemptions and seeds."""
    return read("exceedance", ExceedanceRules)


@dataclass(frozen=True, slots=True)
class Exceedance:
    """Per figure: 0 not judged, 1 within, 2 above, 3 exempt, 4 presumed above (marked above the measuring
    range); by which multiple it is above, (C − S)/S, NaN where it is not.
    """

    state: NDArray[np.uint8]
    multiple: Floats


@np.errstate(all="ignore")
def exceeded(
    value: Floats, is_valid: Flags, limit: Floats | float, is_exempt: Flags, is_presumed: Flags
) -> Exceedance:
    """Figures beside their limit, both of the same averaging, basis and unit.

    Source: the permit; GB 3095 and emission standards ("above" is more than the limit); HJ 212-2017 table 8
    for mark T. Worked example: 52.5 with a limit of 35 → above, multiple 0.5; 35 → within.
    """
    judged = is_valid & np.isfinite(value) & np.isfinite(limit)
    above = judged & (value > limit)
    state = np.where(above, np.where(is_exempt, EXEMPT, ABOVE), np.where(judged, WITHIN, NOT_JUDGED))
    state = np.where(~judged & is_presumed & np.isfinite(limit), PRESUMED, state)
    return Exceedance(state.astype(np.uint8), np.where(above, (value - limit) / limit, np.nan))


def exempted(ts: Ints, plant: Ints, names: tuple[str, ...], exemption: Exemption) -> Flags:
    """Which hours an exemption covers; `plant[i]` is a place in `names` (-1 none), hours ascending and
    regular.

    Hours beyond what the source allows at once or in a legal year are not covered, the earlier ones are.
    Source: the exemption. Worked example: incinerator, 6 hours of fault in a row → the first 4.
    """
    wanted = [at for at, name in enumerate(names) if name in exemption.states]
    inside = np.isin(plant, wanted) & exemption.covers(ts)
    for name, most in exemption.hours_at_once.items():
        is_state = plant == (names.index(name) if name in names else NO_STATE - 1)
        inside &= ~is_state | (_place_in_run(is_state) <= most)
    if exemption.hours_per_year is not None:
        inside &= _place_in_year(ts, inside) <= exemption.hours_per_year
    return inside


def _place_in_run(flags: Flags) -> Ints:
    """1, 2, 3 … along each run of set flags, 0 elsewhere."""
    place = np.cumsum(flags)
    before = np.maximum.accumulate(np.where(flags, 0, place))
    found: Ints = np.where(flags, place - before, 0)
    return found


def _place_in_year(ts: Ints, flags: Flags) -> Ints:
    """Which of the year's set flags each is: 1, 2, 3 …"""
    place, year = np.cumsum(flags), number_of("year", ts)
    opens = np.append(True, year[1:] != year[:-1]) if len(year) else flags
    before = np.maximum.accumulate(np.where(opens, place - flags, 0))
    found: Ints = place - before
    return found

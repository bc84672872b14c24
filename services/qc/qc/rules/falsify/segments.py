"""Stretches of a row in which something happens far more often than usual, with their own ends.

Promises: no window lengths: a stretch begins and ends where its likelihood says, so that a few daily values
are judged as well as thousands of hours; what it says is paid for by the places it could have begun.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from qc.rules.falsify import history
from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch, strength
from qc.rules.outcome import Flags

# Values in a block whose share is one voice of what is usual; the fall from its peak, in nats, that ends a
# stretch.
BLOCK, FALL = 30, 20.0


@dataclass(frozen=True, slots=True)
class Segment:
    """Places [from_i, to_i) with `share` hits; `rare`: -log10 of the chance to see one in the row."""

    from_i: int
    to_i: int
    share: float
    rare: float


def usual_of(hits: Flags) -> float:
    """The median share of hits over blocks: a falsified part, up to half of them, does not move it."""
    if not len(hits):
        return 1.0
    blocks = np.array_split(hits, max(1, len(hits) // BLOCK))
    return float(np.median([block.mean() for block in blocks]))


def surprising(hits: Flags, usual: float, looks: float, least: float = 1.0) -> list[Segment]:
    """Stretches in which hits are much likelier than `usual` (cumulated likelihood ratio, Page 1954).

    `looks`: log10 of the places looked at. Worked example: 40 hits running at a usual 0.1 among 1,000 → one
    segment over them, some 10^-30.
    """
    usual = min(max(usual, 1e-4), 0.95)
    much = usual + 0.6 * (1 - usual)
    gain, loss = log(much / usual), log((1 - much) / (1 - usual))
    found: list[Segment] = []
    begin, total, peak, end = 0, 0.0, 0.0, 0
    for place, hit in enumerate([*hits.tolist(), None]):
        total += 0.0 if hit is None else gain if hit else loss
        if total > peak:
            peak, end = total, place + 1
        if total <= 0 or total < peak - FALL or hit is None:
            rare = peak / log(10) - looks
            if peak > 0 and rare >= least:
                found.append(Segment(begin, end, float(np.mean(hits[begin:end])), rare))
            begin, total, peak, end = place + 1, 0.0, 0.0, place + 1
    return found


def found_as(
    chosen: Chosen, where: Stretch, rare: float, kind: Kind, figures: Mapping[str, float]
) -> list[Finding]:
    """The finding of a rarity, or none below the test's threshold."""
    reach = (chosen.figure("threshold", where.row), chosen.figure("strong", where.row))
    if rare < reach[0]:
        return []
    return [
        Finding(
            chosen.test.id, where, rare, reach[0], history.chance(rare), strength(rare, *reach), kind, (),
            dict(figures),
        )
    ]  # fmt: skip

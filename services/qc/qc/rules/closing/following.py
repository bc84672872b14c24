"""What becomes of the suspicions that stand when the tests have spoken again.

Promises: pure; the outcome depends on what was found and on which stretches stood, never on the order in
which days were closed, except for the numbers that suspicions carry. Leaves saving and saying to the flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stretch [from_ms, to_ms) of a series that weighs enough to be kept; `is_case`: above the
    threshold.
    """

    series_id: int
    kind: str
    from_ms: int
    to_ms: int
    is_case: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A suspicion that is queued or raised."""

    suspicion_id: UUID
    series_id: int
    kind: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A suspicion without a stretch of its own any more, and the one it went into, if any."""

    standing: Standing
    merged_into: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """Per wanted stretch the number it carries on (None: a new one), and what is gone.

    `Gone.merged_into` is a place among the wanted.
    """

    carried: tuple[UUID | None, ...]
    gone: tuple[Gone, ...]


def follow(wanted: Sequence[Wanted], standing: Sequence[Standing]) -> Followed:
    """Hand the numbers on: to the stretch of the same series that shares most, of the same kind first.

    A suspicion whose stretch another number carries on is merged into it; one without any stretch is
    withdrawn. Worked example: one stood on days 3–4; two stretches are found, days 3–5 and 9 → the first
    carries its number, the second is new.
    """
    pairs = [
        (-_shared(want, stood), want.kind != stood.kind, place, number)
        for place, want in enumerate(wanted)
        for number, stood in enumerate(standing)
        if _shared(want, stood) > 0
    ]
    carried: dict[int, int] = {}
    kept: set[int] = set()
    for _, _, place, number in sorted(pairs, key=lambda pair: (pair[1], *pair)):
        if place not in carried and number not in kept:
            carried[place] = number
            kept.add(number)
    gone = []
    for number, stood in enumerate(standing):
        if number not in kept:
            touching = [
                (-_shared(want, stood), place) for place, want in enumerate(wanted) if _shared(want, stood)
            ]
            gone.append(Gone(stood, min(touching)[1] if touching else None))
    numbers = (carried.get(place) for place in range(len(wanted)))
    return Followed(
        tuple(None if number is None else standing[number].suspicion_id for number in numbers), tuple(gone)
    )


def _shared(want: Wanted, stood: Standing) -> float:
    """Length of the common part by that of both together, 0–1."""
    if want.series_id != stood.series_id:
        return 0.0
    common = min(want.to_ms, stood.to_ms) - max(want.from_ms, stood.from_ms)
    whole = max(want.to_ms, stood.to_ms) - min(want.from_ms, stood.from_ms)
    return max(0.0, common / whole) if whole else 0.0


def beside(want: Wanted, streaming: Sequence[Standing]) -> UUID | None:
    """The standing streaming suspicion of the same series that shares an instant with a stretch, the longest
    common part first: the lead is open already, so this stretch opens none.
    """
    touching = [
        (-_shared(want, stood), stood.from_ms, stood) for stood in streaming if _shared(want, stood) > 0
    ]
    return min(touching, key=lambda entry: entry[:2])[2].suspicion_id if touching else None

"""A day's forwarded values against what the other side says it holds: counts per series and hour.

Promises: a value counts once however often it was sent; more on the other side is no difference. Leaves
asking and sending again to `flows.uplinks.reconciling`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

# site, factor, statistic, basis, period, source, hour (UTC, ISO 8601)
Cell = tuple[str, str, str, str, str, str, str]


class Tally(msgspec.Struct):
    """One cell of the report. `held` is None where the other side cannot be asked (HJ 212)."""

    sent: int = 0
    acknowledged: int = 0
    parked: int = 0
    waiting: int = 0
    reported: int = 0
    held: int | None = None
    parcels: set[int] = msgspec.field(default_factory=set)
    instants: set[str] = msgspec.field(default_factory=set)

    @property
    def missing(self) -> int:
        """Acknowledged values the other side does not hold."""
        return 0 if self.held is None else max(0, len(self.instants) - self.held)

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.parked or self.waiting)


def hour_of(time: str) -> str:
    """The UTC hour of a parcel's time: 2026-11-21T08:30:00+08:00 lies in 2026-11-21T00:00:00+00:00."""
    hour = (int(time[11:13]) - 8) % 24
    if int(time[11:13]) >= 8:
        return f"{time[:11]}{hour:02d}:00:00+00:00"
    before = date.fromisoformat(time[:10]) - timedelta(days=1)
    return f"{before.isoformat()}T{hour:02d}:00:00+00:00"


def tally(cells: dict[Cell, Tally], parcel: int, state: str, kind: str, body: Mapping[str, Any]) -> None:
    """Count the values of one parcel into `cells`."""
    for site, factor, statistic, basis, period, _, time, *_ in body["data"]:
        cell = (site, factor, statistic, basis, period, str(body["source"]), hour_of(time))
        found = cells.setdefault(cell, Tally())
        if kind == "revised" and state == "reported":
            found.reported += 1
            continue
        found.sent += state != "waiting"
        setattr(found, state, getattr(found, state) + 1)
        found.parcels.add(parcel)
        if state == "acknowledged":
            found.instants.add(time)


def compare(cells: dict[Cell, Tally], held: Mapping[Cell, int] | None) -> None:
    """Write into each cell what the other side holds; None: it cannot be asked."""
    if held is not None:
        for cell, found in cells.items():
            found.held = held.get(cell, 0)


def totals(cells: Iterable[Tally]) -> dict[str, int]:
    """Sums over a report: sent, acknowledged, parked, waiting, reported, held, missing.

    Worked example: two cells of three acknowledged values, of which one lacks one, give `missing` 1.
    """
    kept = list(cells)
    names = ("sent", "acknowledged", "parked", "waiting", "reported", "missing")
    found = {name: sum(getattr(cell, name) for cell in kept) for name in names}
    return found | {"held": sum(cell.held or 0 for cell in kept)}

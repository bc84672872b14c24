"""Which series are judged together when a day closes.

Promises: one profile, one period and one city to a panel, at most MOST_SERIES in it, never two series of one
factor at one site (two sources of one measurement would be copies of each other); who has a panel keeps it.
Leaves keeping the panels to the flow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from contracts.ingest import SeriesRef
from standards.regions import NATION, ancestors

from qc.rules.closing.pack import ClosingPack

# 200 days of hours of so many series took 16 s of processor time and 330 MB in all.
MOST_SERIES = 120


@dataclass(slots=True)
class Panel:
    """A panel as far as joining it needs; `number` is None until it is kept."""

    number: int | None
    region: str
    profile: str
    period: str
    members: set[tuple[str, str]] = field(default_factory=set)

    def takes(self, ref: SeriesRef) -> bool:
        """Whether there is room, and no other series of that factor at that site."""
        return len(self.members) < MOST_SERIES and (ref.site, ref.factor) not in self.members


def city_of(region: str) -> str:
    """The city a region lies in: the ancestor below the province, else what there is.

    Worked example: 131002 → 131000; 131000 → 131000; an unknown code → itself.
    """
    line = [region, *(code for code in ancestors(region) if code != NATION)]
    return line[-2] if len(line) > 1 else region


def joined(
    refs: Iterable[SeriesRef], panels: Sequence[Panel], pack: ClosingPack, on: date
) -> list[tuple[SeriesRef, Panel]]:
    """A panel for each series that is judged: the one its site is in already, else one with room, else new.

    `panels` are those there are; new ones have no number yet.
    """
    known = list(panels)
    found = []
    for ref in refs:
        profile = pack.profile_of(ref, on)
        if profile is None:
            continue
        kind = (city_of(ref.region), profile, ref.period)
        alike = [panel for panel in known if (panel.region, panel.profile, panel.period) == kind]
        open_ones = [panel for panel in alike if panel.takes(ref)]
        own = [panel for panel in open_ones if any(site == ref.site for site, _ in panel.members)]
        panel = next(iter([*own, *open_ones]), None)
        if panel is None:
            panel = Panel(None, *kind)
            known.append(panel)
        panel.members.add((ref.site, ref.factor))
        found.append((ref, panel))
    return found

"""A link to another platform as registered, what it selects, and the path a value has come.

Promises: pure; without a selection everything of the link's region is meant; a value that passed a platform
is not sent to it again. Leaves passwords to `flows.uplinks`, which alone may read them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from contracts.ingest import SeriesRef
from standards import regions

from ingest.rules.uplinks.dated import Forwarding

Kind = Literal["http", "hj212"]
# A registered source that is itself a platform names it, and what it passed before: `via:130000/131000`.
VIA = "via:"
# HJ 212-2017 table 5, where a registered place names none.
SYSTEMS = {"air": 22, "waste_gas": 31, "gas": 31, "waste_water": 32, "water": 21, "surface_water": 21}
FLAGS = {"2005": 1, "2017": 5, "2025": 9}


class Place(msgspec.Struct, frozen=True):
    """What one of our sites is called on the other side: a code (HTTP), or an MN and its system (HJ 212)."""

    code: str | None = None
    mn: str | None = None
    system: int | None = None


class Link(msgspec.Struct, frozen=True):
    """One link upward. `address` is a URL or host:port; `peer` the other platform's own name."""

    name: str
    kind: Kind
    address: str
    peer: str
    region: str
    is_on: bool = True
    regions: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    places: Mapping[str, Place] = msgspec.field(default_factory=dict)
    source_as: str | None = None
    dialect: str = "2017"
    units: Literal["registered", "hj212"] = "registered"
    answer_seconds: int | None = None
    resends: int | None = None
    parcels_per_second: float | None = None
    token_url: str | None = None
    client_id: str | None = None
    secrets_version: int = 0


def wants(link: Link, ref: SeriesRef) -> bool:
    """Whether values of this series go over the link.

    Worked example: a link of 131000 without further selection wants a station in 131002, none in 131100.
    """
    chosen = link.regions or (link.region,)
    if not any(regions.is_within(ref.region, region) for region in chosen):
        return False
    picks = (
        (link.sites, ref.site),
        (link.factors, ref.factor),
        (link.periods, ref.period),
        (link.sources, ref.source),
    )
    if any(allowed and value not in allowed for allowed, value in picks):
        return False
    return link.kind == "http" or (ref.site in link.places and link.places[ref.site].mn is not None)


def path_of(source: str, hops: Iterable[str]) -> tuple[str, ...]:
    """The platforms a value has passed, in order: told with its submission, and by its source's name.

    Worked example: source `via:131000` and no hops give `("131000",)`.
    """
    named = source.removeprefix(VIA).split("/") if source.startswith(VIA) else []
    return tuple(dict.fromkeys([*hops, *(name for name in named if name)]))


def may_pass(link: Link, path: tuple[str, ...], own: str, limits: Forwarding) -> bool:
    """Whether a value with this path may go over the link: not back, not around, not too far."""
    return link.peer not in path and own not in path and len(path) < limits.most_hops


def system_of(link: Link, site: str, element: str) -> int:
    """The ST of a site's frames (HJ 212-2017 table 5)."""
    place = link.places.get(site)
    return (place.system if place else None) or SYSTEMS.get(element, 22)

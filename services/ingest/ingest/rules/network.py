"""Elements of the environment, levels of stations, and who is responsible for a point.

Promises: pure; lists are data with their source. Leaves the catalogue of responsibilities to the records.
"""

from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from typing import Any

import yaml
from standards import regions

from ingest.rules.refusals import Flaw, flaw

EARTH_METRES = 6_371_008.8


@cache
def _table() -> dict[str, Any]:
    return dict(
        yaml.load(files("ingest.rules").joinpath("network.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


def elements() -> dict[str, dict[str, str]]:
    """Element → zh, en, family (quality, source, ecology), `as` (the medium whose units it has)."""
    return dict(_table()["elements"])


def levels() -> dict[str, dict[str, Any]]:
    """Level of a station → zh, en, and the authorities that may be responsible for one."""
    return dict(_table()["levels"])


def categories() -> dict[str, dict[str, str]]:
    """Coverage category → zh, en."""
    return dict(_table()["categories"])


def lists() -> dict[str, Any]:
    """All the lists, for the dictionary."""
    return dict(_table())


def misplaced(site: dict[str, Any]) -> list[Flaw]:
    """What is wrong with level and responsibility (事权) of a point.

    Worked example: a national station under a county's responsibility is `authority-mismatch`.
    """
    found, level, authority = [], site.get("level"), site.get("authority")
    if site["element"] not in elements():
        found.append(flaw("element", "unknown-element", site["element"]))
    if level is not None and authority is not None and authority not in levels()[level]["authorities"]:
        allowed = ", ".join(levels()[level]["authorities"])
        found.append(flaw("authority", "authority-mismatch", f"{level} ≠ {authority} ({allowed})"))
    assessed_by = site.get("assessed_by")
    if assessed_by is not None and authority is not None and assessed_by != authority:
        found.append(flaw("authority", "authority-assesses", f"{assessed_by} ≠ {authority}"))
    return found


def level_of_region(region: str | None) -> str | None:
    """What a region's government is: 131000 → city. Townships have nine digits."""
    if region is None or regions.get(region) is None:
        return None
    if len(region) == 9:
        return "township"
    return ("national", "provincial", "city", "county")[min(3, len(regions.ancestors(region)))]


def is_authority(region: str | None, of_site: str, level: str) -> bool:
    """Whether the authority of `region` may decide on a point of this level lying in `of_site`."""
    mine = level_of_region(region)
    order = list(levels())
    if mine is None or region is None or not regions.is_within(of_site, region):
        return False
    return order.index(mine) <= order.index(level)


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance of two (longitude, latitude) in degrees.

    Worked example: `metres((116.70, 39.50), (116.70, 39.51))` is about 1,112.
    """
    (a, b), (c, d) = (tuple(map(radians, pair)) for pair in (one, other))
    part = sin((d - b) / 2) ** 2 + cos(b) * cos(d) * sin((c - a) / 2) ** 2
    return 2 * EARTH_METRES * asin(min(1.0, sqrt(part)))

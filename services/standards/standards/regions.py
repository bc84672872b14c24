"""Administrative regions (GB/T 2260) as a dated parent table: who lies inside whom, on which day.

Promises: containment follows the parent rows, never a code prefix (131000 and 131100 are neighbours, and
Gongzhuling moved from Siping 220381 to Changchun 220184 in 2020); `100000` is the nation and contains every
known region; townships (9 digits) hang below their county. Without a day, a code is taken as it stood last.
Leaves to others: boundaries, coordinates, and any region that is not in `data/regions.csv`.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from standards.tables import is_in_force, newest, rows

NATION = "100000"
CODES = frozenset(row["code"] for row in rows("regions"))


@dataclass(frozen=True, slots=True)
class Region:
    """A region as it stood on the day asked for."""

    code: str
    zh: str
    en: str
    parent: str | None


@lru_cache(maxsize=4096)
def get(code: str, on: date | None = None) -> Region | None:
    """The region with this code, or None if there is none (on that day).

    >>> get("131000").zh
    '廊坊市'
    """
    known = [row for row in rows("regions") if row["code"] == code]
    known = [row for row in known if on is None or is_in_force(row, on)]
    if not known:
        return None
    row = newest(known)
    return Region(row["code"], row["zh"], row["en"], row["parent"] or None)


@lru_cache(maxsize=4096)
def ancestors(code: str, on: date | None = None) -> tuple[str, ...]:
    """Codes above `code`, nearest first; empty for the nation and for an unknown code.

    >>> ancestors("131002")
    ('131000', '130000', '100000')
    """
    region = get(code, on)
    if region is None or region.parent is None:
        return ()
    return (region.parent, *ancestors(region.parent, on))


def is_within(region: str, ancestor: str, on: date | None = None) -> bool:
    """True if `region` is `ancestor` or lies below it. Unknown codes lie in nothing, not even in themselves.

    >>> is_within("131002", "131000"), is_within("131100", "131000")
    (True, False)
    """
    if get(region, on) is None:
        return False
    return region == ancestor or ancestor in ancestors(region, on)


@lru_cache(maxsize=4096)
def children(code: str, on: date | None = None) -> tuple[str, ...]:
    """Codes directly below `code`, in code order; without a day, only those that still exist."""
    below = {row["code"] for row in rows("regions") if row["parent"] == code and (on or not row["valid_to"])}
    return tuple(sorted(below & {c for c in below if (r := get(c, on)) is not None and r.parent == code}))


def name(code: str, lang: str = "zh", on: date | None = None) -> str:
    """The region's name in `zh` or `en`; the code itself if it is unknown."""
    region = get(code, on)
    if region is None:
        return code
    return region.en if lang == "en" else region.zh

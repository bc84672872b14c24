"""For which region an item is published: the level of the catalogue item, by the dated parent table.

Source: HJ 633-2026 §5.2 — the hourly index is issued at prefecture level or above.
"""

from datetime import date

from standards import regions

LEVELS = ("nation", "province", "prefecture", "county")


def level_of(region: str, on: date) -> str | None:
    """`nation`, `province`, `prefecture`, `county`; None for an unknown region or a township.

    Worked example: `level_of("131000", date(2026, 11, 21))` → `prefecture`.
    """
    if regions.get(region, on) is None:
        return None
    depth = len(regions.ancestors(region, on))
    return LEVELS[depth] if depth < len(LEVELS) else None


def at_level(region: str, level: str, on: date) -> str | None:
    """The region of that level which contains `region` (or is it), e.g. 131002, prefecture → 131000."""
    for code in (region, *regions.ancestors(region, on)):
        if level_of(code, on) == level:
            return code
    return None

"""The factor dictionary: what `w01018` is called, in which unit it arrives, in which it is published.

Promises: codes of HJ 212-2017 Appendix B (HJ 524/525) and the 2005 codes still spoken by old loggers; every
unit is UCUM. Where a factor is measured in ambient air and in stacks, the two publications differ (SO2: whole
µg/m³ in air, mg/m³ in flue gas). Leaves to others: units a device really sends (per-channel metadata).
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from standards import units
from standards.tables import rows

_LETTERED = re.compile(r"[aw]\d{5}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Factor:
    """A measured quantity; `hj212_unit` is the protocol's default, `unit` and `decimals` are published."""

    code: str
    zh: str
    en: str
    element: str
    hj212_unit: str
    hj212_type: str
    unit: str
    decimals: int
    gas_unit: str
    gas_decimals: int
    old: str
    source: str

    def published(self, element: str) -> tuple[str, int]:
        """(UCUM unit, decimals) in which values measured in `element` (`air`, `gas` …) are published."""
        return (self.gas_unit, self.gas_decimals) if element == "gas" else (self.unit, self.decimals)

    @property
    def unit_text(self) -> str:
        """The publication unit as readers see it: `µg/m³`."""
        return units.text(self.unit)


class UnknownFactor(KeyError):
    """No factor has this code."""


@cache
def every() -> dict[str, Factor]:
    """All factors by code, in the order of the standard's tables."""
    return {
        row["code"]: Factor(
            code=row["code"],
            zh=row["zh"],
            en=row["en"],
            element=row["element"],
            hj212_unit=row["hj212_unit"],
            hj212_type=row["hj212_type"],
            unit=row["unit"],
            decimals=int(row["decimals"]),
            gas_unit=row["gas_unit"] or row["unit"],
            gas_decimals=int(row["gas_decimals"] or row["decimals"]),
            old=row["old"],
            source=row["source"],
        )
        for row in rows("factors")
    }


def get(code: str) -> Factor:
    """The factor with this code as written in the standard. Raises UnknownFactor.

    >>> get("a34004").en
    'PM2.5'
    """
    try:
        return every()[code]
    except KeyError:
        raise UnknownFactor(code) from None


def find(code: str) -> Factor | None:
    """The factor with this code, or None."""
    return every().get(code)


@lru_cache(maxsize=1024)
def system_element(st: str) -> str | None:
    """What an HJ 212 system code measures: `32` → `water`, `31` → `gas`, `22` → `air`; None if unknown."""
    return next((row["element"] or None for row in rows("systems") if row["st"] == st), None)


@lru_cache(maxsize=1024)
def by_old_code(code: str, st: str) -> Factor | None:
    """The factor of a 2005 code, read in the system `st` that sent it: (`011`, `32`) → COD; or None."""
    element = system_element(st)
    letter = {"water": "w", "air": "a", "gas": "a"}.get(element or "")
    if letter is None:
        return None
    wanted = code.strip().upper()
    return next((f for f in every().values() if f.old == wanted and f.code.startswith(letter)), None)


@lru_cache(maxsize=4096)
def normalise(code: str, st: str | None = None) -> str | None:
    """The code as the dictionary writes it, or None if nothing fits: ` W01018 ` → `w01018`.

    With the sender's system code, 2005 codes are understood too: (`060`, `32`) → `w21003`.
    """
    text = code.strip()
    if _LETTERED.fullmatch(text):
        text = text.lower()
    if text in every():
        return text
    old = by_old_code(text, st) if st is not None else None
    return old.code if old else None

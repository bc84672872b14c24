"""What is due of an instrument, how often, by which clause, and where a stricter profile applies.

Promises: dated data of `packs/registers/obligations.yaml`; of one obligation the line for assessment points
goes before the general one. Leaves whether it was met to `state`.
"""

from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cache

import msgspec

from qc.rules.registers.dated import read
from qc.rules.validity.dated import Dated


class Obligation(Dated, frozen=True, kw_only=True):
    """One line: for which instruments, which kind of record meets it (`by`), every so many hours.

    Without `hours` a record holds until its own `valid_to`. `reaches_back`: a failed check voids what was
    measured since the last passing one. `finding` names what is raised when it is overdue.
    """

    id: str
    by: str
    applications: tuple[str, ...] = ()
    principles: tuple[str, ...] = ()
    factors: tuple[str, ...] = ("*",)
    automatic: bool | None = None
    mandatory: bool | None = None
    assessed: bool = False
    hours: int | None = None
    reaches_back: bool = False
    bars: bool = True
    finding: str
    zh: str
    en: str


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know of an instrument: instants in UTC milliseconds, both ends of its use."""

    code: str
    application: str
    principle: str
    factors: tuple[str, ...]
    is_automatic: bool = False
    is_mandatory: bool = False
    has_certificate: bool = True
    from_ms: int
    to_ms: int | None = None


@cache
def obligations() -> tuple[Obligation, ...]:
    """All packaged lines."""
    return read("obligations", tuple[Obligation, ...])


def lines_for(
    instrument: Instrument, factor: str, day: date, *, is_assessed: bool, lines: Sequence[Obligation]
) -> list[Obligation]:
    """What is due of an instrument for a factor by the law of a day, one line for each obligation."""
    found: dict[str, Obligation] = {}
    for line in lines:
        if not line.holds(day) or (line.assessed and not is_assessed) or not _fits(line, instrument, factor):
            continue
        if line.id not in found or line.assessed:
            found[line.id] = line
    return list(found.values())


def _fits(line: Obligation, of: Instrument, factor: str) -> bool:
    fits = not line.applications or of.application in line.applications
    fits &= not line.principles or of.principle in line.principles
    fits &= line.automatic is None or line.automatic == of.is_automatic
    fits &= line.mandatory is None or line.mandatory == of.is_mandatory
    return fits and any(fnmatchcase(factor, pattern) for pattern in line.factors)

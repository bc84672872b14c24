"""Figures of law as dated data: read from `qc/packs/validity`, checked against their schema.

Promises: an entry is in force from `valid_from` up to, not including, `valid_to`; legal days are +08:00.
Leaves the meaning of the figures to the modules of this package.
"""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

import msgspec
import yaml

from qc.rules import source
from qc.rules.falsify.panel import DAY_MS, LOCAL_MS
from qc.rules.outcome import Flags, Ints

EPOCH = date(1970, 1, 1)


class Dated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every entry carries: on whose authority (standard and clause), and when it holds."""

    source: str
    valid_from: date
    valid_to: date | None = None

    def holds(self, on: date) -> bool:
        """Whether the entry is in force on a day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def covers(self, start_ms: Ints) -> Flags:
        """Whether it is in force on the legal day in which each instant lies (UTC milliseconds)."""
        inside: Flags = start_ms >= legal_day_ms(self.valid_from)
        return inside if self.valid_to is None else inside & (start_ms < legal_day_ms(self.valid_to))


AnyDated = TypeVar("AnyDated", bound=Dated)
Content = TypeVar("Content")


def legal_day_ms(day: date) -> int:
    """The instant a legal day begins, UTC milliseconds. Worked example: 1970-01-02 → 57,600,000."""
    return (day - EPOCH).days * DAY_MS - LOCAL_MS


def legal_day(at_ms: int) -> date:
    """The legal day in which an instant (UTC milliseconds) lies."""
    return date.fromordinal(EPOCH.toordinal() + (at_ms + LOCAL_MS) // DAY_MS)


def in_force(entries: Iterable[AnyDated], on: date) -> tuple[AnyDated, ...]:
    """Those of the entries that hold on a day."""
    return tuple(entry for entry in entries if entry.holds(on))


def read(name: str, content: type[Content]) -> Content:
    """The file of that name; ValueError names what is wrong in it."""
    return parse(source.text(f"validity/{name}.yaml"), name, content)


def parse(text: str, name: str, content: type[Content]) -> Content:
    """A text checked against its schema; ValueError names what is wrong in it."""
    try:
        return msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), content)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"validity rules, {name}: {error}") from error

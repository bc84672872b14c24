"""The dated rules of the registry: hours, metres, years, each with its source.

Worked example: `rule("emergency_IV", date(2026, 11, 26)).value` is 4.
"""

from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml


class Rule(msgspec.Struct, frozen=True):
    """`value` in `unit` (h, m, year, for_ever), in force from `valid_from` to `valid_to`, both included."""

    name: str
    value: float
    unit: str
    valid_from: date
    valid_to: date | None
    zh: str
    en: str
    source: str

    @property
    def hours(self) -> timedelta:
        return timedelta(hours=self.value)


@cache
def every() -> tuple[Rule, ...]:
    text = files("ingest.rules.kinds").joinpath("rules.yaml").read_text("utf-8")
    rows: list[Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return tuple(msgspec.convert(row, Rule) for row in rows)


def on(day: date) -> list[Rule]:
    """The rules in force on a day."""
    return [one for one in every() if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)]


def rule(name: str, day: date) -> Rule:
    """The rule of this name in force on a day. Raises LookupError."""
    for one in on(day):
        if one.name == name:
            return one
    raise LookupError(f"no rule {name} on {day}")

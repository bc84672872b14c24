"""What is kept on record of those who read and write: dated lines of the policy file, and their evaluation.

Promises: pure; a day is judged by the lines in force on it; a line that names an unknown permission,
department or kind is refused with the file. Leaves storing events to the gateway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

RULES = ("reads", "gathered", "purpose_needed", "withheld", "published", "retention")


@dataclass(frozen=True)
class Line:
    """One dated line of one rule. Fields that a rule does not have are empty."""

    rule: str
    valid_from: date
    valid_to: date | None
    source: str
    kind: str | None = None
    permissions: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    delay_days: int = 0
    least: int = 0
    days: int = 0

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    @property
    def shown(self) -> Iterator[tuple[str, str]]:
        """The fields this line has, for display."""
        for name in ("kind", "kinds", "permissions", "departments", "delay_days", "least", "days"):
            value = getattr(self, name)
            if value:
                yield name, " ".join(sorted(value)) if isinstance(value, frozenset) else str(value)


@dataclass(frozen=True)
class Purpose:
    """What somebody may say to be reading for."""

    zh: str
    en: str
    needs_case: bool = False


@dataclass(frozen=True)
class Records:
    """The section `record` of the policy."""

    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()

    def _in_force(self, rule: str, day: date) -> Iterator[Line]:
        return (line for line in self.lines if line.rule == rule and line.holds(day))

    def kind(self, permission: str, day: date) -> str | None:
        """The kind of data a permission reads, None when reading it is not on record.

        Worked example: `kind("raw:read", date(2026, 11, 28))` is `raw`, of `figures:read` None.
        """
        found = (line.kind for line in self._in_force("reads", day) if permission in line.permissions)
        return next(found, None)

    def is_gathered(self, permission: str, day: date) -> bool:
        """Whether the event of such a write may be stored shortly after the answer."""
        return any(permission in line.permissions for line in self._in_force("gathered", day))

    def needs_purpose(self, permission: str, day: date) -> bool:
        """Whether who reaches beyond its own must say what for."""
        return any(permission in line.permissions for line in self._in_force("purpose_needed", day))

    def withheld(self, day: date) -> tuple[frozenset[str], frozenset[str]]:
        """Departments, and kinds of data, of which neither the unit concerned nor the public is told."""
        lines = list(self._in_force("withheld", day))
        departments = frozenset().union(*(line.departments for line in lines))
        return departments, frozenset().union(*(line.kinds for line in lines))

    def publication(self, day: date) -> tuple[int, int] | None:
        """Days of delay and the smallest count told; None where nothing is published."""
        return next(((line.delay_days, line.least) for line in self._in_force("published", day)), None)

    def retention_days(self, day: date) -> int | None:
        """How long an event is kept at least."""
        return next((line.days for line in self._in_force("retention", day)), None)


def records_of(raw: Mapping[str, Any]) -> Records:
    """The section as read from YAML."""
    purposes = {code: Purpose(**entry) for code, entry in raw["purposes"].items()}
    lines = tuple(_line(rule, entry) for rule in RULES for entry in raw.get(rule, []))
    return Records(raw["kinds"], purposes, lines)


def _line(rule: str, entry: Mapping[str, Any]) -> Line:
    lists = {name: frozenset(entry.get(name, ())) for name in ("permissions", "departments", "kinds")}
    rest = {name: value for name, value in entry.items() if name not in lists}
    return Line(rule=rule, **{"valid_to": None} | rest | lists)


def record_errors(
    records: Records, permissions: Mapping[str, object], departments: Mapping[str, object]
) -> Iterator[str]:
    """What the section names that the policy does not know."""
    for line in records.lines:
        known = (
            (line.permissions, permissions),
            (line.departments, departments),
            (line.kinds | ({line.kind} - {None}), records.kinds),
        )
        for named, among in known:
            yield from (f"record {line.rule}: unknown {name}" for name in sorted(named - set(among), key=str))
        if line.valid_to is not None and line.valid_to <= line.valid_from:
            yield f"record {line.rule}: ends before it begins"

"""The table of rights written by hand, tests/contract/policy_matrix.yaml, as the tests read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TABLE: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "contract" / "policy_matrix.yaml").read_text(), Loader=yaml.CSafeLoader
)
SERVICES = ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway")
DEPARTMENTS: list[str | None] = [None, *TABLE["government"], *TABLE["organisations"]]
ROLES: list[str] = TABLE["roles"]
GROUPS: dict[str, list[str | None]] = {
    "*": DEPARTMENTS,
    "government": TABLE["government"],
    "organisations": TABLE["organisations"],
}
# A value for each kind of place in a path.
VALUES = {
    "{code}": "131000-A01",
    "{lane}": "00",
    "{name}": "cases.json",
    "{series}": "7",
    "{ts}": "2026-11-21T00:00:00Z",
}


@dataclass(frozen=True)
class Line:
    """A route as written: who reaches it is in `entry`; `is_inside` when the edge must not let it through."""

    service: str
    method: str
    path: str
    is_inside: bool
    number: int

    @property
    def name(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def entry(self) -> dict[str, Any]:
        return ENTRIES[self.number]

    @property
    def is_public(self) -> bool:
        return "published" in self.entry

    @property
    def shape(self) -> tuple[str, ...]:
        return shape(self.path)

    @property
    def sample(self) -> str:
        """An address of this route."""
        return "/".join(
            VALUES.get(part, "7") if part.startswith("{") else part for part in self.path.split("/")
        )


def shape(path: str) -> tuple[str, ...]:
    return tuple("{}" if part.startswith("{") else part for part in path.split("/"))


ENTRIES: list[dict[str, Any]] = [*TABLE["matrix"], *TABLE["inside"]]
LINES = [
    Line(*route.split(" "), number >= len(TABLE["matrix"]), number)
    for number, entry in enumerate(ENTRIES)
    for route in entry["routes"]
]
OPEN = {
    (service, *route.split(" "))
    for service in SERVICES
    for route in TABLE["open"] + TABLE["open of the gateway"] * (service == "gateway")
}


def holders(entry: dict[str, Any], word: str) -> Iterator[tuple[frozenset[str | None], frozenset[str]]]:
    """Departments and roles of one word of an entry."""
    found = entry.get(word, [])
    for line in [found] if isinstance(found, str) else found:
        if line == "everybody":
            yield frozenset(DEPARTMENTS), frozenset(ROLES)
            continue
        left, _, right = line.partition("/")
        departments: set[str | None] = set()
        for name in left.split():
            departments |= set(GROUPS.get(name, [name]))
        yield frozenset(departments), frozenset(right.split())


@cache
def words(number: int, role: str, dept: str | None) -> frozenset[str]:
    """The words of entry `number` that name this role in this department."""
    return frozenset(
        word
        for word in TABLE["reach"]
        for departments, roles in holders(ENTRIES[number], word)
        if dept in departments and role in roles and not (dept is None and word in {"own", "addressed"})
    )


@cache
def expected(number: int, role: str, dept: str | None, region: str) -> frozenset[str]:
    """The sample rows that entry `number` gives to a principal."""
    rows: set[str] = set()
    for word in words(number, role, dept):
        organisation = word == "own" and dept in TABLE["organisations"]
        meaning = "own of an organisation" if organisation else word
        rows |= set(TABLE["reach"][meaning][int(region)])
    return frozenset(rows)

"""Cross-region grants 交叉执法: who is sent to another region, with which rights, from when until when.

Promises: pure; a grant adds regions to rights that a person already holds for a region, never a right or a
role; it ends at its second whatever is or is not heard; what may be granted, for how long and for what is a
dated line of the policy, asked again at each use. Leaves keeping grants to the gateway.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from policy.dated import Dated, dated_errors, day_at
from policy.model import Decision, RegionGrant


@dataclass(frozen=True, kw_only=True)
class CrossRule(Dated):
    """What a cross-region grant may give, for which purposes, for how many days at most, and begun how many
    days ahead at most.
    """

    permissions: frozenset[str]
    purposes: frozenset[str]
    max_days: int
    ahead_days: int


@dataclass(frozen=True)
class Crossing:
    """The section `cross_region` of the policy."""

    lines: tuple[CrossRule, ...] = ()

    def on(self, day: date) -> CrossRule | None:
        """The line in force on a legal day."""
        return next((line for line in self.lines if line.holds(day)), None)

    def extend(
        self, decision: Decision, permission: str, held: Iterable[RegionGrant], now: float
    ) -> Decision:
        """The decision with the regions that live grants add to it. `now` in unix seconds.

        Worked example: an officer of 131100 holds `cases:read` for 131000 until 12:00:00; at 11:59:59 a case
        of 131002 is within reach, at 12:00:00 it is not, and `cases:decide` never was.
        """
        live = tuple(one for one in held if permission in one.permissions and one.begins <= now < one.ends)
        if not live or not decision.allowed or "region" not in decision.scopes:
            return decision
        line = self.on(day_at(now))
        if line is None or permission not in line.permissions:
            return decision
        return replace(decision, beyond=live)


class RegionGrants:
    """The grants as this process knows them, by the subject they are given to."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[RegionGrant, ...]] = {}
        # What was read before one was added or ended does not know it.
        self.changed = 0

    def replace(self, found: Iterable[RegionGrant]) -> None:
        """Takes a list over whole."""
        of: dict[str, tuple[RegionGrant, ...]] = {}
        for one in found:
            of[one.subject] = (*of.get(one.subject, ()), one)
        self._of = of

    def add(self, one: RegionGrant) -> None:
        """One more, until the list is taken over again."""
        self.changed += 1
        self._of[one.subject] = (*self._of.get(one.subject, ()), one)

    def end(self, id: str) -> None:
        """One less, until the list is taken over again."""
        self.changed += 1
        self._of = {subject: tuple(one for one in held if one.id != id) for subject, held in self._of.items()}

    def of(self, subject: str) -> tuple[RegionGrant, ...]:
        """Those of a subject, whatever the time."""
        return self._of.get(subject, ())


def crossing_of(raw: list[Mapping[str, Any]]) -> Crossing:
    """The section as read from YAML."""
    sets = ("permissions", "purposes")
    return Crossing(tuple(CrossRule(**{**one, **{n: frozenset(one[n]) for n in sets}}) for one in raw))


def crossing_errors(
    crossing: Crossing, regional: Iterable[str], purposes: Mapping[str, object]
) -> Iterator[str]:
    """What the section names that cannot be. `regional` are the permissions somebody holds for a region."""
    known = set(regional)
    yield from dated_errors("cross_region", crossing.lines)
    for line in crossing.lines:
        yield from (
            f"cross_region: nobody holds {name} for a region" for name in sorted(line.permissions - known)
        )
        unknown = sorted(line.purposes - set(purposes))
        yield from (f"cross_region: unknown purpose {name}" for name in unknown)
        if line.max_days < 1 or line.ahead_days < 0:
            yield "cross_region: lasts no day"


def crossing_table(crossing: Crossing) -> Iterator[str]:
    """The section as Markdown."""
    yield "## Cross-region grants 交叉执法授权"
    yield ""
    yield "| permissions that may be granted | purposes | for (days) | ahead (days) | from | until | source |"
    yield "|---|---|---|---|---|---|---|"
    for line in crossing.lines:
        given, purposes = " ".join(sorted(line.permissions)), " ".join(sorted(line.purposes))
        dates = f"{line.valid_from} | {line.valid_to or ''}"
        yield f"| {given} | {purposes} | {line.max_days} | {line.ahead_days} | {dates} | {line.source} |"

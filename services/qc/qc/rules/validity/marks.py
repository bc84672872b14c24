"""Data marks: what each says by the edition of HJ 212 a device speaks, and how they roll up.

Promises: a roll-up depends on how many inputs carry which mark, never on their order; an unknown letter is
kept and counts as not normal. Leaves the audit of marks to `qc.rules.validity.audit`.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from qc.rules.outcome import Ints
from qc.rules.source import once
from qc.rules.validity.dated import Dated, read

VALID, UNMARKED, UNKNOWN, INVALID, MISSING = 1, 2, 3, 4, 9
NORMAL = ord("N")
_STANDING = {"valid": VALID, "invalid": INVALID, "missing": MISSING}


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One letter. `presumed_exceedance`: no figure, but above the range; `out_of_operation`: the source
    stands.
    """

    letter: str
    standing: Literal["valid", "invalid", "missing"]
    zh: str
    en: str
    presumed_exceedance: bool = False
    out_of_operation: bool = False


class Edition(Dated, frozen=True, kw_only=True):
    """The marks of one edition of the protocol."""

    id: str
    zh: str
    en: str
    marks: tuple[Mark, ...]

    def letters(self, name: str) -> Ints:
        """Code points of the marks that have a property, e.g. "out_of_operation"."""
        return np.array([ord(m.letter) for m in self.marks if getattr(m, name)], dtype=np.int64)


class RollUp(Dated, frozen=True, kw_only=True):
    """When a value made of others is normal, and which mark it carries if it is not."""

    medium: Literal["gas", "water"]
    percent: int
    otherwise: str | None = None


class MarkRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `marks.yaml`."""

    editions: tuple[Edition, ...]
    roll_ups: tuple[RollUp, ...]

    def edition(self, id: str) -> Edition:
        """The edition of that id; KeyError if there is none."""
        found = next((edition for edition in self.editions if edition.id == id), None)
        if found is None:
            raise KeyError(f"no edition {id}: one of {[edition.id for edition in self.editions]}")
        return found

    def roll_up(self, medium: Literal["gas", "water"]) -> RollUp:
        """The roll-up of a medium."""
        return next(rule for rule in self.roll_ups if rule.medium == medium)


@once
def mark_rules() -> MarkRules:
    """The packaged marks."""
    return read("marks", MarkRules)


def standings(flag: Ints, edition: Edition) -> Ints:
    """What each mark says: 1 valid, 2 no mark, 3 unknown letter, 4 invalid, 9 missing.

    `flag` are code points, 0 none, -1 no single letter. Source: HJ 212-2017 table 8.
    Worked example (2017): N T B P none → [1, 4, 9, 3, 2]; in 2005 P (no power) is 9.
    """
    letters = np.array([ord(mark.letter) for mark in edition.marks], dtype=np.int64)
    says = np.array([_STANDING[mark.standing] for mark in edition.marks], dtype=np.int64)
    order = np.argsort(letters)
    at = order[np.minimum(np.searchsorted(letters[order], flag), len(order) - 1)]
    known: Ints = np.where(letters[at] == flag, says[at], UNKNOWN)
    return np.where(flag == 0, UNMARKED, known)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """Per output value: the mark it carries (code point, 0 without inputs), normal inputs, all inputs."""

    mark: Ints
    normal: Ints
    total: Ints


def rolled_up(group: Ints, flag: Ints, groups: int, rule: RollUp, edition: Edition) -> RolledUp:
    """The marks of `groups` output values; input i belongs to output `group[i]`. No mark counts as normal.

    Source: HJ 212-2017 appendix C notes 16-18. Worked example: of 4 inputs N N N C, gas → N (75 %),
    water → C; of N N C C, gas → D.
    """
    total = np.bincount(group, minlength=groups)
    is_normal = np.isin(standings(flag, edition), (VALID, UNMARKED))
    normal = np.bincount(group[is_normal], minlength=groups)
    enough = normal * 100 >= rule.percent * total
    other = ord(rule.otherwise) if rule.otherwise else _commonest(group[~is_normal], flag[~is_normal], groups)
    mark = np.where(total == 0, 0, np.where(enough, NORMAL, other))
    return RolledUp(mark.astype(np.int64), normal, total)


def _commonest(group: Ints, flag: Ints, groups: int) -> Ints:
    """The mark most rows of each group carry; of equally many the smallest code point."""
    found = np.zeros(groups, dtype=np.int64)
    if len(group):
        pairs, count = np.unique(np.stack([group, flag]), axis=1, return_counts=True)
        order = np.lexsort((-pairs[1], count, pairs[0]))
        found[pairs[0][order]] = pairs[1][order]
    return found

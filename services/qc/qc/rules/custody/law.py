"""The law of custody as dated data: stages, elements, posts, grades, clocks, reasons.

Promises: what is asked for a day is what was in force on it. Leaves their use to the modules of this package.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from qc.rules.validity.dated import Content, Dated, in_force, parse

Condition = Literal["calibrated", "normal", "unbroken", "logged"]
CONDITIONS: tuple[Condition, ...] = ("calibrated", "normal", "unbroken", "logged")


class Named(Dated, frozen=True, kw_only=True):
    """An entry with a name for people."""

    id: str
    zh: str
    en: str


class Element(Named, frozen=True, kw_only=True):
    """What the record of these stages must have."""

    stages: tuple[str, ...]


class Post(Named, frozen=True, kw_only=True):
    """Who answers, in which grade: those who took part in the stages `of`, or who signs in the `role`.

    `after` is the post whose signature comes before, `level` the level of review.
    """

    grade: str
    of: tuple[str, ...] = ()
    role: str | None = None
    after: str | None = None
    level: int | None = None


class Certified(Dated, frozen=True, kw_only=True):
    """Who signs in `post` holds a certificate of one of the posts `any_of` of the register of staff."""

    post: str
    any_of: tuple[str, ...]


class Liability(Dated, frozen=True, kw_only=True):
    """What a person of the chain answers for."""

    zh: str
    en: str


class Clocks(Dated, frozen=True, kw_only=True):
    """How far a step may lie ahead of its receipt (s), and how long after it the record may come (h)."""

    ahead_seconds: int
    late_hours: int
    is_provisional: bool = False


class Reason(Named, frozen=True, kw_only=True):
    """Why an hour is no evidence, and which condition fails by it."""

    condition: Condition


class _Chain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    stages: tuple[Named, ...]
    elements: tuple[Element, ...]
    grades: tuple[Named, ...]
    posts: tuple[Post, ...]
    certificates: tuple[Certified, ...]
    liabilities: tuple[Liability, ...]
    clocks: tuple[Clocks, ...]


class _Reasons(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Law:
    """What is in force on one day."""

    stages: tuple[Named, ...]
    elements: tuple[Element, ...]
    grades: tuple[Named, ...]
    posts: tuple[Post, ...]
    certificates: tuple[Certified, ...]
    liability: Liability
    clocks: Clocks

    def certified(self, post: str) -> Certified | None:
        """What certificate a post asks for, None if it asks for none."""
        return next((one for one in self.certificates if one.post == post), None)

    def post(self, id: str) -> Post | None:
        """The post of that id, None if the law of the day knows none."""
        return next((post for post in self.posts if post.id == id), None)

    def grade(self, id: str) -> Named:
        """The grade of that id. Raises StopIteration if the pack names one it does not define."""
        return next(grade for grade in self.grades if grade.id == id)

    @property
    def signing(self) -> tuple[Post, ...]:
        """The posts that sign, in order."""
        return tuple(post for post in self.posts if post.role is not None)


def _read(name: str, content: type[Content]) -> Content:
    text = resources.files("qc").joinpath("packs", "custody", f"{name}.yaml").read_text(encoding="utf-8")
    return parse(text, name, content)


@cache
def law_on(day: date) -> Law:
    """The chain of custody by the law of a day."""
    told = _read("chain", _Chain)
    return Law(
        in_force(told.stages, day),
        in_force(told.elements, day),
        in_force(told.grades, day),
        in_force(told.posts, day),
        in_force(told.certificates, day),
        in_force(told.liabilities, day)[-1],
        in_force(told.clocks, day)[-1],
    )


@cache
def reasons_on(day: date) -> dict[str, Reason]:
    """Reasons against an hour by the law of a day, by id."""
    return {reason.id: reason for reason in in_force(_read("eligibility", _Reasons).reasons, day)}

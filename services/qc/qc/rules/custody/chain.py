"""The accountability chain of a result: every person, the post, the grade, and that leaving changes nothing.

Promises: whoever took part in sampling or analysis, signed, or headed the institution is in it. Leaves what
follows from liability to the cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from qc.rules.custody.law import Law, Post
from qc.rules.custody.signing import Person
from qc.rules.custody.steps import Step, in_order


@dataclass(frozen=True)
class Link:
    """One person's share: post and grade, since when; `left_on` if the person has left."""

    post: Post
    grade: str
    person: str
    name: str | None
    at: datetime
    left_on: date | None


@dataclass(frozen=True)
class Signer:
    """A signature as the chain needs it."""

    post: str
    person: str
    name: str
    grade: str
    at: datetime


def chain(
    steps: Sequence[Step],
    signers: Sequence[Signer],
    people: Mapping[str, Person],
    head: Person | None,
    law: Law,
) -> list[Link]:
    """All persons who answer, in the order of their posts. Source: LF-39, LN-16, 廊办字〔2018〕50号 二11.

    Worked example: sampled by P1 and P2, analysed and signed by P3 → sampler P1, sampler P2, analyst P3.
    """
    found: dict[tuple[str, str], Link] = {}

    def add(post: Post, number: str, at: datetime, name: str | None = None, grade: str | None = None) -> None:
        person = people.get(number)
        known = person.name if person else None
        left_on = person.left_on if person else None
        link = Link(post, grade or post.grade, number, name or known, at, left_on)
        found.setdefault((post.id, number), link)

    for post in law.posts:
        for signer in signers:
            if signer.post == post.id:
                add(post, signer.person, signer.at, signer.name, signer.grade)
        for step in in_order(steps):
            if step.stage in post.of:
                for number in step.persons:
                    add(post, number, step.happened_at)
        if post.id == "head" and head is not None and signers:
            add(post, head.number, max(signer.at for signer in signers), head.name)
    return list(found.values())

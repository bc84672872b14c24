"""May this person sign this result in this post now: role, post, order, separation of duties, bans.

Promises: every objection is given, not only the first; a ban is judged by the legal day of the signature.
Leaves who is asking to the door, and writing the signature to the flow.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import policy

from qc.rules.custody.law import Law, Post
from qc.rules.custody.steps import Step


@dataclass(frozen=True)
class Ban:
    """A ban of a person or a listing of an institution, both days included; `last` None is for life."""

    first: date
    last: date | None
    decision_no: str
    legal_basis: str

    def holds(self, on: date) -> bool:
        """Whether it bars on a legal day."""
        return self.first <= on and (self.last is None or on <= self.last)


@dataclass(frozen=True)
class Person:
    """A person at an institution: number, name, identity, posts held since a day, and the day of leaving."""

    number: str
    name: str
    subject: str
    posts: tuple[str, ...]
    since: date
    left_on: date | None = None

    def holds(self, post: str, on: date) -> bool:
        """Whether the person is in the post on a legal day."""
        return post in self.posts and self.since <= on and not (self.left_on and self.left_on <= on)


@dataclass(frozen=True)
class Signed:
    """A signature as it stands: post, outcome ("signed" or "returned"), who."""

    post: str
    outcome: str
    person: str
    subject: str


@dataclass(frozen=True)
class Objection:
    """Why a signature is refused: rule, in zh and en, how to mend."""

    rule: str
    what: str
    mend: str


@dataclass(frozen=True)
class Certificate:
    """A row of the register of staff: its code, the post, both days included, the factors (none: all)."""

    code: str
    post: str
    first: str
    last: str
    factors: tuple[str, ...] = ()

    def lacks(self, factor: str, on: date) -> str | None:
        """Why it does not cover a factor on a day, in zh and en; None if it does."""
        if not self.first <= on.isoformat() <= self.last:
            return f"有效期 {self.first} 至 {self.last} · valid from {self.first} to {self.last}"
        if self.factors and factor not in self.factors:
            return f"未含项目 {factor} · not for {factor}"
        return None


@dataclass(frozen=True)
class Wish:
    """A signature asked for: the post, the signer (None: nobody known), roles held, the day, the bans, the
    factor of the result and the signer's certificates.
    """

    post: Post
    person: Person | None
    roles: Collection[str]
    on: date
    bans: Sequence[Ban]
    factor: str
    certificates: Sequence[Certificate]


def objections(wish: Wish, steps: Sequence[Step], signed: Sequence[Signed], law: Law) -> list[Objection]:
    """Everything that stands against the signature; none means it may be given.

    Source: 廊办字〔2018〕50号 二11, 二12, 二21; separation of duties of the permission table.
    Worked example: a banned reviewer who analysed the sample → banned and duties.
    """
    found = list(_bans(wish.bans, wish.on))
    if wish.post.role is None or wish.post.role not in wish.roles:
        found.append(
            Objection("role", "无该岗位的角色 · without the role of the post", f"{wish.post.role or '-'}")
        )
    if wish.person is None or not wish.person.holds(wish.post.id, wish.on):
        what = f"未登记为{wish.post.zh}或已离职 · not registered as {wish.post.en}, or has left"
        found.append(Objection("post", what, "先登记人员岗位 · enter the person and the post first"))
    found += _uncertified(wish, law)
    found += _order(wish.post, signed, law)
    if wish.person is not None:
        found += _duties(wish.post, wish.person, steps, signed, wish.on)
    return found


def _bans(bans: Sequence[Ban], on: date) -> Iterator[Objection]:
    for ban in bans:
        if ban.holds(on):
            until = ban.last.isoformat() if ban.last else "终身 for life"
            what = f"被禁止从业或被列入失信名单，至{until} · barred until {until}: {ban.decision_no}"
            yield Objection(f"{ban.legal_basis}", what, "由他人签字 · another person must sign")


def _uncertified(wish: Wish, law: Law) -> Iterator[Objection]:
    """Names every row of the register that was looked at, and why it does not do."""
    asked = law.certified(wish.post.id)
    if asked is None or wish.person is None:
        return
    fitting = [one for one in wish.certificates if one.post in asked.any_of]
    faults = {one.code: one.lacks(wish.factor, wish.on) for one in fitting}
    if None in faults.values():
        return
    told = "; ".join(f"staff/{code} {why}" for code, why in faults.items())
    posts = " | ".join(asked.any_of)
    none = f"台账 staff 中无其 {posts} 岗位证书 · the register staff holds no certificate of {posts}"
    what = f"{wish.person.number}：{told or none}"
    mend = "更新上岗证或由持证人员签字 · renew the certificate, or let a certified person sign"
    yield Objection(asked.source, f"无有效上岗证 · no valid certificate, {what}", mend)


def _order(post: Post, signed: Sequence[Signed], law: Law) -> Iterator[Objection]:
    by_post = {one.post: one for one in signed}
    if post.id in by_post:
        yield Objection(
            "once", "该岗位已签字 · the post has signed", "更正须另立结果 · correct by a new result"
        )
    returned = next((one for one in signed if one.outcome == "returned"), None)
    if returned is not None:
        mend = "另立更正结果 · enter a correcting result"
        yield Objection("returned", "该结果已被退回 · the result was returned", mend)
    if post.after is not None and post.after not in by_post:
        before = law.post(post.after)
        name = f"{before.zh} · {before.en}" if before else post.after
        yield Objection("order", f"尚未签字 · has not signed yet: {name}", "逐级审核 · level by level")


def _duties(
    post: Post, person: Person, steps: Sequence[Step], signed: Sequence[Signed], on: date
) -> Iterator[Objection]:
    counted = [step for step in steps if step.revision == 0]
    if post.of:
        if not any(person.number in step.persons for step in counted if step.stage in post.of):
            what = "未参加该样品的分析 · took no part in the analysis of this sample"
            yield Objection(
                "who produces the figure answers for it", what, "由分析人员签字 · the analyst signs"
            )
        return
    history = [
        policy.Done(step.stage, frozenset(step.persons), person.number, step.happened_at) for step in counted
    ]
    history += [policy.Done(one.post, frozenset({one.person, one.subject}), one.person) for one in signed]
    marks = {person.number, person.subject}
    for found in policy.load().separation.collisions("result", post.id, marks, history, on):
        mend = "由他人签字 · another person must sign"
        yield Objection("separation of duties", f"{found.told} [{found.line.source}]", mend)


def unreviewed(signed: Sequence[Signed], law: Law) -> list[Post]:
    """Posts whose signature a report still lacks. Source: LF-44, 廊办字〔2018〕50号 二12.

    Worked example: signed by analyst and checker → reviewer and signatory.
    """
    done = {one.post for one in signed if one.outcome == "signed"}
    return [post for post in law.signing if post.id not in done]

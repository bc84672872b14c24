"""What stands against a cross-region grant: its rights, purpose, length, window. Pure; all at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from policy import CrossRule, Done, Policy
from standards import regions


@dataclass(frozen=True)
class Wish:
    """A grant somebody wants to give: by and to whom (subjects), where, what, what for, when."""

    giver: str
    giver_text: str
    subject: str
    regions: tuple[str, ...]
    permissions: tuple[str, ...]
    purpose: str
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True)
class Objection:
    """Where, by which rule, what and how to mend it, in zh and en."""

    where: str
    rule: str
    what: str
    mend: str


def oneself(wish: Wish, policy: Policy, on: date) -> list[Objection]:
    """Whether somebody grants to oneself; the policy of the day says that nobody may."""
    given = [Done("give", frozenset({wish.giver}), wish.giver_text)]
    found = policy.separation.collisions("grant", "receive", {wish.subject}, given, on)
    mend = "由其他负责人授权 · let another head of the organ give it"
    return [Objection("subject", one.line.source, one.told, mend) for one in found]


def objections(wish: Wish, policy: Policy, on: date, now: datetime) -> list[Objection]:
    """Everything that stands against it on the legal day `on`; empty if it may be given.

    Worked example: `cases:decide` for 100 days is refused twice, for the right and for its length.
    """
    line = policy.crossing.on(on)
    if line is None:
        what = "当日没有交叉执法授权的规则 · no rule of the policy allows cross-region grants today"
        return [Objection("valid_from", "policy, cross_region", what, "-")]
    return [*_content(wish, line), *_window(wish, line, now)]


def _content(wish: Wish, line: CrossRule) -> Iterator[Objection]:
    strange = sorted(code for code in wish.regions if regions.get(code) is None)
    if strange:
        what = f"没有区划代码 · there is no region {' '.join(strange)}"
        yield Objection("regions", "GB/T 2260", what, "使用已知的行政区划代码 · use known division codes")
    more = sorted(set(wish.permissions) - line.permissions)
    if more:
        mend = f"可授予 · may be granted: {' '.join(sorted(line.permissions))}"
        yield Objection("permissions", line.source, f"不得授予 · not to be granted: {' '.join(more)}", mend)
    if wish.purpose not in line.purposes:
        mend = " | ".join(sorted(line.purposes))
        yield Objection("purpose", line.source, f"目的不适用 · not a purpose for this: {wish.purpose}", mend)


def _window(wish: Wish, line: CrossRule, now: datetime) -> Iterator[Objection]:
    if not wish.valid_from < wish.valid_to or wish.valid_to <= now:
        what = "起止时间不成立或已过 · not a window, or already over"
        yield Objection("valid_to", "valid_from < valid_to", what, "填写将来的截止时间 · give an end to come")
    if wish.valid_to - wish.valid_from > timedelta(days=line.max_days):
        what = f"超过最长 {line.max_days} 天 · longer than {line.max_days} days"
        yield Objection(
            "valid_to", line.source, what, "缩短期限，期满另行授权 · shorten it, grant again later"
        )
    ahead = timedelta(days=line.ahead_days)
    if wish.valid_from < now - timedelta(minutes=5) or wish.valid_from > now + ahead:
        what = f"开始时间须在现在至{line.ahead_days}天内 · it begins now or within {line.ahead_days} days"
        yield Objection("valid_from", line.source, what, "不追溯授权 · nothing is granted for the past")

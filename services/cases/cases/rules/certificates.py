"""执法证登记: what the register says of a certificate on a legal day, and what stands against a new entry.

Promises: pure; first and last day count; the last word on record that has begun by the day is the one that
holds. Leaves which act needs a certificate, by which clause, to the policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any, Literal

from cases.rules.dated import in_force, read
from cases.rules.refusal import Refusal

State = Literal["in_force", "suspended", "revoked"]
Standing = Literal["in_force", "suspended", "revoked", "expired", "not_yet", "no_officers"]
STANDINGS: Mapping[Standing, tuple[str, str]] = {
    "in_force": ("有效", "in force"),
    "suspended": ("暂扣", "suspended"),
    "revoked": ("吊销", "revoked"),
    "expired": ("已过有效期", "expired"),
    "not_yet": ("尚未生效", "not valid yet"),
    "no_officers": ("不是行政执法资格证件", "no certificate of an enforcement officer"),
}
MEND = (
    "由持有效证件的人员办理；登记有误的，由发证部门更正登记 · let an officer with a valid certificate take "
    "part; if the register is wrong, the department that issues certificates corrects it (POST /certificates)"
)


@dataclass(frozen=True)
class Certificate:
    """One entry of the register. `subject` (of the token) and `holder_sha256` tell whose it is."""

    number: str
    dept: str
    region: str
    subject: str | None
    holder_sha256: str | None
    kind: str
    valid_from: date
    valid_until: date
    state: State
    state_from: date
    reason: str
    source: str

    @property
    def department(self) -> str:
        return f"{self.dept}@{self.region}"


def kind_of(name: str, on: date) -> dict[str, Any] | None:
    """A kind of certificate as known on a legal day."""
    return next((one for one in in_force(read("certificates")["kinds"], on) if one["kind"] == name), None)


def standing(of: Certificate, on: date) -> Standing:
    """How a certificate stands on a legal day.

    Worked example: valid until 2026-11-27, it is `in_force` on the 27th and `expired` on the 28th.
    """
    if of.state != "in_force" and of.state_from <= on:
        return of.state
    kind = kind_of(of.kind, on)
    if kind is None or not kind["is_officers"]:
        return "no_officers"
    if on < of.valid_from:
        return "not_yet"
    return "expired" if of.valid_until < on else "in_force"


def unfit(of: Certificate, on: date, clause: str) -> Refusal | None:
    """Why the holder of a certificate takes no part in an act on a legal day, or None."""
    found = standing(of, on)
    if found == "in_force":
        return None
    zh, en = STANDINGS[found]
    days = {
        "expired": f"{of.valid_until}",
        "not_yet": f"{of.valid_from}",
        "no_officers": "",
    }.get(found, f"{of.state_from} {of.reason}")
    what = f"执法证 {of.number}（{of.department}）{zh} {days} · certificate {of.number} is {en}"
    return Refusal("qualification", clause, what, MEND)


def unknown(number: str, department: str, clause: str) -> Refusal:
    """A department that keeps a register lets nobody take part whom no register knows."""
    what = (
        f"执法证 {number} 未登记，而 {department} 已建登记册 · "
        f"certificate {number} is on no register, while {department} keeps one"
    )
    mend = "核对证号，或由发证部门先行登记 · check the number, or have it entered first (POST /certificates)"
    return Refusal("qualification", clause, what, mend)


def anothers(number: str, clause: str) -> Refusal:
    """Who signs in presents a number that the register has for somebody else."""
    what = (
        f"执法证 {number} 登记在他人名下 · the register has certificate {number} for another "
        "person than the one signed in"
    )
    return Refusal("qualification", clause, what, MEND)


def same_persons(marks: Mapping[str, frozenset[str]], clause: str) -> list[Refusal]:
    """Two numbers of one person are one officer. `marks` by number: all by which its holder is known."""
    return [
        Refusal(
            "qualification",
            clause,
            f"执法证 {one} 与 {other} 为同一人所持 · certificates {one} and {other} are held by one person",
            "由另一名执法人员参加 · let another officer take part",
        )
        for one, other in combinations(sorted(marks), 2)
        if marks[one] & marks[other]
    ]


def _is_to_come(word: Certificate, on: date) -> bool:
    """A suspension or revocation that a later word with an earlier day would take away unseen."""
    return word.state != "in_force" and on < word.state_from


def flaws(new: Certificate, last: Certificate | None, departments: Iterable[str], on: date) -> list[Refusal]:
    """What stands against entering `new` after `last`, the newest word on record for the number."""
    found: Sequence[tuple[bool, str, str, str]] = [
        (
            new.dept in departments,
            "dept",
            f"没有该部门 {new.dept} · no department of government",
            "ee.enf, samr …",
        ),
        (
            kind_of(new.kind, on) is not None,
            "kind",
            f"没有该类证件 {new.kind} · no such kind",
            " ".join(one["kind"] for one in in_force(read("certificates")["kinds"], on)),
        ),
        (
            bool(new.subject or new.holder_sha256),
            "subject",
            "未写明持证人 · whose it is, is not said",
            "填写 subject 或 holder_sha256 · give subject or holder_sha256",
        ),
        (
            new.valid_from <= new.valid_until,
            "valid_until",
            "有效期不成立 · ends before it begins",
            "核对起止日期 · check the dates",
        ),
        (
            new.state == "in_force" or bool(new.reason),
            "reason",
            "暂扣、吊销须写明理由 · suspension and revocation need a reason",
            "填写 reason · give reason",
        ),
        (
            last is None or new.department == last.department,
            "dept",
            f"该证号登记在 {last.department if last else ''} · the number is on record there",
            "吊销后另发新证 · revoke it there and issue another",
        ),
        (
            last is None or not _is_to_come(last, on) or last.state_from <= new.state_from,
            "state_from",
            f"{last.state_from if last else ''} 起的暂扣、吊销已在册 · it ends on that day, by the record",
            "填写不早于该日的日期 · give that day or a later one",
        ),
    ]
    return [
        Refusal(where, "register of certificates 执法证登记", what, mend)
        for ok, where, what, mend in found
        if not ok
    ]

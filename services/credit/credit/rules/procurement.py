"""The answer to a buyer: may this supplier be bought from today, and if not, why, on what basis, until when.

Promises: barred exactly when a listing in force holds on the day asked for; a suspended listing bars nobody
and is mentioned as a note; a listing that ended is not mentioned at all (Order 36: no longer published or
used). A code whose check digit fails is answered with a warning, not refused. Leaves the buyer's own
qualification check (政府采购法 Art. 22) to the buyer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from standards import identity

from credit.rules.listing import Standing


@dataclass(frozen=True)
class Entry:
    """A listing as the check needs it."""

    listing_id: str
    standing: Standing
    organisation_zh: str
    organisation_en: str
    ground: str
    ground_zh: str
    ground_en: str
    basis_zh: str
    basis_en: str
    valid_from: date
    valid_to: date
    decision_no: str
    suspended_reason_zh: str = ""
    suspended_reason_en: str = ""


@dataclass(frozen=True)
class Reason:
    """One listing that bars: what for, on what basis, both days included, by which decision."""

    listing_id: str
    organisation_zh: str
    organisation_en: str
    ground: str
    ground_zh: str
    ground_en: str
    basis_zh: str
    basis_en: str
    valid_from: date
    valid_to: date
    decision_no: str


@dataclass(frozen=True)
class Note:
    """Something a careful buyer wants to know although it bars nobody."""

    listing_id: str | None
    zh: str
    en: str


@dataclass(frozen=True)
class Answer:
    """The answer in both languages. `notes` never bar."""

    uscc: str
    answer: Literal["barred", "clear"]
    summary_zh: str
    summary_en: str
    reasons: tuple[Reason, ...]
    notes: tuple[Note, ...]
    checked_on: date


def procurement_answer(listings: Iterable[Entry], uscc: str, on_date: date) -> Answer:
    """Whether the subject with this code is barred from procurement on the legal day `on_date`.

    Worked example: listed 2026-11-21 … 2029-11-21, asked on 2029-11-21 → barred; on 2029-11-22 → clear.
    """
    current = [entry for entry in listings if entry.valid_from <= on_date <= entry.valid_to]
    reasons = tuple(_reason(entry) for entry in current if entry.standing == "LISTED")
    notes = [_suspension(entry) for entry in current if entry.standing == "SUSPENDED"]
    notes += [
        Note(None, f"请核对统一社会信用代码（GB 32100-2015）：{oddity.zh}", f"Verify the code: {oddity.en}")
        for oddity in identity.uscc(uscc).warnings
    ]
    zh, en = _summary(reasons)
    return Answer(uscc, "barred" if reasons else "clear", zh, en, reasons, tuple(notes), on_date)


def _summary(reasons: tuple[Reason, ...]) -> tuple[str, str]:
    if not reasons:
        return "没有生效的列入记录，不限制参加政府采购", "No listing in force: not barred from procurement"
    until = max(reason.valid_to for reason in reasons).isoformat()
    return f"禁止参加政府采购，至 {until}", f"Barred from procurement until {until}"


def _reason(entry: Entry) -> Reason:
    return Reason(
        listing_id=entry.listing_id,
        organisation_zh=entry.organisation_zh,
        organisation_en=entry.organisation_en,
        ground=entry.ground,
        ground_zh=entry.ground_zh,
        ground_en=entry.ground_en,
        basis_zh=entry.basis_zh,
        basis_en=entry.basis_en,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        decision_no=entry.decision_no,
    )


def _suspension(entry: Entry) -> Note:
    return Note(
        entry.listing_id,
        f"决定书 {entry.decision_no} 的列入已暂停适用：{entry.suspended_reason_zh}",
        f"The listing by decision {entry.decision_no} is suspended: {entry.suspended_reason_en}",
    )

"""The legal basis of a fine: the law of the day of the act, unless the later law is milder (从旧兼从轻).

Promises: ranges are dated data (Decree 820 from 2026-01-01, Environmental Code from 2026-08-15); an amount
outside the range is refused with the clause; where no range is on file the decision is refused rather than
guessed. Leaves to people and later work: discretion within the range, fines below it (减轻处罚, Art. 32),
confiscation, orders, fines of persons.
"""

from dataclasses import dataclass
from datetime import date

from cases.rules.dated import Record, in_force, read
from cases.rules.refusal import Refusal


@dataclass(frozen=True)
class Basis:
    """A clause with its range in yuan for this gravity; `is_milder_later` if the later law was chosen."""

    id: str
    law_zh: str
    law_en: str
    min_yuan: int
    max_yuan: int
    further_zh: str
    further_en: str
    is_provisional: bool
    is_milder_later: bool = False

    @property
    def text(self) -> str:
        """The clause as cited: Chinese · English."""
        return f"{self.law_zh} · {self.law_en}"


def basis_for(
    subject_type: str, act: str, act_end: date, decided_on: date, *, is_serious: bool = False
) -> Basis | None:
    """The clause that judges an act ended on `act_end`, decided on `decided_on`; None if none is on file.

    A continuing act is judged by the law of its last day. The law of the day of the decision replaces it only
    if it is milder: a lower maximum, or the same maximum with a lower minimum, and not marked heavier
    (法典 Art. 1057; 行政处罚法 Art. 37).

    Worked example: a unit's falsification of 2026-07-01 decided on 2026-11-21 → `regulation-44`, because
    `code-1088` is not milder.
    """
    then = _clause(subject_type, act, act_end, is_serious)
    later = _clause(subject_type, act, decided_on, is_serious)
    if then is None or later is None or later.id == then.id:
        return then
    is_milder = (later.max_yuan, later.min_yuan) < (then.max_yuan, then.min_yuan)
    if not is_milder or _record(later.id).get("is_heavier_than") == then.id:
        return then
    return _as_basis(_record(later.id), is_serious, is_milder_later=True)


def amount_refusal(basis: Basis | None, amount_yuan: int, act_end: date) -> Refusal | None:
    """Why this amount cannot be decided on this basis, or None.

    Worked example: 50 000 yuan on `code-1088` (100 000 – 1 000 000) is refused with the clause.
    """
    if basis is None:
        return Refusal(
            "legal_basis",
            "行政处罚法（2021修订）第4条：没有法定依据的，行政处罚无效",
            f"没有已登记的处罚幅度 · no range is on file for an act of {act_end.isoformat()}",
            "核对主体类型、行为和日期 · check subject type, act and dates",
        )
    if basis.min_yuan <= amount_yuan <= basis.max_yuan:
        return None
    return Refusal(
        "amount_yuan",
        basis.text,
        f"{amount_yuan:,} 元超出法定幅度 · outside {basis.min_yuan:,}–{basis.max_yuan:,} yuan",
        f"{basis.min_yuan}–{basis.max_yuan}",
    )


def _record(basis_id: str) -> Record:
    return next(record for record in read("penalties")["bases"] if record["id"] == basis_id)


def _clause(subject_type: str, act: str, on: date, is_serious: bool) -> Basis | None:
    for record in in_force(read("penalties")["bases"], on):
        if record["act"] == act and subject_type in record["subjects"]:
            return _as_basis(record, is_serious)
    return None


def _as_basis(record: Record, is_serious: bool, *, is_milder_later: bool = False) -> Basis:
    gravity = "serious_" if is_serious and "serious_min_yuan" in record else ""
    return Basis(
        id=record["id"],
        law_zh=record["law_zh"],
        law_en=record["law_en"],
        min_yuan=int(record[f"{gravity}min_yuan"]),
        max_yuan=int(record[f"{gravity}max_yuan"]),
        further_zh=record["further_zh"],
        further_en=record["further_en"],
        is_provisional=record.get("is_provisional", False),
        is_milder_later=is_milder_later,
    )

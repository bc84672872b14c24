"""How long a person is banned from the trade, by the law of the day of the decision.

Promises: grounds and years are dated data and cite their basis. Leaves the decision itself to people.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from credit.rules.dated import in_force
from credit.rules.listing import months_later


@dataclass(frozen=True)
class BanTerm:
    """A ban as law sees it: both days included, `valid_to` None is for life."""

    ground: str
    legal_basis: str
    valid_from: date
    valid_to: date | None


def ban_term(ground: str, decided_on: date) -> BanTerm | None:
    """The ban that follows from a ground on a legal day, None if the law of that day knows no such ground.

    Source: 生态环境监测条例 Art. 45. Worked example: `ban_term("falsified", date(2026, 11, 21))` → until
    2031-11-20; "convicted" → for life.
    """
    for record in in_force("bans", decided_on):
        if record["ground"] == ground:
            years = record["years"]
            last = None if years is None else months_later(decided_on, 12 * years) - timedelta(days=1)
            return BanTerm(ground, f"{record['basis_zh']} · {record['basis_en']}", decided_on, last)
    return None


def ban_grounds(on: date) -> list[str]:
    """The grounds the law of a day knows."""
    return [record["ground"] for record in in_force("bans", on)]

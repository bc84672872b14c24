"""Special-case teams 专案组: how long a membership may last, as dated data (`teams.yaml`)."""

from datetime import date, datetime, timedelta

from cases.rules.dated import in_force, read
from cases.rules.refusal import Refusal


def until_refusal(until: datetime, now: datetime, on: date) -> Refusal | None:
    """Why a membership cannot end then, or None.

    Worked example: `until` a year from now is refused, 183 days are the longest.
    """
    for line in in_force(read("teams")["longest"], on):
        if now < until <= now + timedelta(days=line["days"]):
            return None
        return Refusal(
            "until",
            line["source"],
            f"期限须在此后 {line['days']} 天以内 · the end must lie within {line['days']} days from now",
            "缩短期限，届时可重新指定 · name a nearer end; a member can be named again",
        )
    return None

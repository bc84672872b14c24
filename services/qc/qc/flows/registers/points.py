"""Stations declared to be one monitoring point, kept where the way of a value finds them.

Promises: every station is known; the rows are the record as it stands, and the record says from when on
values are compared. Leaves comparing to `qc.flows.consistency`, as one of the values arrives.
"""

from datetime import date
from typing import Any

from kit.problems import Fault, Invalid
from sqlalchemy import delete, select

from qc.flows.registers.change import Change
from qc.rules.registers.flaws import flaw
from qc.rules.registers.model import Kind
from qc.tables.registers import KnownSite, PointSite, RegisterChange, RegisterRecord

SAME = ("stations", "factors")


async def compared_from(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    """Put into the record from when on it is compared: what both had sent before is never held for it.

    A change of the stations or of what is compared begins anew; one of its names or its end does not.
    """
    of = RegisterChange
    wanted = select(of.after).where(of.kind == row.kind, of.code == row.code)
    before = await change.session.scalar(wanted.order_by(of.change_no.desc()).limit(1))
    is_same = before is not None and all(before["body"].get(name) == row.body.get(name) for name in SAME)
    since = before["judged"].get("compared_from") if is_same and before else None
    row.judged = row.judged | {"compared_from": since or change.now.isoformat()}


async def declare_point(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    """The point's stations from now on. Raises Invalid for a station that nobody registered."""
    told = row.body["stations"]
    of = KnownSite.code
    known = set(await change.session.scalars(select(of).where(of.in_([one["site"] for one in told]))))
    errors: list[Fault] = [
        flaw(f"stations[{at}].site", "reference", one["site"]).told()  # type: ignore[misc]
        for at, one in enumerate(told)
        if one["site"] not in known
    ]
    if errors:
        raise Invalid("record-not-acceptable", "Nothing was changed 未作任何更改", errors=errors)
    await change.session.execute(delete(PointSite).where(PointSite.code == row.code))
    end = row.body.get("valid_to")
    change.session.add_all(
        PointSite(
            code=row.code,
            site=one["site"],
            dept=one["dept"],
            factors=row.body.get("factors", []),
            valid_from=date.fromisoformat(row.body["valid_from"]),
            valid_to=date.fromisoformat(end) if end else None,
        )
        for one in told
    )

"""A finding of a supervisor's list: written once for its cause, and said.

Promises: what is open already is neither written nor said again. Leaves what is amiss, and about what, to the
callers.
"""

from datetime import datetime

from contracts.qc import RegisterFindingRaised
from kit.outbox import put
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.registers import RegisterFinding


async def raise_finding(session: AsyncSession, new: RegisterFinding) -> None:
    """Raise `new`, unless one is open for the same kind, code, finding and cause."""
    cells = {column.key: getattr(new, column.key) for column in RegisterFinding.__table__.columns}
    asked = insert(RegisterFinding).values(**cells).on_conflict_do_nothing()
    made = await session.execute(asked.returning(RegisterFinding.finding_id))
    if made.first() is None:
        return
    said = RegisterFindingRaised(
        finding_id=str(new.finding_id),
        finding=new.finding,
        record=f"{new.kind}/{new.code}",
        region=new.region,
        dept=new.dept,
        uscc=new.uscc,
        site=new.site,
        found_at_ms=_ms(new.found_at),
        due_at_ms=None if new.due_at is None else _ms(new.due_at),
        message_zh=new.message_zh,
        message_en=new.message_en,
        source_clause=new.source,
    )
    await put(session, said, key=new.site or new.uscc or new.region)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)

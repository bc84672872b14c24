"""The flows of bans: entered on a decision, lifted when it is annulled; each said as an event.

Promises: one decision bans one person once. Leaves who may sign meanwhile to `qc`, which hears it.
"""

from datetime import datetime
from typing import Any

from contracts.credit import PersonBanLifted, PersonBanned
from kit.outbox import put
from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from credit import queries
from credit.rules.bans import ban_grounds, ban_term
from credit.tables import Ban


async def ban_person(session: AsyncSession, asked: dict[str, Any], by: str, now: datetime) -> Ban:
    """The ban of a person by a decision. Raises Invalid where the law knows no such ground, Conflict."""
    on = asked["decided_on"]
    term = ban_term(asked["ground"], on)
    if term is None or on > legal_date(now):
        what = f"{asked['ground']} · {on}"
        fault = Fault(
            where="ground", rule="生态环境监测条例 Art. 45", what=what, mend=" | ".join(ban_grounds(on))
        )
        raise Invalid(
            "no-ground-for-ban", "没有禁止从业的依据 · no ground of a ban on that day", errors=[fault]
        )
    await queries.lock_ban(session, asked["decision_no"], asked["person"])
    known = await queries.ban_by(session, asked["decision_no"], asked["person"])
    if known is not None:
        if (known.ground, known.valid_from, known.region) != (term.ground, on, asked["region"]):
            raise Conflict(
                "ban-entered", "该决定已登记，内容不同 · the decision is entered with other content"
            )
        return known
    ban = Ban(
        ban_id=uuid7(),
        **{name: asked[name] for name in ("person", "name", "region", "ground", "decision_no")},
        legal_basis=term.legal_basis,
        valid_from=term.valid_from,
        valid_to=term.valid_to,
        entered_at=now,
        entered_by=by,
    )
    session.add(ban)
    await session.flush()
    event = PersonBanned(
        ban_id=str(ban.ban_id),
        person=ban.person,
        name=ban.name,
        region=ban.region,
        ground=ban.ground,
        decision_no=ban.decision_no,
        legal_basis=ban.legal_basis,
        valid_from=ban.valid_from.isoformat(),
        valid_to=ban.valid_to.isoformat() if ban.valid_to else None,
        banned_at_ms=int(now.timestamp() * 1000),
    )
    await put(session, event, key=str(ban.ban_id))
    return ban


async def lift_ban(session: AsyncSession, ban: Ban, reason: str, by: str, now: datetime) -> Ban:
    """The decision was annulled."""
    if ban.lifted_at is not None:
        return ban
    ban.lifted_at, ban.lifted_by, ban.lifted_reason = now, by, reason
    await session.flush()
    event = PersonBanLifted(
        ban_id=str(ban.ban_id),
        person=ban.person,
        region=ban.region,
        reason=reason,
        lifted_at_ms=int(now.timestamp() * 1000),
    )
    await put(session, event, key=str(ban.ban_id))
    return ban

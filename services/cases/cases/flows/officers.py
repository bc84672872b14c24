"""Officers who take part in an act: is the certificate of each in force, is anybody banned.

Promises: what a verified token said of a certificate (number, last day, whose) is kept when its holder acts;
the newest word counts. `credit` tells bans, in any order. Which act needs a certificate is the policy's.
Leaves a number that no token has presented yet to the legal review.
"""

from collections.abc import Sequence
from datetime import date, datetime

import policy
from contracts.credit import PersonBanLifted, PersonBanned
from policy import Principal
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from cases.rules.refusal import Refusal
from cases.tables import KnownBan, OfficerCertificate


async def keep(session: AsyncSession, who: Principal, now: datetime) -> None:
    """What the token of somebody who acts says of the own certificate."""
    if not who.certificate or not who.certificate_until:
        return
    told = {"subject": who.subject, "valid_until": who.certificate_until, "seen_at": now}
    row = insert(OfficerCertificate).values(number=who.certificate, **told)
    newer = OfficerCertificate.seen_at <= now
    await session.execute(row.on_conflict_do_update(index_elements=["number"], set_=told, where=newer))


async def unfit(
    session: AsyncSession, numbers: Sequence[str], permission: str, role: str, on: date
) -> list[Refusal]:
    """Why officers of these certificate numbers may not take part on a legal day: expired, or banned."""
    known = select(OfficerCertificate).where(OfficerCertificate.number.in_(numbers))
    found: list[Refusal] = []
    for one in await session.scalars(known.order_by(OfficerCertificate.number)):
        lacking = policy.load().certificates.lacking(permission, {role}, one.number, one.valid_until, on)
        if lacking is not None:
            found.append(Refusal("qualification", lacking.rule, lacking.what, lacking.mend))
        found += await _banned(session, one, on)
    return found


async def _banned(session: AsyncSession, one: OfficerCertificate, on: date) -> list[Refusal]:
    bans = select(KnownBan).where(
        KnownBan.person == one.subject,
        KnownBan.lifted_at_ms.is_(None),
        KnownBan.valid_from <= on,
        or_(KnownBan.valid_to.is_(None), KnownBan.valid_to >= on),
    )
    mend = "由其他执法人员办理 · let another officer take part"
    return [
        Refusal(
            "qualification",
            ban.legal_basis or "",
            f"执法证 {one.number} 的持证人被禁止从业（{ban.decision_no}，至 {ban.valid_to or '终身'}）· "
            f"the holder of certificate {one.number} is banned until {ban.valid_to or 'the end of life'}",
            mend,
        )
        for ban in await session.scalars(bans.order_by(KnownBan.ban_id))
    ]


async def know_ban(session: AsyncSession, event: PersonBanned) -> None:
    """A person is banned from a day on, until a day or for life."""
    told = {
        "decision_no": event.decision_no,
        "legal_basis": event.legal_basis,
        "valid_from": date.fromisoformat(event.valid_from),
        "valid_to": date.fromisoformat(event.valid_to) if event.valid_to else None,
    }
    row = insert(KnownBan).values(ban_id=event.ban_id, person=event.person, **told)
    await session.execute(row.on_conflict_do_update(index_elements=["ban_id"], set_=told))


async def know_ban_lifted(session: AsyncSession, event: PersonBanLifted) -> None:
    """The ban's decision was annulled: it bars nobody."""
    told = {"lifted_at_ms": event.lifted_at_ms}
    row = insert(KnownBan).values(ban_id=event.ban_id, person=event.person, **told)
    await session.execute(row.on_conflict_do_update(index_elements=["ban_id"], set_=told))

"""Officers who take part in an act: is the certificate of each in force, is anybody banned, are they two.

Promises: the register of certificates says it. What a verified token said of a certificate (number, last day,
whose) is kept when its holder acts and counts for a number on no register; the newest word counts. `credit`
tells bans, in any order. Which act needs a certificate is the policy's.
Leaves a number that no token has presented, while the department keeps no register, to the legal review.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

import policy
from contracts.credit import PersonBanLifted, PersonBanned
from policy import Principal
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from cases.flows import register
from cases.rules import certificates as rules
from cases.rules.refusal import Refusal
from cases.tables import KnownBan, OfficerCertificate

Checked = Literal["register", "tokens"]


async def keep(session: AsyncSession, who: Principal, now: datetime) -> None:
    """What the token of somebody who acts says of the own certificate."""
    if not who.certificate or not who.certificate_until:
        return
    told = {"subject": who.subject, "valid_until": who.certificate_until, "seen_at": now}
    row = insert(OfficerCertificate).values(number=who.certificate, **told)
    newer = OfficerCertificate.seen_at <= now
    await session.execute(row.on_conflict_do_update(index_elements=["number"], set_=told, where=newer))


class Part(NamedTuple):
    """An act in which officers take part: who does it by which right and role, and on which legal day.

    `needs_officers`: the act is one of those that need two.
    """

    who: Principal
    permission: str
    role: str
    needs_officers: bool
    on: date


async def unfit(
    session: AsyncSession, taking_part: Sequence[str], part: Part
) -> tuple[Checked | None, list[Refusal]]:
    """Against what those who take part were checked (None: no act of officers), and why some may not.

    The register's word of a number counts before that of a token. A number on no register is refused from
    the first certificate of the doer's department on; until then it passes, unless its token said otherwise.
    """
    own = part.who.certificate
    numbers = {*(number.strip() for number in taking_part if number.strip()), *([own] if own else [])}
    line = policy.load().certificates.line(part.permission, {part.role}, part.on)
    is_judged = part.needs_officers and line is not None
    kept = is_judged and await register.is_kept(session, part.who.dept, part.who.region)
    known = await register.known(session, numbers, part.on) if is_judged else {}
    asked = select(OfficerCertificate).where(OfficerCertificate.number.in_(numbers))
    told = {one.number: one for one in await session.scalars(asked)}
    found: list[Refusal] = []
    for number in sorted(numbers):
        one, subjects = told.get(number), set[str]()
        if one is not None:
            subjects.add(one.subject)
        if number in known and line is not None:
            subjects.update(filter(None, (known[number].subject,)))
            found += _by_register(known[number], part, line.source)
        elif one is not None:
            found += _by_token(one, part)
        if kept and number not in known and line is not None:
            found.append(rules.unknown(number, f"{part.who.dept}@{part.who.region}", line.source))
        found += await _banned(session, number, subjects, part.on)
    if line is not None:
        found += rules.same_persons(_marks(known, told, is_kept=kept), line.source)
    return (("register" if kept else "tokens") if is_judged else None), found


def _by_register(of: rules.Certificate, part: Part, clause: str) -> list[Refusal]:
    is_anothers = of.number == part.who.certificate and of.subject not in (None, part.who.subject)
    refusal = rules.unfit(of, part.on, clause)
    return [*([rules.anothers(of.number, clause)] if is_anothers else []), *([refusal] if refusal else [])]


def _by_token(one: OfficerCertificate, part: Part) -> list[Refusal]:
    judged = policy.load().certificates
    lacking = judged.lacking(part.permission, {part.role}, one.number, one.valid_until, part.on)
    return [Refusal("qualification", lacking.rule, lacking.what, lacking.mend)] if lacking else []


def _marks(
    known: Mapping[str, rules.Certificate], told: Mapping[str, OfficerCertificate], *, is_kept: bool
) -> dict[str, frozenset[str]]:
    """By what the holder of each number is known: what tokens showed counts where a register is kept."""
    marks = {number: {one.subject, one.holder_sha256} for number, one in known.items()}
    for number, one in told.items() if is_kept else ():
        marks.setdefault(number, set()).add(one.subject)
    return {number: frozenset(mark for mark in of if mark) for number, of in marks.items()}


async def _banned(session: AsyncSession, number: str, subjects: set[str], on: date) -> list[Refusal]:
    if not subjects:
        return []
    bans = select(KnownBan).where(
        KnownBan.person.in_(subjects),
        KnownBan.lifted_at_ms.is_(None),
        KnownBan.valid_from <= on,
        or_(KnownBan.valid_to.is_(None), KnownBan.valid_to >= on),
    )
    mend = "由其他执法人员办理 · let another officer take part"
    return [
        Refusal(
            "qualification",
            ban.legal_basis or "",
            f"执法证 {number} 的持证人被禁止从业（{ban.decision_no}，至 {ban.valid_to or '终身'}）· "
            f"the holder of certificate {number} is banned until {ban.valid_to or 'the end of life'}",
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

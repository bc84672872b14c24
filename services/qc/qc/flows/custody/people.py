"""Persons of an institution: entered with their posts, and left; nothing they signed is undone by it.

Promises: who is banned enters no post; one identity is one number. Leaves certificates to the register of
staff.
"""

from typing import Any

from kit.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.custody.asked import EnterPerson, Leave
from qc.flows.custody.who import Doer
from qc.queries import custody as stored
from qc.rules.custody.law import Law, law_on
from qc.rules.custody.signing import Ban
from qc.tables.custody import LabPerson, PersonDeparture


async def enter_person(session: AsyncSession, asked: EnterPerson, doer: Doer) -> dict[str, Any]:
    """A person takes posts. Raises Forbidden for who is banned, Conflict for a number that is another's."""
    owned = doer.owned(asked.region)
    law = law_on(doer.today)
    unknown = [post for post in asked.posts if law.post(post) is None]
    if unknown:
        fault = Fault(
            where="posts",
            rule="岗位 · posts",
            what=unknown[0],
            mend=" | ".join(post.id for post in law.posts),
        )
        raise Invalid("post-unknown", f"There is no post {unknown[0]} 岗位未知", errors=[fault])
    await stored.lock(session, "people", owned["institution"])
    if await stored.subjects_elsewhere(session, owned["institution"], asked.subject, asked.number):
        raise Conflict("person-taken", "编号或身份已属他人 · the number or the identity is another person's")
    refuse_banned(await stored.bans_of(session, asked.subject, owned["uscc"]), doer)
    row = LabPerson(
        entry_id=uuid7(),
        **owned,
        **asked.model_dump(exclude={"region"}),
        entered_at=doer.now,
        entered_by=doer.subject,
    )
    session.add(row)
    await session.flush()
    return person_view(row, None)


async def leave(session: AsyncSession, number: str, asked: Leave, doer: Doer) -> dict[str, Any]:
    """离职: no post is held from that day on; liability stays. Raises NotFound, Conflict."""
    institution = doer.institution
    await stored.lock(session, "people", institution)
    row = await stored.taken(session, LabPerson, institution, number)
    if row is None:
        raise NotFound("person-unknown", f"There is no person {number} here 人员未登记")
    doer.grant.require(region=row.region, owner_dept=row.owner_dept, owner_uscc=row.uscc)
    if await session.get(PersonDeparture, (institution, number)) is not None:
        raise Conflict("already-left", "该人员已登记离职 · the departure is entered")
    session.add(
        PersonDeparture(
            institution=institution,
            number=number,
            **asked.model_dump(),
            entered_at=doer.now,
            entered_by=doer.subject,
        )
    )
    await session.flush()
    told = liability(law_on(doer.today))
    return {"number": number, "left_on": asked.left_on.isoformat(), "is_liable": True} | told


def liability(law: Law) -> dict[str, str]:
    """What a person of the chain answers for, by the law of a day."""
    told = law.liability
    return {"liability_zh": told.zh, "liability_en": told.en, "liability_source": told.source}


def refuse_banned(bans: list[Ban], doer: Doer) -> None:
    """Raises Forbidden naming decision and basis if any ban holds today."""
    for ban in bans:
        if ban.holds(doer.today):
            until = ban.last.isoformat() if ban.last else "终身 for life"
            detail = f"被禁止从业或被列入失信名单，至{until} · barred until {until}: {ban.decision_no}"
            fault = Fault(
                where="subject", rule=ban.legal_basis, what=detail, mend="由他人担任 · another person"
            )
            raise Forbidden("person-banned", detail, errors=[fault])


def person_view(row: LabPerson, left_on: Any) -> dict[str, Any]:
    """A person as it travels; the identity stays with those who keep the register."""
    return {
        "id": str(row.entry_id),
        "institution": row.institution,
        "region": row.region,
        "number": row.number,
        "name": row.name,
        "posts": list(row.posts),
        "since": row.since.isoformat(),
        "left_on": left_on.isoformat() if left_on else None,
    }

"""Figures that wait for a person: placed by a rule of severity `hold`, decided by an analyst, told publish.

Promises: a hold grows with its alarm while it is undecided, and is lifted when its reason falls away; a
decision is kept with who and why, by two persons where the dated rule asks for two. Leaves overdue holds to
`qc.flows.desk.escalate`, and what the public reads to `publish`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
import policy
from contracts.qc import AlarmRaised, HoldDecided, HoldPlaced
from kit.outbox import put
from kit.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from policy import Done
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date
from uuid_utils.compat import uuid7

from qc.flows.steps import RULE, Actor, Step, take
from qc.queries import holds as stored
from qc.rules.desk import clock_of, due, persons_for
from qc.tables.desk import Hold

LIFTED = "补充或更正的数据到达后，暂缓的理由不再成立。 The reason fell away after more data arrived."
RECORD, PROPOSE, AGREE = "holds", "propose", "agree"
Choice = Literal["release", "keep-out"]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def place(session: AsyncSession, hold: Hold, now: datetime) -> None:
    """Keep a new hold, begin its clock, say it."""
    clock = clock_of("decide", "hold", legal_date(now))
    hold.hold_id, hold.placed_at, hold.level, hold.released = uuid7(), now, 1, []
    hold.persons = persons_for(hold.kind, legal_date(now))  # type: ignore[arg-type]
    hold.due_at = hold.escalate_at = due(clock, now)
    session.add(hold)
    await take(session, hold, Step("placed"), Actor(RULE, now))
    await say_placed(session, hold, now)


async def say_placed(session: AsyncSession, hold: Hold, now: datetime) -> None:
    """Say the hold as it now stands, to every site whose figure waits for it."""
    for place in places_of(hold):
        await put(session, _placed(hold, place, now), key=place.site)


class Place(NamedTuple):
    """A site whose figure a hold withholds; `id` is how others know the hold there."""

    id: str
    site: str
    region: str
    uscc: str | None


def places_of(hold: Hold) -> list[Place]:
    """The sites of a hold: one, or those of the stations that share the point.

    Worked example: a hold 7 over A01 and W07 is told as "7" at A01 and as "7/W07" at W07.
    """
    found = {one["site"]: (one["region"], one.get("uscc")) for one in hold.sources} or {
        hold.site: (hold.region, hold.uscc)
    }
    return [
        Place(str(hold.hold_id) if site == hold.site else f"{hold.hold_id}/{site}", site, *whose)
        for site, whose in found.items()
    ]


def _placed(hold: Hold, place: Place, now: datetime) -> HoldPlaced:
    return HoldPlaced(
        hold_id=place.id,
        kind=hold.kind,  # type: ignore[arg-type]
        site=place.site,
        region=place.region,
        uscc=place.uscc,
        factor=hold.factor,
        series=list(hold.series_ids),
        from_ms=_ms(hold.from_at),
        to_ms=_ms(hold.to_at),
        due_at_ms=_ms(hold.due_at),
        reason_zh=hold.reason_zh,
        reason_en=hold.reason_en,
        source_clause=hold.source_clause,
        placed_at_ms=_ms(now),
    )


async def place_holds(session: AsyncSession, alarms: Sequence[AlarmRaised], now: datetime) -> None:
    """A hold for each of these alarms."""
    for alarm in alarms:
        ref = alarm.series
        hold = Hold(
            kind="rule",
            alarm_id=UUID(alarm.alarm_id),
            site=ref.site,
            region=ref.region,
            uscc=ref.uscc,
            factor=ref.factor,
            series_ids=[ref.id],
            sources=[msgspec.to_builtins(ref)],
            from_at=_at(alarm.from_ms),
            to_at=_at(alarm.to_ms),
            reason_zh=alarm.message_zh,
            reason_en=alarm.message_en,
            source_clause=alarm.source_clause,
        )
        await place(session, hold, now)


async def widen_holds(session: AsyncSession, alarms: Sequence[AlarmRaised], now: datetime) -> None:
    """Open alarms that grew by these stretches: their undecided hold grows, too, or there is a new one."""
    if not alarms:
        return
    found = await stored.undecided_of(session, [UUID(alarm.alarm_id) for alarm in alarms])
    undecided = {str(hold.alarm_id): hold for hold in found}
    for alarm in alarms:
        hold = undecided.get(alarm.alarm_id)
        if hold is None:
            # What was decided covers what the analyst saw, not what came since.
            await place_holds(session, [alarm], now)
            continue
        begin, end = min(_at(alarm.from_ms), hold.from_at), max(_at(alarm.to_ms), hold.to_at)
        if (begin, end) != (hold.from_at, hold.to_at):
            hold.from_at, hold.to_at = begin, end
            await say_placed(session, hold, now)


async def lift_hold(session: AsyncSession, alarm_id: UUID, now: datetime) -> None:
    """The alarm was withdrawn: what was undecided waits no longer."""
    for hold in await stored.undecided_of(session, [alarm_id]):
        await lift(session, hold, now)


async def lift(session: AsyncSession, hold: Hold, now: datetime) -> None:
    """End a hold whose reason fell away, and say so."""
    await _end(session, hold, "lifted", Actor(RULE, now), LIFTED)


async def decide(
    session: AsyncSession, hold_id: UUID, actor: Actor, choice: Choice, released: Sequence[int], reason: str
) -> Hold:
    """Decide, or propose where two persons are asked for: the second agrees by deciding the same, and
    deciding otherwise proposes that.

    Raises NotFound; Conflict once decided; Forbidden for the same person twice; Invalid for a series that the
    hold does not name.
    """
    hold = await session.get(Hold, hold_id, with_for_update=True)
    if hold is None:
        raise NotFound("hold-unknown", f"There is no hold {hold_id} 无此暂缓事项")
    if hold.decision is not None:
        raise Conflict("hold-decided", f"{hold.decision} by {hold.decided_by} 已决定")
    if not set(released) <= set(hold.series_ids) or (released and choice != "release"):
        raise Invalid("series-not-held", f"`released` names some of {hold.series_ids} 序列不在范围内")
    if hold.kind == "consistency" and choice == "release" and len(released) != 1:
        detail = "Name the one series that is released 部门间数据不一致，须指明采用哪一来源"
        raise Invalid("source-unnamed", detail)
    if hold.persons > 1:
        if (hold.proposed, list(hold.released)) != (choice, list(released)):
            return await _propose(session, hold, actor, choice, released, reason)
        _require_another(hold, actor)
    hold.released = list(released)
    await _end(session, hold, choice, actor, reason)
    return hold


def _require_another(hold: Hold, actor: Actor) -> None:
    """Raises Forbidden where the policy bars whoever proposed, under whatever role, from agreeing."""
    text, _, subject = (hold.proposed_by or "").rpartition(" ")
    proposed = Done(PROPOSE, frozenset({subject}), text)
    marks, on = {actor.subject}, legal_date(actor.now)
    found = policy.load().separation.collisions(RECORD, AGREE, marks, [proposed], on)
    if found:
        mend = "由其他人员决定 · another person must decide"
        faults = [Fault(where=AGREE, rule=one.line.source, what=one.told, mend=mend) for one in found]
        raise Forbidden("same-person", found[0].told, errors=faults)


async def _propose(
    session: AsyncSession, hold: Hold, actor: Actor, choice: Choice, released: Sequence[int], reason: str
) -> Hold:
    hold.proposed, hold.proposed_by, hold.released = choice, actor.who, list(released)
    await take(session, hold, Step("proposed", reason, cause=choice), actor)
    return hold


async def _end(session: AsyncSession, hold: Hold, decision: str, actor: Actor, reason: str) -> None:
    hold.decision, hold.decided_by, hold.decided_at = decision, actor.who, actor.now
    hold.decision_reason, hold.escalate_at = reason, None
    await take(session, hold, Step("decided", reason, cause=decision), actor)
    tests = await stored.tests_within(session, hold) if decision == "release" else 0
    for place in places_of(hold):
        event = HoldDecided(
            hold_id=place.id,
            site=place.site,
            region=place.region,
            uscc=place.uscc,
            decision=decision,  # type: ignore[arg-type]
            released=list(hold.released) if decision == "release" else [],
            tests=tests,
            reason=reason,
            decided_at_ms=_ms(actor.now),
        )
        await put(session, event, key=place.site)

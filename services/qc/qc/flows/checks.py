"""Remote checks: ordered from `ingest`, their results kept; points drawn by a published random value.

Promises: an order is said in the transaction that keeps it; a list of points is fixed before the value that
draws from it can be known, and the draw can be recomputed by anybody. Leaves the conversation with the
logger to `ingest`, and the draw itself to `qc.rules.desk`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from contracts.ingest import CheckEnded
from contracts.qc import CheckOrdered
from kit.outbox import put
from kit.problems import Conflict, Fault, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.steps import RULE, Actor, Step, take
from qc.queries import desk as stored
from qc.rules.desk import draw, list_digest
from qc.tables import Alarm
from qc.tables.desk import CheckDraw, CheckOrder


async def order(session: AsyncSession, wanted: CheckOrder, actor: Actor) -> CheckOrder:
    """Order a check; an alarm that it is for gets a step."""
    wanted.order_id, wanted.ordered_by, wanted.ordered_at = uuid7(), actor.who, actor.now
    wanted.state, wanted.result, wanted.message_zh, wanted.message_en = "ordered", [], "", ""
    if wanted.alarm_id is not None:
        alarm = await stored.alarm(session, wanted.alarm_id)
        if alarm.site != wanted.site:
            raise Invalid("alarm-elsewhere", f"The alarm is about {alarm.site} 告警不属于该站点")
        note = f"{wanted.kind} {wanted.factor}: {wanted.reason}"
        await take(session, alarm, Step("check-ordered", note), actor)
    session.add(wanted)
    event = CheckOrdered(
        order_id=str(wanted.order_id),
        check=wanted.kind,  # type: ignore[arg-type]
        site=wanted.site,
        region=wanted.region,
        uscc=wanted.uscc,
        factor=wanted.factor,
        mn=wanted.mn,
        reason=wanted.reason,
        ordered_by=actor.who,
        ordered_at_ms=round(actor.now.timestamp() * 1000),
    )
    await put(session, event, key=wanted.site)
    return wanted


async def end(session: AsyncSession, event: CheckEnded) -> None:
    """Keep what became of a check. The first end stands."""
    known = await session.get(CheckOrder, UUID(event.order_id), with_for_update=True)
    if known is None or known.ended_at is not None:
        return
    known.state, known.command, known.mn = event.state, event.command, event.mn
    known.result, known.message_zh, known.message_en = event.result, event.message_zh, event.message_en
    known.ended_at = datetime.fromtimestamp(event.ended_at_ms / 1000, UTC)
    alarm = await session.get(Alarm, known.alarm_id) if known.alarm_id else None
    if alarm is not None:
        said = f"{event.state} {event.message_zh} {event.message_en}".strip()
        await take(session, alarm, Step("check-ended", said), Actor(RULE, known.ended_at))


def list_points(session: AsyncSession, wanted: CheckDraw, actor: Actor) -> CheckDraw:
    """Fix the points from which some are drawn, before the value is known. Raises Invalid."""
    if wanted.take > len(set(wanted.candidates)):
        raise _invalid("take", "no more than listed", f"{wanted.take} > {len(set(wanted.candidates))}")
    if wanted.value_after <= actor.now:
        raise _invalid("value_after", "the value is published after the list is fixed", "in the past 已过去")
    wanted.draw_id, wanted.listed_by, wanted.listed_at = uuid7(), actor.who, actor.now
    wanted.candidates = sorted(set(wanted.candidates))
    wanted.list_sha256, wanted.drawn = list_digest(wanted.candidates), []
    session.add(wanted)
    return wanted


def _invalid(where: str, rule: str, what: str) -> Invalid:
    fault = Fault(where=where, rule=rule, what=what, mend="修改后重试 · change it and try again")
    return Invalid("draw-unfit", f"{where}: {rule} 抽取条件不符", errors=[fault])


async def draw_points(
    session: AsyncSession, draw_id: UUID, actor: Actor, value: str, value_source: str
) -> CheckDraw:
    """Draw by the published value. Raises NotFound; Conflict before its time, or once drawn."""
    known = await session.get(CheckDraw, draw_id, with_for_update=True)
    if known is None:
        raise NotFound("draw-unknown", f"There is no draw {draw_id} 无此抽取")
    if known.value is not None:
        raise Conflict("already-drawn", f"Drawn by {known.drawn_by} 已抽取")
    if actor.now < known.value_after:
        detail = f"The value is published after {known.value_after.isoformat()} 公开随机值尚未公布"
        raise Conflict("value-not-published", detail)
    known.value, known.value_source = value, value_source
    known.drawn, known.drawn_by, known.drawn_at = _drawn(known, value), actor.who, actor.now
    return known


def _drawn(known: CheckDraw, value: str) -> list[str]:
    return draw(known.candidates, known.take, value)


def points(drawn: Sequence[str]) -> list[tuple[str, str]]:
    """(site, factor) of each point. Worked example: "131000-P01/a21026" → ("131000-P01", "a21026")."""
    return [(site, factor) for site, _, factor in (point.rpartition("/") for point in drawn)]

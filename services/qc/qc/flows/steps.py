"""One step about an alarm or a hold: kept for good, and said.

Promises: no step without its event, no event without its step. Leaves what follows from it to the callers.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.qc import DeskStepTaken
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables import Alarm
from qc.tables.desk import DeskStep, Hold

RULE = "qc/rule"


@dataclass(frozen=True)
class Actor:
    """Who acts, and when. `who` is `dept/role@region subject`, or the rule."""

    who: str
    now: datetime

    @property
    def subject(self) -> str:
        """The account, under whatever role."""
        return self.who.rpartition(" ")[2]


@dataclass(frozen=True)
class Step:
    """What was done: its slug, and what it says."""

    name: str
    note: str = ""
    assignee: str | None = None
    cause: str | None = None


async def take(session: AsyncSession, of: Alarm | Hold, step: Step, actor: Actor) -> None:
    """Keep and say a step about this alarm or hold."""
    is_alarm = isinstance(of, Alarm)
    subject_id = of.alarm_id if isinstance(of, Alarm) else of.hold_id
    session.add(
        DeskStep(
            subject="alarm" if is_alarm else "hold",
            subject_id=subject_id,
            step=step.name,
            level=of.level,
            actor=actor.who,
            assignee=step.assignee,
            cause=step.cause,
            note=step.note,
            taken_at=actor.now,
        )
    )
    event = DeskStepTaken(
        subject="alarm" if is_alarm else "hold",
        subject_id=str(subject_id),
        step=step.name,
        site=of.site,
        region=of.region,
        uscc=of.uscc,
        level=of.level,
        actor=actor.who,
        assignee=step.assignee,
        cause=step.cause,
        note=step.note,
        taken_at_ms=round(actor.now.timestamp() * 1000),
    )
    await put(session, event, key=of.site)

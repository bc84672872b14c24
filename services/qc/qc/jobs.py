"""What happens on a clock: silence, ends of days, missed deadlines, alarms that nobody takes.

Promises: nothing but that. Leaves the work to one flow each, and the clock to its caller.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from qc.flows.apart import judged_apart
from qc.flows.closing import Closer, Judge
from qc.flows.desk import escalate
from qc.flows.missing import notice_overdue
from qc.flows.proofs import notice_overdue_proofs
from qc.flows.registers.change import settle_deadlines
from qc.flows.repeats import forget_answers
from qc.flows.setting import closing_pack, setting_at


def utc_now() -> datetime:
    return datetime.now(UTC)


def missing_values(clock: Callable[[], datetime] = utc_now, seconds: float = 30) -> Job:
    """Every `seconds`: live series whose next value is overdue at `clock()`."""

    async def run(app: FastAPI) -> None:
        async with app.state.database.writer() as session:
            await notice_overdue(session, setting_at(clock()))

    return Job("missing_values", seconds, run)


def register_deadlines(clock: Callable[[], datetime] = utc_now, seconds: float = 60) -> Job:
    """Every `seconds`: deadlines of the registers that passed unmet by `clock()`."""

    async def run(app: FastAPI) -> None:
        found = limit = 500
        while found == limit:
            async with app.state.database.writer() as session:
                found = await settle_deadlines(session, clock(), limit)

    return Job("register_deadlines", seconds, run)


def overdue_proofs(clock: Callable[[], datetime] = utc_now, seconds: float = 60) -> Job:
    """Every `seconds`: requests for self-proof whose deadline has passed at `clock()`."""

    async def run(app: FastAPI) -> None:
        async with app.state.database.writer() as session:
            await notice_overdue_proofs(session, clock())

    return Job("overdue_proofs", seconds, run)


def escalations(clock: Callable[[], datetime] = utc_now, seconds: float = 10) -> Job:
    """Every `seconds`: alarms and holds whose time is over at `clock()`, all of them."""

    async def run(app: FastAPI) -> None:
        handled = 1
        while handled:
            async with app.state.database.writer() as session:
                handled = await escalate(session, clock())

    return Job("escalations", seconds, run)


def kept_answers(clock: Callable[[], datetime] = utc_now, seconds: float = 3600) -> Job:
    """Every `seconds`: answers to writes that are older at `clock()` than they are kept."""

    async def run(app: FastAPI) -> None:
        gone = most = 1000
        while gone == most:
            async with app.state.database.writer() as session:
                gone = await forget_answers(session, clock(), most)

    return Job("kept_answers", seconds, run)


def close_days(
    clock: Callable[[], datetime] = utc_now, seconds: float = 60, judge: Judge = judged_apart
) -> Job:
    """Every `seconds`: local days that are over at `clock()`, and closed days of which something came
    late.
    """

    async def run(app: FastAPI) -> None:
        await Closer(app.state.database, setting_at(clock()), closing_pack(), judge).run()

    return Job("close_days", seconds, run)


def all_jobs(clock: Callable[[], datetime], *, closes_days: bool) -> list[Job]:
    """Every job of the service, by this clock."""
    own = (missing_values, register_deadlines, overdue_proofs, escalations, kept_answers)
    found = [make(clock) for make in own]
    return [*found, close_days(clock)] if closes_days else found

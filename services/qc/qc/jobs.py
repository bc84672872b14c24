"""What happens on a clock: silence is noticed.

Promises: nothing but that. Leaves the work to one flow, and the clock to its caller.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from kit.app import Job

from qc.flows.missing import notice_overdue
from qc.flows.setting import setting_at


def utc_now() -> datetime:
    return datetime.now(UTC)


def missing_values(clock: Callable[[], datetime] = utc_now, seconds: float = 30) -> Job:
    """Every `seconds`: live series whose next value is overdue at `clock()`."""

    async def run(app: FastAPI) -> None:
        async with app.state.database.writer() as session:
            await notice_overdue(session, setting_at(clock()))

    return Job("missing_values", seconds, run)

"""Verdicts as they arrive: the current one per value, and the hours they touch."""

from collections.abc import Sequence

from contracts.qc import Assessed
from sqlalchemy.ext.asyncio import AsyncSession

from publish.queries import figures


async def take_verdicts(session: AsyncSession, event: Assessed, traces: Sequence[str]) -> None:
    """Keeps the event's verdicts (higher revision wins) and marks the hours they change.

    A series seen for the first time may already be named by a case that came earlier: that case's hours are
    touched again, so that the order of arrival does not matter.
    """
    await figures.let_verdicts_pass(session)
    new = await figures.save_series(session, event.series)
    await figures.save_figures(session, event, traces)
    if new:
        for case_id in await figures.cases_naming(session, new):
            await figures.touch_case(session, case_id, traces)

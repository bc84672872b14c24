"""The doors for events: each handler hands over to one flow. Leaves transactions, order and retries to `kit`."""

from datetime import UTC, datetime

from contracts.ingest import Recorded, Revised
from kit.outbox import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.assessing import assess_recorded
from qc.flows.revising import assess_revised
from qc.flows.setting import Setting
from qc.queries.series import Directory
from qc.rules.pack import load_pack

PACK = load_pack()
DIRECTORY = Directory()


def setting_now() -> Setting:
    """The packaged rules, this process's memory of series, and the time."""
    return Setting(PACK, DIRECTORY, datetime.now(UTC))


async def on_recorded(session: AsyncSession, event: Recorded, meta: Meta) -> None:
    await assess_recorded(session, event, meta, setting_now())


async def on_revised(session: AsyncSession, event: Revised, meta: Meta) -> None:
    await assess_revised(session, event, meta, setting_now())

"""What `ingest` tells of its registry and the registers need: sites, and registered methods.

Promises: a later change replaces an earlier one, in any order of arrival. Leaves everything else of the
registry to `ingest`.
"""

from datetime import datetime

from contracts.ingest import RegistryChanged, SiteRegistered
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.registers.change import Change
from qc.flows.registers.effects import settle_instrument
from qc.tables.registers import KnownMethod, KnownSite, RegisterRecord


async def keep_site(session: AsyncSession, event: SiteRegistered, now: datetime) -> None:
    """A site as it stands; if it begins or ceases to count in assessments, instruments' deadlines move."""
    known = await session.get(KnownSite, event.code)
    is_other = known is not None and known.is_assessed != event.is_assessed
    cells = {
        "region": event.region,
        "element": event.element,
        "uscc": event.uscc,
        "is_assessed": event.is_assessed,
        "longitude": event.longitude,
        "latitude": event.latitude,
    }
    asked = insert(KnownSite).values(code=event.code, **cells)
    await session.execute(asked.on_conflict_do_update(index_elements=["code"], set_=cells))
    if is_other and known is not None:
        await session.refresh(known)
        of = RegisterRecord
        wanted = select(of).where(of.kind == "instruments", of.site == event.code).with_for_update()
        for row in list(await session.scalars(wanted)):
            await settle_instrument(Change(session, "ingest registry", now), row)


async def keep_method(session: AsyncSession, event: RegistryChanged) -> None:
    """A method of the standards register; other kinds of the registry are no matter of ours."""
    if event.kind != "methods" or event.after is None:
        return
    body = event.after["body"]
    cells = {"standard_no": body["standard_no"], "factors": body["factors"], "change_no": event.change}
    asked = insert(KnownMethod).values(code=event.code, **cells)
    newer = KnownMethod.change_no < event.change
    await session.execute(asked.on_conflict_do_update(index_elements=["code"], set_=cells, where=newer))

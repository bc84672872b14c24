"""Where sites lie: what the registry says of areas and sites, as far as the desk rolls up by it.

Promises: a later change replaces an earlier one, whatever arrives first; other kinds are passed by. Leaves
the registry to `ingest`.
"""

from typing import Any

from contracts.ingest import RegistryChanged
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.desk import AreaPlace, SitePlace


async def follow_registry(session: AsyncSession, event: RegistryChanged) -> None:
    """Keep the area and the department of a site, and the names of an area."""
    after = event.after
    if after is None:
        return
    if event.kind == "sites":
        cells = {"site": event.code, "area": after.get("area"), "dept": after.get("dept")}
        await _keep(session, SitePlace, "site", cells | {"change": event.change})
    elif event.kind == "areas":
        body = after.get("body", {})
        cells = {
            "area": event.code,
            "kind": body.get("type") or "",
            "region": event.region or "",
            "name_zh": body.get("name_zh") or event.code,
            "name_en": body.get("name_en") or event.code,
        }
        await _keep(session, AreaPlace, "area", cells | {"change": event.change})


async def _keep(
    session: AsyncSession, table: type[SitePlace] | type[AreaPlace], key: str, cells: dict[str, Any]
) -> None:
    statement = insert(table).values(cells)
    newer = statement.excluded.change > table.__table__.c.change
    await session.execute(statement.on_conflict_do_update(index_elements=[key], set_=cells, where=newer))

"""The publication catalogue: what may be published at all, by whom, how often, through what gate.

The fields are those of a 发布清单. Promises: an item is replaced as a whole, its keeper and time are kept;
what is not in force in it cannot be released. Leaves who may change it to the policy.
"""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from publish.tables import CatalogueItem


class Pair(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid")
    zh: str = Field(min_length=1, max_length=500)
    en: str = Field(min_length=1, max_length=500)


class QualityGate(BaseModel):
    """Share (0–1) of the measuring stations an item needs; items excused by HJ 633-2026 §5.3.2."""

    model_config = ConfigDict(extra="forbid")
    min_station_share: float = Field(ge=0, le=1)
    exempt_factors: list[str] = []


class CatalogueEntry(BaseModel):
    """A catalogue item as its keeper writes it."""

    model_config = ConfigDict(extra="forbid")
    title: Pair
    content: Pair
    region: str = Field(pattern=r"^\d{6}$")
    indicator_set: Literal["aqi-hourly"]
    level: Literal["nation", "province", "prefecture", "county"]
    owner_dept: str
    consult_depts: list[str] = []
    outlet: str
    frequency: str = Field(examples=["0 * * * *"])
    grace_minutes: int = Field(ge=0, le=1440)
    draft_window_hours: int = Field(ge=0, le=72)
    media: list[str]
    legal_basis: Pair
    quality_gate: QualityGate
    retention: Pair
    license: Pair
    valid_from: date
    valid_to: date | None = None


_COLUMNS = {"region", "level", "owner_dept", "valid_from", "valid_to"}


def shown(item: CatalogueItem) -> dict[str, Any]:
    """The item as the public reads it."""
    return {
        "item_code": item.item_code,
        "region": item.region,
        "level": item.level,
        "owner_dept": item.owner_dept,
        **item.content,
        "valid_from": item.valid_from.isoformat(),
        "valid_to": item.valid_to.isoformat() if item.valid_to else None,
    }


async def held_by(session: AsyncSession, code: str) -> str | None:
    """The region whose item this is, None for a new code."""
    item = await session.get(CatalogueItem, code, with_for_update=True)
    return item.region if item else None


async def save(
    session: AsyncSession, code: str, entry: CatalogueEntry, *, actor: str, now: datetime
) -> CatalogueItem:
    """Adds or replaces the item."""
    item = CatalogueItem(
        item_code=code,
        region=entry.region,
        owner_dept=entry.owner_dept,
        level=entry.level,
        content=entry.model_dump(mode="json", exclude=_COLUMNS),
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        changed_by=actor,
        changed_at=now,
    )
    return await session.merge(item)

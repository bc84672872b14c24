"""Values of the same indicator, site and time from two sources, side by side.

Promises: one statement for all rows of a batch, by primary key. Leaves comparing to the rules.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from contracts.ingest import SeriesRef
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from qc.tables.desk import DifferingPair, Hold

BESIDE = """
    SELECT u.a, u.b, u.ts, x.value AS value_a, y.value AS value_b, greatest(x.code, y.code) AS code, d.hold_id
    FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) u (a, b, ts)
    JOIN known_values x ON x.series_id = u.a AND x.ts = u.ts
    JOIN known_values y ON y.series_id = u.b AND y.ts = u.ts
    LEFT JOIN differing_pairs d ON d.series_a = u.a AND d.series_b = u.b AND d.ts = u.ts
    ORDER BY u.a, u.b, u.ts
"""
COUNTERPARTS = """
    SELECT DISTINCT mine.site, mine.dept, other.site AS other_site, other.dept AS other_dept, mine.code,
        mine.factors, mine.valid_from, mine.valid_to, k.descriptor::text AS descriptor
    FROM point_sites mine JOIN point_sites other ON other.code = mine.code AND other.site <> mine.site
        AND other.dept <> mine.dept
    JOIN known_series k ON k.site = other.site
    WHERE mine.site = ANY($1) ORDER BY mine.site, mine.code
"""
STANDING = """
    SELECT true FROM differing_pairs d
    JOIN known_values x ON x.series_id = d.series_a AND x.ts = d.ts
    JOIN known_values y ON y.series_id = d.series_b AND y.ts = d.ts
    WHERE d.hold_id = $1 AND x.code < 4 AND y.code < 4 LIMIT 1
"""


class Counterpart(NamedTuple):
    """A series of another department's station at the same point as `site`, and who declared what."""

    site: str
    dept: str
    other_dept: str
    code: str
    factors: Sequence[str]
    valid_from: date
    valid_to: date | None
    ref: SeriesRef

    def holds(self, factor: str, on: date) -> bool:
        """Whether the declaration covers a factor on a legal day."""
        is_dated = self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)
        return is_dated and (not self.factors or factor in self.factors)


async def counterparts(connection: asyncpg.Connection, sites: Sequence[str]) -> list[Counterpart]:
    """The series of other departments' stations that are declared to share a point with these sites."""
    return [
        Counterpart(
            row["site"],
            row["dept"],
            row["other_dept"],
            row["code"],
            row["factors"],
            row["valid_from"],
            row["valid_to"],
            msgspec.json.decode(row["descriptor"], type=SeriesRef),
        )
        for row in await connection.fetch(COUNTERPARTS, list(sites))
    ]


async def beside(
    connection: asyncpg.Connection, rows: Sequence[tuple[int, int, datetime]]
) -> list[asyncpg.Record]:
    """Both values at each (series, series, ts) where both are known, the worse code, and the hold if any."""
    return list(await connection.fetch(BESIDE, *(list(column) for column in zip(*rows, strict=True))))


async def is_standing(connection: asyncpg.Connection, hold_id: UUID) -> bool:
    """Whether two values of this hold still differ, neither of them being bad."""
    return bool(await connection.fetchval(STANDING, hold_id))


async def open_issue(session: AsyncSession, series: list[int]) -> Hold | None:
    """The undecided issue between these series, locked."""
    wanted = select(Hold).where(
        Hold.kind == "consistency", Hold.decision.is_(None), Hold.series_ids == series
    )
    found: Hold | None = await session.scalar(wanted.order_by(Hold.hold_id.desc()).limit(1).with_for_update())
    return found


async def pairs_of(session: AsyncSession, hold_id: UUID, limit: int) -> Sequence[DifferingPair]:
    """The differing values of an issue, oldest first."""
    wanted = select(DifferingPair).where(DifferingPair.hold_id == hold_id).order_by(DifferingPair.ts)
    return (await session.scalars(wanted.limit(limit))).all()

"""The history of the registry: the last change of an object, and everything as it was known at a moment."""

from datetime import datetime
from typing import Any

from asyncpg import Connection
from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import asyncpg, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from ingest.tables import RegistryChange


def by_key(row: Any, key: Any, kind: str) -> Select[Any]:
    """One object by its `key`, with the number of its `last_change`: built once, asked in one round trip."""
    newest = select(func.max(RegistryChange.id)).where(
        RegistryChange.kind == kind, RegistryChange.code == key
    )
    cells = row.__table__
    return select(cells, newest.scalar_subquery().label("last_change")).where(key == bindparam("key"))


class Register:
    """A register read by its key past SQLAlchemy, whose share of so small a question is the larger one.

    For rows whose cells the driver gives as they are: texts, numbers, dates, and arrays of them.
    """

    def __init__(self, row: Any, key: Any, kind: str) -> None:
        self._made = by_key(row, key, kind).compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]

    async def row(self, connection: Connection, key: str) -> dict[str, Any] | None:
        """The cells of one object, and the number of its `last_change`."""
        given = self._made.params | {"key": key}
        found = await connection.fetchrow(
            str(self._made), *(given[one] for one in self._made.positiontup or ())
        )
        return None if found is None else dict(found)


async def last_change(session: AsyncSession, kind: str, code: str) -> int | None:
    """The number of the last change of one object; None if there was none."""
    newest = select(func.max(RegistryChange.id)).where(
        RegistryChange.kind == kind, RegistryChange.code == code
    )
    return await session.scalar(newest)


async def changes(
    session: AsyncSession, kind: str, code: str, after: int, limit: int, reach: ColumnElement[bool]
) -> list[RegistryChange]:
    """The changes of one object, oldest first."""
    wanted = select(RegistryChange).where(
        RegistryChange.kind == kind, RegistryChange.code == code, RegistryChange.id > after, reach
    )
    return list(await session.scalars(wanted.order_by(RegistryChange.id).limit(limit)))


async def known_at(
    session: AsyncSession,
    kind: str,
    at: datetime,
    reach: Any,
    span: tuple[str, int],
    code: str | None = None,
) -> list[RegistryChange]:
    """The last change by `at` of each object, by code after `span[0]`, at most `span[1]` of them.

    `reach` is made for the row it is handed, so that scope is judged on the newest change alone.
    """
    newest = (
        select(RegistryChange)
        .where(RegistryChange.kind == kind, RegistryChange.changed_at <= at, RegistryChange.code > span[0])
        .ext(distinct_on(RegistryChange.code))
        .order_by(RegistryChange.code, RegistryChange.id.desc())
    )
    if code is not None:
        newest = newest.where(RegistryChange.code == code)
    last = aliased(RegistryChange, newest.subquery())
    wanted = select(last).where(reach(last)).order_by(last.code).limit(span[1])
    return list(await session.scalars(wanted))

"""Where the quorum stands, and which refusals were said."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from evidence.rules.quorum import Standing

REFUSE = text(
    "INSERT INTO refusals (witness, kind, size, root, witness_size, refused_at) "
    "VALUES (:witness, :kind, :size, :root, :known, :now) ON CONFLICT DO NOTHING"
)
MARK = text("UPDATE witnessing SET missing_since = :since, lost_at = :lost_at WHERE id = 1")


async def standing(session: AsyncSession) -> Standing:
    """Since when the quorum is missing; locked until the transaction ends."""
    query = text("SELECT missing_since, lost_at FROM witnessing WHERE id = 1 FOR UPDATE")
    return Standing(*(await session.execute(query)).one())


async def mark(session: AsyncSession, standing: Standing) -> None:
    """Keep where the quorum stands."""
    await session.execute(MARK, {"since": standing.since, "lost_at": standing.lost_at})


async def refuse(
    session: AsyncSession, refusal: tuple[str, str, int, bytes], known: int | None, now: datetime
) -> bool:
    """Keep a refusal (witness, kind, size, root); False if it is known."""
    witness, kind, size, root = refusal
    given = {"witness": witness, "kind": kind, "size": size, "root": root, "known": known, "now": now}
    return bool((await session.execute(REFUSE, given)).rowcount)  # type: ignore[attr-defined]

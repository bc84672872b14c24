"""Releases and the evidence log: each version asks for a leaf; without witnesses nothing new is released.

Promises: a version's leaf is asked for in its own transaction; its nonce stays with it. The quorum is lost or
regained by whatever was said last, in any order of arrival.
"""

import secrets
from datetime import UTC, datetime
from uuid import UUID

from contracts.evidence import QuorumLost, QuorumRegained
from contracts.publish import LeafRequested
from kit.outbox import put
from kit.problems import Unavailable
from sqlalchemy.ext.asyncio import AsyncSession
from tlog.receipts import NONCE_SIZE, entry_of, record_of

from publish.queries import releases
from publish.tables import LogQuorum, ReleaseVersion

RETRY_SECONDS = 600


def fresh_nonce() -> bytes:
    """The salt of a new version's leaf."""
    return secrets.token_bytes(NONCE_SIZE)


async def seal(session: AsyncSession, version: ReleaseVersion) -> None:
    """Asks for the leaf of a new version: its record names the release and the digest of the snapshot."""
    assert version.nonce is not None
    record = record_of(UUID(version.release_id), bytes.fromhex(version.sha256), version.published_at)
    leaf = LeafRequested(
        subject="release",
        submissions=[record.submission],
        leaves=[entry_of(version.nonce, record.bytes).hex()],
        received_at_ms=[int(version.published_at.timestamp() * 1000)],
    )
    await put(session, leaf, key=version.release_id)


async def lose_quorum(session: AsyncSession, event: QuorumLost) -> None:
    """The log's witnesses have been too few for too long."""
    kept = await releases.log_quorum(session, event.log)
    at = datetime.fromtimestamp(event.lost_at_ms / 1000, UTC)
    kept.lost_at = max(kept.lost_at or at, at)


async def regain_quorum(session: AsyncSession, event: QuorumRegained) -> None:
    """They cosign again."""
    kept = await releases.log_quorum(session, event.log)
    at = datetime.fromtimestamp(event.regained_at_ms / 1000, UTC)
    kept.regained_at = max(kept.regained_at or at, at)


async def is_halted(session: AsyncSession) -> bool:
    """Whether nothing new may be released now."""
    return any(_is_lost(kept) for kept in await releases.log_quorums(session))


async def require_quorum(session: AsyncSession) -> None:
    """Raises Unavailable `log-quorum-lost` while nothing new may be released."""
    if await is_halted(session):
        detail = "Too few witnesses cosign the evidence log: publication waits 存证日志见证不足，暂停发布"
        raise Unavailable("log-quorum-lost", detail, retry_after=RETRY_SECONDS)


def _is_lost(kept: LogQuorum) -> bool:
    return kept.lost_at is not None and (kept.regained_at is None or kept.regained_at < kept.lost_at)

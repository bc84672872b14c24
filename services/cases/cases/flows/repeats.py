"""The same request under the same Idempotency-Key gets the answer already given.

Promises: two requests with one key run one after the other; the second finds the first's answer, or runs if
the first failed; the same key with another request is refused (422). Keys belong to one subject.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.problems import Fault, Invalid
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from cases.tables import Answer


@dataclass(frozen=True)
class Ask:
    """A write as it was asked: by whom, under which key (None = not repeatable), which path and body."""

    subject: str
    key: str | None
    path: str
    body: str
    now: datetime

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.path}\n{self.body}".encode()).hexdigest()


async def once(
    session: AsyncSession, ask: Ask, run: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The answer of `run`, or the one stored under the key. Raises Invalid if the key was used otherwise."""
    if ask.key is None:
        return await run()
    claim = insert(Answer).values(
        subject=ask.subject, key=ask.key, request_sha256=ask.sha256, given_at=ask.now
    )
    await session.execute(claim.on_conflict_do_nothing())
    answer = await session.get(Answer, (ask.subject, ask.key), with_for_update=True)
    assert answer is not None
    if answer.request_sha256 != ask.sha256:
        fault = Fault(
            where="Idempotency-Key",
            rule="one key, one request",
            what="该键已用于其他请求 · the key was used for another request",
            mend="换一个键 · use a new key",
        )
        raise Invalid("idempotency-key-reused", fault["what"], errors=[fault])
    if answer.body is None:
        answer.body = await run()
    return answer.body

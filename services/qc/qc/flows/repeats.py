"""The same request under the same Idempotency-Key gets the answer already given.

Promises: two requests with one key run one after the other; the second finds the first's answer, or runs if
the first failed; the same key with another request is refused (422). Keys belong to one subject. Answers are
kept as long as the dated rule says, then deleted.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.problems import Fault, Invalid
from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standards.calendar import legal_date

from qc.rules.desk import answers_kept_since
from qc.tables.custody import Answer


@dataclass(frozen=True)
class Ask:
    """A write as it was asked: by whom, under which key, which path and body."""

    subject: str
    key: str
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


async def forget_answers(session: AsyncSession, now: datetime, most: int = 1000) -> int:
    """Delete answers older than the rule keeps them; how many, `most` at once so that no write waits long."""
    since = answers_kept_since(now, legal_date(now))
    old = select(Answer.subject, Answer.key).where(Answer.given_at < since).order_by(Answer.given_at)
    old = old.limit(most).with_for_update(skip_locked=True)
    done = await session.execute(
        delete(Answer).where(tuple_(Answer.subject, Answer.key).in_(old)).returning(Answer.key)
    )
    return len(done.all())

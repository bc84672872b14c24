"""What every write of `qc` shares: its transaction and the key under which it may be repeated.

Promises: a write without an Idempotency-Key is refused; a repeat gets the answer already given. Leaves the
work to the flows.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from kit.auth import Grant
from kit.db import WriterSession
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.custody.asked import Asked
from qc.flows.custody.who import Doer
from qc.flows.repeats import Ask, once

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="Repeats get the same answer 重复请求得到同一答复",
    ),
]


@dataclass(frozen=True)
class Writing:
    """One write: its transaction, its path, and its key."""

    session: AsyncSession
    path: str
    key: str

    async def answer(
        self, body: Asked, doer: Doer, run: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """The answer of `run`, or the one already given under the key."""
        ask = Ask(doer.subject, self.key, self.path, body.model_dump_json(), doer.now)
        return await once(self.session, ask, run)


async def writing(request: Request, session: WriterSession, key: Key) -> Writing:
    """The write in hand."""
    return Writing(session, request.url.path, key)


def doer_of(grant: Grant) -> Doer:
    """Who acts, now."""
    return Doer(grant, datetime.now(UTC))


Write = Annotated[Writing, Depends(writing)]

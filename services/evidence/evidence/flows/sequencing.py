"""Leaves get their place: in the order in which their requests are handled.

Promises: part of the transaction of the cursor, so each request has its effect once; a leaf that the log
already has (after a restore) gets no second place. Leaves integrating to `integrating`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from kit.problems import Invalid
from sqlalchemy.ext.asyncio import AsyncSession

from evidence.queries import log
from evidence.queries.log import Leaf

ENTRY_BYTES = 32


class Requested(Protocol):
    """A `LeafRequested` of any producer."""

    @property
    def subject(self) -> str: ...
    @property
    def submissions(self) -> list[str]: ...
    @property
    def leaves(self) -> list[str]: ...
    @property
    def received_at_ms(self) -> list[int]: ...


async def sequence(session: AsyncSession, requests: Sequence[Requested]) -> None:
    """Append the leaves of these requests, in this order. Raises Invalid for what is no hash."""
    await log.append(session, [leaf for request in requests for leaf in _leaves(request)])


def _leaves(request: Requested) -> Iterator[Leaf]:
    columns = (request.submissions, request.leaves, request.received_at_ms)
    if len({len(column) for column in columns}) != 1:
        raise Invalid("leaves-uneven", "The columns differ in length 各列长度不一")
    for ref, leaf, at_ms in zip(*columns, strict=True):
        try:
            entry = bytes.fromhex(leaf)
        except ValueError:
            entry = b""
        if len(entry) != ENTRY_BYTES:
            raise Invalid("leaf-no-hash", f"{leaf[:80]!r} is no SHA-256 in hex 不是 SHA-256")
        yield Leaf(entry, request.subject, ref, datetime.fromtimestamp(at_ms / 1000, UTC))

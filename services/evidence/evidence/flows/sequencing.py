"""Leaves get their place: in the order in which their requests are handled.

Promises: part of the transaction of the cursor, so each request has its effect once; a leaf that the log
already has (after a restore) gets no second place. Leaves integrating to `integrating`.
"""

from collections.abc import Sequence
from typing import Protocol

from kit.problems import Invalid
from sqlalchemy.ext.asyncio import AsyncSession

from evidence.queries import log
from evidence.queries.log import ENTRY_BYTES, Leaves


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
    leaves = Leaves()
    for request in requests:
        _add(request, leaves)
    await log.append(session, leaves)


def _add(request: Requested, leaves: Leaves) -> None:
    columns = (request.submissions, request.leaves, request.received_at_ms)
    if len({len(column) for column in columns}) != 1:
        raise Invalid("leaves-uneven", "The columns differ in length 各列长度不一")
    for leaf in request.leaves:
        try:
            entry = bytes.fromhex(leaf)
        except ValueError:
            entry = b""
        if len(entry) != ENTRY_BYTES:
            raise Invalid("leaf-no-hash", f"{leaf[:80]!r} is no SHA-256 in hex 不是 SHA-256")
        leaves.entries.append(entry)
    leaves.subjects += [request.subject] * len(request.leaves)
    leaves.refs += request.submissions
    leaves.at_ms += request.received_at_ms

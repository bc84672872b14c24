"""Many rows of the registry at once: all of a file, or nothing of it.

Promises: every row is answered (entered, unchanged, or what is wrong with it); one wrong row leaves the
registry as it was; a dry run goes the whole way and keeps nothing; the same file again changes nothing.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from kit.bringing import entered
from kit.db import Database
from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.change import Change
from ingest.flows.registry import Unapproved
from ingest.queries import answers
from ingest.rules.refusals import texts

Row = dict[str, Any]
Enter = Callable[[Change, Row], Awaitable[bool]]


class _Undone(Exception):
    """A dry run has come to its end."""


class Bringing(msgspec.Struct, frozen=True):
    """A file to be entered: by `who` (`begin` makes the change), with `raw` for the Idempotency-Key."""

    database: Database
    begin: Callable[[AsyncSession], Change]
    sender: str
    raw: bytes
    key: str | None = None
    is_dry: bool = False


async def bring(file: Bringing, rows: Sequence[Row], code_name: str, enter: Enter) -> dict[str, Any]:
    """Enter the rows. Raises Invalid with an answer for each wrong row; then nothing was changed."""
    answer: dict[str, Any] = {}
    try:
        async with file.database.writer() as session, file.begin(session) as change:
            known = await _answered(session, file)
            if known is not None:
                return known
            answer = await entered(rows, code_name, lambda row: enter(change, row), _repeated, (Unapproved,))
            await change.say()
            if file.is_dry:
                raise _Undone
            await _remember(change, file, answer)
    except _Undone:
        answer["validated_only"] = True
    return answer


def _repeated(code: str) -> Fault:
    told: Any = {"where": "", **texts("table-repeat", code)}
    fault: Fault = told
    return fault


async def _answered(session: AsyncSession, file: Bringing) -> dict[str, Any] | None:
    if file.key is None or file.is_dry:
        return None
    raw = await (await session.connection()).get_raw_connection()
    found = await answers.find(raw.driver_connection, file.sender, file.key)
    if found is None:
        return None
    if found[0] != hashlib.sha256(file.raw).digest():
        detail = "This Idempotency-Key was used for another file 幂等键已用于其他内容"
        raise Invalid("idempotency-key-reused", detail)
    return dict(msgspec.json.decode(found[1]))


async def _remember(change: Change, file: Bringing, answer: dict[str, Any]) -> None:
    if file.key is None:
        return
    raw = await (await change.session.connection()).get_raw_connection()
    digest, body = hashlib.sha256(file.raw).digest(), msgspec.json.encode(answer)
    if not await answers.remember(raw.driver_connection, file.sender, file.key, digest, body, change.now):
        raise Conflict("idempotency-key-reused", "This key was just used by another request 幂等键正被使用")

"""Who acts at the desk: the caller, by name of account and role, at the instant of the write."""

from collections.abc import Awaitable, Callable
from typing import Any

from kit.auth import Grant

from qc.api.writing import Writing, doer_of
from qc.flows.custody.asked import Asked
from qc.flows.steps import Actor


async def act(
    write: Writing, body: Asked, grant: Grant, run: Callable[[Actor], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The answer of `run`, or the one already given under the key of the write."""
    doer = doer_of(grant)
    actor = Actor(f"{doer.text} {doer.subject}", doer.now)
    return await write.answer(body, doer, lambda: run(actor))

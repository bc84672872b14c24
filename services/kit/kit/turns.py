"""Whose turn it is to hold a reader, and how long a stream may last.

Promises: nobody's questions take the last reader of a process from the others, unless there is only one; who
waits too long for a turn of their own is told 429 with Retry-After; a stream ends by itself or visibly: a
last line where the form has one, then a cut before the end mark, never a file that looks whole.
Leaves the limit of one statement to `kit.db`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import structlog

from kit.problems import Problem, TooMany

log = structlog.get_logger()
# Longer than a page of the portal asks at once, shorter than the wait for a connection.
TURN_SECONDS = 8.0
# A file a person waits for; 40 million values at the slowest rate measured.
STREAM_SECONDS = 900.0


class Turns:
    """At most `each` questions of one asker at a time; the others of the same asker wait."""

    def __init__(self, each: int) -> None:
        self._each = each
        # As long as somebody holds or waits for one.
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, asker: str, seconds: float = TURN_SECONDS) -> AsyncIterator[None]:
        """Holds one turn. Raises TooMany when none of the asker's own came free within `seconds`.

        Worked example: with 2 readers each is 1; a second wide question of `water` waits 8 s, then is 429.
        """
        own = self._own.setdefault(asker, asyncio.Semaphore(self._each))
        try:
            async with asyncio.timeout(seconds):
                await own.acquire()
        except TimeoutError:
            detail = "Your own earlier questions are still being answered 您先前的查询尚未完成，请稍后再试"
            raise TooMany("questions-at-once", detail, headers={"Retry-After": "10"}) from None
        try:
            yield
        finally:
            own.release()


class Cut(RuntimeError):
    """Ends a connection in the middle, so that no client takes what came for the whole."""


async def whole_or_cut(
    pieces: AsyncIterator[bytes],
    told: Callable[[str], bytes] | None = None,
    seconds: float = STREAM_SECONDS,
) -> AsyncIterator[bytes]:
    """The pieces; after `seconds`, or when no more can be had, `told(reason)` as the last one, then Cut.

    Worked example: HTTP/1.1 then lacks its last chunk: curl ends with 18, httpx with RemoteProtocolError.
    """
    begun = time.monotonic()
    reason = f"the time limit of {seconds:g} s was reached; ask for less 超过时限，请缩小范围"
    source = aiter(pieces)
    try:
        while True:
            async with asyncio.timeout(begun + seconds - time.monotonic()):
                piece = await anext(source, None)
            if piece is None:
                return
            yield piece
    except TimeoutError:
        pass
    except Problem as problem:
        reason = problem.detail
    log.warning("stream_cut", reason=reason, seconds=round(time.monotonic() - begun, 1))
    if told:
        yield told(reason)
    raise Cut(reason)

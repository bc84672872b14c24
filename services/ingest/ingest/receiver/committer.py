"""Group commit: frames of many connections share one transaction.

Promises: what arrives while a commit runs goes into the next one, so nobody waits longer than two commits;
while PostgreSQL works on some groups the next is made ready; frames of one connection are committed in order
and fill a part of a group only, so that a burst does not delay its neighbours; the queue is bounded, a full
one stops reading from the sockets; a store that is away means no receipts.
"""

import asyncio
from collections.abc import Callable

import structlog
from kit.problems import Unavailable
from prometheus_client import Counter, Histogram

from ingest.flows.frames import Arrival, Reception

log = structlog.get_logger()
FRAMES = Counter("ingest_frames_total", "Frames taken, by what became of them", ["outcome"])
GROUP = Histogram("ingest_group_frames", "Frames sharing one commit", buckets=(1, 3, 10, 30, 100, 300, 1000))
MOST_IN_GROUP = 1000
MOST_OF_ONE = 100
GROUPS_AT_ONCE = 3
MOST_WAITING = 20_000
_GATHER_SECONDS = 0.002
_REST_SECONDS = 1.0

Settle = Callable[[Arrival], None]


class Committer:
    """Loops that commit what has gathered. `is_full` asks the connections to pause."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        # By sender: those whose frames may be taken next, and behind the frames of a running group.
        self._ready: dict[Settle, list[Arrival]] = {}
        self._behind: dict[Settle, list[Arrival]] = {}
        self._waiting = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self._waiting >= MOST_WAITING

    async def drained(self) -> None:
        """Returns when the queue has room again."""
        self._drained.clear()
        await self._drained.wait()

    def put(self, arrival: Arrival, settle: Settle) -> None:
        """Take a frame; `settle` is called with it once it is committed, refused or failed."""
        self._waiting += 1
        behind = self._behind.get(settle)
        if behind is not None:
            behind.append(arrival)
            return
        self._ready.setdefault(settle, []).append(arrival)
        self._wake.set()

    async def run(self) -> None:
        """Commit groups until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(GROUPS_AT_ONCE):
                group.create_task(self._run_one())

    async def _run_one(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await self._commit_next()

    async def finish(self) -> None:
        """Commit what is left, at the end."""
        while self._ready:
            await self._commit_next()

    async def _commit_next(self) -> None:
        group = self._next_group()
        try:
            if group:
                await self._commit(group)
        finally:
            for settle in {settle for _, settle in group}:
                left = self._behind.pop(settle)
                if left:
                    self._ready[settle] = left
            if self._ready:
                self._wake.set()

    def _next_group(self) -> list[tuple[Arrival, Settle]]:
        """Frames of those who wait longest; what else they sent stands behind until these are committed."""
        group: list[tuple[Arrival, Settle]] = []
        for settle in list(self._ready):
            room = min(MOST_IN_GROUP - len(group), MOST_OF_ONE)
            if not room:
                break
            arrivals = self._ready.pop(settle)
            group += [(arrival, settle) for arrival in arrivals[:room]]
            self._behind[settle] = arrivals[room:]
        self._waiting -= len(group)
        if not self._ready:
            self._wake.clear()
        if self._waiting < MOST_WAITING // 2:
            self._drained.set()
        return group

    async def _commit(self, group: list[tuple[Arrival, Settle]]) -> None:
        GROUP.observe(len(group))
        try:
            await self._reception.take([arrival for arrival, _ in group])
        except Unavailable as error:
            # No receipt: the loggers keep their data and send again.
            FRAMES.labels("unanswered").inc(len(group))
            log.warning("ingest.store_away", frames=len(group), error=error.detail)
            _settle(group)
            await asyncio.sleep(_REST_SECONDS)
            return
        except Exception as error:
            if len(group) == 1:
                FRAMES.labels("failed").inc()
                await self._keep_failed(group[0][0], error)
                _settle(group)
                return
            # One frame must not cost its neighbours their receipts: find it.
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
            return
        FRAMES.labels("taken").inc(len(group))
        _settle(group)

    async def _keep_failed(self, arrival: Arrival, why: Exception) -> None:
        """No receipt, so it comes again; what came is evidence all the same."""
        log.exception("ingest.frame_failed", mn=arrival.mn, exc_info=why)
        try:
            await self._reception.keep_failed(arrival, why)
        except Exception as error:
            FRAMES.labels("lost").inc()
            log.exception("ingest.frame_not_kept", mn=arrival.mn, exc_info=error)


def _settle(group: list[tuple[Arrival, Settle]]) -> None:
    for arrival, settle in group:
        settle(arrival)

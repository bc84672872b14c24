"""Group commit: frames of many connections share one transaction.

Promises: what arrives while a commit runs goes into the next one, so nobody waits longer than two commits;
while PostgreSQL works on one group the next is made ready; frames of one connection are committed in order;
the queue is bounded, a full one stops reading from the sockets; a store that is away means no receipts.
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
GROUPS_AT_ONCE = 2
MOST_WAITING = 20_000
_GATHER_SECONDS = 0.002
_REST_SECONDS = 1.0

Settle = Callable[[Arrival], None]


class Committer:
    """Loops that commit what has gathered. `is_full` asks the connections to pause."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._waiting: list[tuple[Arrival, Settle]] = []
        self._busy: set[Settle] = set()
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    async def drained(self) -> None:
        """Returns when the queue has room again."""
        self._drained.clear()
        await self._drained.wait()

    def put(self, arrival: Arrival, settle: Settle) -> None:
        """Take a frame; `settle` is called with it once it is committed, refused or failed."""
        self._waiting.append((arrival, settle))
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
            group = self._next_group()
            if not group:
                # All that waits comes from connections of the other group: its end wakes us.
                self._wake.clear()
                continue
            senders = {settle for _, settle in group}
            self._busy |= senders
            try:
                await self._commit(group)
            finally:
                self._busy -= senders
                if self._waiting:
                    self._wake.set()

    def _next_group(self) -> list[tuple[Arrival, Settle]]:
        """The oldest frames whose connections have none in the other group."""
        group: list[tuple[Arrival, Settle]] = []
        left: list[tuple[Arrival, Settle]] = []
        for item in self._waiting:
            is_next = len(group) < MOST_IN_GROUP and item[1] not in self._busy
            (group if is_next else left).append(item)
        self._waiting = left
        if not left:
            self._wake.clear()
        if len(left) < MOST_WAITING // 2:
            self._drained.set()
        return group

    async def finish(self) -> None:
        """Commit what is left, at the end."""
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_IN_GROUP], self._waiting[MOST_IN_GROUP:]
            await self._commit(group)

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
                log.exception("ingest.frame_failed", mn=group[0][0].frame.fields.get("MN"), exc_info=error)
                _settle(group)
                return
            # One frame must not cost its neighbours their receipts: find it.
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
            return
        FRAMES.labels("taken").inc(len(group))
        _settle(group)


def _settle(group: list[tuple[Arrival, Settle]]) -> None:
    for arrival, settle in group:
        settle(arrival)

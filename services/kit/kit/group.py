"""Lanes that have messages waiting share one transaction: its price is paid once for all of them.

Promises: order, cursors and effects are those of lanes handled one by one; lanes of a group that fails are
handled each by itself, so one bad message costs its neighbours a try and nothing else. Leaves parking,
messages that were delivered before, and whatever waits behind a parked one, to `kit.lane`.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic

import structlog

from kit import cursor, parking
from kit.lane import HANDLED, Consumption, Lane, Shared, Unshared
from kit.peers import Incoming

log = structlog.get_logger()

# More would make the first of them wait for the last.
MOST_BATCHES = 4


Runs = dict[Lane, list[Incoming]]


class Group:
    """The lanes of one event. A lane that is ready joins; `run` handles whoever has joined, together."""

    def __init__(self, of: Consumption, shared: Shared) -> None:
        self._of, self._shared, self._tuning = of, shared, shared.tuning
        self._joined: dict[Lane, asyncio.Future[None]] = {}
        self._wake = asyncio.Event()
        self._rested_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, lane: Lane) -> None:
        """Returns when the lane's messages have had their effect; Unshared where it must do it alone."""
        self._joined[lane] = answer = asyncio.get_running_loop().create_future()
        self._wake.set()
        await answer

    async def run(self) -> None:
        """Until it is cancelled, which must be after its lanes have ended."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._joined:
                await self._gather()
                await self._shared.slots.acquire()
                task = asyncio.create_task(self._settle(self._taken()))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _gather(self) -> None:
        full = MOST_BATCHES * self._tuning.batch
        while monotonic() < self._rested_at and not any(lane.is_stopping for lane in self._joined):
            if sum(lane.waiting for lane in self._joined) >= full:
                break
            await asyncio.sleep(0.02)
        self._rested_at = monotonic() + self._tuning.shared_rest

    def _taken(self) -> dict[Lane, tuple[list[Incoming], asyncio.Future[None]]]:
        """Who goes along, the longest waiting first; the others stay for the next."""
        taken: dict[Lane, tuple[list[Incoming], asyncio.Future[None]]] = {}
        room = MOST_BATCHES * self._tuning.batch
        for lane in list(self._joined):
            run = lane.contiguous()
            if room < len(run):
                break
            room -= len(run)
            taken[lane] = run, self._joined.pop(lane)
        return taken

    async def _settle(self, taken: dict[Lane, tuple[list[Incoming], asyncio.Future[None]]]) -> None:
        done: dict[Lane, int] = {}
        try:
            done = await self._commit({lane: run for lane, (run, _) in taken.items()})
        except Exception as error:
            log.info("bus.not_shared", of=self._of.durable, lanes=len(taken), error=repr(error))
        finally:
            self._shared.slots.release()
        for lane, (_, answer) in taken.items():
            if lane in done:
                lane.seq = done[lane]
            if answer.done():  # whoever waited was cancelled
                continue
            if lane in done:
                answer.set_result(None)
            else:
                answer.set_exception(Unshared())

    async def _commit(self, runs: Runs) -> dict[Lane, int]:
        """One transaction; the lanes whose messages had their effect, and up to where."""
        of, done = self._of, dict[Lane, int]()
        async with self._shared.database.writer() as session:
            at = await cursor.lock_all(session, of.service, of.type, [lane.place.lane for lane in runs])
            keys = {item.meta.key for run in runs.values() for item in run}
            blocked = await parking.waiting_keys(session, next(iter(runs)).place, keys)
            items: list[Incoming] = []
            for lane, run in runs.items():
                todo = _todo(run, at.get(lane.place.lane, -1), blocked)
                if todo is not None:
                    items += todo
                    done[lane] = todo[-1].meta.seq if todo else at[lane.place.lane]
            if items:
                await of.handle(session, *items)
                await cursor.advance_all(
                    session, of.service, of.type, {lane.place.lane: seq for lane, seq in done.items()}
                )
        HANDLED.labels(of.service, of.type).inc(len(items))
        return done


def _todo(run: Sequence[Incoming], at: int, blocked: set[str]) -> list[Incoming] | None:
    """What of a run is still to do; None where the lane itself must look."""
    todo = [item for item in run if item.meta.seq > at]
    is_next = not todo or todo[0].meta.seq == at + 1
    is_plain = not any(item.is_doubtful or item.meta.key in blocked for item in todo)
    return todo if run and at >= 0 and is_next and is_plain else None

"""The one active integrator of a log: entries → tree → signature → tiles → witnesses → checkpoint.

Promises, in this order: a checkpoint is kept in the database before anybody sees it, its tiles are written
before it is published, and none is ever smaller than the one before. Another instance takes over when this
one's connection ends. After any failure it begins at `resuming` again, so each step may be cut short.
"""

import asyncio
from datetime import datetime
from time import monotonic

import asyncpg
from kit.db import Database, Urls, session_of
from prometheus_client import Counter, Gauge
from tlog import merkle
from tlog.merkle import leaf_hash
from tlog.note import Checkpoint
from tlog.tiles import WIDTH

from evidence.flows import files, witnessing
from evidence.flows.identity import Identity
from evidence.flows.objects import CHECKPOINT, NOT_KEPT, Objects
from evidence.flows.resuming import AT_ONCE, Place, resume
from evidence.flows.witnessing import Witnesses
from evidence.queries import log
from evidence.rules.growth import BrokenTile

LOCK = "SELECT pg_try_advisory_lock(hashtext('jianzhen.log'), 0)"
SETTLE_SECONDS = 5.0
INTEGRATED = Counter("log_leaves_total", "Leaves under a published checkpoint")
SIZE = Gauge("log_size", "Size of the published checkpoint")


class Overtaken(RuntimeError):
    """Another instance signed meanwhile."""


class Turn:
    """Whose turn it is: a lock of the database's session, lost with the connection. `number` counts ours."""

    def __init__(self, urls: Urls) -> None:
        self._urls = urls
        self._connection: asyncpg.Connection | None = None
        self.number = 0

    async def take(self) -> bool:
        """Whether it is ours, now."""
        try:
            if self._connection is None:
                self._connection = await session_of(self._urls, timeout=10, command_timeout=10)
                if not await self._connection.fetchval(LOCK):
                    await self.leave()
                    return False
                self.number += 1
            await self._connection.execute("SELECT 1")
        except BaseException:
            await self.leave()
            raise
        return True

    async def leave(self) -> None:
        """Let another instance take over."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


class Log:
    """`await log.open()` once, then `await log.step(now)` again and again."""

    def __init__(
        self, database: Database, objects: Objects, identity: Identity, witnesses: Witnesses, turn: Turn
    ) -> None:
        self.identity, self.objects, self.witnesses = identity, objects, witnesses
        self.reader = files.Reader(objects)
        self._database, self._turn = database, turn
        self._place: Place | None = None
        self._since = 0
        self._shown: tuple[Checkpoint, str] | None = None
        self._settled_at = float("-inf")
        self._was_reached: bool | None = None

    async def open(self, now: datetime) -> None:
        """Compare files and database before anything is heard. Raises Diverged."""
        if await self._turn.take():
            self._place = await self._resumed(now)
            await self._publish(self._place, now)

    async def step(self, now: datetime) -> int:
        """Bring the checkpoint up to what is sequenced; how many leaves it gained."""
        if not await self._turn.take():
            self._place = None
            return 0
        try:
            if self._place is None or self._since != self._turn.number:
                self._place = await self._resumed(now)
            return await self._advance(self._place, now)
        except BaseException:
            self._place = None
            raise

    async def _resumed(self, now: datetime) -> Place:
        self._since = self._turn.number
        return await resume(self._database, self.objects, self.identity, now)

    async def _advance(self, place: Place, now: datetime) -> int:
        old = place.edge.size
        async with self._database.writer() as session:
            fresh = await log.entries(session, old, old + AT_ONCE)
        if fresh:
            edge = place.edge.copy()
            for at in range(0, len(fresh), WIDTH):
                edge.extend(map(leaf_hash, fresh[at : at + WIDTH]))
                await asyncio.sleep(0)  # whoever waits for a proof goes in between
            signed = self.identity.signed(edge.size, edge.root)
            await self._keep(old, edge.size, edge.root, signed, now)
            self.reader.remember(await files.write(self.objects, edge, old, place.tail, fresh))
            entries = [*place.tail, *fresh]
            place.edge, place.tail = edge, entries[len(entries) - edge.size % WIDTH :]
            place.signed = signed
        await self._publish(place, now)
        if fresh:
            await files.tidy(self.objects, old, place.edge.size)
            INTEGRATED.inc(len(fresh))
        return len(fresh)

    async def _keep(self, old: int, size: int, root: bytes, signed: str, now: datetime) -> None:
        async with self._database.writer() as session:
            if not await log.persist(session, old, size, root, signed, now):
                raise Overtaken(f"the checkpoint of size {old} is no longer the newest")

    async def _publish(self, place: Place, now: datetime) -> None:
        """Ask who has not cosigned yet, publish what is new, keep where the quorum stands."""
        if not place.signed:
            return
        checkpoint = self.identity.opened(place.signed)
        if self.witnesses.missing(place.signed):
            place.signed, refused = await self.witnesses.cosign(place.signed, checkpoint, self._prove)
            await witnessing.say_refused(self._database, self.identity, checkpoint, refused, now)
        if place.signed != place.published:
            # Asking took its time: what another instance published meanwhile must not be taken back.
            if not await self._turn.take() or self._since != self._turn.number:
                raise Overtaken("the turn was lost before the checkpoint was published")
            await self.objects.put(CHECKPOINT, place.signed.encode(), NOT_KEPT)
            place.published = place.signed
            SIZE.set(checkpoint.size)
        await self._settle(place.signed, checkpoint, now)

    def _prove(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency_proof(old, new, self.reader.of(new))

    async def _settle(self, signed: str, checkpoint: Checkpoint, now: datetime) -> None:
        is_reached = self.witnesses.has_quorum(signed)
        is_due = not is_reached and monotonic() - self._settled_at > SETTLE_SECONDS
        if is_reached == self._was_reached and not is_due:
            return
        needed = self.witnesses.needed
        await witnessing.settle_quorum(
            self._database, self.identity, checkpoint.size, needed, now, is_reached=is_reached
        )
        self._was_reached, self._settled_at = is_reached, monotonic()

    async def published(self) -> tuple[Checkpoint, str] | None:
        """The published checkpoint and its note, as the file has them."""
        found = await self.objects.fetch(CHECKPOINT)
        return None if found is None else self._opened(found.decode())

    async def newest(self) -> tuple[Checkpoint, str] | None:
        """The same without reading the file, where this instance published it."""
        place = self._place
        return self._opened(place.published) if place and place.published else await self.published()

    def _opened(self, signed: str) -> tuple[Checkpoint, str]:
        if self._shown is None or self._shown[1] != signed:
            self._shown = self.identity.opened(signed), signed
        return self._shown

    async def proof(self, entry: bytes, position: int, checkpoint: Checkpoint) -> list[bytes]:
        """Inclusion of an entry under a checkpoint; what is handed out verifies. Raises BrokenTile."""
        size, read = checkpoint.size, self.reader
        try:
            path = merkle.inclusion_proof(position, size, read.at_hand(size))
        except LookupError:
            path = await asyncio.to_thread(lambda: merkle.inclusion_proof(position, size, read.of(size)))
        if not merkle.verify_inclusion(leaf_hash(entry), position, size, path, checkpoint.root):
            read.forget()
            raise BrokenTile(f"a tile above entry {position} is damaged")
        return path

    async def close(self) -> None:
        await self._turn.leave()
        await self.witnesses.close()

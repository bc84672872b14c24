"""Where the log stands after a start: files and database are compared before anything is signed.

Promises: what a crash left undone between commit, tiles and checkpoint is done, with the same roots; a
database older than the files (a restored backup) is caught up from the published bundles; files that are
missing or damaged are made again from the database; two histories are never signed over (Diverged).
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog
from kit.db import Database
from tlog import merkle, tiles
from tlog.merkle import Read, leaf_hash
from tlog.note import Checkpoint
from tlog.tiles import WIDTH, Tile

from evidence.flows import files
from evidence.flows.identity import Diverged, Identity
from evidence.flows.objects import CHECKPOINT, Objects
from evidence.queries import log
from evidence.queries.log import Kept, Leaves
from evidence.rules.growth import BrokenTile, Edge, bundles, edge_at

logger = structlog.get_logger()
AT_ONCE = 20_000
# Full tiles of a level that are read again at a start: what the last step wrote, and a little more.
NEWEST = AT_ONCE // WIDTH + 2
RECOVERED = "recovered"


@dataclass
class Place:
    """Where the log stands: its edge, the entries of the incomplete bundle, the notes signed, published."""

    edge: Edge
    tail: list[bytes]
    signed: str
    published: str


async def resume(database: Database, objects: Objects, identity: Identity, now: datetime) -> Place:
    """The place to go on from; tiles of everything signed are written. Raises Diverged."""
    found = await objects.fetch(CHECKPOINT)
    note_text = found.decode(errors="replace") if found is not None else ""
    published = identity.opened(note_text) if note_text else Checkpoint(identity.origin, 0, merkle.EMPTY_ROOT)
    async with database.writer() as session:
        kept = await log.kept(session)
    if kept.size > kept.entries:
        raise Diverged(f"the database holds {kept.entries} entries, its own checkpoint speaks of {kept.size}")
    if published.size > kept.size:
        kept = await _catch_up(database, objects, published, kept, note_text, now)
    if published.size == kept.size and published.root != kept.root:
        raise Diverged(f"two different trees of size {kept.size} were signed")
    place = await _published_place(database, objects, published)
    await _replay(database, objects, place, kept)
    # The published note of the same checkpoint has cosignatures that the database does not keep.
    place.signed = note_text if published.size == kept.size else kept.note
    place.published = note_text
    return place


async def _published_place(database: Database, objects: Objects, published: Checkpoint) -> Place:
    """The edge at the published checkpoint, from its tiles; from the database where these do not hold."""
    size = published.size
    async with database.writer() as session:
        tail = await log.entries(session, size // WIDTH * WIDTH, size)
    try:
        held = {tile.path: await files.fetch(objects, tile) for tile in _edge_tiles(size)}
        edge = edge_at(size, lambda tile: held[tile.path] or b"")
        if edge.root != published.root:
            raise BrokenTile(f"the tiles on the edge do not give the root at size {size}")
    except BrokenTile as broken:
        logger.error("log.tiles_made_again", size=size, error=str(broken))
        return await _made_again(database, objects, published)
    row = [edge.read(0, size - len(tail) + at) for at in range(len(tail))]
    if len(tail) != size % WIDTH or row != [leaf_hash(entry) for entry in tail]:
        raise Diverged(f"the newest entries of the database are not those published up to size {size}")
    bundle = await files.fetch(objects, Tile(-1, size // WIDTH, len(tail))) if tail else b""
    if bundle != tiles.encode_entries(tail):
        logger.error("log.tiles_made_again", size=size, error="the newest bundle is damaged")
        return await _made_again(database, objects, published)
    try:
        await asyncio.to_thread(files.check_newest, objects, size, NEWEST)
    except BrokenTile as broken:
        logger.error("log.tiles_made_again", size=size, error=str(broken))
        return await _made_again(database, objects, published)
    return Place(edge, tail, "", "")


def _edge_tiles(size: int) -> list[Tile]:
    found, level = [], 0
    while size >> level * 8:
        number, width = divmod(size >> level * 8, WIDTH)
        if width:
            found.append(Tile(level, number, width))
        level += 1
    return found


async def _made_again(database: Database, objects: Objects, published: Checkpoint) -> Place:
    place = Place(Edge(), [], "", "")
    await _replay(database, objects, place, Kept(published.size, published.root, "", published.size))
    return place


async def _replay(database: Database, objects: Objects, place: Place, until: Kept) -> None:
    """Go on to a size that was signed before; nothing is written unless it gives the root that was signed."""
    edge = place.edge
    while edge.size < until.size:
        edge = edge.copy()
        edge.extend(map(leaf_hash, await _signed_entries(database, edge.size, until.size)))
    if edge.root != until.root:
        raise Diverged(
            f"the entries of the database do not give the root that was signed at size {until.size}"
        )
    while place.edge.size < until.size:
        await _grow(objects, place, await _signed_entries(database, place.edge.size, until.size))


async def _signed_entries(database: Database, start: int, stop: int) -> list[bytes]:
    async with database.writer() as session:
        fresh = await log.entries(session, start, min(stop, start + AT_ONCE))
    if not fresh:
        raise Diverged(f"the database lacks entry {start}, although size {stop} was signed")
    return fresh


async def _grow(objects: Objects, place: Place, fresh: list[bytes]) -> None:
    """Append entries and write their tiles."""
    old = place.edge.size
    edge = place.edge.copy()
    edge.extend(map(leaf_hash, fresh))
    await files.write(objects, edge, old, place.tail, fresh)
    entries = [*place.tail, *fresh]
    place.edge, place.tail = edge, entries[len(entries) - edge.size % WIDTH :]


async def _catch_up(
    database: Database,
    objects: Objects,
    published: Checkpoint,
    kept: Kept,
    note_text: str,
    now: datetime,
) -> Kept:
    """The database is older than the files: take what it lacks from the bundles, if all else agrees."""
    read = files.Reader(objects).of(published.size)
    try:
        roots = await asyncio.to_thread(
            lambda: (merkle.root(published.size, read), merkle.root(kept.size, read))
        )
    except BrokenTile as broken:
        raise Diverged(f"the database is older than the files, and {broken}") from broken
    if roots != (published.root, kept.root):
        raise Diverged(f"the database's tree of size {kept.size} is not the beginning of the published one")
    logger.warning("log.catches_up", database=kept.entries, files=published.size)
    for bundle in bundles(kept.size, published.size):
        entries = await _entries(objects, bundle, read)
        await _take(database, entries, bundle.index * WIDTH, max(kept.size, bundle.index * WIDTH), now)
    async with database.writer() as session:
        await log.persist(session, kept.size, published.size, published.root, note_text, now)
        return await log.kept(session)


async def _entries(objects: Objects, bundle: Tile, read: Read) -> list[bytes]:
    data = await files.fetch(objects, bundle)
    first = bundle.index * WIDTH
    entries = tiles.decode_entries(data) if data is not None else []
    hashes = await asyncio.to_thread(lambda: [read(0, first + at) for at in range(bundle.width)])
    if [leaf_hash(entry) for entry in entries] != hashes:
        raise Diverged(f"the database is older than the files, and {bundle.path} does not fit its tile")
    return entries


async def _take(database: Database, entries: list[bytes], first: int, start: int, now: datetime) -> None:
    """Compare what the database has of a bundle, append the rest."""
    async with database.writer() as session:
        there = await log.entries(session, start, first + len(entries))
        known = entries[start - first :][: len(there)]
        if there != known:
            raise Diverged(f"the database holds other entries after {start} than the published bundles")
        rest = entries[start - first + len(there) :]
        at_ms = int(now.timestamp() * 1000)
        columns = ([RECOVERED] * len(rest), [""] * len(rest), [at_ms] * len(rest))
        await log.append(session, Leaves(rest, *columns))
        if (await log.kept(session)).entries < first + len(entries):
            raise Diverged(f"an entry published after {start} already stands elsewhere in the database")

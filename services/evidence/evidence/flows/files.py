"""The log's tiles and bundles as files: written for what is new, read back for proofs and after a restart.

Promises: a partial tile that was outgrown is read from the full one. Leaves the checkpoint to `integrating`.
"""

from collections.abc import Iterable, Sequence

from tlog import tiles
from tlog.merkle import Read, leaf_hash
from tlog.tiles import HASH_SIZE, HEIGHT, WIDTH, Tile

from evidence.flows.objects import Objects
from evidence.rules.growth import BrokenTile, Edge, bundles, outgrown, subtree

KEPT_TILES = 2048
KEPT_NODES = 65_536


async def write(
    objects: Objects, edge: Edge, old: int, tail: Sequence[bytes], fresh: Sequence[bytes]
) -> list[tuple[Tile, bytes]]:
    """Bundles and tiles that came since `old`; `tail`: the entries of the bundle incomplete then.

    Returns the tiles, which proofs are likely to need next.
    """
    entries = [*tail, *fresh]
    start = old - len(tail)
    found = [
        (one, tiles.encode_entries(entries[one.index * WIDTH - start :][: one.width]))
        for one in bundles(old, edge.size)
    ]
    added = edge.added(old)
    await objects.put_all([*found, *added])
    return added


async def tidy(objects: Objects, old: int, new: int) -> None:
    """Remove narrower versions of tiles that became full."""
    for tile in outgrown(old, new):
        await objects.drop_narrower(tile)


def narrowed(data: bytes, tile: Tile) -> bytes:
    """The first `tile.width` hashes or entries of a fuller version."""
    if tile.level < 0:
        try:
            return tiles.encode_entries(tiles.decode_entries(data)[: tile.width])
        except ValueError:
            return b""  # a damaged bundle has no narrower version
    return data[: tile.width * HASH_SIZE]


async def fetch(objects: Objects, tile: Tile) -> bytes | None:
    """A tile or bundle as it was when it had this width."""
    data = await objects.fetch(tile.path)
    if data is None and tile.width < WIDTH:
        full = await objects.fetch(Tile(tile.level, tile.index).path)
        data = None if full is None else narrowed(full, tile)
    return data


def check_newest(objects: Objects, size: int, most: int) -> None:
    """Whether the last `most` full tiles of each level and the last bundles fit what stands above them.

    For threads. Raises BrokenTile. Older ones are left to `jianzhen log fsck`.
    """
    read, level = Reader(objects).of(size), 0
    while full := size >> (level + 1) * HEIGHT:
        for number in range(max(0, full - most), full):
            row = [read(level * HEIGHT, number * WIDTH + at) for at in range(WIDTH)]
            if subtree(row) != read((level + 1) * HEIGHT, number):
                raise BrokenTile(f"{Tile(level, number).path} does not fit the tile above it")
            if level == 0:
                _check_bundle(objects, Tile(-1, number), row)
        level += 1


def _check_bundle(objects: Objects, bundle: Tile, row: Sequence[bytes]) -> None:
    try:
        entries = tiles.decode_entries(objects.get(bundle.path) or b"")
    except ValueError as error:
        raise BrokenTile(f"{bundle.path} cannot be read: {error}") from error
    if [leaf_hash(entry) for entry in entries] != row:
        raise BrokenTile(f"{bundle.path} does not fit its tile")


class Reader:
    """Reads tiles for proofs; remembers them and hashes made from them: a complete subtree is for ever."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._held: dict[tuple[int, int], bytes] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}

    def of(self, size: int) -> Read:
        """Subtree hashes of a tree of `size` leaves; for threads. Raises BrokenTile for a missing tile."""
        return self._remembering(tiles.reader(size, self._get))

    def at_hand(self, size: int) -> Read:
        """The same without looking at any file. Raises LookupError where one would have to be read."""
        return self._remembering(tiles.reader(size, self._remembered))

    def remember(self, read: Iterable[tuple[Tile, bytes]]) -> None:
        """Keep tiles in hand, of each the widest; the oldest go."""
        for tile, data in read:
            key = tile.level, tile.index
            if len(data) > len(self._held.get(key, b"")):
                self._held[key] = data
        while len(self._held) > KEPT_TILES:
            del self._held[next(iter(self._held))]

    def forget(self) -> None:
        """Look at the files again."""
        self._held.clear()
        self._nodes.clear()

    def _remembering(self, read: Read) -> Read:
        def known(level: int, index: int) -> bytes:
            if level % HEIGHT == 0:
                return read(level, index)
            node = self._nodes.get((level, index))
            if node is None:
                node = read(level, index)
                if len(self._nodes) >= KEPT_NODES:
                    self._nodes.clear()
                self._nodes[level, index] = node
            return node

        return known

    def _remembered(self, tile: Tile) -> bytes:
        data = self._held[tile.level, tile.index]
        if len(data) < tile.width * HASH_SIZE:
            raise LookupError(tile.path)
        return data[: tile.width * HASH_SIZE]

    def _get(self, tile: Tile) -> bytes:
        try:
            return self._remembered(tile)
        except LookupError:
            data = self._objects.get(tile.path)
        if data is None and tile.width < WIDTH:
            data = self._objects.get(Tile(tile.level, tile.index).path)
        if data is None or len(data) < tile.width * HASH_SIZE:
            raise BrokenTile(f"{tile.path} is missing or too short")
        self.remember([(tile, data)])
        return data[: tile.width * HASH_SIZE]

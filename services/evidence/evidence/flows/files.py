"""The log's tiles and bundles as files: written for what is new, read back for proofs and after a restart.

Promises: a partial tile that was outgrown is read from the full one. Leaves the checkpoint to `integrating`.
"""

from collections.abc import Callable, Sequence

from tlog import tiles
from tlog.merkle import leaf_hash
from tlog.tiles import HASH_SIZE, HEIGHT, WIDTH, Tile

from evidence.flows.objects import Objects
from evidence.rules.growth import BrokenTile, Edge, bundles, outgrown, subtree

KEPT_TILES = 2048


async def write(
    objects: Objects, edge: Edge, old: int, tail: Sequence[bytes], fresh: Sequence[bytes]
) -> None:
    """Bundles and tiles that came since `old`; `tail`: the entries of the bundle incomplete then."""
    entries = [*tail, *fresh]
    start = old - len(tail)
    found = [
        (one, tiles.encode_entries(entries[one.index * WIDTH - start :][: one.width]))
        for one in bundles(old, edge.size)
    ]
    await objects.put_all([*found, *edge.added(old)])


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
    """Reads tiles for proofs, in threads; remembers full ones."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._full: dict[str, bytes] = {}

    def of(self, size: int) -> Callable[[int, int], bytes]:
        """Subtree hashes of a tree of `size` leaves. Raises BrokenTile where one is missing or too short."""
        own: dict[str, bytes] = {}

        def get(tile: Tile) -> bytes:
            if tile.path not in own:
                own[tile.path] = self._get(tile)
            return own[tile.path]

        return tiles.reader(size, get)

    def _get(self, tile: Tile) -> bytes:
        full = Tile(tile.level, tile.index)
        data = self._full.get(full.path)
        if data is None and tile.width < WIDTH:
            data = self._objects.get(tile.path)
        if data is None:
            data = self._objects.get(full.path)
            if data is not None and len(data) == WIDTH * HASH_SIZE:
                if len(self._full) >= KEPT_TILES:
                    self._full.clear()
                self._full[full.path] = data
        if data is None or len(data) < tile.width * HASH_SIZE:
            raise BrokenTile(f"{tile.path} is missing or too short")
        return narrowed(data, tile)

"""How the tree grows: its right edge, and the tiles that new leaves add.

Promises: holds at most one incomplete tile a level; the root and the tiles are those of RFC 6962 and C2SP
tlog-tiles, whatever the leaves came in. Leaves to others: where tiles are kept.
"""

from collections.abc import Callable, Iterable, Sequence

from tlog import merkle, tiles
from tlog.tiles import HASH_SIZE, HEIGHT, WIDTH, Tile


class BrokenTile(ValueError):
    """A tile does not hold what the tree needs; the message names it."""


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes whose number is a power of two."""
    row = list(hashes)
    while len(row) > 1:
        row = [merkle.node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


class Edge:
    """The tree of `size` leaves as far as it can still grow.

    >>> edge = Edge(); edge.extend([merkle.leaf_hash(b"a")]); edge.size
    1
    """

    def __init__(self, size: int = 0, rows: Iterable[Sequence[bytes]] = ()) -> None:
        self.size = size
        self._rows = [list(row) for row in rows]
        self._first = [(size >> level * HEIGHT) // WIDTH * WIDTH for level in range(len(self._rows))]

    def copy(self) -> "Edge":
        """The same edge, complete tiles dropped."""
        return Edge(self.size, [row[len(row) // WIDTH * WIDTH :] for row in self._rows])

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes."""
        added = list(leaves)
        self.size += len(added)
        self._push(0, added)

    def _push(self, level: int, hashes: list[bytes]) -> None:
        if level == len(self._rows):
            self._rows.append([])
            self._first.append(0)
        row = self._rows[level]
        complete = len(row) // WIDTH
        row += hashes
        roots = [subtree(row[at * WIDTH :][:WIDTH]) for at in range(complete, len(row) // WIDTH)]
        if roots:
            self._push(level + 1, roots)

    def read(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree that touches the edge, or was completed since the last copy."""
        tile_level, height = divmod(level, HEIGHT)
        start = (index << height) - self._first[tile_level]
        if start < 0:
            raise IndexError("left of the edge")
        return subtree(self._rows[tile_level][start : start + (1 << height)])

    @property
    def root(self) -> bytes:
        """The root of all leaves."""
        return merkle.root(self.size, self.read)

    def added(self, old: int) -> list[tuple[Tile, bytes]]:
        """The tiles that came since the tree had `old` leaves, which must be the size of the last copy."""
        return [(tile, self._tile(tile)) for tile in tiles.added(old, self.size)]

    def _tile(self, tile: Tile) -> bytes:
        start = tile.index * WIDTH - self._first[tile.level]
        return b"".join(self._rows[tile.level][start : start + tile.width])


def edge_at(size: int, fetch: Callable[[Tile], bytes]) -> Edge:
    """The edge of a tree of `size` leaves, read from its tiles. BrokenTile if one has the wrong length."""
    rows = []
    level = 0
    while size >> level * HEIGHT:
        number, width = divmod(size >> level * HEIGHT, WIDTH)
        tile = Tile(level, number, width)
        data = fetch(tile) if width else b""
        if len(data) != width * HASH_SIZE:
            raise BrokenTile(f"{tile.path} has {len(data)} bytes, not {width * HASH_SIZE}")
        rows.append([data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)])
        level += 1
    return Edge(size, rows)


def bundles(old: int, new: int) -> list[Tile]:
    """The bundles of entries that change when the log grows from `old` to `new`.

    >>> [bundle.path for bundle in bundles(255, 258)]
    ['tile/entries/000', 'tile/entries/001.p/2']
    """
    first, last = old // WIDTH, -(-new // WIDTH)
    return [Tile(-1, at, min(WIDTH, new - at * WIDTH)) for at in range(first, last)] if new > old else []


def outgrown(old: int, new: int) -> list[Tile]:
    """Full tiles and bundles of which narrower versions were written until the log had `old` leaves."""
    found = [tile for tile in bundles(old, new) if tile.width == WIDTH and old > tile.index * WIDTH]
    for tile in tiles.added(old, new):
        begun = old >> tile.level * HEIGHT
        if tile.width == WIDTH and begun > tile.index * WIDTH:
            found.append(tile)
    return found

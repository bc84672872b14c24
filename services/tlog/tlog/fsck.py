"""Does a log still hold what its checkpoint says? Every tile and every entry is read and hashed again.

Promises: a byte changed in one file is found and named, whichever file it is: where an entry, the tile above
it and the tile above that one disagree, the two that agree up to the signed root are believed. One tile at a
time is in memory, and one hash for each 256 leaves. Leaves to others: reading the files (`Fetch`), the
checkpoint's signatures, and what the entries stand for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from tlog import merkle, tiles
from tlog.tiles import HASH_SIZE, HEIGHT, WIDTH, Tile

Fetch = Callable[[str], bytes | None]
Hashes = list[bytes]
MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `kind`: missing, malformed, entry, tile, subtree or root; `byte` counts from 0."""

    kind: str
    path: str
    leaf: int | None = None
    byte: int | None = None


@dataclass(slots=True)
class _Doubt:
    """A tile whose hashes, as worked out from below and as stored, are not the same."""

    tile: Tile
    below: Hashes | None
    stored: Hashes | None
    chosen: Hashes | None

    @property
    def candidates(self) -> list[Hashes]:
        return [hashes for hashes in (self.below, self.stored) if hashes is not None]


def check(size: int, root: bytes, fetch: Fetch, tell: Callable[[int], None] = lambda _: None) -> list[Fault]:
    """What is wrong with a log of `size` leaves under `root`; `tell` gets the number of leaves read since.

    `fetch` gives a file by its path, `tile/0/000`, or None if there is none. At most 100 faults are named.
    """
    return _Check(size, root, fetch, tell).run()[:MOST_FAULTS]


class _Check:
    def __init__(self, size: int, root: bytes, fetch: Fetch, tell: Callable[[int], None]) -> None:
        self.size, self.root, self.fetch, self.tell = size, root, fetch, tell
        self.faults: list[Fault] = []
        self.doubts: list[_Doubt] = []
        self.tails: dict[int, Hashes | None] = {}
        self.above: tuple[Tile, Hashes | None] | None = None

    def run(self) -> list[Fault]:
        roots: list[bytes | None] = []
        level = 0
        while self.size >> level * HEIGHT:
            roots = list(self._level(level, roots))
            level += 1
        holds = self._settle()
        for doubt in self.doubts:
            self._blame(doubt)
        if not holds and not any(fault.kind in ("missing", "malformed") for fault in self.faults):
            self.faults.append(Fault("root", "checkpoint"))
        return self.faults

    def _level(self, level: int, lower: list[bytes | None]) -> Iterator[bytes | None]:
        """Checks the tiles of a level against what is below; yields the root of each full one."""
        count = self.size >> level * HEIGHT
        for index in range(-(-count // WIDTH)):
            tile = Tile(level, index, min(WIDTH, count - index * WIDTH))
            below = self._entries(index, tile.width) if level == 0 else _known(lower, tile)
            stored = self._stored(tile)
            chosen = below if below is not None else stored
            parent = self._parent(tile) if tile.width == WIDTH else None
            if below != stored:
                doubt = _Doubt(tile, below, stored, chosen)
                fitting = [one for one in doubt.candidates if parent and _root_of(one) == parent]
                chosen = doubt.chosen = fitting[0] if fitting else chosen
                self.doubts.append(doubt)
            if tile.width < WIDTH:
                self.tails[level] = chosen
            else:
                yield parent if chosen is None else _root_of(chosen)

    def _settle(self) -> bool:
        """Chooses, for the narrow tiles at the right edge, what leads to the root; whether anything does."""
        edge = [doubt for doubt in self.doubts if doubt.tile.width < WIDTH and len(doubt.candidates) == 2]
        for choice in product(*(doubt.candidates for doubt in edge)):
            tails = self.tails | {
                doubt.tile.level: hashes for doubt, hashes in zip(edge, choice, strict=True)
            }
            if None not in tails.values() and self._root(tails) == self.root:
                for doubt, hashes in zip(edge, choice, strict=True):
                    doubt.chosen = hashes
                return True
        return False

    def _root(self, tails: dict[int, Hashes | None]) -> bytes:
        def read(tile: Tile) -> bytes:
            return b"".join(tails[tile.level] or [])

        return merkle.root(self.size, tiles.reader(self.size, read))

    def _blame(self, doubt: _Doubt) -> None:
        """Names whichever side of a doubt differs from what was chosen."""
        tile, chosen = doubt.tile, doubt.chosen
        if chosen is None:
            return
        if doubt.stored is not None and doubt.stored != chosen:
            mine, theirs = b"".join(doubt.stored), b"".join(chosen)
            byte = next(at for at, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other)
            leaf = tile.index * WIDTH + byte // HASH_SIZE if tile.level == 0 else None
            self.faults.append(Fault("tile", tile.path, leaf, byte))
        if doubt.below is not None and doubt.below != chosen:
            wrong = [at for at in range(tile.width) if doubt.below[at] != chosen[at]]
            for at in wrong[:MOST_FAULTS]:
                number = tile.index * WIDTH + at
                if tile.level == 0:
                    self.faults.append(Fault("entry", Tile(-1, tile.index, tile.width).path, number))
                else:
                    self.faults.append(Fault("subtree", Tile(tile.level - 1, number).path))

    def _entries(self, index: int, width: int) -> Hashes | None:
        tile = Tile(-1, index, width)
        data, path = self._load(tile)
        self.tell(width)
        if data is None:
            return None
        try:
            records = tiles.decode_entries(data)
        except ValueError:
            records = []
        if len(records) < width or (len(records) > width and path == tile.path):
            self.faults.append(Fault("malformed", path))
            return None
        return [merkle.leaf_hash(record) for record in records[:width]]

    def _stored(self, tile: Tile) -> Hashes | None:
        data, path = self._load(tile)
        if data is None:
            return None
        wanted = tile.width * HASH_SIZE
        if len(data) < wanted or (len(data) > wanted and path == tile.path):
            self.faults.append(Fault("malformed", path))
            return None
        return [data[at : at + HASH_SIZE] for at in range(0, wanted, HASH_SIZE)]

    def _load(self, tile: Tile) -> tuple[bytes | None, str]:
        """The tile's bytes and where they were: a full tile may stand for a narrow one (C2SP tlog-tiles)."""
        full = Tile(tile.level, tile.index)
        for path in dict.fromkeys((tile.path, full.path)):
            data = self.fetch(path)
            if data is not None:
                return data, path
        self._once(Fault("missing", tile.path))
        return None, tile.path

    def _once(self, fault: Fault) -> None:
        if fault not in self.faults:
            self.faults.append(fault)

    def _parent(self, tile: Tile) -> bytes | None:
        """What the tile above holds of a full tile. It is read again at its own level, and judged there."""
        count = self.size >> (tile.level + 1) * HEIGHT
        number = tile.index // WIDTH
        above = Tile(tile.level + 1, number, min(WIDTH, count - number * WIDTH))
        if self.above is None or self.above[0] != above:
            before = list(self.faults)
            self.above = (above, self._stored(above))
            self.faults = before
        hashes = self.above[1]
        return None if hashes is None else hashes[tile.index % WIDTH]


def _known(lower: list[bytes | None], tile: Tile) -> Hashes | None:
    """The hashes worked out from below; None if one of them could not be."""
    found = lower[tile.index * WIDTH : tile.index * WIDTH + tile.width]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None


def _root_of(hashes: Hashes) -> bytes:
    while len(hashes) > 1:
        hashes = [merkle.node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]

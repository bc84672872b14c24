"""Tiles (C2SP tlog-tiles): 256 hashes of one level in one static file, and bundles of 256 records.

Promises: paths and bytes as the specification writes them; which tiles a growing tree adds; reading subtree
hashes out of tiles, so that proofs come from static files alone. Leaves to others: fetching and keeping.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tlog.merkle import Read, node_hash

HEIGHT, WIDTH, HASH_SIZE = 8, 256, 32
_PATH = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of hashes (`level` 0-63) or a bundle of records (-1); narrower than 256 while it grows."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The tile's path: level 0, index 1234067, full → `tile/0/x001/x234/067`."""
        groups = f"{self.index:0{-(-len(str(self.index)) // 3) * 3}d}"
        parts = [groups[at : at + 3] for at in range(0, len(groups), 3)]
        name = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        level = "entries" if self.level < 0 else str(self.level)
        return f"tile/{level}/{name}" + (f".p/{self.width}" if self.width < WIDTH else "")


def parse_path(path: str) -> Tile:
    """The tile a path names. ValueError if it is not the one way to write it."""
    match = _PATH.fullmatch(path) or [""] * 4
    level, index, width = (-1 if match[1] == "entries" else int(match[1] or 64)), match[2], match[3]
    tile = Tile(level, int("0" + index.replace("x", "").replace("/", "")), int(width or WIDTH))
    if tile.path != path or level > 63 or tile.width < 1:
        raise ValueError(f"not the path of a tile: {path!r}")
    return tile


def added(old: int, new: int) -> Iterator[Tile]:
    """Tiles of hashes to write when the tree grows from `old` to `new` leaves, lowest level first."""
    level = 0
    while new >> (level * HEIGHT):
        before, after = old >> (level * HEIGHT), new >> (level * HEIGHT)
        for index in range(before // WIDTH, -(-after // WIDTH)):
            width = min(WIDTH, after - index * WIDTH)
            if index * WIDTH + width > before:
                yield Tile(level, index, width)
        level += 1


def encode(tile: Tile, read: Read) -> bytes:
    """The tile's bytes: its hashes, each of a complete subtree of 256**level leaves."""
    first = tile.index * WIDTH
    return b"".join(read(tile.level * HEIGHT, first + offset) for offset in range(tile.width))


def reader(size: int, fetch: Callable[[Tile], bytes]) -> Read:
    """Reads subtree hashes of a tree of `size` leaves out of tiles. ValueError for a tile of wrong length."""

    def read(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        number = first // WIDTH
        tile = Tile(tile_level, number, min(WIDTH, (size >> tile_level * HEIGHT) - number * WIDTH))
        data = fetch(tile)
        if len(data) != tile.width * HASH_SIZE:
            raise ValueError(f"{tile.path} has {len(data)} bytes, not {tile.width * HASH_SIZE}")
        start = first % WIDTH * HASH_SIZE
        hashes = [data[at : at + HASH_SIZE] for at in range(start, start + (HASH_SIZE << height), HASH_SIZE)]
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
        return hashes[0]

    return read


def encode_entries(records: Sequence[bytes]) -> bytes:
    """A bundle of up to 256 records, each behind its length in two bytes. ValueError if one is too long."""
    if len(records) > WIDTH or any(len(record) > 0xFFFF for record in records):
        raise ValueError("a bundle holds 256 records of 65535 bytes")
    return b"".join(len(record).to_bytes(2, "big") + record for record in records)


def decode_entries(data: bytes) -> list[bytes]:
    """The records of a bundle. ValueError if the bytes end within one."""
    records, at = list[bytes](), 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if len(data) < max(end, at + 2):
            raise ValueError("the bundle ends within a record")
        records.append(data[at + 2 : end])
        at = end
    return records

"""Tiles: paths as C2SP writes them, and a tree read back out of its static files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import merkle, tiles
from tlog.tiles import Tile

TREE = merkle.Tree(merkle.leaf_hash(n.to_bytes(4, "big")) for n in range(70_000))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 1234067, 7), "tile/0/x001/x234/067.p/7"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(-1, 12), "tile/entries/012"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
    ],
)
def test_golden_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tiles.parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/x000/001",
        "tile/64/000",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "../tile/0/000",
        "tile/0/０００",
        "tile/0/000\n",
    ],
)
def test_only_the_one_way_to_write_a_path_is_read(path: str) -> None:
    with pytest.raises(ValueError, match="not the path"):
        tiles.parse_path(path)


@given(st.integers(1, TREE.size), st.data())
def test_proofs_can_be_made_from_tiles_alone(size: int, data: st.DataObject) -> None:
    def fetch(tile: Tile) -> bytes:
        return tiles.encode(tile, TREE.read)

    read = tiles.reader(size, fetch)
    root = merkle.root(size, read)
    assert root == merkle.root(size, TREE.read)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(index, size, read)
    assert merkle.verify_inclusion(TREE.read(0, index), index, size, path, root)


def test_growing_writes_every_tile_that_changed_and_no_other() -> None:
    assert list(tiles.added(0, 1)) == [Tile(0, 0, 1)]
    assert list(tiles.added(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.added(256, 256)) == []
    assert list(tiles.added(255, 257)) == [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]
    assert list(tiles.added(256, 300)) == [Tile(0, 1, 44)]
    assert Tile(2, 0, 1) in tiles.added(65_535, 65_536)


def test_a_tile_of_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 31 bytes, not 32"):
        tiles.reader(1, lambda _: b"x" * 31)(0, 0)


@given(st.lists(st.binary(max_size=80), max_size=256))
def test_records_come_back_from_a_bundle(records: list[bytes]) -> None:
    data = tiles.encode_entries(records)
    assert tiles.decode_entries(data) == records
    if data and (records[-1] or len(records) == 1):
        with pytest.raises(ValueError, match="ends within"):
            tiles.decode_entries(data[:-1])


def test_a_bundle_is_bounded() -> None:
    for records in ([b""] * 257, [b"x" * 65_536]):
        with pytest.raises(ValueError, match="256 records"):
            tiles.encode_entries(records)

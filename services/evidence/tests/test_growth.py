"""The growing edge gives the roots and tiles of the whole tree, however the leaves come in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from evidence.flows.files import Reader
from evidence.flows.objects import Objects
from evidence.rules.growth import Edge, bundles, edge_at, outgrown
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog import merkle, tiles
from tlog.tiles import Tile

KNOWN = 777
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(70_000)]


def _of(files: dict[str, bytes]) -> Callable[[Tile], bytes]:
    return lambda tile: files[tile.path]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=8))
def test_any_steps_give_the_root_and_tiles_of_the_whole_tree(steps: list[int]) -> None:
    tree, edge, files = merkle.Tree(), Edge(), dict[str, bytes]()
    for step in steps:
        old, edge = edge.size, edge.copy()
        fresh = LEAVES[old : old + step]
        edge.extend(fresh)
        for leaf in fresh:
            tree.append(leaf)
        files |= {tile.path: data for tile, data in edge.added(old)}
        assert edge.root == merkle.root(tree.size, tree.read)
        again = edge_at(edge.size, _of(files))
        assert again.root == edge.root
        assert merkle.root(edge.size, tiles.reader(edge.size, _of(files))) == edge.root
    for path, data in files.items():
        assert data == tiles.encode(tiles.parse_path(path), tree.read)


def test_seventy_thousand_leaves_in_uneven_steps_reach_the_third_level() -> None:
    tree, edge = merkle.Tree(LEAVES), Edge()
    for step in (1, 255, 1, 65_279, 4_464):
        edge = edge.copy()
        edge.extend(LEAVES[edge.size : edge.size + step])
    assert edge.size == 70_000
    assert edge.root == merkle.root(tree.size, tree.read)


def test_only_what_was_incomplete_before_is_outgrown() -> None:
    assert [tile.path for tile in outgrown(255, 513)] == ["tile/entries/000", "tile/0/000"]
    assert outgrown(256, 512) == []
    assert bundles(256, 256) == []


def test_proofs_from_what_is_in_hand_are_those_from_the_files(tmp_path: Path) -> None:
    tree, objects = merkle.Tree(LEAVES[:KNOWN]), Objects(str(tmp_path))
    edge = Edge()
    edge.extend(LEAVES[:KNOWN])
    for tile, data in edge.added(0):
        (tmp_path / tile.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / tile.path).write_bytes(data)
    reader = Reader(objects)
    for index in (0, 300, KNOWN - 1, 300):
        for size in (KNOWN, 600):
            wanted = merkle.inclusion_proof(index % size, size, tree.read)
            assert merkle.inclusion_proof(index % size, size, reader.of(size)) == wanted
            assert merkle.inclusion_proof(index % size, size, reader.at_hand(size)) == wanted
    reader.forget()
    with pytest.raises(LookupError):
        merkle.inclusion_proof(300, KNOWN, reader.at_hand(KNOWN))

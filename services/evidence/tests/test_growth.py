"""The growing edge gives the roots and tiles of the whole tree, however the leaves come in."""

from collections.abc import Callable

from evidence.rules.growth import Edge, bundles, edge_at, outgrown
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog import merkle, tiles
from tlog.tiles import Tile

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

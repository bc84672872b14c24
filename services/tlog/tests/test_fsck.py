"""A log's files are hashed again: a changed byte is found, and the file that was changed is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import fsck, merkle, tiles
from tlog.fsck import Fault
from tlog.tiles import Tile

SIZES = (1, 5, 255, 256, 257, 600, 65_536, 66_000)


def written(size: int) -> tuple[bytes, dict[str, bytes]]:
    """The root and the files of a log whose entries are its numbers."""
    entries = [index.to_bytes(32, "big") for index in range(size)]
    tree = merkle.Tree(map(merkle.leaf_hash, entries))
    made = {tile.path: tiles.encode(tile, tree.read) for tile in tiles.added(0, size)}
    for index in range(-(-size // 256)):
        held = entries[index * 256 : index * 256 + 256]
        made[Tile(-1, index, len(held)).path] = tiles.encode_entries(held)
    return merkle.root(size, tree.read), made


LOGS = {size: written(size) for size in SIZES}


@pytest.mark.parametrize("size", SIZES)
def test_a_sound_log_has_no_fault_and_every_leaf_is_read(size: int) -> None:
    root, files = LOGS[size]
    read: list[int] = []
    assert fsck.check(size, root, files.get, read.append) == []
    assert sum(read) == size


@given(st.sampled_from([size for size in SIZES if size < 1000] * 20 + [66_000]), st.data())
def test_a_changed_byte_is_found_and_its_file_named(size: int, data: st.DataObject) -> None:
    root, files = LOGS[size]
    path = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[path]) - 1))
    changed = bytearray(files[path])
    changed[at] ^= data.draw(st.integers(1, 255))
    (fault,) = fsck.check(size, root, (files | {path: bytes(changed)}).get)
    assert fault.path == path
    tile = tiles.parse_path(path)
    if tile.level >= 0:
        assert (fault.kind, fault.byte) == ("tile", at)
        assert fault.leaf == (tile.index * 256 + at // 32 if tile.level == 0 else None)
    elif at % 34 > 1:
        assert (fault.kind, fault.leaf) == ("entry", tile.index * 256 + at // 34)
    else:
        assert fault.kind == "malformed"


@given(st.sampled_from([5, 256, 600]), st.data())
def test_a_missing_file_is_named(size: int, data: st.DataObject) -> None:
    root, files = LOGS[size]
    path = data.draw(st.sampled_from(sorted(files)))
    left = {name: content for name, content in files.items() if name != path}
    assert fsck.check(size, root, left.get) == [Fault("missing", path)]


def test_a_full_tile_stands_for_a_narrow_one() -> None:
    root, files = LOGS[5]
    _, longer = LOGS[256]
    both = {path.partition(".p/")[0]: longer.get(path.partition(".p/")[0], b"") for path in files}
    assert fsck.check(5, root, both.get) == []


def test_an_entry_changed_together_with_its_tile_is_named_as_a_subtree() -> None:
    root, files = LOGS[600]
    changed = dict(files)
    entries = tiles.decode_entries(files["tile/entries/001"])
    entries[7] = b"forged".ljust(32)
    changed["tile/entries/001"] = tiles.encode_entries(entries)
    changed["tile/0/001"] = b"".join(map(merkle.leaf_hash, entries))
    assert fsck.check(600, root, changed.get) == [Fault("subtree", "tile/0/001")]


def test_a_log_rewritten_as_a_whole_contradicts_its_checkpoint() -> None:
    root, _ = LOGS[600]
    _, other = written(600)
    entries = tiles.decode_entries(other["tile/entries/002.p/88"])
    entries[0] = b"forged".ljust(32)
    other["tile/entries/002.p/88"] = tiles.encode_entries(entries)
    other["tile/0/002.p/88"] = b"".join(map(merkle.leaf_hash, entries))
    assert fsck.check(600, root, other.get) == [Fault("root", "checkpoint")]
    assert fsck.check(0, merkle.EMPTY_ROOT, {}.get) == []
    assert fsck.check(0, bytes(32), {}.get) == [Fault("root", "checkpoint")]

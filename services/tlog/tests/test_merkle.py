"""RFC 6962 hashing against the vectors of the certificate-transparency project and its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import merkle

RECORDS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
TREE = merkle.Tree(map(merkle.leaf_hash, RECORDS))


def test_golden_roots() -> None:
    assert [merkle.root(size, TREE.read).hex() for size in range(9)] == ROOTS


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [(0, 1, []), (0, 8, [A, B, C]), (5, 8, [D, E, ROOTS[4]]), (1, 5, [ROOTS[1], B, D])],
)
def test_golden_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    proof = merkle.inclusion_proof(index, size, TREE.read)
    assert [step.hex() for step in proof] == path
    leaf = merkle.leaf_hash(RECORDS[index])
    assert merkle.verify_inclusion(leaf, index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])],
)
def test_golden_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    proof = merkle.consistency_proof(old, new, TREE.read)
    assert [step.hex() for step in proof] == path
    assert merkle.verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


def defined_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(defined_root(leaves[:split]), defined_root(leaves[split:]))


@given(st.integers(1, 70), st.data())
def test_every_proof_verifies_and_no_proof_verifies_anything_else(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(size)]
    tree = merkle.Tree(leaves)
    root = merkle.root(size, tree.read)
    assert root == defined_root(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    path = merkle.inclusion_proof(index, size, tree.read)
    assert merkle.verify_inclusion(leaves[index], index, size, path, root)
    other = data.draw(st.integers(-1, size))
    assert merkle.verify_inclusion(leaves[index], other, size, path, root) == (other == index)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, root], root)
    old_root = merkle.root(old, tree.read)
    steps = merkle.consistency_proof(old, size, tree.read)
    assert merkle.verify_consistency(old, size, old_root, root, steps)
    assert not merkle.verify_consistency(old, size, merkle.leaf_hash(b"x"), root, steps)
    assert not merkle.verify_consistency(old, size, old_root, root, [*steps, root])
    if steps:
        assert not merkle.verify_consistency(old, size, old_root, root, steps[:-1])
        assert not merkle.verify_consistency(old, size, old_root, root, [*steps[:-1], b"short"])


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="not in the tree"):
            merkle.inclusion_proof(index, size, TREE.read)
    with pytest.raises(ValueError, match="must not exceed"):
        merkle.consistency_proof(9, 8, TREE.read)
    with pytest.raises(IndexError):
        TREE.read(0, -1)
    assert not merkle.verify_consistency(9, 8, TREE.read(0, 0), TREE.read(0, 0), [])

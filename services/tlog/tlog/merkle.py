"""The Merkle tree of RFC 6962: hashes, roots, proofs of inclusion and consistency and their verification.

Promises: roots and proofs read only O(log n) stored hashes through `Read(level, index)`, the hash of the
complete subtree of 2**level leaves; a verifier needs nothing but the proof. Leaves to others: where hashes
are kept (`Tree` keeps them in memory; tiles keep them in files).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Read = Callable[[int, int], bytes]
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    """SHA-256(0x00 ‖ record), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree in memory: append leaf hashes, read complete subtrees."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self.levels: list[list[bytes]] = [[]]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return len(self.levels[0])

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash and every subtree it completes; returns its index."""
        index = len(self.levels[0])
        self.levels[0].append(leaf)
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append(node_hash(*self.levels[level][-2:]))
            level += 1
        return index

    def read(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. IndexError if it is not complete."""
        if level < 0 or index < 0:
            raise IndexError("levels and indices are not negative")
        return self.levels[level][index]


def root(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    return _hash(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The audit path of leaf `index` in a tree of `size` leaves (RFC 6962 §2.1.1). ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    low, high, path = 0, size, list[bytes]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_hash(middle, high, read))
            high = middle
        else:
            path.append(_hash(low, middle, read))
            low = middle
    return path[::-1]


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """Proof that the tree of `new` leaves extends that of `old` (RFC 6962 §2.1.2). ValueError if not."""
    if not 0 <= old <= new:
        raise ValueError("the old size must not exceed the new one")
    if old in (0, new):
        return []
    low, high, path = 0, new, list[bytes]()
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_hash(middle, high, read))
            high = middle
        else:
            path.append(_hash(low, middle, read))
            low = middle
    if low:
        path.append(_hash(low, high, read))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> bool:
    """True if `path` shows that the leaf hash stands at `index` under the root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, running = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != 32:
            return False
        if node & 1 or node == last:
            running = node_hash(sibling, running)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            running = node_hash(running, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and running == root_hash


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """True if `path` shows that the new tree extends the old one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new or any(len(step) != 32 for step in path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _hash(low: int, high: int, read: Read) -> bytes:
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, low >> level)
    middle = low + _split(size)
    return node_hash(_hash(low, middle, read), _hash(middle, high, read))

"""How fast the log's arithmetic is on this machine: what a bench prints beside other figures.

Promises: real work (hashing, a growing tree, proofs out of encoded tiles), verified at the end; the clock is
handed in. Leaves the machine and its load to whoever prints it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tlog import merkle, tiles
from tlog.tiles import Tile


@dataclass(frozen=True, slots=True)
class Speed:
    """Leaves a second hashed into a tree; milliseconds to make a proof out of tiles, and to verify it."""

    leaves: int
    leaves_per_second: float
    proof_ms: float
    slowest_proof_ms: float
    verify_ms: float


def measure(clock: Callable[[], float], leaves: int = 100_000, proofs: int = 500) -> Speed:
    """Builds a log of `leaves` entries, then makes and verifies proofs all over it; `clock` gives seconds.

    >>> from time import perf_counter
    >>> measure(perf_counter, leaves=300, proofs=3).leaves
    300
    """
    entries = [index.to_bytes(32, "big") for index in range(leaves)]
    begun = clock()
    tree = merkle.Tree(map(merkle.leaf_hash, entries))
    building = clock() - begun
    files = {tile.path: tiles.encode(tile, tree.read) for tile in tiles.added(0, leaves)}
    root = merkle.root(leaves, tree.read)

    def fetch(tile: Tile) -> bytes:
        return files[tile.path]

    making, verifying = [], 0.0
    for number in range(proofs):
        index = number * 7919 % leaves
        begun = clock()
        path = merkle.inclusion_proof(index, leaves, tiles.reader(leaves, fetch))
        making.append(clock() - begun)
        begun = clock()
        holds = merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, leaves, path, root)
        verifying += clock() - begun
        if not holds:
            raise ArithmeticError(f"the proof of leaf {index} does not verify")
    mean = sum(making) / proofs
    return Speed(leaves, leaves / building, mean * 1000, max(making) * 1000, verifying / proofs * 1000)

"""Two implementations judge each other's log: ours, and Go's (x/mod/sumdb, transparency-dev/formats)."""

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tlog import __main__ as command
from tlog import cosignature, ed25519, fsck, merkle, note, receipts, tiles
from tlog.tiles import Tile
from tlog.trust import parse_secret

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
HERE = Path(__file__).parent / "go"
ROOT = Path(__file__).resolve().parents[2]
KEY, SIGN = ed25519.signer(bytes([5] * 32), "log.example/jianzhen")
WITNESS, WITNESS_SEED = "witness.example/w1", bytes([6] * 32)
SIZE, OLD, PROVED = 66_000, 65_537, (0, 1, 255, 256, 65_535, 65_536, 65_999)
ENTRIES = [index.to_bytes(32, "big") for index in range(SIZE)]
TREE = merkle.Tree(map(merkle.leaf_hash, ENTRIES))


@pytest.fixture(scope="session")
def interop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built."""
    tool = ROOT / ".tools/go"
    go = str(tool) if tool.exists() else shutil.which("go")
    assert go, "no go: `make tools` provides it"
    made = tmp_path_factory.mktemp("go") / "interop"
    built = subprocess.run([go, "build", "-o", made, "."], cwd=HERE, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return made


def judged(interop: Path, folder: Path) -> dict[str, bool]:
    """What Go says of a folder: accepted or not, by what it looked at."""
    done = subprocess.run([interop, "check", folder], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    lines = [line.split(": ", 2) for line in done.stdout.splitlines()]
    return {line[0]: line[1] == "accepted" for line in lines}


def lines(hashes: list[bytes]) -> str:
    return "".join(f"{note.encode_base64(one)}\n" for one in hashes)


def signed(size: int) -> str:
    made = note.sign(note.Checkpoint(KEY.name, size, merkle.root(size, TREE.read)).text, [(KEY, SIGN)])
    return made + cosignature.cosign(made, WITNESS_SEED, WITNESS, 1_800_000_000)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Our log as a folder that Go's program reads."""
    files = {tile.path: tiles.encode(tile, TREE.read) for tile in tiles.added(0, SIZE)}
    texts = {
        "key": KEY.text,
        "witness": cosignature.witness_key(WITNESS_SEED, WITNESS).text,
        "checkpoint": signed(SIZE),
        "older": signed(OLD),
        "consistency": lines(merkle.consistency_proof(OLD, SIZE, TREE.read)),
        "leaves": "".join(f"{index} {note.encode_base64(ENTRIES[index])}\n" for index in PROVED),
        **{f"inclusion.{n}": lines(merkle.inclusion_proof(n, SIZE, TREE.read)) for n in PROVED},
    }
    for path, data in (files | {name: text.encode() for name, text in texts.items()}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def test_go_accepts_our_checkpoints_tiles_and_proofs(interop: Path, ours: Path) -> None:
    verdicts = judged(interop, ours)
    assert len(verdicts) == 5 + 2 * len(PROVED)
    assert all(verdicts.values()), verdicts


def test_go_refuses_what_was_tampered_with(interop: Path, ours: Path) -> None:
    for name, what in (("consistency", "consistency"), ("inclusion.256", "inclusion 256")):
        good = (ours / name).read_text()
        first = base64.b64decode(good.split("\n")[0])
        (ours / name).write_text(good.replace(lines([first]), lines([first[::-1]])))
        verdicts = judged(interop, ours)
        assert [one for one, accepted in verdicts.items() if not accepted] == [what]
        (ours / name).write_text(good)
    other = cosignature.cosign(signed(OLD), WITNESS_SEED, WITNESS, 1_800_000_000)
    (ours / "checkpoint").write_text("\n".join(signed(SIZE).split("\n")[:-2]) + "\n" + other)
    verdicts = judged(interop, ours)
    assert [one for one, accepted in verdicts.items() if not accepted] == ["cosignature"]
    (ours / "checkpoint").write_text(signed(SIZE))
    flip(ours / "tile/0/000", 32 * 255)
    verdicts = judged(interop, ours)
    assert not verdicts["tile of 255"] and verdicts["tile of 65999"]
    flip(ours / "tile/0/000", 32 * 255)
    (ours / "checkpoint").write_text(signed(SIZE).replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"))
    assert judged(interop, ours) == {"checkpoint": False, "older": True}


@pytest.fixture
def theirs(interop: Path, tmp_path: Path) -> Path:
    """A log that Go's code has written: keys, notes, tiles, proofs."""
    done = subprocess.run([interop, "make", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tmp_path


def proof(file: Path) -> list[bytes]:
    return [note.decode_hash(line) for line in file.read_text().splitlines()]


def accepts(folder: Path) -> dict[str, bool]:
    """What our code says of the folder that Go has written."""
    key = note.parse_key((folder / "key").read_text().strip())
    opened = {}
    for name in ("checkpoint", "older"):
        try:
            opened[name] = receipts.vouched((folder / name).read_text(), key, (), 0)[0]
        except receipts.BadReceipt:
            return {name: False}
    new, old = opened["checkpoint"], opened["older"]
    said = {"checkpoint": True, "older": True}
    witness = note.parse_key((folder / "witness").read_text().strip())
    try:
        cosignature.quorum((folder / "checkpoint").read_text(), key, [witness], 1)
        said["cosignature"] = True
    except note.BadNote:
        said["cosignature"] = False
    steps = proof(folder / "consistency")
    said["consistency"] = merkle.verify_consistency(old.size, new.size, old.root, new.root, steps)
    entries = []
    for index, line in enumerate((folder / "leaves").read_text().splitlines()):
        entries.append(base64.b64decode(line.split()[1]))
        leaf, path = merkle.leaf_hash(entries[-1]), proof(folder / f"inclusion.{index}")
        said[f"inclusion {index}"] = merkle.verify_inclusion(leaf, index, new.size, path, new.root)

    def fetch(path: str) -> bytes | None:
        tile = tiles.parse_path(path)
        if tile.level < 0:
            first = tile.index * 256
            return tiles.encode_entries(entries[first : first + tile.width])
        file = folder / path
        return file.read_bytes() if file.exists() else None

    said["tiles"] = fsck.check(new.size, new.root, fetch) == []

    def get(tile: Tile) -> bytes:
        return fetch(tile.path) or b""

    read = tiles.reader(new.size, get)
    said["proof from tiles"] = merkle.inclusion_proof(300, new.size, read) == proof(folder / "inclusion.300")
    return said


def test_we_accept_what_go_has_written(theirs: Path) -> None:
    verdicts = accepts(theirs)
    assert len(verdicts) == 6 + 700
    assert all(verdicts.values()), [one for one, good in verdicts.items() if not good]
    key = (theirs / "key").read_text().strip()
    files = [str(theirs / name) for name in ("older", "checkpoint", "consistency")]
    for source in (files[2], str(theirs)):
        assert command.main(["verify", "consistency", *files[:2], source, "--log-key", key]) == 0


@pytest.mark.parametrize(
    ("name", "at", "wrong"),
    [
        ("tile/0/001", 40, {"tiles", "proof from tiles"}),
        ("tile/1/000.p/2", 0, {"tiles", "proof from tiles"}),
        ("consistency", 0, {"consistency"}),
        ("inclusion.7", 50, {"inclusion 7"}),
        ("older", -160, {"older"}),
        ("checkpoint", -20, {"cosignature"}),
    ],
)
def test_we_refuse_what_was_tampered_with(name: str, at: int, wrong: set[str], theirs: Path) -> None:
    text = (theirs / name).read_bytes()
    if name.startswith("tile"):
        flip(theirs / name, at)
    else:
        at %= len(text)
        other = b"B" if text[at : at + 1] == b"A" else b"A"
        (theirs / name).write_bytes(text[:at] + other + text[at + 1 :])
    verdicts = accepts(theirs)
    assert {one for one, good in verdicts.items() if not good} == wrong


def test_a_secret_key_of_go_signs_for_us_and_the_other_way_round(interop: Path, ours: Path) -> None:
    secret = parse_secret("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    key, sign = ed25519.signer(secret.seed, secret.name)
    (ours / "key").write_text(key.text)
    for name, size in (("checkpoint", SIZE), ("older", OLD)):
        made = note.sign(note.Checkpoint(key.name, size, merkle.root(size, TREE.read)).text, [(key, sign)])
        (ours / name).write_text(made + cosignature.cosign(made, WITNESS_SEED, WITNESS, 1_800_000_000))
    assert all(judged(interop, ours).values())

"""`jianzhen log fsck`: a changed byte of the log's files, of a row or of raw bytes is found and named."""

import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jianzhen.fsck import Files, Inspection, trust_of_keys
from jianzhen.main import app
from jianzhen.state import Refused
from kit.processes import free_port
from tlog import cosignature, ed25519, merkle, note, receipts, tiles
from tlog.tiles import Tile
from tlog.trust import Secret, Trust
from typer.testing import CliRunner

LOG = Secret("log.example/jianzhen", bytes([1] * 32), note.ED25519)
W1 = Secret("w1.example", bytes([2] * 32), cosignature.COSIGNATURE)
TRUST = Trust(LOG.key, (W1.key,), 1)
SIZE, NONCE = 600, bytes(16)
RECEIVED = "2026-11-21T01:02:03.000000Z"


def submission(number: int, raw: bytes = b"raw") -> dict[str, Any]:
    """A line of ingest's list of leaves."""
    digest = hashlib.sha256(raw).hexdigest()
    record = receipts.Record(str(UUID(int=number)), digest, RECEIVED)
    entry = receipts.entry_of(NONCE, record.bytes).hex()
    return {"submission": record.submission, "sha256": digest, "received_at": RECEIVED, "entry": entry,
            "stored_sha256": digest}  # fmt: skip


SUBMISSIONS = [submission(number) for number in range(SIZE)]
ENTRIES = [bytes.fromhex(one["entry"]) for one in SUBMISSIONS]
TREE = merkle.Tree(map(merkle.leaf_hash, ENTRIES))
LEAVES = [
    {"index": index, "entry": one["entry"], "subject": "submission", "ref": one["submission"]}
    for index, one in enumerate(SUBMISSIONS)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    signed = note.sign(
        note.Checkpoint(LOG.name, SIZE, merkle.root(SIZE, TREE.read)).text,
        [ed25519.signer(LOG.seed, LOG.name)],
    )
    signed += cosignature.cosign(signed, W1.seed, W1.name, 1_800_000_000)
    files = {tile.path: tiles.encode(tile, TREE.read) for tile in tiles.added(0, SIZE)}
    for index in range(3):
        held = ENTRIES[index * 256 : index * 256 + 256]
        files[Tile(-1, index, len(held)).path] = tiles.encode_entries(held)
    for path, data in (files | {"checkpoint": signed.encode(), "trust.txt": TRUST.text.encode()}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The same files behind a web server."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fsck(place: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["log", "fsck", "--log", str(place), "--json"])
    return done.exit_code, json.loads(done.stdout)


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def test_a_sound_log_is_said_to_be_sound(folder: Path, address: str) -> None:
    for place in (folder, address):
        code, told = fsck(place)
        assert (code, told["size"], told["findings"]) == (0, SIZE, [])
        assert told["signatures"] == "1 witnesses needed"


@pytest.mark.parametrize(
    ("path", "at", "kind", "leaf", "byte"),
    [
        ("tile/entries/001", 34 * 7 + 20, "entry", 263, 34 * 7 + 2),
        ("tile/0/001", 32 * 7 + 5, "tile", 263, 32 * 7 + 5),
        ("tile/0/002.p/88", 3, "tile", 512, 3),
        ("tile/1/000.p/2", 40, "tile", None, 40),
        ("tile/entries/000", 1, "malformed", None, None),
    ],
)
def test_the_changed_byte_is_named(
    path: str, at: int, kind: str, leaf: int | None, byte: int | None, folder: Path, address: str
) -> None:
    flip(folder / path, at)
    for place in (folder, address):
        code, told = fsck(place)
        (wrong,) = told["findings"]
        assert (code, wrong["kind"], wrong["where"]) == (1, kind, path)
        assert (wrong["leaf"], wrong["byte"]) == (leaf, byte)
        assert wrong["zh"] and wrong["en"]


def test_a_narrow_tile_of_an_earlier_checkpoint_is_checked_too(folder: Path) -> None:
    for path, unit in (("tile/0/001", 32), ("tile/entries/001", 34)):
        whole = (folder / path).read_bytes()
        (folder / f"{path}.p").mkdir()
        (folder / f"{path}.p/9").write_bytes(whole[: 9 * unit])
    assert fsck(folder)[0] == 0
    flip(folder / "tile/0/001.p/9", 32 * 8)
    (folder / "tile/entries/001.p/9").write_bytes(b"short")
    code, told = fsck(folder)
    found = [(one["kind"], one["where"], one["leaf"], one["byte"]) for one in told["findings"]]
    assert (code, found[0]) == (1, ("outgrown", "tile/0/001.p/9", 264, 32 * 8))
    assert found[1][:2] == ("outgrown", "tile/entries/001.p/9")


def test_a_checkpoint_that_nobody_signed_is_found(folder: Path) -> None:
    text = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(text.replace(text.split("\n")[2], note.encode_base64(bytes(32))))
    code, told = fsck(folder)
    assert code == 1
    assert [one["kind"] for one in told["findings"]] == ["checkpoint", "root"]
    (folder / "checkpoint").write_text("no checkpoint")
    done = CliRunner().invoke(app, ["log", "fsck", "--log", str(folder)])
    assert isinstance(done.exception, Refused)
    (folder / "checkpoint").unlink()
    done = CliRunner().invoke(app, ["log", "fsck", "--log", str(folder)])
    assert isinstance(done.exception, Refused) and "no checkpoint" in str(done.exception)


def compared(
    folder: Path, submissions: list[dict[str, Any]], leaves: list[dict[str, Any]] = LEAVES
) -> list[tuple[str, str, int | None]]:
    run = Inspection(Files(str(folder)))
    run.hash_all(run.checkpoint(TRUST), remember=True)
    assert run.compare(leaves, submissions, "2026-11-22T00:00:00.000000Z") == len(submissions)
    return [(one.kind, one.where, one.leaf) for one in run.found]


def changed(number: int, **cells: Any) -> list[dict[str, Any]]:
    return [*SUBMISSIONS[:number], SUBMISSIONS[number] | cells, *SUBMISSIONS[number + 1 :]]


def test_what_was_changed_in_a_database_is_named(folder: Path) -> None:
    where = f"submission {UUID(int=9)}"
    other = submission(9, b"forged")
    later = submission(9) | {"received_at": "2026-11-21T01:02:04.000000Z", "entry": "ab" * 32}
    assert compared(folder, SUBMISSIONS) == []
    assert compared(folder, changed(9, stored_sha256=other["sha256"])) == [("raw", where, 9)]
    assert compared(folder, changed(9, stored_sha256=None)) == [("raw-missing", where, 9)]
    # Row and raw bytes changed so that they fit each other: the leaf gives it away.
    assert compared(folder, changed(9, **other)) == [("row", where, 9)]
    assert compared(folder, changed(9, **later)) == [("row", where, 9)]
    assert compared(folder, changed(9, entry=None)) == [("row", where, 9)]
    assert compared(folder, SUBMISSIONS[:9] + SUBMISSIONS[10:]) == [("deleted", where, 9)]
    forged = [*LEAVES[:9], LEAVES[9] | {"entry": "ab" * 32}, *LEAVES[10:]]
    assert compared(folder, SUBMISSIONS, forged) == [("log-row", "evidence: leaves", 9)]


def test_what_is_on_its_way_or_older_than_the_log_is_no_finding(folder: Path) -> None:
    fresh = submission(SIZE) | {"received_at": "2026-11-23T00:00:00.000000Z"}
    coming = {"index": SIZE, "entry": "ab" * 32, "subject": "submission", "ref": str(UUID(int=SIZE + 1))}
    old = submission(SIZE + 2) | {"entry": None}
    more = [*SUBMISSIONS, fresh, submission(SIZE + 1), old]
    assert compared(folder, more, [*LEAVES, coming]) == []
    lost = submission(SIZE + 3)
    assert compared(folder, [*SUBMISSIONS, lost]) == [("no-leaf", f"submission {lost['submission']}", None)]


def test_a_changed_entry_is_blamed_on_the_log_and_not_on_the_submission(folder: Path) -> None:
    flip(folder / "tile/entries/001", 34 * 7 + 20)
    assert compared(folder, SUBMISSIONS) == [("entry", "tile/entries/001", 263)]


def test_a_log_rewritten_with_its_tiles_is_traced_by_the_submissions(folder: Path) -> None:
    entries = [*ENTRIES[:263], bytes(32), *ENTRIES[264:512]][256:]
    (folder / "tile/entries/001").write_bytes(tiles.encode_entries(entries))
    (folder / "tile/0/001").write_bytes(b"".join(map(merkle.leaf_hash, entries)))
    found = compared(folder, SUBMISSIONS)
    assert ("subtree", "tile/0/001", None) in found
    assert ("disagree", f"submission {UUID(int=263)}", 263) in found


def test_a_platform_that_does_not_answer_is_said_so_and_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIANZHEN_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("JIANZHEN_TOKEN", "token")
    file = folder / "evidence.zip"
    period = ["--from", "2026-11-20", "--to", "2026-11-21", "-o", str(file)]
    calls = (
        ["bundle", "--device", "MN", *period],
        ["fsck"],
        ["fsck", "--log", str(folder), "--submissions"],
        ["trust"],
    )
    for call in calls:
        done = CliRunner().invoke(app, ["log", *call])
        assert isinstance(done.exception, Refused) and done.exception.code == 3, done.exception
    assert not [one for one in folder.iterdir() if one.name.startswith("evidence.zip")]


def test_the_keys_a_log_tells_become_a_trust_file(folder: Path, address: str) -> None:
    told = {
        "log": {"origin": LOG.name, "key": LOG.key.text},
        "witnesses": [{"name": W1.name, "key": W1.key.text}],
        "quorum": 1,
    }
    (folder / "keys").write_text(json.dumps(told))
    assert trust_of_keys((folder / "keys").read_bytes()) == TRUST
    done = CliRunner().invoke(app, ["log", "trust", "--log", address])
    assert (done.exit_code, done.stdout) == (0, TRUST.text)
    (folder / "keys").write_text("{}")
    done = CliRunner().invoke(app, ["log", "trust", "--log", address])
    assert isinstance(done.exception, Refused)

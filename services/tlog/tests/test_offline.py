"""`python -m tlog verify …` from files alone: what holds holds, each tampered byte class is named."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tlog_scene as scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tlog import __main__ as command
from tlog import bundle, merkle, note, offline
from tlog.findings import TEXTS
from tlog.trust import Secret

SUBMISSION = next(iter(scene.RAWS))
RAW, RECEIPT = scene.RAWS[SUBMISSION], scene.receipt(1).to_json()


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return put(tmp_path / "trust.txt", scene.TRUST.text)


def put(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def said(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, dict[str, Any]]:
    code = command.main(["verify", *map(str, args), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_court_needs_only_this_package(tmp_path: Path, trust: Path) -> None:
    receipt, raw = put(tmp_path / "r.json", RECEIPT), put(tmp_path / "raw", RAW)
    call = [sys.executable, "-m", "tlog", "verify", "receipt", receipt, "--raw", raw, "--trust", trust]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0 and "核验通过" in done.stdout and "w2.example, w3.example" in done.stdout
    loaded = "import sys, tlog.__main__; print({m.split('.')[0] for m in sys.modules})"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout
    for other in ("kit", "ingest", "jianzhen", "typer", "httpx", "pydantic", "sqlalchemy"):
        assert f"'{other}'" not in names


def test_keys_can_be_named_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt, raw = put(tmp_path / "r.json", RECEIPT), put(tmp_path / "raw", RAW)
    keys = ["--log-key", scene.LOG.key.text, "--witness", scene.WITNESSES[0].key.text, "--quorum", "1"]
    code, report = said(capsys, "raw", raw, receipt, *keys)
    assert (code, report["ok"], report["raw"], report["index"]) == (0, True, "verified", 1)
    keys[3] = scene.WITNESSES[2].key.text
    code, report = said(capsys, "raw", raw, receipt, *keys)
    assert (code, report["findings"][0]["reason"]) == (1, "quorum")


@pytest.mark.parametrize(
    ("old", "new", "raw", "reason"),
    [
        ("", "", b"other bytes", "raw"),
        ('"sha256": "' + scene.record(1).sha256[:6], '"sha256": "' + "000000", None, "proof"),
        ("01:02:03.000004Z", "01:02:03.000005Z", None, "proof"),
        (SUBMISSION, SUBMISSION[:-1] + "2", None, "proof"),
        (note.encode_base64(scene.nonce(1)), note.encode_base64(scene.nonce(2)), None, "proof"),
        ('"index": 1', '"index": 2', None, "proof"),
        (note.encode_base64(scene.receipt(1).proof[0]), note.encode_base64(bytes(32)), None, "proof"),
        ("\\n9\\n", "\\n8\\n", None, "checkpoint"),
        ("— log.example/jianzhen ", "— log.example/jianzhem ", None, "checkpoint"),
        ("— w2.example ", "— w9.example ", None, "quorum"),
        ('"log": "log', '"log": "cog', None, "log"),
        ("jianzhen-receipt/1", "jianzhen-receipt/9", None, "form"),
        ("{", "[", None, "form"),
    ],
)
def test_each_class_of_tampered_bytes_is_named(
    old: str, new: str, raw: bytes | None, reason: str, tmp_path: Path, trust: Path, capsys: Any
) -> None:
    assert old in RECEIPT
    receipt = put(tmp_path / "r.json", RECEIPT.replace(old, new, 1) if old else RECEIPT)
    given_raw = put(tmp_path / "raw", RAW if raw is None else raw)
    extra = () if "sha256" in old else ("--raw", given_raw)
    code, report = said(capsys, "receipt", receipt, *extra, "--trust", trust)
    (found,) = report["findings"]
    assert (code, found["reason"]) == (1, reason)
    assert (found["zh"], found["en"]) == TEXTS[reason]


def test_a_forged_signature_is_found(tmp_path: Path, trust: Path, capsys: Any) -> None:
    good = scene.signed(9)
    forged = good.replace(good.split("\n")[-2][-10:-4], "AAAAAA")
    receipt = put(tmp_path / "r.json", json.dumps({**json.loads(RECEIPT), "checkpoint": forged}))
    code, report = said(capsys, "receipt", receipt, "--trust", trust)
    assert (code, report["findings"][0]["reason"]) == (1, "quorum")
    other = scene.signed(9, secret=Secret(scene.LOG.name, bytes([99] * 32), 1))
    receipt = put(tmp_path / "r.json", json.dumps({**json.loads(RECEIPT), "checkpoint": other}))
    code, report = said(capsys, "receipt", receipt, "--trust", trust)
    assert (code, report["findings"][0]["reason"]) == (1, "checkpoint")


def test_consistency_from_a_proof_and_from_tiles(tmp_path: Path, trust: Path, capsys: Any) -> None:
    old, new = put(tmp_path / "old", scene.signed(6)), put(tmp_path / "new", scene.signed(9))
    steps = merkle.consistency_proof(6, 9, scene.TREE.read)
    proof = put(tmp_path / "proof", "".join(f"{note.encode_base64(step)}\n" for step in steps))
    for source in (proof, scene.folder(tmp_path / "log")):
        code, report = said(capsys, "consistency", old, new, source, "--trust", trust)
        assert (code, report["old_size"], report["new_size"]) == (0, 6, 9)
        code, report = said(capsys, "consistency", new, old, source, "--trust", trust)
        assert (code, report["findings"][0]["reason"]) == (1, "consistency")
    tile = tmp_path / "log/tile/0/000.p/9"
    put(tile, bytes(32) + tile.read_bytes()[32:])
    code, report = said(capsys, "consistency", old, new, tmp_path / "log", "--trust", trust)
    assert (code, report["findings"][0]["reason"]) == (1, "consistency")
    put(proof, "not base64")
    assert said(capsys, "consistency", old, new, proof, "--trust", trust)[0] == 1


def test_a_forked_and_a_rolled_back_log_do_not_verify(tmp_path: Path, trust: Path, capsys: Any) -> None:
    steps = merkle.consistency_proof(6, 9, scene.FORK.read)
    proof = put(tmp_path / "proof", "".join(f"{note.encode_base64(step)}\n" for step in steps))
    old, new = put(tmp_path / "old", scene.signed(6)), put(tmp_path / "new", scene.signed(9))
    fork = put(tmp_path / "fork", scene.signed(9, scene.FORK))
    lone = put(tmp_path / "lone", scene.signed(9, scene.FORK, witnesses=1))
    for one, other, reason in (
        (old, fork, "consistency"), (new, fork, "fork"), (new, old, "consistency"), (old, lone, "quorum"),
    ):  # fmt: skip
        code, report = said(capsys, "consistency", one, other, proof, "--trust", trust)
        assert (code, report["findings"][0]["reason"]) == (1, reason)


@pytest.mark.parametrize("what", ["missing", "trust", "nobody", "key", "large"])
def test_what_cannot_be_read_is_no_verdict(what: str, tmp_path: Path, trust: Path, capsys: Any) -> None:
    receipt = put(tmp_path / "r.json", RECEIPT if what != "large" else "x" * (offline.MOST_SMALL + 1))
    args: dict[str, list[object]] = {
        "missing": [tmp_path / "none", "--trust", trust],
        "trust": [receipt, "--trust", receipt],
        "nobody": [receipt],
        "key": [receipt, "--log-key", "nonsense"],
        "large": [receipt, "--trust", trust],
    }
    assert command.main(["verify", "receipt", *map(str, args[what])]) == 2
    assert "tlog: " in capsys.readouterr().err


def test_a_bundle_holds_by_given_keys_and_by_its_own(tmp_path: Path, trust: Path, capsys: Any) -> None:
    file = put(tmp_path / "b.zip", scene.archived(scene.members()))
    code, report = said(capsys, "bundle", file, "--trust", trust)
    assert (code, report["submissions"], report["keys"]) == (0, 3, "given")
    assert command.main(["verify", "bundle", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "公钥来自证据包自身" in shown and scene.LOG.key.text in shown
    assert TEXTS.keys() >= {"raw"}


def tampered(name: str, data: bytes | None, *, seal: bool = True) -> dict[str, bytes]:
    made = scene.members()
    if data is None:
        del made[name]
    else:
        made[name] = data
    return scene.sealed(made) if seal else made


MEMBERS = scene.members()
ROWS = MEMBERS[bundle.SUBMISSIONS]
RAW1 = bundle.raw_name(SUBMISSION)
R1, R2 = bundle.receipt_name(SUBMISSION), bundle.receipt_name(list(scene.RAWS)[1])


@pytest.mark.parametrize(
    ("made", "reason", "where"),
    [
        (tampered(bundle.raw_name(SUBMISSION), b"forged"), "raw", bundle.raw_name(SUBMISSION)),
        (tampered(RAW1, b"forged", seal=False), "changed", RAW1),
        (tampered(bundle.CODES, MEMBERS[bundle.CODES] + b" ", seal=False), "changed", bundle.CODES),
        (tampered("extra", b"x", seal=False), "unlisted", "extra"),
        (tampered(bundle.REGISTRY, None), "absent", bundle.REGISTRY),
        (tampered(bundle.raw_name(SUBMISSION), None), "absent", bundle.raw_name(SUBMISSION)),
        (tampered(R1, None), "unproved", SUBMISSION),
        (tampered(R1, MEMBERS[R2]), "raw", bundle.raw_name(SUBMISSION)),
        (tampered(R1, MEMBERS[R1].replace(b'"index": 1', b'"index": 0')), "proof", R1),
        (tampered(bundle.SUBMISSIONS, ROWS.replace(b"T01:", b"T02:", 1)), "submission", R1),
        (tampered(bundle.SUBMISSIONS, MEMBERS[bundle.SUBMISSIONS] + b"?\n"), "form", bundle.SUBMISSIONS),
        (tampered(bundle.OBSERVATIONS, MEMBERS[bundle.OBSERVATIONS].replace(b"-0000", b"-9999")), "orphan",
         bundle.OBSERVATIONS),
        (tampered(bundle.CODES, MEMBERS[bundle.CODES].replace(b"T1", b"T2")), "orphan", bundle.CODES),
        (tampered(bundle.TRUST, b"hello"), "form", bundle.TRUST),
        (tampered(bundle.MANIFEST, b"{}", seal=False), "manifest", bundle.MANIFEST),
        (tampered(bundle.MANIFEST, None, seal=False), "manifest", bundle.MANIFEST),
    ],
)  # fmt: skip
def test_what_was_changed_in_a_bundle_is_named(
    made: dict[str, bytes], reason: str, where: str, tmp_path: Path
) -> None:
    report = offline.evidence(put(tmp_path / "b.zip", scene.archived(made)))
    found = [(one["reason"], one["where"]) for one in report["findings"]]
    assert not report["ok"] and (reason, where) in found


def test_a_bundle_signed_by_strangers_holds_only_for_them(tmp_path: Path) -> None:
    mine = scene.TRUST
    others = Secret(scene.LOG.name, bytes([98] * 32), 1).key
    report = offline.evidence(
        put(tmp_path / "b.zip", scene.archived(scene.members())),
        offline.Trust(others, mine.witnesses, mine.quorum),
    )
    assert {one["reason"] for one in report["findings"]} == {"checkpoint"}


ZIP = scene.archived(scene.members())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(hostile=st.one_of(st.binary(), st.tuples(st.integers(0, len(ZIP) - 1), st.binary(max_size=4))))
def test_a_hostile_archive_is_only_ever_findings(hostile: bytes | tuple[int, bytes], tmp_path: Path) -> None:
    if isinstance(hostile, tuple):
        at, inserted = hostile
        hostile = ZIP[:at] + inserted + ZIP[at + 1 :]
    report = offline.evidence(put(tmp_path / "b.zip", hostile))
    assert report["ok"] in (True, False)
    if report["ok"]:
        assert report["submissions"] == 3

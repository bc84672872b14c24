"""Three witnesses as real processes: forks and roll-backs are refused, after kill -9, too."""

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from jianzhen.main import app
from jianzhen.state import Refused
from tlog import cosignature, merkle, note, offline, receipts, witness
from tlog.note import BadNote
from tlog.trust import Secret, Trust
from tlog.witness import Request
from typer.testing import CliRunner

# Each process takes seconds to start, on a busy machine many.
JIANZHEN = [sys.executable, "-m", "jianzhen.main"]
LOG = Secret("log.example/jianzhen", bytes([1] * 32), note.ED25519)
SIGN = receipts.cosignature.ed25519.signer(LOG.seed, LOG.name)
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(200)]
TREE = merkle.Tree(LEAVES)
FORK = merkle.Tree([*LEAVES[:5], merkle.leaf_hash(b"forged"), *LEAVES[6:]])


def signed(size: int, tree: merkle.Tree = TREE) -> str:
    return note.sign(note.Checkpoint(LOG.name, size, merkle.root(size, tree.read)).text, [SIGN])


def asked(old: int, new: int, tree: merkle.Tree = TREE) -> Request:
    return Request(old, tuple(merkle.consistency_proof(old, new, tree.read)), signed(new, tree))


@dataclass
class Done:
    """What one call of the command came to; in this process, as starting one takes seconds."""

    returncode: int
    stdout: str
    stderr: str


def run(*args: object) -> Done:
    made = CliRunner().invoke(app, ["log", *map(str, args)])
    if isinstance(made.exception, Refused):
        return Done(made.exception.code, made.stdout, made.stderr + str(made.exception))
    return Done(made.exit_code, made.stdout, made.stderr)


@dataclass
class Process:
    """One `jianzhen log witness`."""

    folder: Path
    name: str
    url: str = ""
    key: note.Key = field(default_factory=lambda: LOG.key)
    running: subprocess.Popen[str] | None = None

    @property
    def state(self) -> Path:
        return self.folder / f"{self.name}.json"

    def prepare(self) -> "Process":
        done = run("key", "new", self.folder / f"{self.name}.key", "--name", f"{self.name}.example")
        assert done.returncode == 0, done.stderr
        self.key = note.parse_key(done.stdout.strip())
        return self

    def start(self) -> "Process":
        return self.launch().listening()

    def launch(self) -> "Process":
        where = ["--listen", "127.0.0.1:0", "--state", self.state, "--key", self.folder / f"{self.name}.key"]
        call = [*JIANZHEN, "log", "witness", *map(str, where), "--log", LOG.key.text]
        self.running = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        return self

    def listening(self) -> "Process":
        assert self.running and self.running.stdout
        line = self.running.stdout.readline()
        self.url = line.split()[0]
        assert line.split()[1] == self.key.text
        return self

    def end(self, how: int = signal.SIGTERM) -> int:
        assert self.running
        self.running.send_signal(how)
        code = self.running.wait(20)
        if self.running.stdout:
            self.running.stdout.close()
        return code

    def ask(self, request: Request) -> httpx.Response:
        body = witness.format_request(request)
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=20, trust_env=False)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Process]]:
    made = [Process(tmp_path, name).prepare() for name in ("w1", "w2", "w3")]
    try:
        for one in made:
            one.launch()
        yield [one.listening() for one in made]
    finally:
        for one in made:
            if one.running and one.running.poll() is None:
                one.end(signal.SIGKILL)


def cosigned(request: Request, witnesses: list[Process]) -> str:
    whole = request.checkpoint
    for one in witnesses:
        answer = one.ask(request)
        assert answer.status_code == 200, answer.text
        whole = cosignature.attach(whole, answer.text, [one.key])
    return whole


def test_a_fork_and_a_roll_back_are_refused_by_each_and_do_not_verify(
    three: list[Process], tmp_path: Path
) -> None:
    keys = tuple(one.key for one in three)
    first = cosigned(asked(0, 20), three)
    second = cosigned(asked(20, 50), three[:2])
    assert cosignature.quorum(second, LOG.key, keys, 2) == ["w1.example", "w2.example"]
    # A fork of the same size, one that is longer, a roll-back, one that denies what is known, another log's.
    stranger = asked(50, 60).checkpoint.replace("— log", "— cog")
    other = note.sign(note.Checkpoint("other", 60, bytes(32)).text, [SIGN])
    for request, status in (
        (asked(50, 50, FORK), 409), (asked(50, 60, FORK), 422), (Request(50, (), signed(40)), 400),
        (asked(20, 40), 409), (asked(0, 40, FORK), 409), (Request(50, (), stranger), 403),
        (Request(50, (), other), 404),
    ):  # fmt: skip
        for one in three[:2]:
            answer = one.ask(request)
            assert answer.status_code == status, (status, answer.text)
            if status == 409:
                assert answer.text == "50\n"
                assert answer.headers["content-type"].startswith("text/x.tlog.size")
    assert three[2].ask(asked(20, 50, FORK)).status_code == 422
    for one in three:
        answer = httpx.post(f"{one.url}/add-checkpoint", content=b"old x\n\n", trust_env=False)
        assert answer.status_code == 400
        answer = httpx.post(f"{one.url}/add-checkpoint", content=b"x" * 200_000, trust_env=False)
        assert answer.status_code == 400
    # What nobody cosigned does not verify offline; nor does an honest cosignature under another checkpoint.
    forked = signed(50, FORK)
    for lines in ("", "".join(second.splitlines(keepends=True)[-2:])):
        with pytest.raises(BadNote):
            cosignature.quorum(forked + lines, LOG.key, keys, 2)
    (tmp_path / "old").write_text(first)
    (tmp_path / "new").write_text(forked)
    (tmp_path / "proof").write_text("")
    trust = Trust(LOG.key, keys, 2)
    report = offline.consistency(tmp_path / "old", tmp_path / "new", tmp_path / "proof", trust)
    assert [one["reason"] for one in report["findings"]] == ["quorum"]


@pytest.mark.chaos
def test_a_witness_killed_between_keeping_and_answering_remembers(tmp_path: Path) -> None:
    one = Process(tmp_path, "w1").prepare().start()
    chance = random.Random(7)
    size, outcomes = 0, set[str]()
    try:
        for _ in range(8):
            host, port = one.url.removeprefix("http://").split(":")
            body = witness.format_request(asked(size, size + 10))
            with socket.create_connection((host, int(port))) as wire:
                head = f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {len(body)}\r\n\r\n"
                wire.sendall(head.encode() + body)
                before = one.state.read_bytes() if one.state.exists() else b""
                until = time.monotonic() + chance.choice((0, 0.001, 5))
                while time.monotonic() < until and not (
                    one.state.exists() and one.state.read_bytes() != before
                ):
                    time.sleep(0.0002)
                one.end(signal.SIGKILL)
            kept = json.loads(one.state.read_bytes())["logs"] if one.state.exists() else {}
            known = kept.get(LOG.name, {"size": 0})["size"]
            assert known in (size, size + 10)
            outcomes.add("kept" if known > size else "not kept")
            one.start()
            # The answer never came. Kept or not, another history is refused and the true one is cosigned.
            if known:
                assert one.ask(asked(known, known, FORK)).status_code == 409
                assert one.ask(Request(known, (), signed(known - 5))).status_code == 400
                assert one.ask(asked(known - 5, known)).text == f"{known}\n"
                assert one.ask(asked(known, known)).status_code == 200
            assert known == size or one.ask(asked(size, size + 10)).status_code == 409
            size = known
        assert outcomes == {"kept", "not kept"}
    finally:
        if one.running and one.running.poll() is None:
            assert one.end() in (0, -signal.SIGTERM)


def test_a_full_disk_is_not_cosigned_and_two_processes_do_not_share_a_state(tmp_path: Path) -> None:
    one = Process(tmp_path, "w1").prepare().start()
    try:
        assert one.ask(asked(0, 10)).status_code == 200
        second = run("witness", "--listen", "127.0.0.1:0", "--state", one.state,
                     "--key", tmp_path / "w1.key", "--log", LOG.key.text)  # fmt: skip
        assert (second.returncode, "one process per state file" in second.stderr) == (2, True)
        # A folder where the new state would be written: as on a disk that takes nothing, the state stays.
        blocked = one.state.with_name(one.state.name + ".new")
        blocked.mkdir()
        answer = one.ask(asked(10, 20))
        assert (answer.status_code, "cannot keep" in answer.text) == (503, True)
        assert one.ask(asked(10, 10)).status_code == 200
        blocked.rmdir()
        assert one.ask(asked(10, 20)).status_code == 200
        shown = httpx.get(one.url, trust_env=False).json()
        assert shown == {"witness": one.key.text, "logs": [{"key": LOG.key.text, "size": 20}]}
    finally:
        one.end()


@pytest.mark.parametrize(
    "damaged", ["", "{}", '{"format": "jianzhen-witness/1", "logs": {"a": {"size": -1}}}']
)
def test_a_witness_with_a_damaged_memory_does_not_begin(damaged: str, tmp_path: Path) -> None:
    one = Process(tmp_path, "w1").prepare()
    one.state.write_text(damaged)
    done = run("witness", "--listen", "127.0.0.1:0", "--state", one.state,
               "--key", tmp_path / "w1.key", "--log", LOG.key.text)  # fmt: skip
    assert done.returncode == 2 and "is damaged" in done.stderr


def test_keys_are_kept_for_their_owner_and_used_for_their_purpose(tmp_path: Path) -> None:
    done = run("key", "new", tmp_path / "w.key", "--name", "w.example", "--json")
    told = json.loads(done.stdout)
    assert (tmp_path / "w.key").stat().st_mode & 0o777 == 0o600
    assert note.parse_key(told["key"]).kind == cosignature.COSIGNATURE
    assert "PRIVATE" not in done.stdout + done.stderr
    assert run("key", "show", tmp_path / "w.key").stdout.strip() == told["key"]
    assert run("key", "new", tmp_path / "w.key", "--name", "w.example").returncode == 2
    assert run("key", "new", tmp_path / "x.key", "--name", "has blank").returncode == 2
    assert not (tmp_path / "x.key").exists()
    log = run("key", "new", tmp_path / "log.key", "--name", "log.example", "--for-log").stdout.strip()
    where = ["--listen", "127.0.0.1:0", "--state", tmp_path / "s.json"]
    for key, watched, why in (
        ("log.key", log, "needs one of its own"), ("w.key", told["key"], "not a log's key"),
        ("w.key", "nonsense", "neither a key nor a file"), ("none", log, "No such file"),
    ):  # fmt: skip
        done = run("witness", *where, "--key", tmp_path / key, "--log", watched)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_the_command_verifies_as_the_package_does(tmp_path: Path) -> None:
    for name, content in (("old", signed(20)), ("new", signed(50)), ("proof", "")):
        (tmp_path / name).write_text(content)
    lines = "".join(f"{note.encode_base64(one)}\n" for one in merkle.consistency_proof(20, 50, TREE.read))
    (tmp_path / "good").write_text(lines)
    files = [tmp_path / "old", tmp_path / "new"]
    trust = ["--log-key", LOG.key.text]
    assert run("verify", "consistency", *files, tmp_path / "good", *trust).returncode == 0
    done = run("verify", "consistency", *files, tmp_path / "proof", *trust, "--json")
    assert (done.returncode, json.loads(done.stdout)["findings"][0]["reason"]) == (1, "consistency")
    assert run("verify", "consistency", *files, tmp_path / "good").returncode == 2
    assert run("verify", "receipt", tmp_path / "none", *trust).returncode == 2
    assert run("verify", "raw", tmp_path / "old", tmp_path / "old", *trust).returncode == 1
    assert run("verify", "bundle", tmp_path / "old").returncode == 1

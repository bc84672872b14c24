"""`jianzhen qc pack`: from a folder of rules to a signed file, and a file of values judged by it."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from jianzhen.main import app
from jianzhen.selfcheck import packfile
from jianzhen.state import Refused
from qc.rules.source import packaged
from typer.testing import CliRunner

DAYS = ["--version", "2026.11", "--valid-from", "2026-01-01"]
VALUES = "time,PM2.5\n" + "".join(
    f"2026-01-01 {hour:02}:00,{value}\n" for hour, value in enumerate([35, 36, 42, 42, 42, 42, 37, 38])
)


def run(*argv: str | Path) -> tuple[int, str, str]:
    """Exit code, what was printed, and the refusal, or what was said beside it."""
    done = CliRunner().invoke(app, ["qc", *map(str, argv)])
    refused = done.exception if isinstance(done.exception, Refused) else None
    assert refused or isinstance(done.exception, SystemExit | None), done.exception
    return (refused.code if refused else done.exit_code), done.stdout, str(refused or done.stderr)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder of stricter rules, a key, and a signed pack of them."""
    for name, text in packaged().files.items():
        file = tmp_path / "mine" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            text.replace("set: {min_run: 6, reach: 2", "set: {min_run: 4, reach: 2"), encoding="utf-8"
        )
    (tmp_path / "values.csv").write_text(VALUES)
    code, public, _ = run("pack", "key", tmp_path / "secret", "--name", "ee.example/rules")
    assert code == 0 and (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    (tmp_path / "public").write_text(f"# of the office\n{public}")
    pack = tmp_path / "rules.zip"
    assert (
        run("pack", "build", pack, "--rules", tmp_path / "mine", "--issuer", "ee.example/rules", *DAYS)[0]
        == 0
    )
    return tmp_path


def sign(desk: Path) -> Path:
    code, _, said = run("pack", "sign", desk / "rules.zip", "--secret", desk / "secret")
    assert code == 0, said
    return desk / "rules.zip"


def codes(desk: Path, *options: str | Path) -> tuple[list[str], str]:
    out = desk / "out.csv"
    out.unlink(missing_ok=True)
    code, _, said = run("run", desk / "values.csv", "--profile", "ambient-air", "--out", out, *options)
    if code == 2:
        assert not out.exists()
        return [], said
    with out.open(encoding="utf-8") as opened:
        return [row["tests"] for row in csv.DictReader(opened)], said


def test_a_file_is_judged_by_the_pack_and_says_so(desk: Path) -> None:
    pack = sign(desk)
    strict, said = codes(desk, "--pack", pack, "--key", desk / "public")
    assert strict == ["", "", "K1", "K1", "K1", "K1", "", ""]
    code, shown, _ = run("pack", "show", pack, "--json")
    sha256 = json.loads(shown)["sha256"]
    assert code == 0 and said.count(f"2026.11，sha256 {sha256}，由 ee.example/rules 签名") == 1
    assert f"2026.11, sha256 {sha256}, signed by ee.example/rules" in said
    usual, said = codes(desk)
    assert usual == [""] * 8 and "built-in" in said and "unsigned" in said
    public = (desk / "public").read_text().splitlines()[1]
    _, listed, _ = run("rules", "--pack", pack, "--key", public, "--json")
    assert json.loads(listed)["rules"]["sha256"] == sha256
    code, said, _ = run("pack", "verify", pack, "--key", desk / "public", "--at-least", "2026.10")
    assert code == 0 and "ee.example/rules" in said and sha256 in said


def test_what_may_not_judge_is_refused_in_both_languages_and_nothing_is_written(
    desk: Path, monkeypatch
) -> None:
    key = ["--key", desk / "public"]
    pack = desk / "rules.zip"

    def refusal(*options: str | Path) -> str:
        rows, said = codes(desk, *options)
        assert rows == []
        zh, en = said.split("\n", 1)
        assert any(letter >= "\u4e00" for letter in zh) and en.isascii()
        return said

    assert "unsigned" in refusal("--pack", pack, *key)
    sign(desk)
    assert "--key" in refusal("--pack", pack)
    assert "--pack" in refusal(*key)
    assert "older" in refusal("--pack", pack, *key, "--at-least", "2027")
    changed = bytearray(pack.read_bytes())
    at = changed.index(b"min_run: 4")
    changed[at + 9 : at + 10] = b"9"
    (desk / "changed.zip").write_bytes(changed)
    assert "not-a-pack" in refusal("--pack", desk / "changed.zip", *key)
    other = run("pack", "key", desk / "other", "--name", "ee.example/rules")[1]
    assert "unknown-key" in refusal("--pack", pack, "--key", other.strip())
    assert "public key" in refusal("--pack", pack, "--key", "a+b")
    assert "cannot be read" in refusal("--pack", desk / "none.zip", *key)
    monkeypatch.setattr(packfile, "today", lambda: packfile.date(2025, 12, 31))
    assert "not-yet" in refusal("--pack", pack, *key)


def test_only_the_issuer_signs(desk: Path) -> None:
    run("pack", "key", desk / "other", "--name", "someone.else/rules")
    code, _, said = run("pack", "sign", desk / "rules.zip", "--secret", desk / "other")
    assert code == 2 and "someone.else/rules" in said
    assert run("pack", "verify", desk / "rules.zip", "--key", desk / "public")[0] == 2
    assert run("pack", "key", desk / "secret", "--name", "ee.example/rules")[0] == 2


def test_a_mistake_in_a_rule_is_named_with_file_line_and_cure(desk: Path) -> None:
    core = desk / "mine/core.yaml"
    text = core.read_text(encoding="utf-8").replace("function: has_step", "function: has_stop")
    core.write_text(text, encoding="utf-8")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "has_stop" in one)
    out = desk / "wrong.zip"
    code, _, said = run("pack", "build", out, "--rules", desk / "mine", "--issuer", "me", *DAYS)
    assert code == 2 and not out.exists()
    assert said.count(f"core.yaml:{line} step") == 2 and "has_step" in said.split("has_stop", 1)[1]
    shutil.rmtree(desk / "mine")
    (desk / "mine").mkdir()
    assert run("pack", "build", out, "--rules", desk / "mine", "--issuer", "me", *DAYS)[0] == 2

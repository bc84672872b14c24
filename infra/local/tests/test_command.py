"""The `jianzhen` command refuses clearly, changes nothing then, and says what to do."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jianzhen.main import app
from jianzhen.state import State
from kit.processes import free_port
from typer.testing import CliRunner

JIANZHEN = [sys.executable, "-m", "jianzhen.main"]
FRAME = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state"


def jianzhen(
    *args: str,
    home: Path,
    ports: dict[str, int] | None = None,
    given: bytes = b"",
    before: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    chosen = ports or {}
    environ = {key: value for key, value in os.environ.items() if not key.startswith("JIANZHEN_")}
    environ |= {f"JIANZHEN_{name.upper()}_PORT": str(port) for name, port in chosen.items()}
    environ |= {"JIANZHEN_HOME": str(home), "COLUMNS": "200"}
    done = subprocess.run(
        [*before, *JIANZHEN, *args], env=environ, input=given, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


@pytest.mark.slow
def test_a_taken_port_is_named_with_a_way_out(home: Path, taken: int) -> None:
    for name in ("edge", "edge_https", "hj212"):
        ports = {"edge": free_port(), "edge_https": free_port(), "hj212": free_port()} | {name: taken}
        done = jianzhen("up", home=home, ports=ports)
        assert done.returncode == 2
        assert f"port {taken} ({name}) is taken" in done.stderr
        assert f"JIANZHEN_{name.upper()}_PORT=" in done.stderr
        assert not list((home / "pids").iterdir())


def test_what_is_no_port_is_refused(home: Path) -> None:
    done = jianzhen("up", home=home, ports={"edge": 99999})
    assert done.returncode == 2
    assert "99999 is not a port number" in done.stderr


def test_a_second_up_says_so_and_harms_nothing(home: Path) -> None:
    state = State(home)
    with state.only_one("up"):
        state.prepare()
        before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file())
        for verb in ("up", "down"):
            done = jianzhen(verb, home=home)
            assert done.returncode == 2
            assert f"`jianzhen up` (pid {os.getpid()}) is still at work here" in done.stderr
        assert before == sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file())


def on_a_disk_of(options: str, home: Path) -> tuple[str, ...]:
    """Runs what follows with a file system of its own at `home`; needs no root."""
    home.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o {options} tmpfs "{home}" && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh")


def test_a_full_disk_is_a_clear_message(home: Path) -> None:
    done = jianzhen("up", home=home, before=on_a_disk_of("size=4m", home))
    assert done.returncode == 2
    assert "disk full" in done.stderr
    assert "JIANZHEN_HOME" in done.stderr


def test_a_read_only_disk_is_a_clear_message(home: Path) -> None:
    done = jianzhen("up", home=home, before=on_a_disk_of("ro", home))
    assert done.returncode == 2
    assert "cannot be written (Read-only file system)" in done.stderr


@pytest.mark.slow
def test_without_a_platform_the_exit_code_is_3(home: Path) -> None:
    for verb in (["status"], ["token", "--as", "platform.admin"], ["parked", "list"], ["demo"]):
        done = jianzhen(*verb, home=home)
        assert done.returncode == 3, verb
        assert "up" in done.stderr
        assert not done.stdout


def test_down_where_nothing_runs_is_no_error(home: Path) -> None:
    done = jianzhen("down", home=home)
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")


def test_usage_errors_exit_2(home: Path) -> None:
    assert jianzhen("no-such-verb", home=home).returncode == 2
    assert jianzhen("logs", "nobody", home=home).returncode == 2
    assert jianzhen("replay", str(home / "absent.csv"), home=home).returncode == 2


def test_a_command_does_not_load_what_services_are_made_of() -> None:
    # It took two seconds of each command, and a test may say a dozen of them.
    heavy = "{'sqlalchemy', 'alembic', 'fastapi', 'numpy', 'polars', 'scipy', 'asyncpg', 'nats'}"
    asked = f"import sys, jianzhen.main; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_teaches() -> None:
    for verb in ("up", "down", "status", "logs", "demo", "token", "replay", "frames check", "parked list",
                 "parked show", "parked replay"):  # fmt: skip
        shown = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "120"})
        assert shown.exit_code == 0
        assert "Example" in shown.stdout, verb
        assert "--json" in shown.stdout, verb
        assert any("一" <= letter <= "鿿" for letter in shown.stdout), verb


@pytest.mark.slow
def test_frames_are_checked_offline(home: Path) -> None:
    sound = jianzhen("frames", "check", home=home, given=FRAME)
    assert sound.returncode == 0, sound.stderr
    assert sound.stdout.count("\n") == 1
    assert '"ok":true' in sound.stdout
    lines = b"\n" + FRAME + b"no frame\r\n" + FRAME.rstrip()
    mixed = jianzhen("frames", "check", home=home, given=lines)
    assert mixed.returncode == 1
    assert [json.loads(line)["ok"] for line in mixed.stdout.splitlines()] == [False, True, False, True]
    assert jianzhen("frames", "check", home=home, given=b"").stdout == ""
    broken = jianzhen("frames", "check", "--json", home=home, given=FRAME.replace(b"1C80", b"0000"))
    assert broken.returncode == 1
    assert '"ok": false' in broken.stdout


def test_secrets_are_the_owners_alone(home: Path) -> None:
    state = State(home)
    state.prepare()
    made = state.secret("writer")
    assert made == state.secret("writer")
    assert made[0].isalpha()
    assert (home / "secrets/writer").stat().st_mode & 0o777 == 0o600
    assert (home / "secrets").stat().st_mode & 0o077 == 0


def test_ports_are_kept_and_moved_only_when_taken(home: Path, taken: int) -> None:
    state = State(home)
    state.prepare()
    (home / "ports.json").write_text(
        f'{{"edge": {free_port()}, "edge_https": {free_port()}, "hj212": {free_port()}}}'
    )
    first = state.choose_ports(set())
    assert len(set(first.values())) == len(first)
    assert state.choose_ports(set()) == first == state.ports()
    (home / "ports.json").write_text((home / "ports.json").read_text().replace(str(first["qc"]), str(taken)))
    second = state.choose_ports(set())
    assert second["qc"] != taken
    assert {name: port for name, port in second.items() if name != "qc"} == {
        name: port for name, port in first.items() if name != "qc"
    }


@pytest.mark.slow
def test_secrets_of_a_platform_that_is_down_are_not_changed(home: Path) -> None:
    down = jianzhen("secrets", "rotate", "qc", home=home)
    assert (down.returncode, "`jianzhen up` first" in down.stderr) == (3, True)
    nobody = jianzhen("secrets", "rotate", "portal", home=home)
    assert (nobody.returncode, "operator and all" in nobody.stderr) == (2, True)
    shown = json.loads(jianzhen("secrets", "rotate", "qc", "--dry-run", "--json", home=home).stdout)
    assert shown["rounds"][0]["secrets"] == ["qc_migrator", "qc_writer", "qc_reader", "nkey_qc", "client_qc"]
    assert not (home / "secrets").exists()

"""The evidence of a logger of the running city: fetched, verified offline, and the whole log checked."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from e2e_city import City
from jianzhen.demo import city
from whole_platform import JIANZHEN, WholePlatform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def said(platform: WholePlatform, *args: object) -> tuple[int, Any]:
    """Exit code and JSON of `jianzhen log …`."""
    call = [*JIANZHEN, "log", *map(str, args), "--json"]
    done = subprocess.run(call, env=platform.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_LF_38_the_bundle_of_a_logger_verifies_without_the_platform(
    platform: WholePlatform, sent_city: City, tmp_path: Path
) -> None:
    file, trust = tmp_path / "evidence.zip", tmp_path / "trust.txt"
    mn = city.site(sent_city.cheat.site).mn
    code, told = said(
        platform, "bundle", "--device", mn, "--from", "2026-01-01", "--to", "2100-01-01", "-o", file
    )
    assert (code, told["findings"]) == (0, [])
    assert told["submissions"] > 20
    assert not file.with_name(file.name + ".part").exists()
    _, keys = said(platform, "trust")
    trust.write_text(f"log {keys['log']}\nquorum 0\n")
    call = [sys.executable, "-m", "tlog", "verify", "bundle", str(file), "--trust", str(trust), "--json"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["keys"]) == (0, "given")
    with zipfile.ZipFile(file) as archive:
        codes = archive.read("codes.csv").decode().splitlines()
    assert len(codes) > 1


def test_the_whole_log_and_every_submission_are_found_sound(platform: WholePlatform, sent_city: City) -> None:
    assert sent_city.held
    code, told = said(platform, "fsck", "--submissions")
    assert (code, told["findings"]) == (0, [])
    assert told["submissions"] > 100 and told["size"] > 100

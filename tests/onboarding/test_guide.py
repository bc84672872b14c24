"""The guide of onboarding and the client's examples, run as they stand on a real platform.

Every fenced `sh` and `python` block of the guide runs in its order; where a `json` or `text` block follows,
that is what must be answered, but for ids, times and the like.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from whole_platform import WholePlatform

pytestmark = [pytest.mark.platform, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/onboarding.md"
EXAMPLES = ROOT / "clients/python/examples"
FENCE = re.compile(r"^```(sh|python|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from run to run, in the order in which it is looked for.
CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "HASH"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HERE"),
    (re.compile(r"\d+\.\d+ s\b"), "SECONDS"),
)


@dataclass(frozen=True)
class Step:
    """A block that runs, and what the guide shows of its answer."""

    language: str
    code: str
    shown: str | None


def steps() -> Iterator[Step]:
    blocks = FENCE.findall(GUIDE.read_text(encoding="utf-8").split("## 中文")[0])
    for at, (language, code) in enumerate(blocks):
        if language in {"sh", "python"}:
            behind = blocks[at + 1] if at + 1 < len(blocks) else ("", "")
            yield Step(language, code, behind[1] if behind[0] in {"json", "text"} else None)


def plain(text: str) -> str:
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text.strip()


def as_data(text: str) -> Any:
    """JSON as what it means: a page is narrower than an answer."""
    return json.loads(text) if text.startswith("{") else text


@pytest.fixture
def desk(platform: WholePlatform, tmp_path: Path) -> Path:
    """A folder like a clone, where a newcomer works."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("jianzhen", "python"):
        # Not a link: Python finds its packages by where it is.
        script = tmp_path / ".venv/bin" / name
        script.write_text(f'#!/bin/sh\nexec "{Path(sys.prefix) / "bin" / name}" "$@"\n')
        script.chmod(0o755)
    (tmp_path / "clients").symlink_to(ROOT / "clients")
    return tmp_path


def environ(platform: WholePlatform, desk: Path) -> dict[str, str]:
    return platform.environ | {"PATH": f"{desk / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}


def run(platform: WholePlatform, desk: Path, script: str) -> list[str]:
    """What each part of a bash script says; parts are separated by lines of `@@`."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=desk, env=environ(platform, desk), capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{platform.tails(8)}"
    return done.stdout.split("@@\n")


def test_the_guide_leads_from_nothing_to_an_accepted_batch(platform: WholePlatform, desk: Path) -> None:
    told = list(steps())
    assert {step.language for step in told} == {"sh", "python"}
    parts = [
        step.code if step.language == "sh" else f"python - <<'END_OF_PYTHON'\n{step.code}END_OF_PYTHON\n"
        for step in told
    ]
    begun = time.monotonic()
    said = run(platform, desk, "echo @@\n".join(parts))
    print(f"from nothing to the end of the guide: {time.monotonic() - begun:.1f} s")
    answered = [(plain(step.shown), plain(text)) for step, text in zip(told, said, strict=True) if step.shown]
    assert len(answered) >= 4
    for shown, text in answered:
        assert as_data(text) == as_data(shown)
    first = next(json.loads(text) for text in said if text.lstrip().startswith('{"submission"'))
    assert (first["accepted"], first["refused"]) == (1, 0)
    stored = "SELECT count(*) FROM submissions WHERE id = $1"
    assert platform.value("ingest", stored, first["submission"]) == 1


def test_the_examples_of_the_client_work_for_a_system_with_a_key(platform: WholePlatform, desk: Path) -> None:
    joined = (
        ".venv/bin/jianzhen sandbox join key-demo --dept water --element water --factor w01009 --key key.pem"
    )
    table = "监测时间,溶解氧(mg/L)\\n2026/10/02 8:00,7.1\\n2026/10/02 9:00,7.2\\n"
    said = run(
        platform,
        desk,
        f"{joined} --key key.pem\n. ./key-demo.env\necho @@\n"
        "python clients/python/examples/first_batch.py\necho @@\n"
        f"printf '{table}' >old.csv\npython clients/python/examples/old_files.py old.csv\n",
    )
    assert "3 accepted, 0 repeated, 0 refused" in said[1]
    assert [line.split(" ", 1)[1] for line in said[1].splitlines() if " w01009 " in line] == [
        f"w01009 {value}" for value in (42.0, 41.0, 40.0)
    ]
    assert "422 batch-not-acceptable" in said[1]
    assert said[2].splitlines() == ["would be accepted: 2, refused: 0", "accepted: 2, repeated: 0"]
    assert "PRIVATE KEY" not in (desk / "key-demo.env").read_text()
    assert (desk / "key.pem").stat().st_mode & 0o077 == 0
    receipt = json.loads((desk / "receipt.json").read_text())
    assert receipt


def test_joining_again_changes_nothing_and_nobody_else_reads_the_secret(
    platform: WholePlatform, desk: Path
) -> None:
    join = ".venv/bin/jianzhen sandbox join twice --dept met --region 131000 --json"
    first, again = run(platform, desk, f"{join}; cat twice.env\necho @@\n{join}; cat twice.env\n")
    assert first == again
    assert (desk / "twice.env").stat().st_mode & 0o077 == 0
    moved = join.replace("met ", "water ")
    assert run(platform, desk, f"{moved} 2>&1 || true")[0].count("has joined as met of 131000") == 1
    # A second one, and those who joined before go on: the issuer reads its realm anew.
    other = ".venv/bin/jianzhen sandbox join other --dept health"
    token = ". ./twice.env; python -m jianzhen_client"
    assert run(platform, desk, f"{other} >/dev/null; {token}")[0].count(".") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("Met --dept met", "is no name of a system"),
        ("met --dept weather", "dept 'weather' is not in the policy"),
        ("water-131000 --dept met", "sys-water-131000 is a system of the platform itself"),
        ("met --dept met --region 999999", "region '999999' is not in the table of regions"),
    ],
)
def test_whoever_cannot_join_is_told_why_and_nothing_is_left(
    platform: WholePlatform, desk: Path, arguments: str, said: str
) -> None:
    done = subprocess.run(
        [desk / ".venv/bin/jianzhen", "sandbox", "join", *arguments.split()],
        cwd=desk, env=environ(platform, desk), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert list(desk.glob("*.env")) == []

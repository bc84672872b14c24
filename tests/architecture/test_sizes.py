"""Limits that keep every file readable in one sitting: the tail is what makes a code base unreadable."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE, MAX_FUNCTION, MAX_KIT, MAX_BUS, MAX_MAIN = 400, 60, 1500, 300, 60
REFUSED_NAMES = {"utils", "helpers", "common", "base", "manager", "handler", "handlers", "flows2", "misc"}


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    files = [ROOT / name for name in listed if name.endswith(suffixes)]
    return [file for file in files if file.exists() and "vendor" not in file.parts]


PYTHON = tracked(".py")
WRITTEN = tracked(".py", ".ts", ".js")


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_there_is_something_to_check() -> None:
    assert len(PYTHON) > 50


@pytest.mark.parametrize("file", WRITTEN, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_is_at_most_400_lines(file: Path) -> None:
    assert lines(file) <= MAX_FILE


@pytest.mark.parametrize("file", PYTHON, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_function_is_at_most_60_lines(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("file", PYTHON, ids=lambda f: str(f.relative_to(ROOT)))
def test_no_file_is_named_after_nothing(file: Path) -> None:
    assert file.stem not in REFUSED_NAMES


@pytest.mark.parametrize("file", PYTHON, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_module_says_what_it_is_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "the module docstring is missing"


def test_kit_stays_small() -> None:
    kit = [file for file in PYTHON if (ROOT / "services/kit/kit") in file.parents]
    assert sum(lines(file) for file in kit) <= MAX_KIT


def test_the_bus_fits_on_three_screens() -> None:
    assert lines(ROOT / "services/kit/kit/bus.py") <= MAX_BUS


def test_main_only_wires() -> None:
    mains = [*sorted((ROOT / "services").glob("*/*/main.py")), ROOT / "gateway/gateway/main.py"]
    assert len(mains) >= 6
    for main in mains:
        assert lines(main) < MAX_MAIN, main

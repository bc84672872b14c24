"""Limits that keep every file readable in one sitting: the tail is what makes a code base unreadable."""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE, MAX_FUNCTION, MAX_BUS, MAX_MAIN = 400, 60, 300, 60
# docs/adr/0010, 0031, 0043, 0045, 0047, 0054 to 0057: code lines (no comments) that a service loads.
MAX_KIT = 2690
NOT_LOADED = {"testing", "migrations", "servers", "processes", "privileges"}
REFUSED_NAMES = {"utils", "helpers", "common", "base", "manager", "handler", "handlers", "flows2", "misc"}


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    files = [ROOT / name for name in listed if name.endswith(suffixes)]
    return [file for file in files if file.exists() and "vendor" not in file.parts]


PYTHON = tracked(".py")
WRITTEN = tracked(".py", ".ts", ".js")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_there_is_something_to_check() -> None:
    assert len(PYTHON) > 50


def named(files: Iterable[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


@cache
def shapes() -> tuple[list[str], list[str]]:
    """`file name: lines` of every function that is too long, and the modules without a docstring."""
    long, silent = [], []
    for file, [name] in ((file, named([file])) for file in PYTHON):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        silent += [name] if tree.body and not ast.get_docstring(tree) else []
        for node in (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            long += [f"{name} {node.name}: {length}"] if length > MAX_FUNCTION else []
    return long, silent


def test_a_file_is_at_most_400_lines() -> None:
    assert named(file for file in WRITTEN if lines(file) > MAX_FILE) == []


def test_a_function_is_at_most_60_lines() -> None:
    assert shapes()[0] == []


def test_no_file_is_named_after_nothing() -> None:
    assert named(file for file in PYTHON if file.stem in REFUSED_NAMES) == []


def test_a_module_says_what_it_is_for() -> None:
    assert shapes()[1] == []


def code_lines(file: Path) -> int:
    """Lines that hold code: no blank, comment or docstring."""
    source = file.read_text(encoding="utf-8")
    kinds = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in {*kinds, tokenize.ENDMARKER}:
            held |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                held -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(held)


def test_what_a_service_loads_of_kit_stays_small() -> None:
    folder = ROOT / "services/kit/kit"
    kit = [file for file in PYTHON if folder in file.parents]
    loaded = [file for file in kit if not {file.stem, *file.relative_to(folder).parts} & NOT_LOADED]
    assert sum(code_lines(file) for file in loaded) <= MAX_KIT


def test_the_bus_fits_on_three_screens() -> None:
    assert lines(ROOT / "services/kit/kit/bus.py") <= MAX_BUS


def test_main_only_wires() -> None:
    mains = [*sorted((ROOT / "services").glob("*/*/main.py")), ROOT / "gateway/gateway/main.py"]
    assert len(mains) >= 6
    for main in mains:
        assert lines(main) < MAX_MAIN, main

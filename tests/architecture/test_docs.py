"""The documents keep up with the code: names, links, both languages, the shape of decisions."""

import importlib
import re
from pathlib import Path

import pytest
from contracts.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
ADRS = sorted((ROOT / "docs/adr").glob("*.md"))
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
DOCUMENTS = [*ROOT.glob("*.md"), ROOT / "k8s/README.md", *(ROOT / "docs").rglob("*.md")]
EVENTS = {entry.type for entry in CATALOGUE}
DOTTED = re.compile(r"`([a-z_0-9]+(?:\.[A-Za-z_0-9]+)+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
COMMAND = re.compile(r"^(make [a-z-]+|\.venv/\S+)", re.MULTILINE)
EVENT_ROW = re.compile(r"^\| (`[a-z._0-9]+`) \| (\w+) \| ([^|]+) \|", re.MULTILINE)
STEP = re.compile(r"^(\d+)\. ", re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _resolve(name: str) -> object:
    """The module, class, function or method of that name. Raises ImportError or AttributeError."""
    parts = name.split(".")
    found: object = importlib.import_module(parts[0])
    for at, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:at]))
        found = getattr(found, part)
    return found


def _headings(text: str) -> list[str]:
    return HEADING.findall(FENCE.sub("", text))


NAMES = sorted(set(DOTTED.findall(_text(ROOT / "docs/data-path.md"))))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_the_data_path_exists(name: str) -> None:
    assert name in EVENTS or _resolve(name) is not None


def test_the_data_path_leads_through_every_service() -> None:
    assert {"ingest", "kit", "qc", "cases", "credit", "publish", "portal"} <= {n.split(".")[0] for n in NAMES}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(FENCE.sub("", _text(path)))]
    relative = [target for target in targets if target and "://" not in target]
    assert [target for target in relative if not (path.parent / target).exists()] == []


def test_the_chinese_readme_is_a_twin_of_the_english_one() -> None:
    english, chinese = _text(ROOT / "README.md"), _text(ROOT / "README.zh-CN.md")
    assert _headings(chinese) == _headings(english)
    assert len(FENCE.findall(chinese)) == len(FENCE.findall(english))
    assert COMMAND.findall(chinese) == COMMAND.findall(english)
    assert EVENT_ROW.findall(chinese) == EVENT_ROW.findall(english)
    assert len(EVENT_ROW.findall(english)) == len(CATALOGUE)
    assert len(re.findall(r"^\|", chinese, re.MULTILINE)) == len(re.findall(r"^\|", english, re.MULTILINE))


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_guide_says_the_same_steps_in_both_languages_on_a_page_and_a_half(path: Path) -> None:
    text = _text(path)
    commands, chinese, english = re.split(r"^## (?:中文|English)$", text, flags=re.MULTILINE)
    assert STEP.findall(chinese) == STEP.findall(english)
    assert set(re.findall(r"^# (\d+)$", commands, re.MULTILINE)) <= set(STEP.findall(english))
    assert len(text.splitlines()) <= 110
    assert "|---|" in commands


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_with_context_decision_and_consequences(path: Path) -> None:
    text = _text(path)
    assert len(text.splitlines()) <= 60
    for part in ("Context", "Decision", "Consequences"):
        assert f"**{part}.**" in text, part
    assert re.match(rf"# {int(path.stem[:4])}\. ", text)

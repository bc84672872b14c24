"""The closed list of everything `tests` may name: rows of a file, rules of the profile, falsification tests.

Promises: each id once, in the order in which ids are written, with severity, source clause and parameters.
Leaves judging to `qc.rules.offline.judge`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import yaml
from contracts.qc import Severity

from qc.rules import source
from qc.rules.falsify import catalogue as falsification
from qc.rules.falsify.finding import FalsificationTest
from qc.rules.offline.profile import Profile


class FileTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be said of a row of a file before any rule; `number` is its bit, `code` the value's code."""

    id: str
    number: int
    code: Literal[1, 2, 3, 4, 9]
    severity: Severity
    zh: str
    en: str
    text_zh: str
    text_en: str
    source: str

    @property
    def bit(self) -> int:
        return 1 << self.number


@dataclass(frozen=True, slots=True)
class Entry:
    """One test of the closed list; `kind` is `file`, `rule` or `falsification`."""

    id: str
    kind: str
    zh: str
    en: str
    text_zh: str
    text_en: str
    severity: str
    source: str
    parameters: tuple[Mapping[str, Any], ...]


@source.once
def file_tests() -> Mapping[str, FileTest]:
    """What is said of rows, by id. Worked example: file_tests()["unreadable"].code == 4."""
    read = msgspec.convert(
        yaml.load(source.text("file-tests.yaml"), Loader=yaml.CSafeLoader), tuple[FileTest, ...]
    )
    return {test.id: test for test in read}


@source.once
def falsification_tests() -> tuple[FalsificationTest, ...]:
    """Every falsification test there is, in the order of its files."""
    return falsification.load()


def entries(profile: Profile) -> list[Entry]:
    """The closed list under a profile. A test that is both rule and falsification test stands once."""
    found: dict[str, Entry] = {}
    for test in file_tests().values():
        named = (test.id, "file", test.zh, test.en, test.text_zh, test.text_en)
        found[test.id] = Entry(*named, test.severity, test.source, ())
    for rule in profile.pack.rules:
        figures = tuple(
            {"when": msgspec.to_builtins(entry.when), "set": dict(entry.set)} for entry in rule.parameters
        )
        named = (rule.id, "rule", rule.zh, rule.en, rule.text_zh, rule.text_en)
        found.setdefault(rule.id, Entry(*named, rule.severity, rule.source, figures))
    for kind in falsification_tests():
        settings = tuple({"factor": list(s.factor), "set": dict(s.set)} for s in kind.settings
                         if profile.id in s.profile)  # fmt: skip
        named = (kind.id, "falsification", kind.zh, kind.en, kind.text_zh, kind.text_en)
        # A finding alone informs; within a suspicion its values are a matter for a case.
        entry = Entry(*named, "inform", kind.source, ({"weight": kind.weight}, *settings))
        found.setdefault(kind.id, entry)
    return list(found.values())

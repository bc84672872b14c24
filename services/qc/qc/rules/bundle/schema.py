"""Whether the files of a pack are rules: every file by its schema, then all of them against each other.

Promises: names file, line, rule, what is wrong and how to mend it, in Chinese and English; one problem per
file at a time, the first. Leaves the schemas to the modules that judge by them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from qc.rules.bundle.refusal import BadPack
from qc.rules.bundle.yamls import Document, Flawed, Step, document
from qc.rules.falsify import catalogue as falsification
from qc.rules.falsify.finding import FalsificationTest
from qc.rules.offline.catalogue import FileTest
from qc.rules.offline.profile import NAMES, Profile
from qc.rules.pack import RulePack, checked
from qc.rules.validity import (
    completeness,
    conversion,
    exceedance,
    marks,
    recompute,
    substitution,
    warnings,
)

SCHEMAS: dict[str, Any] = {
    "core.yaml": RulePack,
    "file-tests.yaml": tuple[FileTest, ...],
    **{f"profiles/{name}.yaml": Profile for name in NAMES},
    "validity/completeness.yaml": tuple[completeness.Clause, ...],
    "validity/conversion.yaml": conversion.ConversionRules,
    "validity/exceedance.yaml": exceedance.ExceedanceRules,
    "validity/marks.yaml": marks.MarkRules,
    "validity/recomputation.yaml": tuple[recompute.Tolerance, ...],
    "validity/substitution.yaml": tuple[substitution.Substitution, ...],
    "validity/warnings.yaml": warnings.WarningRules,
}
FALSIFICATION = "falsification/"
MOST_SHOWN = 20
_WHERE = re.compile(r"^(.*?)(?: - at `(?:key in )?(\$[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\[\.\.\.\]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` 0: the whole file; `rule` "" where it concerns none."""

    file: str
    line: int
    rule: str
    zh: str
    en: str
    mend_zh: str
    mend_en: str

    @property
    def place(self) -> str:
        """Worked example: `core.yaml:57 K1`."""
        return f"{self.file}{f':{self.line}' if self.line else ''}{f' {self.rule}' if self.rule else ''}"


class BadRules(BadPack):
    """The files are no rules; `problems` has at least one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        shown = problems[:MOST_SHOWN]
        super().__init__(
            "schema",
            "规则文件有误：\n" + "\n".join(f"  {one.place}: {one.zh}；{one.mend_zh}" for one in shown),
            "The rules are wrong:\n" + "\n".join(f"  {one.place}: {one.en}; {one.mend_en}" for one in shown),
        )
        self.problems = problems


def require_sound(files: Mapping[str, bytes]) -> None:
    """Raises BadRules unless the files are a whole set of rules."""
    if problems := check(files):
        raise BadRules(problems)


def check(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Everything that is wrong. Worked example: `severity: terrible` on line 57 of core.yaml, in K1 →
    one Problem("core.yaml", 57, "K1", …).
    """
    found = [_missing(name) for name in sorted(SCHEMAS) if name not in files]
    if not any(name.startswith(FALSIFICATION) for name in files):
        found.append(_missing(f"{FALSIFICATION}*.yaml"))
    read: dict[str, tuple[Document, Any]] = {}
    for name in sorted(files):
        try:
            read[name] = _read(name, files[name])
        except _Wrong as wrong:
            found.append(wrong.problem)
    return tuple(found) or tuple(_against_each_other(read))


class _Wrong(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.en)
        self.problem = problem


def _missing(name: str) -> Problem:
    return Problem(name, 0, "", "缺少此文件", "the file is missing", "补上它", "add it")


def _read(name: str, data: bytes) -> tuple[Document, Any]:
    """The document and what it is by its schema."""
    schema = tuple[FalsificationTest, ...] if name.startswith(FALSIFICATION) else SCHEMAS.get(name)
    if schema is None:
        raise _Wrong(
            Problem(
                name, 0, "", "不是规则文件的名称", "no file of rules has this name", "删去它", "take it out"
            )
        )
    try:
        read = document(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Wrong(
            Problem(name, 0, "", "不是 UTF-8", "not UTF-8", "另存为 UTF-8", "save it as UTF-8")
        ) from None
    except Flawed as flaw:
        mend = ("改正该处写法", "mend the text there")
        raise _Wrong(Problem(name, flaw.line, "", flaw.zh, flaw.en, *mend)) from None
    try:
        return read, msgspec.convert(read.content, schema)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise _Wrong(_problem(name, read, schema, str(wrong))) from None


def _problem(name: str, read: Document, schema: Any, said: str) -> Problem:
    """What msgspec says, with the line, the rule and the way out."""
    parts = _WHERE.match(said)
    what, path = (parts[1], _path(parts[2] or "$")) if parts else (said, ())
    zh, mend_zh, mend_en = _mend(what, _kind(schema, path))
    return Problem(name, read.line(path), _rule(read.content, path), zh, what, mend_zh, mend_en)


def _path(text: str) -> tuple[Step, ...]:
    """Worked example: `$.rules[3].set` → ("rules", 3, "set")."""
    found: list[Step] = []
    for step in _STEP.finditer(text):
        if step[1] is None and step[2] is None:
            break
        found.append(step[1] if step[1] is not None else int(step[2]))
    return tuple(found)


def _rule(content: Any, path: tuple[Step, ...]) -> str:
    """The id of the innermost part on the path that has one."""
    found, part = "", content
    for step in (*path, None):
        if isinstance(part, dict) and isinstance(part.get("id"), str):
            found = part["id"]
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            break
    return found[:60]


def _kind(schema: Any, path: tuple[Step, ...]) -> Any:
    """The type the schema wants at a path."""
    kind: Any = msgspec.inspect.type_info(schema)
    for step in path:
        kind = _plain(kind)
        if isinstance(kind, msgspec.inspect.StructType):
            kind = next((f.type for f in kind.fields if f.name == step), msgspec.inspect.AnyType())
        else:
            kind = getattr(kind, "item_type", msgspec.inspect.AnyType())
    kind = _plain(kind)
    # The path into a table by name ends at the table: what is wrong is one of its values.
    return _plain(kind.value_type) if isinstance(kind, msgspec.inspect.DictType) else kind


def _plain(kind: Any) -> Any:
    """The type under its constraints and beside null."""
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next((_plain(t) for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)), kind)
    return kind


def _mend(what: str, kind: Any) -> tuple[str, str, str]:
    """(what is wrong in Chinese, how to mend it in Chinese and English)."""
    fields = [field.name for field in kind.fields] if isinstance(kind, msgspec.inspect.StructType) else []
    quoted = re.search(r"`([^`]*)`|'([^']*)'", what)
    word = (quoted[1] or quoted[2] or "") if quoted else ""
    if "missing required field" in what:
        return f"缺少 {word}", f"写上 {word}: …", f"write `{word}: …`"
    if "unknown field" in what:
        near = get_close_matches(word, fields, 1)
        meant = f"是否为 {near[0]}？" if near else ""
        asked = f"did you mean `{near[0]}`? " if near else ""
        known = ", ".join(fields)
        return f"不认识 {word}", f"{meant}可用：{known}", f"{asked}it may have: {known}"
    if isinstance(kind, msgspec.inspect.LiteralType):
        known = ", ".join(str(value) for value in kind.values)
        return f"取值 {word} 不允许", f"可用：{known}", f"one of: {known}"
    if isinstance(kind, msgspec.inspect.DateType):
        return "日期写法有误", "写作 2026-01-31", "write it as 2026-01-31"
    if isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        return (
            f"数值有误（{what}）",
            "写成允许范围内的数，不加引号",
            "write a number in that range, without quotes",
        )
    if isinstance(kind, msgspec.inspect.StrType):
        return f"文字有误（{what}）", "加上引号", "put it into quotes"
    return (
        f"结构有误（{what}）",
        "对照随程序提供的文件",
        "compare it with the file that comes with the program",
    )


def _against_each_other(read: Mapping[str, tuple[Document, Any]]) -> Iterator[Problem]:
    """What only shows when the parts are put together."""
    core: RulePack = read["core.yaml"][1]
    try:
        checked(core)
    except ValueError as wrong:
        yield _named("core.yaml", read["core.yaml"][0], str(wrong))
        return
    for name in NAMES:
        file = f"profiles/{name}.yaml"
        written, profile = read[file]
        try:
            if profile.id != name:
                raise ValueError(f"the id of {file} is {profile.id}")
            profile.upon(core)
        except ValueError as wrong:
            yield _named(file, written, str(wrong))
    yield from _tests(read, core)


def _tests(read: Mapping[str, tuple[Document, Any]], core: RulePack) -> Iterator[Problem]:
    falsification.import_all()
    known: dict[str, str] = {}
    for file, (written, tests) in read.items():
        if not file.startswith(FALSIFICATION):
            continue
        for test in tests:
            said = ""
            if test.id not in falsification.RUNS:
                said = f"falsification tests: no function is registered for {test.id}"
            elif test.id in known:
                said = f"falsification tests: {test.id} stands in {known[test.id]} as well"
            elif "learned" in test.needs and test.weight >= core.queue_threshold:
                said = (
                    f"falsification tests: {test.id} is learned, so its weight must stay below the queue "
                    f"threshold {core.queue_threshold:g}"
                )
            known.setdefault(test.id, file)
            if said:
                yield _named(file, written, said)


def _named(file: str, document: Document, said: str) -> Problem:
    """A problem whose sentence names the rule."""
    content = document.content.get("rules", []) if isinstance(document.content, dict) else document.content
    ids = [one.get("id") for one in content if isinstance(one, dict)]
    at = next(
        (n for n, one in enumerate(ids) if re.search(rf"(?<!\w){re.escape(str(one))}(?!\w)", said)), None
    )
    line, rule = 0, ""
    if at is not None:
        path: tuple[Step, ...] = ("rules", at) if isinstance(document.content, dict) else (at,)
        line, rule = document.line(path), str(ids[at])
    what = said.partition(": ")[2] or said
    return Problem(file, line, rule, f"规则之间矛盾（{what}）", what, "改正该规则", "mend this rule")

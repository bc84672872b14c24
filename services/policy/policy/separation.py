"""Separation of duties: which acts on one record exclude each other, as dated lines with their clause.

Promises: pure; every line has its source; a person is known by any of the marks handed in (subject of the
token, number of a certificate, number at an institution). Leaves the history of a record to its service.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from policy.dated import CHINA, Dated, dated_errors


@dataclass(frozen=True, kw_only=True)
class Apart(Dated):
    """Whoever did one of the acts `apart_from` on a record does none of the acts `acts` on it."""

    id: str
    record: str
    acts: frozenset[str]
    apart_from: frozenset[str]
    zh: str
    en: str


@dataclass(frozen=True)
class Done:
    """An act that was done: by whom (`marks`: any by which the person is known; `who` for people), when."""

    act: str
    marks: frozenset[str]
    who: str
    at: datetime | None = None


@dataclass(frozen=True)
class Collision:
    """The earlier acts of the same person, and the line that sets this act apart from them."""

    line: Apart
    done: tuple[Done, ...]

    @property
    def told(self) -> str:
        """What stands against the act, for people: the rule, and each earlier act, its person and time."""
        acts = "；".join(_told(done) for done in self.done)
        return (
            f"职责分离：{self.line.zh}。已办理：{acts} · separation of duties: {self.line.en}; done: {acts}"
        )


def _told(done: Done) -> str:
    at = f" {done.at.astimezone(CHINA):%Y-%m-%d %H:%M}" if done.at else ""
    return f"{done.act}（{done.who}{at}）"


@dataclass(frozen=True)
class Separation:
    """The section `separation` of the policy."""

    records: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lines: tuple[Apart, ...] = ()

    def collisions(
        self, record: str, act: str, marks: Collection[str], history: Iterable[Done], on: date
    ) -> list[Collision]:
        """The lines that bar this person from the act on the legal day `on`; empty if none does.

        Worked example: `collisions("case", "review", {"7"}, [Done("file", frozenset({"7"}), "张三")], day)`
        names the filing and Art. 58; with `{"8"}` it is empty.
        """
        own = [done for done in history if not done.marks.isdisjoint(marks)]
        found = (
            Collision(line, tuple(done for done in own if done.act in line.apart_from))
            for line in self.lines
            if line.record == record and act in line.acts and line.holds(on)
        )
        return [one for one in found if one.done]


def separation_of(raw: Mapping[str, Any]) -> Separation:
    """The section as read from YAML."""
    lines = (
        Apart(**entry | {name: frozenset(entry[name]) for name in ("acts", "apart_from")})
        for entry in raw["rules"]
    )
    return Separation(raw["records"], tuple(lines))


def separation_errors(separation: Separation) -> Iterator[str]:
    """What the section says that cannot be."""
    seen: set[str] = set()
    for line in separation.lines:
        where = f"separation {line.id}"
        yield from dated_errors(where, (line,))
        if line.record not in separation.records:
            yield f"{where}: unknown record {line.record}"
        if line.id in seen:
            yield f"{where}: listed twice"
        if not (line.acts and line.apart_from):
            yield f"{where}: sets nothing apart"
        if line.acts & line.apart_from:
            yield f"{where}: an act apart from itself"
        seen.add(line.id)


def separation_table(separation: Separation) -> Iterator[str]:
    """The section as Markdown."""
    yield "## Separation of duties 职责分离"
    yield ""
    yield "| record | rule | acts | not by whoever did | from | until | source |"
    yield "|---|---|---|---|---|---|---|"
    for line in separation.lines:
        named = separation.records[line.record]
        acts, apart = " ".join(sorted(line.acts)), " ".join(sorted(line.apart_from))
        dates = f"{line.valid_from} | {line.valid_to or ''}"
        head = f"| {named['en']} {named['zh']} | {line.en} {line.zh} "
        yield f"{head}| {acts} | {apart} | {dates} | {line.source} |"

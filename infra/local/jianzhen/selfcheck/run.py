"""From a file to verdicts: opened, read, judged, written; with hints a person would give.

Promises: nothing is written before everything is judged. Leaves options and exit codes to the verb.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qc.rules.falsify.echoes import MOST_LAGS
from qc.rules.falsify.panel import DAY_MS, HOUR_MS
from qc.rules.offline.catalogue import falsification_tests, file_tests
from qc.rules.offline.judge import Judged, judge
from qc.rules.offline.profile import Profile

from jianzhen.selfcheck.columns import plan
from jianzhen.selfcheck.cores import on_every_core
from jianzhen.selfcheck.filemap import FileMap
from jianzhen.selfcheck.opening import Table, opened
from jianzhen.selfcheck.reading import Sheet, sheet
from jianzhen.selfcheck.told import Notes

# A value this often, and beyond the range each time, is likely the file's sign for "none".
OFTEN, SHARE = 20, 0.005
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """A file read and judged."""

    sheet: Sheet
    judged: Judged
    notes: Notes
    inputs: frozenset[str]


def check(
    path: Path,
    profile: Profile,
    mapped: FileMap,
    naive_ms: int,
    tell: Tell,
    asked: frozenset[str] = frozenset(),
) -> Checked:
    """Read a file and judge every value of it. `asked` names inputs there are if wanted: `learned`."""
    notes = Notes()
    tell("reading", 0, 1)
    table = opened(path, notes)
    return check_table(table, profile, mapped, naive_ms, notes, tell, asked)


def check_table(  # noqa: PLR0913 what `check` is given
    table: Table,
    profile: Profile,
    mapped: FileMap,
    naive_ms: int,
    notes: Notes,
    tell: Tell,
    asked: frozenset[str] = frozenset(),
) -> Checked:
    """Judge a table of texts."""
    read = sheet(table, plan(table.cells.columns, mapped, profile, notes), mapped, profile, naive_ms, notes)
    _say_ragged(table, notes)
    tell("reading", 1, 1)
    inputs = asked | frozenset(
        {"load"} if any("load" in m.name.lower() or "负荷" in m.name for m in read.members) else ()
    )
    judged = judge(read.readings, read.members, profile, inputs, tell, on_every_core)
    _say_lines(table, read, judged, notes)
    _say_sentinels(read, judged, profile, notes)
    _say_bounds(read, judged, profile, notes)
    return Checked(read, judged, notes, inputs)


def _say_ragged(table: Table, notes: Notes) -> None:
    lines = table.line.filter(table.is_ragged)
    if len(lines):
        notes.add(
            f"{len(lines)} 行的格数多于表头，首见第 {lines[0]} 行：多出的格未用，该行各值记 ragged。",
            f"{len(lines)} lines have more cells than the header, first line {lines[0]}: the rest is not "
            "used, and the values of these lines are marked `ragged`.",
        )


def _say_lines(table: Table, read: Sheet, judged: Judged, notes: Notes) -> None:
    """Name the first line of what could not be read or came twice."""
    for name in ("unreadable", "no-time", "duplicate", "below-detection", "unit"):
        test = file_tests()[name]
        rows = np.flatnonzero(judged.tests & test.bit)
        if len(rows):
            at, column = divmod(int(rows[0]), read.columns)
            line = int(table.line[at])
            shown = repr((read.time if name == "no-time" else read.values[column])[at])[:40]
            notes.add(
                f"{test.zh}（{name}）：{len(rows)} 个值，首见第 {line} 行（{shown}）。{test.text_zh}",
                f"{test.en} ({name}): {len(rows)} values, first on line {line} ({shown}). {test.text_en}",
            )


def _say_bounds(read: Sheet, judged: Judged, profile: Profile, notes: Notes) -> None:
    """What no test looked at: series without a step; and where one looked less far than its figures say."""
    left = [f"{read.members[k].station} {read.members[k].name}".strip() for k in judged.seen.left_out]
    if left:
        shown = left if len(left) <= 10 else [*left[:10], f"… ({len(left)})"]
        notes.add(
            f"没有固定步长、未做造假检验的序列：{'、'.join(shown)}。",
            f"Without a regular step, so without falsification tests: {', '.join(shown)}.",
        )
    echoes = next(test for test in falsification_tests() if test.id == "D6")
    for step in sorted({int(step) for step in judged.steps if step > 0}):
        own = [k for k, one in enumerate(judged.steps) if one == step and k not in judged.seen.left_out]
        asked = (echoes.settings_for(profile.id, read.members[k].factor) for k in own)
        days = max((entry.set["days"] for entry in asked if entry is not None and entry.judged), default=0.0)
        if days * DAY_MS > MOST_LAGS * step:
            hours = MOST_LAGS * step / HOUR_MS
            notes.add(
                f"步长 {step / 1000:g} s 的序列：D6 只比较 {hours:g} 小时以内的重复，更远的由 D1 检验。",
                f"Series with a step of {step / 1000:g} s: D6 compares up to {hours:g} h apart, D1 beyond.",
            )


def _say_sentinels(read: Sheet, judged: Judged, profile: Profile, notes: Notes) -> None:
    """A figure such as -200 that is beyond the range again and again stands for a missing value."""
    bit = sum(rule.bit for rule in profile.pack.rules if rule.function == "is_out_of_range")
    beyond = judged.tests & bit != 0
    found: dict[str, list[str]] = {}
    for place, member in enumerate(read.members):
        rows = judged.known.rows[int(judged.known.starts[place]) : int(judged.known.starts[place + 1])]
        cells = [
            read.values[int(row) % read.columns][int(row) // read.columns]
            for row in rows[beyond[rows]][:5000]
        ]
        texts, number = np.unique(np.array(cells, dtype=object).astype(str), return_counts=True)
        if len(number) and number.max() >= max(OFTEN, SHARE * len(rows)):
            found.setdefault(str(texts[number.argmax()]), []).append(
                f"{member.station} {member.name}".strip()
            )
    for text, names in found.items():
        shown = names if len(names) <= 10 else [*names[:10], f"… ({len(names)})"]
        notes.add(
            f"{text} 一再出现且超出量程（{'、'.join(shown)}）；如以此表示缺失，"
            f"请在 --mapping 中写 missing: [{text}]。",
            f"{text} comes again and again, beyond the range ({', '.join(shown)}); if it stands for no "
            f"value, say missing: [{text}] in --mapping.",
        )

"""The verdicts as files: flags as CSV in the file's order, the summary as JSON.

Promises: as many lines as values; a file appears under its name only when it is whole. Leaves pictures to
`report`.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
import polars as pl
from qc.rules.offline.catalogue import falsification_tests, file_tests
from qc.rules.offline.judge import Judged, sets_of, written
from qc.rules.offline.panels import lacking
from qc.rules.offline.profile import Profile

from jianzhen.selfcheck.reading import Sheet
from jianzhen.selfcheck.told import Note, refusal

# Values written at a time.
PIECE = 500_000


def bits_of(profile: Profile) -> dict[int, str]:
    """Ids by bit, in the order in which they are written."""
    return {test.bit: test.id for test in file_tests().values()} | {r.bit: r.id for r in profile.pack.rules}


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears when it is complete; Refused when it cannot be written."""
    part = path.with_name(path.name + ".part")
    try:
        with cast("BinaryIO", gzip.open(part, "wb", 4)) if path.suffix == ".gz" else part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as wrong:
        raise refusal(
            f"{path} 无法写入：{wrong.strerror}", f"{path} cannot be written: {wrong.strerror}"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def write_flags(
    path: Path, sheet: Sheet, judged: Judged, profile: Profile, tell: Callable[[int], None]
) -> None:
    """`time,station,series,value,code,tests,score`, one line per value, as given and in the given order."""
    bits, found = bits_of(profile), [test.id for test in falsification_tests()]
    lines, columns = sheet.time.len(), sheet.columns
    step = max(1, PIECE // columns)
    with whole(path) as file:
        for first in range(0, lines, step):
            last = min(lines, first + step)
            frame = _piece(sheet, judged, first, last)
            rows = slice(first * columns, last * columns)
            pairs, at = sets_of(judged, rows)
            sets = pl.Series(
                ["|".join(written(pair, bits, found)) for pair in pairs.tolist()], dtype=pl.String
            )
            frame = frame.with_columns(
                pl.Series("code", judged.code[rows]),
                pl.Series("tests", sets.gather(at)),
                pl.Series("score", judged.score[rows].round(4)),
            )
            # An empty text is written as nothing, not as a pair of quotes.
            frame = frame.with_columns(pl.col(pl.String).replace("", None))
            frame.write_csv(file, include_header=first == 0)
            tell(last)


def _piece(sheet: Sheet, judged: Judged, first: int, last: int) -> pl.DataFrame:
    count, columns = last - first, sheet.columns
    line = np.repeat(np.arange(count), columns)
    column = np.tile(np.arange(columns), count)
    values = pl.concat([value.slice(first, count) for value in sheet.values])
    station = "" if sheet.station is None else sheet.station.slice(first, count).gather(line)
    names = sheet.names.gather(column) if sheet.is_wide else sheet.names.slice(first, count)
    return pl.DataFrame(
        {
            "time": sheet.time.slice(first, count).gather(line),
            "station": station
            if sheet.station is not None
            else pl.repeat(_station(sheet), len(line), eager=True),
            "series": names,
            "value": values.gather(column * count + line),
        }
    )


def _station(sheet: Sheet) -> str:
    return sheet.members[0].station if sheet.members else ""


def counts(judged: Judged, profile: Profile) -> dict[str, int]:
    """How many values each test spoke on, those that spoke at all, in the order of the closed list."""
    bits, found = bits_of(profile), [test.id for test in falsification_tests()]
    number: Counter[str] = Counter()
    for first in range(0, len(judged.code), PIECE):
        pairs, at = sets_of(judged, slice(first, first + PIECE))
        for pair, many in zip(pairs.tolist(), np.bincount(at, minlength=len(pairs)).tolist(), strict=True):
            number.update(dict.fromkeys(written(pair, bits, found), many))
    return {name: number[name] for name in dict.fromkeys([*bits.values(), *found]) if number[name]}


def iso(at_ms: int, naive_ms: int) -> str:
    """An instant in the file's zone. Worked example: 1767225600000 at +08:00 → 2026-01-01T08:00:00+08:00."""
    zone = timezone(timedelta(milliseconds=naive_ms))
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone).isoformat()


def summary(
    sheet: Sheet, judged: Judged, profile: Profile, naive_ms: int, notes: Sequence[Note]
) -> dict[str, Any]:
    """Rows, counts per test, suspicions, numbers that were taken for missing, tests that could not run,
    series that no falsification test was asked of, and the notes: the document of `--summary`.
    """
    raised = [
        {
            "station": sheet.members[one.member].station,
            "series": sheet.members[one.member].name,
            "kind": one.kind,
            "from": iso(one.from_ms, naive_ms),
            "to": iso(one.to_ms, naive_ms),
            "score": round(one.score, 4),
            "tests": list(one.tests),
        }
        for one in judged.seen.raised
    ]
    taken = [
        {
            "station": sheet.members[one.member].station,
            "series": sheet.members[one.member].name,
            "value": one.value,
            "times": one.times,
        }
        for one in sheet.taken
    ]
    return {
        "rows": len(sheet.readings),
        "counts": counts(judged, profile),
        "suspicions": raised,
        "taken_for_missing": taken,
        "not_run": {test: list(lacks) for test, lacks in lacking(judged.seen).items()},
        "without_step": [
            {"station": sheet.members[place].station, "series": sheet.members[place].name}
            for place in judged.seen.left_out
        ],
        "notes": [{"zh": note.zh, "en": note.en} for note in notes],
    }


def write_json(path: Path, document: dict[str, Any]) -> None:
    with whole(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")

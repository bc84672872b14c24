"""The JSON of POST /observations, as rows or as columns, taken apart into columns.

Promises: never raises but `BatchRefused`; a row that is not shaped as promised becomes a flaw of that row and
nothing else; no work per row in Python beyond what C loops do. Leaves judging to `judge`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.rules.refusals import Flaw, flaw

KEY = ("site", "factor", "statistic", "basis", "period", "unit")
REQUIRED = ("site", "factor", "time", "value")
DEFAULTS: dict[str, Any] = {"statistic": "avg", "basis": "raw", "period": "hour", "unit": None, "flag": ""}
FIELDS = (*KEY, "time", "value", "flag")


class Missing:
    """Stands where a field was not sent (null is a value: a declared gap)."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


class BatchRefused(ValueError):
    """The batch as a whole cannot be read; `flaw` says why."""

    def __init__(self, where: str, rule: str, found: object) -> None:
        self.flaw = flaw(where, rule, found)
        super().__init__(f"{where}: {rule}: {self.flaw.found}")


class Layout(msgspec.Struct, frozen=True):
    """How the numbers of the cells of a table are read: record = number // width, from 0 below the header."""

    names: tuple[str, ...]

    def place(self, number: int) -> dict[str, Any]:
        """`line` as a spreadsheet numbers it (the header is 1), `column` by its header.

        Worked example: with names ("PM2.5", "SO2") number 3 is line 3, column SO2.
        """
        record, column = divmod(number, len(self.names))
        return {"line": record + 2, "column": self.names[column]}


class Columns(msgspec.Struct):
    """A batch as columns of `size` cells. `keys[i]` is row i's KEY tuple; `flaws` are rows already lost.

    `numbers` names each row in what was sent, where that is not 0, 1, 2 …; `layout` tells how to read them.
    Batches with the same `form`, if any, have the same source and keys.
    """

    source: str
    label: Literal["start", "end"]
    historical: bool
    size: int
    keys: Sequence[tuple[Any, ...]]
    times: Sequence[Any]
    values: Sequence[Any]
    flags: Sequence[Any] | None
    flaws: dict[int, Flaw]
    numbers: NDArray[np.int32] | None = None
    layout: Layout | None = None
    form: object | None = None


class Head(NamedTuple):
    """What is said once for a whole batch."""

    source: str
    label: Literal["start", "end"] = "start"
    historical: bool = False


def read_batch(body: Any, rows_per_batch: int) -> Columns:
    """Columns of a decoded body. Raises BatchRefused.

    Worked example: `{"source": "s", "columns": ["site", "factor", "time", "value"], "data": [["131000-A01",
    "a34004", "2026-11-21T08:00", 35]]}` has one key, `("131000-A01", "a34004", "avg", "raw", "hour", None)`.
    """
    if not isinstance(body, dict):
        raise BatchRefused("body", "batch-form", type(body).__name__)
    source, label, historical = body.get("source"), body.get("label", "start"), body.get("historical", False)
    if not isinstance(source, str) or not 0 < len(source) <= 64 or not source.isprintable():
        raise BatchRefused("source", "batch-source", source)
    if label not in ("start", "end"):
        raise BatchRefused("label", "batch-label", label)
    if not isinstance(historical, bool):
        raise BatchRefused("historical", "batch-historical", historical)
    form = [name for name in ("rows", "data", "dataArray") if name in body]
    if len(form) != 1 or not isinstance(body[form[0]], list):
        raise BatchRefused("body", "batch-form", ", ".join(map(str, body))[:80])
    rows = body[form[0]]
    if not 0 < len(rows) <= rows_per_batch:
        raise BatchRefused(form[0], "batch-size", f"{len(rows)} (1 … {rows_per_batch})")
    flaws: dict[int, Flaw] = {}
    named = body.get("columns", body.get("components"))
    cells = _from_rows(rows, flaws) if form == ["rows"] else _from_data(named, rows, flaws)
    return columns_of(Head(source, label, historical), cells, len(rows), flaws)


def columns_of(head: Head, cells: Mapping[str, Sequence[Any]], size: int, flaws: dict[int, Flaw]) -> Columns:
    """A batch from a column of `size` cells for each of FIELDS."""
    keys = tuple(zip(*(cells[name] for name in KEY), strict=True))
    flags = cells["flag"] if any(cells["flag"]) else None
    return Columns(*head, size, keys, cells["time"], cells["value"], flags, flaws)


def _from_rows(rows: list[Any], flaws: dict[int, Flaw]) -> dict[str, Sequence[Any]]:
    if set(map(type, rows)) != {dict}:
        for at, row in enumerate(rows):
            if not isinstance(row, dict):
                flaws[at] = flaw(f"rows[{at}]", "row-shape", "not an object")
        rows = [row if isinstance(row, dict) else {} for row in rows]
    return {name: [row.get(name, DEFAULTS.get(name, MISSING)) for row in rows] for name in FIELDS}


def _from_data(columns: Any, data: list[Any], flaws: dict[int, Flaw]) -> dict[str, Sequence[Any]]:
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise BatchRefused("columns", "batch-columns", columns)
    if len(set(columns)) != len(columns) or not set(REQUIRED) <= set(columns) <= set(FIELDS):
        raise BatchRefused("columns", "batch-columns", ", ".join(columns))
    width = len(columns)
    if set(map(type, data)) != {list} or set(map(len, data)) != {width}:
        whole = []
        for at, row in enumerate(data):
            is_sound = isinstance(row, list) and len(row) == width
            if not is_sound:
                flaws[at] = flaw(f"data[{at}]", "row-shape", f"not an array of {width} cells")
            whole.append(row if is_sound else [MISSING] * width)
        data = whole
    given = dict(zip(columns, zip(*data, strict=True), strict=True))
    return {name: given.get(name) or (DEFAULTS.get(name),) * len(data) for name in FIELDS}

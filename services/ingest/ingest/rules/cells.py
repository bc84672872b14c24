"""Records of a table as columns of a batch, with the number of each cell in its file.

Promises: work per distinct time, not per row; an empty cell of a wide table is not sent, of a long one is a
declared gap; a time is understood as spreadsheets write it. Leaves judging to `judge`.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import numpy as np

from ingest.rules.bodies import decompressed
from ingest.rules.limits import Limits
from ingest.rules.mapping import Mapping, Plan, factor_called, plan_of
from ingest.rules.numbers import GAPS
from ingest.rules.rows import DEFAULTS, FIELDS, MISSING, BatchRefused, Columns, Head, Layout, columns_of
from ingest.rules.tables import XLSX, Record, csv_records, xlsx_records

_SPELLED = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2})[:时](\d{1,2})?(?:[:分](\d{1,2})?)?秒?)?",
    re.ASCII,
)
# Day 0 of a spreadsheet, set so that its days after February 1900 are right.
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 as spreadsheets have it: naive, +08:00 by agreement
_SERIAL_DAYS = range(20_000, 80_000)
MOST_NUMBER = 2**31 - 1


Read = Callable[[bytes, str, Limits], Columns]


def table_reader(kind: str, charset: str | None, mapping: Mapping) -> Read:
    """How to read a whole small table of the media type `kind`."""

    def read(raw: bytes, content_encoding: str, limits: Limits) -> Columns:
        body = decompressed(raw, content_encoding, limits.decoded_bytes)
        if kind == XLSX:
            records = xlsx_records(io.BytesIO(body), limits.decoded_bytes, limits)
        else:
            records = csv_records(iter([body]), charset, limits)
        plan = plan_of(header_of(records), mapping)
        most = limits.rows_per_batch // len(plan.names)
        kept = list(islice(records, most + 1))
        if len(kept) > most:
            raise BatchRefused("body", "table-too-long", f"> {most:,} × {len(plan.names)}")
        batch = columns_from(plan, kept, 0)
        if not batch.size:
            raise BatchRefused("body", "batch-size", "0")
        return batch

    return read


def header_of(records: Iterator[Record]) -> Record:
    """The first record. Raises BatchRefused where there is none."""
    header = next(records, None)
    if not header:
        raise BatchRefused("body", "table-empty", "")
    return header


def chunks_of(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    """Records, `size` at a time."""
    while chunk := list(islice(records, size)):
        yield chunk


def columns_from(plan: Plan, records: Sequence[Record], first: int) -> Columns:
    """A batch from records, of which the first is record `first` below the header. Raises BatchRefused.

    Worked example: a wide record with two filled cells of two columns, as record 3, has the numbers 6 and 7.
    """
    width = len(plan.names)
    if (first + len(records)) * width > MOST_NUMBER:
        raise BatchRefused("body", "table-too-long", f"{first + len(records)} × {width}")
    cells: dict[str, list[Any]] = {name: [] for name in FIELDS}
    numbers: list[int] = []
    add = _add_wide if plan.wide else _add_long
    for record, line in enumerate(records, start=first):
        if any(cell is not None and cell != "" for cell in line):
            add(plan, line, record * width, cells, numbers)
    cells["time"] = _times(cells["time"], plan.mapping.time.format)
    mapping = plan.mapping
    head = Head(mapping.source, mapping.time.label or "start", mapping.historical)
    batch = columns_of(head, cells, len(numbers), {})
    batch.numbers, batch.layout = np.array(numbers, dtype=np.int32), Layout(plan.names)
    return batch


def _add_long(plan: Plan, line: Record, number: int, cells: dict[str, list[Any]], numbers: list[int]) -> None:
    for name in FIELDS:
        cells[name].append(_field(plan, line, name))
    factor, value = cells["factor"][-1], cells["value"][-1]
    if isinstance(factor, str):
        cells["factor"][-1] = factor_called(factor) or factor
    if value is MISSING or (isinstance(value, str) and value.strip() in GAPS):
        cells["value"][-1] = None
    numbers.append(number)


def _add_wide(plan: Plan, line: Record, number: int, cells: dict[str, list[Any]], numbers: list[int]) -> None:
    shared = {name: _field(plan, line, name) for name in ("site", "basis", "period", "time", "flag")}
    statistic = _field(plan, line, "statistic")
    for column, (place, to) in enumerate(plan.wide):
        cell = line[place] if place < len(line) else None
        if cell is None or (isinstance(cell, str) and cell.strip() in GAPS):
            continue
        for name, value in shared.items():
            cells[name].append(value)
        cells["statistic"].append(to.statistic or statistic)
        cells["factor"].append(to.factor)
        cells["unit"].append(to.unit)
        cells["value"].append(cell if to.divide == 1 else _divided(cell, to.divide))
        numbers.append(number + column)


def _field(plan: Plan, line: Record, name: str) -> Any:
    """The cell of a field; the mapping's word, or the usual default, where the table has none."""
    if name == "site" and isinstance(plan.mapping.station, str):
        return plan.mapping.station
    place = plan.at.get(name)
    cell = line[place] if place is not None and place < len(line) else None
    if isinstance(cell, str):
        cell = cell.strip()
    if cell is not None and cell != "":
        # Codes that a spreadsheet took for numbers.
        return str(cell) if name in ("site", "factor", "flag") and not isinstance(cell, str) else cell
    if name in ("statistic", "basis", "period"):
        return getattr(plan.mapping, name)
    return DEFAULTS.get(name, MISSING)


def _divided(cell: Any, divide: float) -> Any:
    """The quotient in decimal arithmetic; what is no number is left for the judge to refuse."""
    try:
        return str(Decimal(str(cell).strip()) / Decimal(str(divide)))
    except InvalidOperation:
        return cell


def _times(cells: list[Any], form: str | None) -> list[Any]:
    known = {cell: spelled_time(cell, form) for cell in set(cells)}
    return [known[cell] for cell in cells]


def spelled_time(cell: Any, form: str | None = None) -> Any:
    """A time cell as ISO 8601 text; what is no time is returned as it is.

    Worked examples: `2026/11/21 8:00`, `2026年11月21日 8时`, a date cell, and the serial number
    46347.3333333333 are all `2026-11-21T08:00:00`.
    """
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, date):
        return f"{cell.isoformat()}T00:00:00"
    if form is not None and isinstance(cell, str):
        try:
            return datetime.strptime(cell, form).isoformat()  # noqa: DTZ007 naive is +08:00
        except ValueError:
            return cell
    if isinstance(cell, str) and (found := _SPELLED.fullmatch(cell)):
        year, month, day, *clock = (int(part or 0) for part in found.groups())
        return f"{year:04d}-{month:02d}-{day:02d}T" + ":".join(f"{part:02d}" for part in clock)
    return _from_serial(cell)


def _from_serial(cell: Any) -> Any:
    try:
        days = float(cell)
    except (TypeError, ValueError):
        return cell
    if not (days == days and _SERIAL_DAYS[0] <= days <= _SERIAL_DAYS[-1]):
        return cell if isinstance(cell, str) else str(cell)
    return (_DAY_ZERO + timedelta(seconds=round(days * 86400))).isoformat()

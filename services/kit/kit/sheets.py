"""Tables of a register as files: CSV and XLSX in, CSV and XLSX out, and the empty template.

Promises: bounded memory (rows, cells, what a workbook unpacks to); a cell that a spreadsheet would run as a
formula goes out as text and comes back as it was. The first row names the fields; rows that begin with `#`
explain them and are skipped. Leaves what the cells mean to the kinds.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl

MOST_ROWS, MOST_COLUMNS, MOST_UNPACKED = 5000, 200, 64 * 1024 * 1024
# Empty ones too: a row may call itself the billionth, and its reader makes up all rows before it.
MOST_LINES = 20_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
_RUNS = ("=", "+", "-", "@", "\t", "\r")


class SheetRefused(ValueError):
    """The file cannot be read as a table; the text says why."""


def read(raw: bytes, media_type: str) -> list[dict[str, str]]:
    """The rows of a file by field name, all cells as text. Raises SheetRefused.

    Worked example: `read(b"code,zh\\nA1,x\\n", "text/csv")` is `[{"code": "A1", "zh": "x"}]`.
    """
    if media_type == CSV:
        lines = csv.reader(io.StringIO(_decoded(raw), newline=""), strict=True)
        return _rows(_guarded(lines))
    if media_type == XLSX:
        return _rows(_workbook(raw))
    raise SheetRefused(f"{media_type or 'no type'}: send {CSV}, {XLSX} or application/json")


def _guarded(lines: Iterable[list[str]]) -> Iterable[list[str]]:
    try:
        yield from lines
    except csv.Error as error:
        raise SheetRefused(f"not CSV: {error}") from None


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetRefused("neither UTF-8 nor GB 18030")


def _workbook(raw: bytes) -> Iterable[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise SheetRefused(f"the workbook unpacks to more than {MOST_UNPACKED:,} bytes")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        lines = book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS)
        for number, line in enumerate(lines):
            if number == MOST_LINES:
                raise SheetRefused(f"more than {MOST_LINES:,} rows, empty ones counted")
            yield ["" if cell is None else _text(cell) for cell in line]
        book.close()
    except SheetRefused:
        raise
    except Exception as error:  # openpyxl raises whatever its XML parser met
        raise SheetRefused(f"not a workbook: {type(error).__name__}") from None


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return str(cell)


def _rows(lines: Iterable[list[str]]) -> list[dict[str, str]]:
    header: list[str] | None = None
    rows: list[dict[str, str]] = []
    for line in lines:
        cells = [cell.strip() for cell in line]
        while cells and not cells[-1]:
            cells.pop()
        if not cells or cells[0].startswith("#"):
            continue
        if header is None:
            header = cells
            if len(set(header)) < len(header) or "" in header or len(header) > MOST_COLUMNS:
                raise SheetRefused("the header has an empty or repeated name")
            continue
        if len(cells) > len(header):
            raise SheetRefused(f"row {len(rows)} has {len(cells)} cells, the header {len(header)}")
        if len(rows) == MOST_ROWS:
            raise SheetRefused(f"more than {MOST_ROWS:,} rows; send several files")
        rows.append({name: _back(cell) for name, cell in zip(header, cells, strict=False) if cell})
    if header is None:
        raise SheetRefused("the file is empty")
    return rows


def _back(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _RUNS else cell


def written(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], media_type: str) -> bytes:
    """A file with these columns (name → explanation) and rows; without rows it is the template."""
    lines = [list(columns), [f"# {text}" if at == 0 else text for at, text in enumerate(columns.values())]]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    if media_type == CSV:
        out = io.StringIO(newline="")
        csv.writer(out).writerows(lines)
        return b"\xef\xbb\xbf" + out.getvalue().encode()
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("registry")
    for line in lines:
        sheet.append(line)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _cell(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ";".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if isinstance(value, date) else str(value)
    is_number = isinstance(value, int | float)
    return f"'{text}" if text[:1] in _RUNS and not is_number else text

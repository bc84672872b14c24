"""A file as a table of texts: CSV, CSV in gzip, Parquet; whatever its encoding and however its lines end.

Promises: every line that is not blank becomes a row, also one with too many or too few cells; what cannot be
a table is refused with the reason. Leaves meaning to `columns` and `cells`.
"""

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from jianzhen.selfcheck.told import Notes, refusal

SEPARATORS = ",;\t|"
# Bytes of the beginning that are looked at to find the header.
HEAD = 1 << 16
MOST_COLUMNS = 5_000
# One byte in so many may be zero before a file is taken for no text.
MOST_ZEROS = 500
# Line breaks that one quoted cell may hold.
MOST_BREAKS = 5
_EXTRA = "\x00extra"


@dataclass(frozen=True, slots=True)
class Table:
    """Texts by column, null where a cell is empty or absent; `line[i]` is the line of row i in the file.

    `is_ragged[i]`: the line has more cells than the header. `has_decimal_comma`: cells end in `,5`.
    """

    cells: pl.DataFrame
    line: pl.Series
    is_ragged: pl.Series
    has_decimal_comma: bool


def opened(path: Path, notes: Notes) -> Table:
    """The file as a table; Refused when there is none in it."""
    if not path.is_file():
        raise refusal(f"没有文件 {path}", f"{path} is not a file")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _parquet(path)
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as wrong:
        raise refusal(f"{path} 无法读取：{wrong}", f"{path} cannot be read: {wrong}") from None
    return table(content, path.name, notes)


def _parquet(path: Path) -> Table:
    try:
        frame = pl.read_parquet(path)
        texts = [column for column in frame.columns if frame[column].dtype.is_nested()]
        cells = frame.drop(texts).select(pl.all().cast(pl.String))
    except (PolarsError, OSError) as wrong:
        said = str(wrong).splitlines()[0][:200]
        raise refusal(
            f"{path} 不是可读的 Parquet：{said}", f"{path} is no readable Parquet: {said}"
        ) from None
    return _table(cells, 1, path.name, False)


def table(content: bytes, name: str, notes: Notes) -> Table:
    """The bytes of a CSV as a table. Worked example: b"time,CO\\n2026-01-01 00:00,0.4\\n" → one row."""
    text = _utf8(content, name, notes)
    separator, header, start = _header(text, name)
    body, count = text[start:], len(header)
    cells = None if body.count(b'"') % 2 else _parsed(body, separator, count)
    if cells is None or _has_swallowed(cells):
        cells = _parsed(body, separator, count, quote=None)
        if cells is None:
            raise refusal(f"{name} 无法按 CSV 读出", f"{name} cannot be read as CSV")
        cells = cells.select(pl.all().str.strip_chars('"').replace("", None))
        notes.add(
            "引号不成对：按普通字符处理，一行一条。",
            "A quote is never closed: quotes were taken as characters, one line is one row.",
        )
    columns = [*header, _EXTRA]
    first_line = 1 + text[:start].count(b"\n")
    whole = cells.rename(dict(zip(cells.columns, columns, strict=True)))
    return _table(whole, first_line, name, separator == ";")


def _table(cells: pl.DataFrame, first_line: int, name: str, has_decimal_comma: bool) -> Table:
    line = pl.Series("line", range(first_line, first_line + cells.height), dtype=pl.Int64)
    if cells.height:
        filled = cells.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        if not filled.all():
            cells, line = cells.filter(filled), line.filter(filled)
    if not cells.height:
        raise refusal(f"{name} 只有表头，没有数据行", f"{name} has a header and no rows")
    extra = (
        cells[_EXTRA].is_not_null() if _EXTRA in cells.columns else pl.repeat(False, cells.height, eager=True)
    )
    return Table(cells.drop(_EXTRA, strict=False), line, extra, has_decimal_comma)


def _utf8(content: bytes, name: str, notes: Notes) -> bytes:
    """The same text in UTF-8 without a byte order mark, with plain line ends."""
    if not content.strip():
        raise refusal(f"{name} 是空文件", f"{name} is empty")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = _decoded(content, "utf-16", name)
        notes.add("文件为 UTF-16 编码，已按此读取。", "The file is UTF-16 and was read so.")
    elif content[:HEAD].count(b"\x00") * MOST_ZEROS > len(content[:HEAD]):
        raise refusal(
            f"{name} 不是文本（含零字节）；请给出 CSV、.csv.gz 或 Parquet",
            f"{name} is no text (it holds zero bytes); give a CSV, .csv.gz or Parquet",
        )
    elif not _is_utf8(content):
        content = _decoded(content, "gb18030", name)
        notes.add("文件不是 UTF-8，已按 GB 18030 读取。", "The file is not UTF-8; it was read as GB 18030.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # A zero byte is no part of any number or name: shown as U+FFFD, it makes its cell unreadable.
    return content.replace(b"\x00", b"\xef\xbf\xbd") if b"\x00" in content else content


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(content: bytes, encoding: str, name: str) -> bytes:
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeError as wrong:
        at = getattr(wrong, "start", 0)
        line = content[:at].count(b"\n") + 1
        raise refusal(
            f"{name} 第 {line} 行的编码既不是 UTF-8 也不是 GB 18030；请另存为 UTF-8",
            f"{name}, line {line}: neither UTF-8 nor GB 18030; save it as UTF-8",
        ) from None


def _header(text: bytes, name: str) -> tuple[str, list[str], int]:
    """Separator, names of the columns, and where the first line of data begins."""
    start = 0
    while text[start : start + 1] == b"\n":
        start += 1
    end = text.find(b"\n", start)
    end = len(text) if end < 0 else end
    first = text[start:end].decode("utf-8")
    separator = max(SEPARATORS, key=first.count)
    try:
        (header,) = csv.reader(io.StringIO(first), delimiter=separator)
    except (csv.Error, ValueError):
        raise refusal(f"{name} 的表头无法读出", f"the header of {name} cannot be read") from None
    header = [column.strip() for column in header]
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise refusal(
            f"{name} 有重名的列：{'、'.join(twice)}", f"{name} names columns twice: {', '.join(twice)}"
        )
    if len(header) > MOST_COLUMNS:
        raise refusal(f"{name} 有 {len(header)} 列，过多", f"{name} has {len(header)} columns, too many")
    named = [column or f"\x00{place}" for place, column in enumerate(header)]
    return separator, named, min(end + 1, len(text))


def _has_swallowed(cells: pl.DataFrame) -> bool:
    """A quote that is never closed swallows the lines after it; two or three lines may be meant."""
    longest = cells.select(pl.all().str.count_matches("\n").max()).row(0)
    return max((count or 0 for count in longest), default=0) > MOST_BREAKS


def _parsed(body: bytes, separator: str, count: int, quote: str | None = '"') -> pl.DataFrame | None:
    """The cells, with one column more for what is too much; None if the quotes do not close."""
    schema = {f"c{place}": pl.String for place in range(count + 1)}
    if not body.strip(b"\n"):
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_csv(
            body,
            has_header=False,
            separator=separator,
            schema=schema,
            quote_char=quote,
            truncate_ragged_lines=True,
            missing_columns="insert",
        )
    except PolarsError:
        return None

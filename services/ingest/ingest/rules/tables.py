"""CSV and XLSX as records: a header, then a list of cells for each line.

Promises: memory does not grow with the file, whatever is sent (endless lines, open quotes, zip bombs, XML
entities); raises only `BatchRefused`. Leaves what the cells mean to `mapping`.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook

from ingest.rules.limits import Limits
from ingest.rules.rows import BatchRefused

Record = list[Any]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSETS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "utf-16": "utf-16"}
_DELIMITERS = ",;\t"
_LINES_OF_ONE_RECORD = 100
_CHUNK = 1 << 20
_MOST_AT_ONCE = 8 << 20
# A worksheet has no more (ECMA-376 leaves it open, every spreadsheet program has this).
_MOST_ROWS = 1 << 20
_NUMERIC = re.compile(r"[+-]?[0-9.]+")


def csv_records(chunks: Iterable[bytes], charset: str | None, limits: Limits) -> Iterator[Record]:
    """Records of a CSV: UTF-8 (with or without BOM), UTF-16 with BOM or GB18030; by `,`, `;` or tab.

    A byte that is no character becomes U+FFFD, so that only its row is refused.
    Worked example: `点位;因子;时间;数值\\r\\n` in GB18030 gives `["点位", "因子", "时间", "数值"]`.
    """
    lines = _Lines(chunks, charset, limits.table_line_bytes)
    try:
        head = next(iter(lines), "")
        delimiter = max(_DELIMITERS, key=head.count)
        for record in csv.reader(lines.again(head), delimiter=delimiter):
            lines.since_record = 0
            if len(record) > limits.table_columns:
                raise BatchRefused("body", "table-too-wide", f"{len(record)} > {limits.table_columns}")
            yield record
    except (csv.Error, UnicodeError) as error:
        raise BatchRefused("body", "table-malformed", str(error)) from None


class _Lines:
    """Text lines, each at most `most` bytes, and few before the next record ends."""

    def __init__(self, chunks: Iterable[bytes], charset: str | None, most: int) -> None:
        self._chunks, self._most = iter(chunks), most
        self._charset = charset
        self._lines = self._read()
        self.since_record = 0

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def again(self, first: str) -> Iterator[str]:
        """All lines, the first one put back."""
        if first:
            yield first
        for line in self._lines:
            self.since_record += 1
            if self.since_record > _LINES_OF_ONE_RECORD:
                raise BatchRefused("body", "table-malformed", "a quotation mark is never closed")
            yield line

    def _read(self) -> Iterator[str]:
        first = next(self._chunks, b"")
        decode = codecs.getincrementaldecoder(self._encoding(first))(errors="replace").decode
        rest, chunk = "", first
        while chunk:
            text = (rest + decode(chunk)).replace("\r\n", "\n")
            # A lone \r may be half of \r\n: it waits for the next chunk.
            held = "\r" if text.endswith("\r") else ""
            *lines, rest = text[: len(text) - len(held)].replace("\r", "\n").replace("\0", "�").split("\n")
            rest += held
            for line in lines:
                yield self._short(line) + "\n"
            self._short(rest)
            chunk = next(self._chunks, b"")
        if rest := rest + decode(b"", True):
            yield self._short(rest.rstrip("\r"))

    def _short(self, line: str) -> str:
        if len(line) > self._most:
            raise BatchRefused("body", "table-too-wide", f"a line of more than {self._most:,} characters")
        return line

    def _encoding(self, head: bytes) -> str:
        for mark, name in _BOMS:
            if head.startswith(mark):
                return name
        if self._charset is not None:
            try:
                return codecs.lookup(_CHARSETS.get(self._charset, self._charset)).name
            except LookupError:
                raise BatchRefused("charset", "table-malformed", self._charset) from None
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            return "gb18030"
        return "utf-8"


def xlsx_records(file: BinaryIO, unpacked_bytes: int, limits: Limits) -> Iterator[Record]:
    """Records of a workbook's first sheet, as it is streamed; dates come as `datetime`.

    Worked example: a sheet with a date cell of 2026-11-21 08:00 gives `datetime(2026, 11, 21, 8, 0)`.
    """
    try:
        _check_archive(file, unpacked_bytes, limits)
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            # What a sheet says of its own size is often wrong, and then rows would be cut off or padded.
            sheet.reset_dimensions()
            for number, record in enumerate(sheet.iter_rows(values_only=True)):
                # A row may call itself the billionth, and the reader makes up all rows before it.
                if number == _MOST_ROWS:
                    raise BatchRefused("body", "table-too-long", f"> {_MOST_ROWS:,} rows")
                if len(record) > limits.table_columns:
                    raise BatchRefused("body", "table-too-wide", f"{len(record)} > {limits.table_columns}")
                yield list(record)
        finally:
            book.close()
    except BatchRefused:
        raise
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, IndexError, AttributeError,
            EOFError, OSError, NotImplementedError, RuntimeError, OverflowError) as error:  # fmt: skip
        raise BatchRefused("body", "table-malformed", f"{type(error).__name__}: {error}") from None
    except Exception as error:
        # The XML and zlib readers below have exception classes of their own, which are not public.
        if type(error).__module__.split(".")[0] not in {"openpyxl", "zlib", "xml", "lxml"}:
            raise
        raise BatchRefused("body", "table-malformed", f"{type(error).__name__}: {error}") from None


class _Sips:
    """A file of which nobody reads much at once: `zipfile` reads a whole directory, however long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_AT_ONCE:
            found = f"a directory of {size:,} > {_MOST_AT_ONCE:,} bytes"
            raise BatchRefused("body", "body-unpacks-too-large", found)
        # What `zipfile` reads to the end is a comment at most.
        return self._file.read(size if size >= 0 else _MOST_AT_ONCE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _check_archive(file: BinaryIO, unpacked_bytes: int, limits: Limits) -> None:
    """Refuse what would unpack to too much. `zipfile` never reads more of a member than it declares."""
    with zipfile.ZipFile(cast(BinaryIO, _Sips(file))) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if len(members) > 10_000 or total > unpacked_bytes:
            raise BatchRefused("body", "body-unpacks-too-large", f"{total:,} > {unpacked_bytes:,} bytes")
        for member in members:
            is_sheet = member.filename.startswith("xl/worksheets/")
            if not is_sheet and member.file_size > limits.shared_text_bytes:
                found = f"{member.filename}: {member.file_size:,} > {limits.shared_text_bytes:,} bytes"
                raise BatchRefused("body", "body-unpacks-too-large", found)
            if member.filename.endswith((".xml", ".rels")):
                with archive.open(member) as part:
                    _check_xml(part, limits.table_line_bytes if is_sheet else 0)
    file.seek(0)


def _check_xml(part: Any, row_bytes: int) -> None:
    """No entities, in a sheet no CDATA to hide in, and no row that is longer than `row_bytes` (0: any)."""
    tail, since = b"", 0
    refused = b"<!" if row_bytes else b"<!DOCTYPE"
    reader = io.BufferedReader(part, _CHUNK)
    while chunk := reader.read(_CHUNK):
        text = tail + chunk
        # UTF-16 would hide the marks looked for; no writer of workbooks uses it.
        if refused in text or b"\0" in text:
            raise BatchRefused("body", "table-malformed", "a declaration in the XML of the workbook")
        last = text.rfind(b"</row>")
        since = len(text) - last if last >= 0 else since + len(chunk)
        if row_bytes and since > row_bytes + _CHUNK:
            raise BatchRefused("body", "table-too-wide", f"a row of more than {row_bytes:,} bytes")
        tail = text[-9:]


def to_csv(rows: Iterable[Iterable[Any]]) -> bytes:
    """Lines of a CSV in UTF-8. A text that a spreadsheet would run as a formula gets a `'` before it."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return file.getvalue().encode(errors="backslashreplace")


def _harmless(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula and not _NUMERIC.fullmatch(cell) else cell

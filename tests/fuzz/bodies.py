"""Bodies of department systems under fuzzing: JSON, CSV, XLSX, SensorThings, and the queries of its readers.

Each entry of BODIES is (check, longest input, words); `check` raises on a broken truth. What may be raised
inside is a refusal; every row of what could be read is either accepted or refused, once, in texts a database
can hold.
"""

import io
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from contracts.ingest import SeriesRef
from ingest.rules.bodies import BodyRefused, decode_body
from ingest.rules.cells import table_reader
from ingest.rules.judge import judge
from ingest.rules.limits import limits_on
from ingest.rules.mapping import Mapping
from ingest.rules.registry import EMPTY, Channel, Registry, SeriesKey, Site
from ingest.rules.rows import BatchRefused, Columns, read_batch
from ingest.rules.sta_create import read_create
from ingest.rules.sta_query import RELATED, BadQuery, entity_of, options_of
from ingest.rules.tables import CSV, XLSX
from ingest.rules.times import CHINA, moment
from openpyxl import Workbook

NOW = 1_796_000_000_000_000
LIMITS = limits_on(moment(NOW).astimezone(CHINA).date())
MAPPING = Mapping(source="s", station="S")


def _registry() -> Registry:
    channels = {}
    for number, (factor, statistic, period) in enumerate(
        (f, s, p) for f in ("a34004", "a21026") for s in ("avg", "rtd") for p in ("rtd", "hour", "day")
    ):
        key = SeriesKey("S", factor, statistic, "raw", period, "s")
        named = {name: getattr(key, name) for name in ("factor", "statistic", "basis", "period", "source")}
        place = {"site": "S", "site_kind": "station", "region": "131000", "element": "air"}
        ref = SeriesRef(id=number, unit="ug/m3", decimals=1, **place, **named)
        channels[key] = Channel(ref, "ug/m3", {"rtd": 0, "hour": 3600, "day": 86400}[period], "00", b"{}")
    by_id = {channel.ref.id: channel for channel in channels.values()}
    sites = {"S": Site("S", "131000", "ee", None)}
    return msgspec.structs.replace(EMPTY, version=1, sites=sites, channels=channels, by_id=by_id)


REGISTRY = _registry()
Read = Callable[[bytes, str, Any], Columns]


def _read_json(raw: bytes, encoding: str, limits: Any) -> Columns:
    return read_batch(decode_body(raw, encoding, limits), limits.rows_per_batch)


def _check(read: Read, data: bytes) -> None:
    encodings = ("identity", "gzip", "zstd")
    is_marked = bool(data) and data[0] < len(encodings)
    encoding = encodings[data[0]] if is_marked else "identity"
    try:
        batch = read(data[1:] if is_marked else data, encoding, LIMITS)
    except (BatchRefused, BodyRefused) as error:
        assert "\x00" not in error.flaw.found and len(error.flaw.found) <= 80
        return
    numbers = range(batch.size) if batch.numbers is None else batch.numbers.tolist()
    found = judge(batch, REGISTRY, lambda site: True, NOW, LIMITS)
    rows = [*found.row.tolist(), *(wrong.row for wrong in found.refused)]
    assert sorted(rows) == sorted(numbers) and len(set(rows)) == len(rows)
    columns = (found.at, found.start, found.value, found.decimals, found.flag, found.is_late, found.row)
    assert len(set(map(len, columns))) == 1
    for wrong in found.refused:
        msgspec.json.encode(wrong.shown())
        assert "\x00" not in wrong.where + wrong.found + (wrong.site or "")
    if batch.layout is not None:
        assert all(batch.layout.place(number)["line"] >= 2 for number in numbers)


def check_json(data: bytes) -> None:
    """Rows and columns."""
    _check(_read_json, data)


def check_csv(data: bytes) -> None:
    """A table in an unknown charset and dialect."""
    _check(table_reader(CSV, None, MAPPING), data)


def _book() -> dict[str, bytes]:
    book, file = Workbook(), io.BytesIO()
    for cells in (["时间", "PM2.5"], ["2026-11-21 08:00", 35]):
        book.active.append(cells)
    book.save(file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_BOOK = _book()
_SHEET, _STYLES, _TEXTS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"


def check_xlsx(data: bytes) -> None:
    """The bytes as a workbook, and as a part of a sound one."""
    with warnings.catch_warnings():
        # openpyxl remarks on what it mends by itself.
        warnings.simplefilter("ignore")
        _check_xlsx(data)


def _check_xlsx(data: bytes) -> None:
    read = table_reader(XLSX, None, MAPPING)
    _check(read, b"\xff" + data if data[:1] < b"\x03" else data)
    for part in (_SHEET, _STYLES, _TEXTS):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, text in _BOOK.items():
                archive.writestr(name, data if name == part else text)
        _check(read, file.getvalue())


def check_sta(data: bytes) -> None:
    """CreateObservations."""
    _check(read_create, data)


def check_query(data: bytes) -> None:
    """Paths and options of a reader."""
    path, _, query = data.decode(errors="replace").partition("?")
    for collection in RELATED:
        with suppress(BadQuery):
            entity_of(path)
        try:
            asked = options_of(collection, parse_qsl(query))
        except BadQuery:
            continue
        assert 0 <= asked.top <= 10_000 and asked.filter.span[0] and asked.filter.span[1]


_FIELDS = (b"site", b"factor", b"time", b"value", b"flag", b"unit", b"period")
BODIES: dict[str, tuple[Callable[[bytes], None], int, tuple[bytes, ...]]] = {
    "json": (check_json, 12_000, (*_FIELDS, b'"rows":[', b'"columns":[', b'"dataArray":[', b"NaN", b"1e999")),
    "csv": (check_csv, 12_000, (*_FIELDS, "监测时间".encode(), b"PM2.5(ug/m3)", b'"', b"\r\n", b";", b"\t")),
    "xlsx": (check_xlsx, 12_000, (b'<row r="1">', b'<c r="A1" t="s">', b"</c>", b"<v>", b"</row>", b"<!")),
    "sta": (
        check_sta,
        12_000,
        (b'"Datastream":{"@iot.id":1}', b'"components":[', b'"dataArray":[', b"result"),
    ),
    "query": (
        check_query,
        2_000,
        (b"$filter=", b"$expand=", b"phenomenonTime ge ", b" and ", b"Datastreams("),
    ),
}

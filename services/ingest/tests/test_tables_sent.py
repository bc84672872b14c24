"""CSV and XLSX sent at once, and `validate=only`: the same rules and answers as for JSON."""

import asyncio
import gzip
import io
import json
import re
import zipfile
from collections import deque
from datetime import date, datetime
from typing import Any

import httpx
import pytest
import zstandard
from ingest.rules.limits import limits_on
from ingest.rules.rows import BatchRefused
from ingest.rules.tables import XLSX, xlsx_records
from ingest_scene import AIR, MON, batch, fetch, row, send
from kit import sheets
from kit.sheets import SheetRefused
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from openpyxl import Workbook

LONG = (
    "点位,因子,监测时间,数值,单位,标记\n"
    f"{AIR},PM2.5,2026/11/21 8:00,35.10,μg/m³,N\n"
    f"{AIR},a34002,2026-11-21 08:00,,,D\n"
)
WIDE = (
    "点位;监测时间;PM2.5(mg/m³);臭氧\r\n"
    f"{AIR};2026年11月21日 8时;0.035;\r\n\r\n"
    f"{AIR};2026年11月21日 9时;0.036;x\r\n"
)


def book(*rows: list[Any]) -> bytes:
    made = Workbook()
    for cells in rows:
        made.active.append(cells)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


async def post(
    client: httpx.AsyncClient,
    tokens: Tokens,
    content: bytes,
    kind: str,
    headers: dict[str, str] | None = None,
    **query: str,
) -> httpx.Response:
    given = tokens.bearer(MON) | {"Content-Type": kind} | (headers or {})
    return await client.post(
        "/observations", content=content, headers=given, params={"source": "cnemc"} | query
    )


@pytest.mark.parametrize(
    "content",
    [
        LONG.encode(),
        LONG.encode("utf-8-sig"),
        LONG.encode("gb18030"),
        LONG.encode("utf-16"),
        LONG.replace(",", ";").replace("\n", "\r\n").encode(),
        LONG.replace(",", "\t").encode("gb18030"),
    ],
)
async def test_a_long_table_is_understood_in_every_dialect(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, content: bytes
) -> None:
    answer = await post(client, tokens, content, "text/csv")
    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], answer.json()["rows"]) == (2, [])
    found = await fetch(
        database, "SELECT ts, value, decimals, flag, row_no FROM observations ORDER BY row_no"
    )
    assert [(str(one["ts"]), *list(one)[1:]) for one in found] == [
        ("2026-11-21 00:00:00+00:00", 35.1, 2, "N", 0),
        ("2026-11-21 00:00:00+00:00", None, 0, "D", 1),
    ]


async def test_a_wide_table_names_line_and_column_of_what_it_refuses(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    answer = (await post(client, tokens, WIDE.encode("gb18030"), "text/csv; charset=gb18030")).json()
    assert (answer["accepted"], answer["refused"]) == (2, 1)
    (wrong,) = answer["rows"]
    assert (wrong["line"], wrong["column"], wrong["rule"]) == (4, "臭氧", "value-format")
    found = await fetch(database, "SELECT value, row_no FROM observations ORDER BY row_no")
    assert [tuple(one) for one in found] == [(35, 0), (36, 4)]
    ((site, number),) = await fetch(database, "SELECT site, row_no FROM refused_rows")
    assert (site, number) == (AIR, 5)


async def test_a_workbook_means_the_same_as_its_csv(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    content = book(
        ["监测时间", "PM2.5", "SO2"],
        [datetime(2026, 11, 21, 8), 35, 7.5],
        [datetime(2026, 11, 21, 9), None, "#N/A"],
        [46347.4166666667, 36.25, None],
    )
    answer = await post(client, tokens, content, XLSX, station=AIR)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], answer.json()["refused"]) == (3, 1)
    found = await fetch(database, "SELECT ts::text, value, decimals FROM observations ORDER BY row_no")
    assert [tuple(one) for one in found] == [
        ("2026-11-21 00:00:00+00", 35, 0),
        ("2026-11-21 00:00:00+00", 7.5, 1),
        ("2026-11-21 02:00:00+00", 36.25, 2),
    ]
    again = await post(
        client, tokens, "监测时间,PM2.5\n2026-11-21T08:00,35.0\n".encode(), "text/csv", station=AIR
    )
    assert (again.json()["repeated"], again.json()["accepted"]) == (1, 0)


async def test_a_mapping_is_that_of_the_replay(client: httpx.AsyncClient, tokens: Tokens) -> None:
    mapping = {
        "source": "cnemc",
        "station": AIR,
        "site": {"kind": "station"},
        "time": {"column": "when", "format": "%d.%m.%Y %H", "label": "end"},
        "period": "hour",
        "columns": {"CO": {"factor": "a21026", "unit": "mg/m3", "divide": 1000, "series": {"decimals": 1}}},
    }
    content = b"when,CO,PM2.5\n21.11.2026 09,35,1\n"
    answer = await post(client, tokens, content, "text/csv", mapping=json.dumps(mapping))
    assert answer.json()["accepted"] == 1, answer.text
    wrong = await post(client, tokens, content, "text/csv", mapping="{")
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/mapping-wrong")
    absent = await post(
        client, tokens, content, "text/csv", mapping=json.dumps(mapping | {"columns": {"X": {"factor": "a"}}})
    )
    assert (absent.status_code, absent.json()["errors"][0]["rule"]) == (422, "table-columns")


BOMB = io.BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as _bomb:
    _bomb.writestr("xl/worksheets/sheet1.xml", b"0" * 70_000_000)
ENTITIES = io.BytesIO()
with (
    zipfile.ZipFile(io.BytesIO(book(["time", "PM2.5"], ["2026", 1]))) as _good,
    zipfile.ZipFile(ENTITIES, "w") as _evil,
):
    for _member in _good.namelist():
        _text = _good.read(_member)
        if _member.endswith("sheet1.xml"):
            _text = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]>' + _text
        _evil.writestr(_member, _text)


@pytest.mark.parametrize(
    ("content", "kind", "rule"),
    [
        (b"", "text/csv", "table-empty"),
        (b"a,b\n1,2\n", "text/csv", "table-columns"),
        (b'time,PM2.5\n"' + b"2026\n" * 200, "text/csv", "table-malformed"),
        (b"time,PM2.5\n" + b"1" * 1_100_000, "text/csv", "table-too-wide"),
        (b"time,PM2.5\n" + b"," * 2000, "text/csv", "table-too-wide"),
        (b"time,PM2.5\n", "text/csv", "batch-size"),
        (b"time,PM2.5\n" + b"2026-11-21,1\n" * 100_001, "text/csv", "table-too-long"),
        (b"no zip", XLSX, "table-malformed"),
        (BOMB.getvalue(), XLSX, "body-unpacks-too-large"),
        (ENTITIES.getvalue(), XLSX, "table-malformed"),
        (book(["time"]), XLSX, "table-columns"),
    ],
)
async def test_what_is_no_table_is_refused_with_its_rule(
    client: httpx.AsyncClient, tokens: Tokens, content: bytes, kind: str, rule: str
) -> None:
    answer = await post(client, tokens, content, kind, station=AIR)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule), answer.text
    assert answer.json()["errors"][0]["mend_zh"]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_compressed_bodies_are_unpacked_within_limits(
    client: httpx.AsyncClient, tokens: Tokens, encoding: str, pack: Any
) -> None:
    answer = await post(client, tokens, pack(LONG.encode()), "text/csv", {"Content-Encoding": encoding})
    assert answer.json()["accepted"] == 2
    bomb = await send(client, tokens, pack(b" " * 80_000_000), **{"Content-Encoding": encoding})
    assert (bomb.status_code, bomb.json()["errors"][0]["rule"]) == (422, "body-unpacks-too-large")
    cut = await send(
        client, tokens, pack(json.dumps(batch(row())).encode())[:-9], **{"Content-Encoding": encoding}
    )
    assert (cut.status_code, cut.json()["errors"][0]["rule"]) in [
        (422, "encoding-wrong"),
        (422, "json-malformed"),
    ]


async def test_dataarray_is_another_spelling_of_data(client: httpx.AsyncClient, tokens: Tokens) -> None:
    cells = [[AIR, "a34004", "2026-11-21T08:00", 7]]
    body = {"source": "cnemc", "components": ["site", "factor", "time", "value"], "dataArray": cells}
    assert (await send(client, tokens, body)).json()["accepted"] == 1
    both = {"source": "cnemc", "columns": ["site", "factor", "time", "value"], "data": cells}
    assert (await send(client, tokens, both)).json()["repeated"] == 1
    assert (await send(client, tokens, both | {"dataArray": cells})).status_code == 422


async def contents(database: FreshDatabase) -> dict[str, Any]:
    """Every table of the database with its rows."""
    tables = await fetch(
        database,
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' "
        "AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
    )
    found = {}
    for schema, table in tables:
        found[table] = sorted(map(str, await fetch(database, f'SELECT * FROM "{schema}"."{table}"')))
    return found


async def settled(database: FreshDatabase) -> dict[str, Any]:
    """The same, once what trails the commits (latest values, numbering of events) has been written."""
    before, found = None, await contents(database)
    while found != before:
        await asyncio.sleep(2)
        before, found = found, await contents(database)
    return found


async def test_validating_answers_like_sending_and_changes_nothing(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    await send(client, tokens, batch(row(value=1), row(time="2026-11-21T09:00", value=2)))
    body = batch(
        row(value=1), row(time="2026-11-21T09:00", value=3), row(time="2019-01-01T10:00"), row(factor="nope"),
        row(time="2019-01-01T10:00", value=9),
    )  # fmt: skip
    before = await settled(database)
    headers = tokens.bearer(MON) | {"Idempotency-Key": "k"}
    checked = await client.post("/observations", params={"validate": "only"}, json=body, headers=headers)
    lost = await client.post("/observations", params={"validate": "only"}, content=b"{", headers=headers)
    assert (checked.status_code, lost.status_code) == (200, 200)
    assert [one["rule"] for one in lost.json()["rows"]] == ["json-malformed"]
    after = await contents(database)
    assert {name for name in after if after[name] != before.get(name)} == set()
    assert set(after) == set(before)
    sent = await send(client, tokens, body, **{"Idempotency-Key": "k"})
    told, foretold = sent.json(), checked.json()
    assert foretold["submission"] is None
    for name in ("accepted", "repeated", "revised", "refused", "rows", "sha256"):
        assert foretold[name] == told[name] or name == "sha256", name
    assert (told["accepted"], told["repeated"], told["revised"], told["refused"]) == (1, 1, 2, 1)


def test_a_workbook_with_a_directory_without_end_is_not_read_into_memory() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(150):
            archive.writestr(f"{number:060000d}", b"")
    with pytest.raises(BatchRefused) as refused:
        next(xlsx_records(file, 1 << 33, limits_on(date(2026, 11, 26))))
    assert refused.value.flaw.rule == "body-unpacks-too-large"
    assert "directory" in str(refused.value.flaw.found)


def test_a_row_that_calls_itself_the_billionth_ends_the_reading() -> None:
    far, made = io.BytesIO(), book(["time", "PM2.5"], ["2026", 1])
    with zipfile.ZipFile(io.BytesIO(made)) as good, zipfile.ZipFile(far, "w") as evil:
        for name in good.namelist():
            text = re.sub(b"<dimension[^>]*>", b"", good.read(name))
            evil.writestr(name, text.replace(b'<row r="2"', b'<row r="1999999999"'))
    with pytest.raises(SheetRefused, match="empty ones counted"):
        sheets.read(far.getvalue(), XLSX)
    with pytest.raises(BatchRefused) as refused:
        deque(xlsx_records(far, 1 << 33, limits_on(date(2026, 11, 26))), maxlen=0)
    assert refused.value.flaw.rule == "table-too-long"

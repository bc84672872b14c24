"""What a sender may get wrong over HTTP: every mistake is named, kept, and costs nothing but itself."""

import gzip
import json
from typing import Any

import httpx
import pytest
import zstandard
from ingest_scene import AIR, MON, batch, count, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


async def test_one_bad_row_among_a_thousand_costs_nothing_but_itself(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    rows = [
        row(time=f"2026-{1 + at // 500:02d}-{1 + at % 500 // 24:02d}T{at % 24:02d}:00", value=at)
        for at in range(1000)
    ]
    rows[500] = row(site="131000-X99")
    answer = await send(client, tokens, batch(*rows, historical=True))
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 999, 1)
    (wrong,) = told["rows"]
    assert (wrong["row"], wrong["outcome"], wrong["rule"], wrong["where"]) == (
        500,
        "refused",
        "unknown-site",
        "site",
    )
    assert "131000-X99" in wrong["what"] and "未登记" in wrong["what_zh"] and wrong["mend"]
    assert await count(database, "observations") == 999
    assert await count(database, "refused_rows") == 1


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"site": "nowhere"}, "unknown-site"),
        ({"factor": "z99999"}, "unknown-factor"),
        ({"factor": "a21005"}, "unknown-series"),
        ({"unit": "mg/L"}, "unit-mismatch"),
        ({"unit": "furlong"}, "unknown-unit"),
        ({"time": "2126-11-21T08:00:00+08:00"}, "time-future"),
        ({"time": "1850-01-01T00:00:00"}, "time-too-early"),
        ({"time": "2026-11-21T08:30:00+08:00"}, "time-misaligned"),
        ({"time": "yesterday"}, "time-format"),
        ({"time": 7}, "time-format"),
        ({"time": ["2026"]}, "time-format"),
        ({"value": "NaN"}, "value-not-finite"),
        ({"value": "-Infinity"}, "value-not-finite"),
        ({"value": float("nan")}, "value-not-finite"),
        ({"value": float("inf")}, "value-not-finite"),
        ({"value": True}, "value-format"),
        ({"value": "12,3"}, "value-format"),
        ({"value": [1]}, "value-format"),
        ({"value": 10**400}, "value-not-finite"),
        ({"flag": "N" * 5}, "flag-format"),
        ({"site": 5}, "field-type"),
        ({"site": {"a": 1}}, "field-type"),
        ({"site": "x\u0000y"}, "unknown-site"),
    ],
)
async def test_a_bad_row_is_named_and_kept_and_its_neighbour_accepted(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, cells: dict[str, Any], rule: str
) -> None:
    answer = await send(client, tokens, batch(row(**cells), row(factor="a34002")))
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 1, 1), told
    assert told["rows"][0]["rule"] == rule
    assert [kept["rule"] for kept in await fetch(database, "SELECT rule FROM refused_rows")] == [rule]


async def test_missing_cells_and_misshapen_rows_are_named(client: httpx.AsyncClient, tokens: Tokens) -> None:
    body = batch({"site": AIR, "factor": "a34004", "value": 1}, 7, {"site": AIR}, row())
    rules = [wrong["rule"] for wrong in (await send(client, tokens, body)).json()["rows"]]
    assert rules == ["field-missing", "row-shape", "field-missing"]
    body = {
        "source": "cnemc",
        "columns": ["site", "factor", "time", "value"],
        "data": [[1], [AIR, "a34004", "2026-11-21T09:00", 4]],
    }
    told = (await send(client, tokens, body)).json()
    assert (told["accepted"], told["rows"][0]["rule"]) == (1, "row-shape")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"\xff\xfe{}", "json-malformed"),
        (b'{"source": "cnemc", "rows": [', "json-malformed"),
        (b'{"source": "\xff", "rows": []}', "json-malformed"),
        (b"[" * 100_000, "json-too-complex"),
        (b'{"a":' * 100_000, "json-too-complex"),
        (b"[" + b"[]," * 1_500_000 + b"[]]", "json-too-complex"),
        (b"7", "batch-form"),
        (b"{}", "batch-source"),
        (b'{"source": "cnemc"}', "batch-form"),
        (b'{"source": "cnemc", "rows": []}', "batch-size"),
        (b'{"source": "cnemc", "rows": [{}], "label": "middle"}', "batch-label"),
        (b'{"source": "cnemc", "rows": [{}], "historical": 1}', "batch-historical"),
        (b'{"source": "cnemc", "columns": ["site"], "data": [["x"]]}', "batch-columns"),
        (b"", "json-malformed"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_problem_and_is_kept(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, body: bytes, rule: str
) -> None:
    answer = await send(client, tokens, body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["errors"][0]["rule"] == rule, problem
    kept = await fetch(database, "SELECT outcome, size FROM submissions")
    assert [tuple(one) for one in kept] == [("refused", len(body))]
    assert await count(database, "observations") == 0
    shown = await client.get(f"/submissions/{problem['submission']}", headers=tokens.bearer(MON))
    assert shown.json()["rows"][0]["rule"] == rule


async def test_fifty_megabytes_are_refused_before_they_are_read(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    assert (await send(client, tokens, b" " * 50_000_000)).status_code == 413

    async def chunks() -> Any:
        for _ in range(50):
            yield b" " * 1_000_000

    answer = await client.post("/observations", content=chunks(), headers=tokens.bearer(MON))
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/body-too-large"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_compressed_bodies_are_kept_as_received(
    client: httpx.AsyncClient, tokens: Tokens, encoding: str
) -> None:
    plain = json.dumps(batch(row())).encode()
    body = gzip.compress(plain) if encoding == "gzip" else zstandard.compress(plain)
    told = (await send(client, tokens, body, **{"content-encoding": encoding})).json()
    assert told["accepted"] == 1
    raw = await client.get(f"/submissions/{told['submission']}/raw", headers=tokens.bearer(MON))
    assert (raw.content, raw.headers["received-encoding"]) == (body, encoding)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b" " * 200_000_000, 1, mtime=0)),
        ("zstd", zstandard.compress(b" " * 200_000_000)),
        ("gzip", b"no gzip"),
        ("zstd", b"no zstd"),
        ("gzip", gzip.compress(b'{"source": "cnemc"}', mtime=0)[:-12]),
        ("br", b"x"),
    ],
)
async def test_bad_compression_is_refused(
    client: httpx.AsyncClient, tokens: Tokens, encoding: str, body: bytes
) -> None:
    answer = await send(client, tokens, body, **{"content-encoding": encoding})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] in {"encoding-wrong", "body-unpacks-too-large"}

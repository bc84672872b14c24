"""Reading back: what was known when, revisions beside first values, counts, bulk forms, latest, refusals."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from ingest.jobs import note_latest
from ingest_scene import AIR, FACTORS, MON, OUTLET, READER, batch, row, send, series_of
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


async def get(client: httpx.AsyncClient, tokens: Tokens, path: str, who: str = READER, **query: Any) -> Any:
    answer = await client.get(path, headers=tokens.bearer(who), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_was_known_then_holds_values_and_revisions(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    path = f"/series/{await series_of(client, tokens)}/observations"
    moments = []
    for value in (35, 36, 37):
        moments.append(datetime.now(UTC))
        await asyncio.sleep(0.01)
        await send(client, tokens, batch(row(value=value)))
        await asyncio.sleep(0.01)
    moments.append(datetime.now(UTC))
    known = [(await get(client, tokens, path, asOf=at.isoformat()))["items"] for at in moments]
    assert known[0] == []
    for number, items in enumerate(known[1:]):
        (item,) = items
        assert item["value"] == 35
        assert [one["value"] for one in item["revisions"]] == [36, 37][:number]
    first, *later = [item["submission"] for item in known[1]] + [
        one["submission"] for one in known[3][0]["revisions"]
    ]
    assert len({first, *later}) == 3
    received = [datetime.fromisoformat(one["received_at"]) for one in known[3][0]["revisions"]]
    assert moments[1] < received[0] < moments[2] < received[1]


async def test_late_backfilled_and_historical_values_are_marked_apart(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    fresh, old = (now - timedelta(hours=1)).isoformat(), (now - timedelta(days=3)).isoformat()
    await send(client, tokens, batch(row(time=fresh), row(time=old)))
    await send(client, tokens, batch(row(time="2019-01-01T00:00"), historical=True))
    items = (await get(client, tokens, f"/series/{await series_of(client, tokens)}/observations"))["items"]
    assert [item["mode"] for item in items] == ["historical", "late", "live"]


async def fill(database: FreshDatabase, series: int, hours: int) -> None:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        for step in range(hours // 672 + 2):
            month = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(28 * step)
            await connection.execute("SELECT ensure_month($1)", month)
        await connection.execute(
            "INSERT INTO observations SELECT $1, '2020-01-01T00:00Z'::timestamptz + n * interval '1 hour', "
            "n, 0, '', 3, '00000000-0000-7000-8000-000000000000', n FROM generate_series(0, $2 - 1) AS n",
            series,
            hours,
        )
    finally:
        await connection.close()


async def test_counts_are_exact_below_ten_thousand_and_estimated_beyond(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    series = await series_of(client, tokens)
    path = f"/series/{series}/observations"
    await fill(database, series, 9_999)
    found = await get(client, tokens, path, count=True, limit=1)
    assert (found["count"], found["count_is_estimate"], len(found["items"])) == (9_999, False, 1)
    other = await series_of(client, tokens, "a34002")
    await fill(database, other, 26_000)
    found = await get(client, tokens, f"/series/{other}/observations", count=True)
    assert found["count_is_estimate"] and found["count"] == pytest.approx(26_000, rel=0.02)
    part = await get(client, tokens, f"/series/{other}/observations", count=True, to="2020-02-01T00:00Z")
    assert (part["count"], part["count_is_estimate"]) == (744, False)


async def test_bulk_reading_gives_columns_page_by_page_and_everything_as_csv(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    series = await series_of(client, tokens)
    path = f"/series/{series}/observations"
    await fill(database, series, 12_345)
    await send(client, tokens, batch(row(time="2020-01-01T00:00Z", value=7, flag="N")))
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(client, tokens, path, format="columns", limit=5_000, **cursor)
        seen += zip(page["columns"]["ts"], page["columns"]["value"], strict=True)
        if page["next"] is None:
            break
        if not cursor:
            assert [(one["value"], one["flag"]) for one in page["revisions"]] == [(7, "N")]
        cursor = {"cursor": page["next"]}
    assert [value for _, value in seen] == list(range(12_345))
    answer = await client.get(path, headers=tokens.bearer(READER), params={"format": "csv"})
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(line["ts"], float(line["value"])) for line in lines] == seen
    assert [line["revisions"] for line in lines[:2]] == ["1", "0"]
    refused = await client.get(path, headers=tokens.bearer("samr/data.read@131000"), params={"format": "csv"})
    assert refused.status_code == 403


async def test_the_latest_value_of_many_series_is_one_look_up_each(
    client: httpx.AsyncClient, tokens: Tokens, app: FastAPI, database: FreshDatabase
) -> None:
    rows = [
        row(factor=factor, time=f"2026-11-2{day}T08:00", value=day) for factor in FACTORS for day in (0, 1)
    ]
    await send(client, tokens, batch(*rows[:-2]))
    await note_latest(app)
    found = await get(client, tokens, "/latest", site=[AIR, OUTLET], limit=5)
    rest = await get(client, tokens, "/latest", site=[AIR, OUTLET], cursor=found["next"])
    items = [item for item in found["items"] + rest["items"] if item["source"] == "cnemc"]
    latest = {item["factor"]: item["latest"] for item in items if item["site"] == AIR}
    assert {factor: value and value["value"] for factor, value in latest.items()} == {
        "a34004": 1, "a34002": 1, "a05024": 1, "a21026": None,
    }  # fmt: skip
    assert [item["site"] for item in items][-1] == OUTLET
    later = [row(time=f"2026-11-{day}T08:00", value=day) for day in (22, 19)]
    await send(client, tokens, batch(*later, row(factor="a21026", value=5)))
    await note_latest(app)
    found = await get(client, tokens, "/latest", site=[AIR], limit=100)
    latest = {one["factor"]: one["latest"] for one in found["items"] if one["source"] == "cnemc"}
    assert {factor: value and value["value"] for factor, value in latest.items()} == {
        "a34004": 22, "a34002": 1, "a05024": 1, "a21026": 5,
    }  # fmt: skip
    elsewhere = await get(client, tokens, "/latest", "ee/data.read@131100", site=[AIR])
    assert elsewhere["items"] == []


async def test_refused_rows_are_found_again_by_their_sender(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    first = (await send(client, tokens, batch(row(), row(site="=cmd()"), row(factor="nope")))).json()
    second = (await send(client, tokens, batch(row(value="x"), row(time="?"), row(factor="a34002")))).json()
    await send(client, tokens, b"{")
    every = (await get(client, tokens, "/refusals", MON))["items"]
    assert [one["rule"] for one in every] == [
        "json-malformed", "value-format", "time-format", "unknown-site", "unknown-factor",
    ]  # fmt: skip
    assert {one["submission"] for one in every[1:3]} == {second["submission"]}
    page = await get(client, tokens, "/refusals", MON, limit=2)
    rest = await get(client, tokens, "/refusals", MON, cursor=page["next"])
    assert page["items"] + rest["items"] == every
    narrow = [
        ({"submission": first["submission"]}, every[3:]),
        ({"rule": "time-format"}, every[2:3]),
        ({"site": AIR}, [every[1], every[2], every[4]]),
        ({"from": "2040-01-01"}, []),
        ({"to": "2040-01-01"}, every),
        ({"to": "1960-01-01"}, []),
    ]
    for query, expected in narrow:
        assert (await get(client, tokens, "/refusals", MON, **query))["items"] == expected, query
    answer = await client.get("/refusals", headers=tokens.bearer(MON), params={"format": "csv"})
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["rule"] for line in lines] == [one["rule"] for one in every]
    assert lines[3]["site"] == "'=cmd()" and lines[1]["mend_zh"] == every[1]["mend_zh"]
    assert (await get(client, tokens, "/refusals", "met/data.submit@131000"))["items"] == []
    wrong = await client.get("/refusals", headers=tokens.bearer(MON), params={"cursor": "x"})
    assert wrong.json()["type"] == "/problems/unknown-cursor"

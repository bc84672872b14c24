"""More revisions than fit on a page, and files that cannot be finished: said, never silently short."""

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from ingest.queries import values
from ingest_scene import READER, batch, row, send, series_of
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from test_values_read import fill, get

MORE = (
    "INSERT INTO revisions (series_id, ts, first_value, later_value, decimals, flag, submission, row_no) "
    "SELECT $1, '2020-01-01T00:00Z'::timestamptz + h * interval '1 hour', h, n, 0, '', "
    "'00000000-0000-7000-8000-000000000001', h * 1000 + n "
    "FROM generate_series(0, 5) AS h, generate_series(1, $2) AS n"
)


@pytest.fixture
async def revised(client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase) -> int:
    """Six hours with four revisions each."""
    series = await series_of(client, tokens)
    await fill(database, series, 6)
    connection = await asyncpg.connect(database.superuser_url)
    await connection.execute(MORE, series, 4)
    await connection.close()
    return series


@pytest.mark.parametrize("most", [9, 8, 4, 100])
@pytest.mark.parametrize("limit", [1, 2, 6])
async def test_every_revision_is_on_some_page(
    client: httpx.AsyncClient,
    tokens: Tokens,
    revised: int,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    limit: int,
) -> None:
    monkeypatch.setattr(values, "MOST_REVISIONS", most)
    seen, cursor = [], {}
    while True:
        path = f"/series/{revised}/observations"
        page = await get(client, tokens, path, limit=limit, **cursor)
        assert sum(len(item["revisions"]) for item in page["items"]) <= most
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [item["value"] for item in seen] == [0, 1, 2, 3, 4, 5]
    assert [[one["value"] for one in item["revisions"]] for item in seen] == [[1, 2, 3, 4]] * 6


async def test_an_instant_with_more_revisions_than_a_page_holds_is_named(
    client: httpx.AsyncClient, tokens: Tokens, revised: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MOST_REVISIONS", 3)
    path = f"/series/{revised}/observations"
    page_start = (await get(client, tokens, path, limit=1))["items"][0]["ts"]
    for form in ("json", "columns"):
        page = await get(client, tokens, path, format=form)
        assert page["revisions_cut_at"] == page_start
        assert page["next"] == "2020-01-01T00:00:00+00:00"
    lines = (
        await client.get(path, headers=tokens.bearer(READER), params={"format": "csv"})
    ).text.splitlines()
    assert [line.rpartition(",")[2] for line in lines] == ["revisions", *["4"] * 6]


async def test_a_csv_that_cannot_be_finished_says_so_in_its_last_line(
    client: httpx.AsyncClient, app: FastAPI, tokens: Tokens, database: FreshDatabase
) -> None:
    await send(client, tokens, batch(row()))
    series = await series_of(client, tokens)
    app.state.database.question_seconds = 0.5
    connection = await asyncpg.connect(database.superuser_url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE revisions IN ACCESS EXCLUSIVE MODE")
        answer = await client.get(
            f"/series/{series}/observations", headers=tokens.bearer(READER), params={"format": "csv"}
        )
    await connection.close()
    header, last = answer.text.splitlines()
    assert header.startswith("ts,") and last.startswith("# INCOMPLETE 未完: Ask for a shorter range")

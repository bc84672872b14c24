"""Questions of who means no good or knows no better: bounded time, and a problem that says what is wrong."""

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from ingest_scene import AIR, READER, batch, row, send, series_of
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from test_values_read import fill

ENDS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999", "0001-01-01")


async def ask(client: httpx.AsyncClient, tokens: Tokens, path: str, **query: Any) -> httpx.Response:
    return await client.get(path, headers=tokens.bearer(READER), params=query)


async def test_the_ends_of_the_calendar_and_of_numbers_break_nothing(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    await send(client, tokens, batch(row()))
    series = await series_of(client, tokens)
    path = f"/series/{series}/observations"
    for name in ("from", "to", "asOf", "cursor"):
        for end in ENDS:
            for count in (False, True):
                found = await ask(client, tokens, path, count=count, **{name: end})
                assert found.status_code in (200, 422), (name, end, found.text)
    for name in ("from", "to"):
        for end in ENDS:
            found = await ask(client, tokens, f"/series/{series}/monthly", **{name: end})
            assert found.status_code in (200, 422), (name, end, found.text)
    assert (await ask(client, tokens, path, **{"from": "0002-01-01", "to": "9999-12-30"})).json()["items"]
    back = await ask(client, tokens, path, **{"from": "2027-01-01", "to": "2026-01-01"}, count=True)
    assert (back.json()["items"], back.json()["count"]) == ([], 0)
    for wrong in (2**63, 10**30, -1):
        for of in ("observations", "monthly"):
            found = await ask(client, tokens, f"/series/{wrong}/{of}")
            assert found.status_code in (404, 422), (wrong, found.text)
    for query in ({"limit": 10**9}, {"limit": 0}, {"cursor": "x"}, {"format": "xml"}, {"from": "x"}):
        assert (await ask(client, tokens, path, **query)).status_code == 422, query
    many = [("site", f"S{at}") for at in range(101)]
    answer = await client.get("/latest", headers=tokens.bearer(READER), params=many)
    assert answer.status_code == 422
    for cursor in ("9" * 40, "-1", "x", "²"):
        answer = await ask(client, tokens, "/latest", site=AIR, cursor=cursor)
        assert answer.status_code == 200, answer.text


async def test_a_question_too_wide_ends_and_says_so(
    client: httpx.AsyncClient, app: FastAPI, tokens: Tokens, database: FreshDatabase
) -> None:
    series = await series_of(client, tokens)
    await fill(database, series, 26_000)
    nothing = {"$filter": "result gt 1e300"}
    questions: list[tuple[str, dict[str, Any]]] = [
        (f"/series/{series}/monthly", {}),
        (f"/sta/v1.1/Datastreams({series})/Observations", nothing),
        (f"/sta/v1.1/FeaturesOfInterest('{AIR}')/Observations", nothing),
        (f"/series/{series}/observations", {"asOf": "2000-01-01", "count": "true"}),
        (f"/series/{series}/observations", {"format": "columns", "limit": 100_000}),
    ]
    for path, query in questions:
        assert (await ask(client, tokens, path, **query)).status_code == 200, path
    # As if the table were so large that each took longer than the time there is.
    connection = await asyncpg.connect(database.superuser_url)
    await connection.execute(
        "CREATE OR REPLACE FUNCTION is_visible(path text[], owner text) RETURNS boolean LANGUAGE sql STABLE"
        " AS $$ SELECT pg_sleep(0.4) IS NOT NULL $$"
    )
    await connection.close()
    app.state.database.question_seconds = 0.2
    for path, query in questions:
        found = await ask(client, tokens, path, **query)
        assert (found.status_code, found.json()["type"]) == (422, "/problems/question-too-wide"), found.text
        assert "请缩小范围" in found.json()["detail"]
    app.state.database.question_seconds = 20
    assert (await ask(client, tokens, "/sites")).status_code == 200, "the reader is free again"


async def test_deep_pages_and_wide_expansions_are_refused_before_they_are_read(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    wide = [
        "Datastreams($top=100;$expand=Observations($top=1;$skip=100000))",
        "Datastreams($expand=Observations($top=10000))",
        "Datastreams($expand=Sensor($expand=Datastreams($expand=Observations)))",
    ]
    for expand in wide:
        found = await ask(client, tokens, "/sta/v1.1/Things", **{"$expand": expand})
        assert (found.status_code, found.json()["type"]) == (400, "/problems/query-not-understood"), expand
    for query in ({"$skip": "100001"}, {"$top": "9" * 12}, {"$filter": "result gt 1e9999"}):
        path = f"/sta/v1.1/Datastreams({await series_of(client, tokens)})/Observations"
        found = await ask(client, tokens, path, **query)
        assert found.status_code == 400, found.text
    features = {"$expand": "Observations($top=0)"}
    assert (await ask(client, tokens, "/sta/v1.1/FeaturesOfInterest", **features)).status_code == 200


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_the_last_page_costs_what_the_first_costs(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, order: str
) -> None:
    series = await series_of(client, tokens)
    await fill(database, series, 26_000)
    path = f"/sta/v1.1/Datastreams({series})/Observations"
    query = {"$orderby": f"phenomenonTime {order}", "$top": "10000"}
    seen, page = 0, (await ask(client, tokens, path, **query)).json()
    while True:
        seen += len(page["value"])
        if "@iot.nextLink" not in page:
            break
        assert "$skip=" not in page["@iot.nextLink"], "pages go on by key"
        link = httpx.URL(page["@iot.nextLink"])
        page = (await client.get(link.raw_path.decode(), headers=tokens.bearer(READER))).json()
    assert seen == 26_000

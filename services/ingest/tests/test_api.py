"""Sending observations over HTTP with real tokens: what is accepted, repeated, revised, and who sees it."""

import asyncio
import json

import httpx
import msgspec
from contracts.ingest import Recorded
from fastapi import FastAPI
from ingest_scene import AIR, FACTORS, MON, OUTLET, READER, batch, count, fetch, row, send, series_of
from kit.servers import PostgresServer
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


async def test_rows_are_committed_with_raw_bytes_and_events(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    body = json.dumps(batch(*(row(factor=factor, value=10.5) for factor in FACTORS))).encode()
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    answer = await send(client, tokens, body, traceparent=parent)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["accepted"], told["refused"], told["rows"]) == (4, 0, [])
    assert told["trace_id"] == "ab" * 16
    raw = await client.get(f"/submissions/{told['submission']}/raw", headers=tokens.bearer(MON))
    assert raw.content == body
    ((data,),) = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.recorded.v1'")
    event = msgspec.json.decode(data, type=Recorded)
    assert [event.series[at].factor for at in event.at] == list(FACTORS)
    assert event.value == [10.5] * 4 and event.decimals == [1] * 4
    assert event.ts_ms == [1795219200000] * 4
    assert (event.submissions, event.traces) == ([told["submission"]], ["ab" * 16])
    ref = event.series[0]
    assert (ref.unit, ref.name_zh, ref.region, ref.site_kind) == (
        "ug/m3",
        "细颗粒物PM2.5",
        "131002",
        "station",
    ) or ref


async def test_columns_mean_the_same_as_rows(client: httpx.AsyncClient, tokens: Tokens) -> None:
    body = {
        "source": "cnemc",
        "columns": ["site", "factor", "time", "value", "flag"],
        "data": [[AIR, factor, "2026-11-21T08:00", 7, "N"] for factor in FACTORS],
    }
    assert (await send(client, tokens, body)).json()["accepted"] == 4
    again = (
        await send(client, tokens, batch(*(row(factor=factor, value=7, flag="N") for factor in FACTORS)))
    ).json()
    assert (again["accepted"], again["repeated"], again["revised"]) == (0, 4, 0)


async def test_an_idempotency_key_is_answered_once(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    body = batch(row())
    key = {"Idempotency-Key": "k-1"}
    first, *others = await asyncio.gather(*(send(client, tokens, body, **key) for _ in range(5)))
    again = await send(client, tokens, body, **key)
    assert {one.content for one in (*others, again)} == {first.content}
    assert first.json()["accepted"] == 1
    assert await count(database, "submissions") == 1
    other = await send(client, tokens, batch(row(value=99)), **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_the_first_value_wins_and_another_is_kept_as_a_revision(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    first = (await send(client, tokens, batch(row(value=35)))).json()
    later = (await send(client, tokens, batch(row(value=36), row(factor="a34002")))).json()
    assert (later["accepted"], later["revised"], later["repeated"]) == (1, 1, 0)
    assert (later["rows"][0]["outcome"], later["rows"][0]["row"]) == ("revised", 0)
    (kept,) = await fetch(database, "SELECT first_value, later_value FROM revisions")
    assert tuple(kept) == (35, 36)
    events = await fetch(database, "SELECT event FROM outbox WHERE event = 'ingest.revised.v1'")
    assert len(events) == 1
    found = (await client.get("/findings", headers=tokens.bearer(READER))).json()["items"]
    assert [(one["kind"], one["site"]) for one in found] == [("revision", AIR)]
    series = await series_of(client, tokens)
    path = f"/series/{series}/observations"
    (value,) = (await client.get(path, headers=tokens.bearer(READER))).json()["items"]
    assert (value["value"], value["submission"]) == (35, first["submission"])
    gone = await client.get(path, headers=tokens.bearer(READER), params={"asOf": "2026-01-01T00:00:00Z"})
    assert gone.json()["items"] == []


async def test_values_that_repeat_within_one_batch_are_settled(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    told = (await send(client, tokens, batch(row(value=1), row(value=1), row(value=2)))).json()
    assert (told["accepted"], told["repeated"], told["revised"]) == (1, 1, 1)
    assert [(one["row"], one["outcome"]) for one in told["rows"]] == [(1, "repeated"), (2, "revised")]


async def test_concurrent_senders_of_the_same_values_agree(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    rows = [row(time=f"2026-11-{1 + at // 24:02d}T{at % 24:02d}:00", value=at) for at in range(240)]
    answers = await asyncio.gather(*(send(client, tokens, batch(*rows[::step])) for step in (1, -1, 1, -1)))
    told = [answer.json() for answer in answers]
    assert sum(one["accepted"] for one in told) == 240
    assert sum(one["repeated"] for one in told) == 720
    assert await count(database, "observations") == 240


async def test_units_are_converted_exactly_and_numbers_keep_their_decimals(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    body = batch(
        row(time="2026-11-21T01:00", value=0.0351, unit="mg/m3"),
        row(time="2026-11-21T02:00", value="12.30"),
        row(time="2026-11-21T03:00", value=None, flag="D"),
        row(time="2026-11-21T05:00", value=9),
        label="end",
    )
    told = (await send(client, tokens, body)).json()
    assert told["accepted"] == 4, told
    series = await series_of(client, tokens)
    answer = (await client.get(f"/series/{series}/observations", headers=tokens.bearer(READER))).json()
    found = [(one["ts"], one["value"], one["decimals"], one["flag"]) for one in answer["items"]]
    assert found == [
        ("2026-11-20T16:00:00+00:00", 35.1, 1, ""),
        ("2026-11-20T17:00:00+00:00", 12.3, 2, ""),
        ("2026-11-20T18:00:00+00:00", None, 0, "D"),
        ("2026-11-20T20:00:00+00:00", 9.0, 0, ""),
    ]


async def test_monthly_means_and_pages(client: httpx.AsyncClient, tokens: Tokens) -> None:
    rows = [
        row(time=f"2025-{month:02d}-01T{hour:02d}:00", value=month * 10 + hour)
        for month in (1, 2)
        for hour in range(24)
    ]
    await send(client, tokens, batch(*rows, historical=True))
    series = await series_of(client, tokens)
    who = tokens.bearer(READER)
    months = (await client.get(f"/series/{series}/monthly", headers=who)).json()["items"]
    assert [(one["month"], one["values"], one["mean"]) for one in months] == [
        ("2025-01", 24, 21.5),
        ("2025-02", 24, 31.5),
    ]
    seen, cursor = [], None
    while True:
        params = {"limit": 20} | ({"cursor": cursor} if cursor else {})
        answer = (await client.get(f"/series/{series}/observations", headers=who, params=params)).json()
        seen += [one["value"] for one in answer["items"]]
        assert {one["mode"] for one in answer["items"]} == {"historical"}
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == [value["value"] for value in rows]


async def test_the_wrong_department_region_or_role_is_refused(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    body = batch(row())
    assert (await client.post("/observations", json=body)).status_code == 401
    for who in ("ee.mon/data.submit@131100", "water/data.submit@131000", "ee.mon/data.read@131000"):
        assert (await send(client, tokens, body, who)).status_code == 403, who
    for claims in ({"exp": 1}, {"aud": ["other"]}, {"iss": "http://elsewhere"}):
        answer = await client.post("/observations", json=body, headers=tokens.bearer(MON, **claims))
        assert answer.status_code == 401, claims
    assert await count(database, "observations") == 0
    told = (
        await send(client, tokens, batch(row(site=OUTLET, factor="a21026", value=3, unit="mg/m3")))
    ).json()
    assert told["accepted"] == 1
    county = (
        await send(client, tokens, batch(row(), row(site="131000-A02")), "ee.mon/data.submit@131002")
    ).json()
    assert (county["accepted"], county["rows"][0]["rule"]) == (1, "out-of-scope")


async def test_what_was_received_is_seen_within_the_region_only(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    told = (await send(client, tokens, batch(row()))).json()
    path = f"/submissions/{told['submission']}"
    assert (await client.get(path, headers=tokens.bearer(READER))).status_code == 200
    assert (await client.get(path, headers=tokens.bearer("ee/data.read@131100"))).status_code == 404
    assert (await client.get(f"{path}/raw", headers=tokens.bearer("ee/data.read@131100"))).status_code == 404
    series = await series_of(client, tokens)
    other = await client.get(f"/series/{series}/observations", headers=tokens.bearer("ee/data.read@131100"))
    assert other.status_code in (403, 404)
    assert (await client.get("/submissions", headers=tokens.bearer("ee/data.read@131100"))).json()[
        "items"
    ] == []


async def test_the_register_announces_sites_and_keeps_history(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    body = {"kind": "station", "element": "air", "region": "131002", "zh": "新站", "en": "New"}
    before = await count(database, "registry_changes")
    for _ in range(2):
        assert (
            await client.put("/sites/131000-A77", json=body, headers=tokens.bearer(MON))
        ).status_code == 200
    assert await count(database, "registry_changes") == before + 1
    events = await fetch(
        database, "SELECT 1 FROM outbox WHERE event = 'ingest.site_registered.v1' AND key = '131000-A77'"
    )
    assert len(events) == 1
    elsewhere = body | {"region": "131100"}
    assert (
        await client.put("/sites/131000-A77", json=elsewhere, headers=tokens.bearer(MON))
    ).status_code == 403
    devices = (await client.get("/devices", headers=tokens.bearer(MON))).json()["items"]
    assert "password_sha256" not in devices[0]
    bad = {"series": [{"site": AIR, "factor": "nope", "source": "x"}]}
    answer = await client.put("/series", json=bad, headers=tokens.bearer(MON))
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "unknown-factor")


async def test_while_the_store_is_away_nothing_is_acknowledged(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, own_server: PostgresServer
) -> None:
    own_server.stop()
    try:
        answer = await send(client, tokens, batch(row()))
    finally:
        own_server.start()
    assert answer.status_code == 503 and answer.headers["retry-after"]
    for _ in range(50):
        answer = await send(client, tokens, batch(row()))
        if answer.status_code == 202:
            break
        await asyncio.sleep(0.2)
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1
    assert await count(database, "observations") == 1


async def test_concurrent_changes_of_the_register_are_all_seen(
    client: httpx.AsyncClient, tokens: Tokens, app: FastAPI
) -> None:
    body = {"kind": "station", "element": "air", "region": "131002", "zh": "站", "en": "Site"}
    codes = [f"131000-C{at:02d}" for at in range(12)]
    who = tokens.bearer(MON)
    answers = await asyncio.gather(*(client.put(f"/sites/{code}", json=body, headers=who) for code in codes))
    assert {answer.status_code for answer in answers} == {200}
    registry = await app.state.catalog.refresh()
    assert set(codes) <= set(registry.sites)


async def test_a_month_dropped_behind_our_back_is_made_again(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    assert (await send(client, tokens, batch(row()))).json()["accepted"] == 1
    await fetch(database, "DROP TABLE observations_by_month.observations_2026_11")
    assert (await send(client, tokens, batch(row(factor="a34002")))).json()["accepted"] == 1


async def test_what_postgresql_cannot_hold_is_refused_and_not_an_error(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    who, plain = tokens.bearer(MON), {"kind": "station", "element": "air", "region": "131000", "en": "a"}
    asked = [
        ("PUT", "/sites/131000-A99", json.dumps(plain | {"zh": "a\x00b"})),
        (
            "PUT",
            "/series",
            f'{{"series": [{{"site": "{AIR}", "factor": "a34004", "source": "s", "low": NaN}}]}}',
        ),
        ("GET", f"/series/{2**63}/observations", ""),
        ("GET", "/series/1/observations?from=0001-01-01T00:00:00%2B08:00", ""),
        ("GET", "/submissions?outcome=%00", ""),
        ("GET", "/sites?cursor=%00", ""),
    ]
    await send(client, tokens, batch(row()))
    for method, path, body in asked:
        answer = await client.request(method, path, content=body, headers=who)
        assert answer.status_code == 422, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"

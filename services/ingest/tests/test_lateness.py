"""Values that come later than allowed are said as an event, by a logger's line and by HTTP alike."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from devices import digits, hours_ago, machine, on_line
from fastapi import FastAPI
from ingest.rules.hj212_build import build
from ingest_scene import AIR, MN, PASSWORD, batch, fetch, row, send, series_of
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens


async def said(database: FreshDatabase) -> list[dict[str, Any]]:
    query = "SELECT data FROM outbox WHERE event = 'ingest.lateness_noticed.v1' ORDER BY id"
    return [json.loads(one["data"]) for one in await fetch(database, query)]


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    "period, seconds, allowed", [("2061", 3600, 7200), ("2051", 60, 3600)], ids=["hour", "minute"]
)
async def test_a_logger_that_sends_too_late_is_said_with_its_delay(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase, period: str, seconds: int, allowed: int
) -> None:
    start = hours_ago((allowed + seconds) / 3600 + 1, timedelta(seconds=seconds))
    device = machine()
    readings = [(code, {"Avg": "12.5", "Flag": "N"}) for code in ("a34004", "a34002")]
    async with on_line(app, device) as line:
        await line.send([device.data(period, digits(start), readings)])
    (event,) = await said(database)
    assert (event["mn"], event["site"], event["source"]) == (MN, AIR, "hj212")
    assert (event["from_ms"], event["to_ms"], event["late"]) == (ms(start), ms(start), 2)
    assert event["allowed_seconds"] == allowed
    delay = (event["received_at_ms"] - event["from_ms"]) / 1000 - seconds
    assert allowed < event["longest_seconds"] <= delay < event["longest_seconds"] + 1.001
    kept = await fetch(database, "SELECT series_id, submission FROM observations WHERE mode = 1 ORDER BY 1")
    assert [one["series_id"] for one in kept] == event["series"]
    assert {str(one["submission"]) for one in kept} == set(event["submissions"])


async def test_in_time_resent_and_repeated_values_are_not_late(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase
) -> None:
    device, old = machine(version=2), digits(hours_ago(9))
    head: dict[str, str | int] = {"QN": "20260301080000001", "ST": "22", "CN": "2061", "PW": PASSWORD}
    resent = build(
        head | {"MN": MN, "Flag": 9, "RF": 1}, [f"DataTime={old}", "a34004-Avg=12.5,a34004-Flag=N"]
    )
    async with on_line(app, device) as line:
        await line.send([resent])
        assert await said(database) == []
        await line.send([device.data("2061", old, [("a34004", {"Avg": "12.5", "Flag": "N"})])])
    assert await said(database) == [], "it is a repeat of what was back-filled"
    modes = await fetch(database, "SELECT mode FROM observations ORDER BY ts")
    assert [one["mode"] for one in modes] == [2, 0]


async def test_http_says_it_once_for_a_place_and_only_of_what_was_new(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    hours = [hours_ago(n) for n in (8, 7, 1)]
    rows = [row(time=hour.isoformat(), factor=code) for hour in hours for code in ("a34004", "a34002")]
    rows += [row(site="131000-A02", time=hours[0].isoformat())]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    near, far = sorted(await said(database), key=lambda event: str(event["site"]))
    assert (near["site"], near["late"], near["mn"], near["source"]) == (AIR, 4, None, "cnemc")
    assert (near["from_ms"], near["to_ms"]) == (ms(hours[0]), ms(hours[1]))
    assert near["series"] == sorted(
        [await series_of(client, tokens), await series_of(client, tokens, "a34002")]
    )
    assert (far["site"], far["late"]) == ("131000-A02", 1)
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    other = row(time=hours[0].isoformat(), value=36)
    assert (await send(client, tokens, batch(other))).status_code == 202
    assert len(await said(database)) == 2, "a repeat or a revision is not late"


async def test_declared_historical_data_are_not_late(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    body = batch(row(time=hours_ago(30).isoformat()), historical=True)
    assert (await send(client, tokens, body)).status_code == 202
    assert await said(database) == []

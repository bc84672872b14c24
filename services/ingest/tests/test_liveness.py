"""Silent devices, wrong clocks, missing periods and what is pulled back, over real lines."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from devices import Desk, digits, hours_ago, machine, on_line
from fastapi import FastAPI
from ingest.flows import gaps, watch
from ingest_scene import MN, MON, OUTLET, PASSWORD, READER, USCC, batch, fetch, row, send
from jianzhen.demo.logger import BEIJING, Logger, Tricks
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(client: httpx.AsyncClient, tokens: Tokens) -> Desk:
    return Desk(client, tokens)


async def events(database: FreshDatabase, name: str) -> list[dict[str, Any]]:
    rows = await fetch(database, "SELECT data FROM outbox WHERE event = $1 ORDER BY id", f"ingest.{name}.v1")
    return [json.loads(one["data"]) for one in rows]


async def look(app: FastAPI) -> None:
    """The jobs of the clock, at once."""
    await watch.note_contacts(app.state.database, app.state.conversation.roster)
    await app.state.watch.look(app.state.database, app.state.catalog.current)


async def quiet_since(database: FreshDatabase, moment: timedelta) -> None:
    await fetch(database, "UPDATE device_contacts SET heard_at = now() - $1::interval", moment)


async def listening_since(app: FastAPI, moment: timedelta) -> None:
    app.state.watch._grace_from = datetime.now(UTC) - moment


async def test_a_silent_device_is_told_once_alarmed_after_a_day_and_told_when_it_is_back(
    desk: Desk, app: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    await desk.manners(frame_interval=60)
    device = machine()
    async with on_line(app, device) as line:
        await look(app)
        await quiet_since(database, timedelta(minutes=6))
        await look(app)
        assert await events(database, "device_silenced") == [], "the platform listens for a moment only"
        await listening_since(app, timedelta(days=2))
        for _ in range(3):
            await look(app)
        (first,) = await events(database, "device_silenced")
        assert (first["mn"], first["interval_seconds"], first["is_alarm"]) == (MN, 60, False)
        await fetch(
            database,
            "UPDATE device_contacts SET silent_since = now() - interval '25 hours', "
            "heard_at = now() - interval '25 hours'",
        )
        for _ in range(3):
            await look(app)
        assert [one["is_alarm"] for one in await events(database, "device_silenced")] == [False, True]
        found = await client.get("/findings", headers=tokens.bearer(READER))
        assert [(one["kind"], one["submission"]) for one in found.json()["items"]] == [
            ("device-silent", None)
        ]
        await line.send([device.data("2061", digits(hours_ago(3)), [("a34004", {"Avg": "1", "Flag": "N"})])])
        for _ in range(3):
            await look(app)
    (back,) = await events(database, "device_resumed")
    assert back["mn"] == MN and back["heard_at_ms"] > back["silent_since_ms"]


@pytest.mark.parametrize(
    "listed, expected",
    [({}, True), ({"year": -1}, False), ({"left_for": "closed"}, False), (None, False)],
    ids=["listed", "last year", "left", "not listed"],
)
async def test_a_silence_says_whether_the_unit_is_on_the_key_unit_list_of_the_year(
    desk: Desk, app: FastAPI, database: FreshDatabase, listed: dict[str, Any] | None, expected: bool
) -> None:
    who = desk.tokens.bearer(MON)
    moved = {"site": OUTLET, "password": PASSWORD}
    assert (await desk.client.put(f"/devices/{MN}", json=moved, headers=who)).status_code == 200
    if listed is not None:
        year = datetime.now(BEIJING).year + listed.get("year", 0)
        entry = {"uscc": USCC, "category": "air", "entered_for": "permit_key", "automatic": True}
        put = await desk.client.put(
            "/registry/units/key-units/1", json=entry | listed | {"year": year}, headers=who
        )
        assert put.status_code == 200, put.text
    await desk.manners(frame_interval=60)
    await app.state.catalog.refresh()
    async with on_line(app, machine()):
        await look(app)
        await listening_since(app, timedelta(days=2))
        await quiet_since(database, timedelta(hours=1))
        await look(app)
    (event,) = await events(database, "device_silenced")
    assert (event["site"], event["uscc"], event["is_key_unit"]) == (OUTLET, USCC, expected)


async def test_a_heartbeat_is_a_sign_of_life(desk: Desk, app: FastAPI, database: FreshDatabase) -> None:
    await desk.manners(frame_interval=60)
    device = machine(version=2)
    async with on_line(app, device) as line:
        await look(app)
        await quiet_since(database, timedelta(hours=1))
        await listening_since(app, timedelta(days=2))
        await line.say(device.notice("9015"))
        for _ in range(40):
            await asyncio.sleep(0.05)
            if app.state.conversation.roster.fresh:
                break
        await look(app)
    assert await events(database, "device_silenced") == []


async def test_a_jump_of_the_clock_makes_nobody_silent(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(frame_interval=60)
    async with on_line(app, machine()):
        await look(app)
        await listening_since(app, timedelta(days=2))
        await quiet_since(database, timedelta(hours=1))
        seen, monotonic = app.state.watch._looked_at
        app.state.watch._looked_at = (seen - timedelta(hours=1), monotonic)
        await look(app)
        assert await events(database, "device_silenced") == []


@pytest.mark.parametrize("seconds", [-600, 600])
async def test_a_clock_that_runs_wrong_is_one_finding_a_day(
    app: FastAPI, database: FreshDatabase, desk: Desk, seconds: int
) -> None:
    device = machine(f"clock={seconds}")
    async with on_line(app, device) as line:
        await line.send([device.notice("3020", ["i11001-Info=//a//"]) for _ in range(5)])
        for _ in range(2):
            await look(app)
        query = "SELECT detail FROM ingest_findings WHERE kind = 'clock-drift'"
        ((detail,),) = await fetch(database, query)
    assert json.loads(detail)["seconds"] == pytest.approx(seconds, abs=5)


async def test_resends_are_no_wrong_clock(app: FastAPI, database: FreshDatabase, desk: Desk) -> None:
    device = machine("clock=-3600")
    async with on_line(app, device) as line:
        await line.send([device.notice("3020", ["i11001-Info=//a//"]) for _ in range(4)])
        device.tricks = Tricks()
        device._last_qn = 0
        await line.send([device.notice("3020", ["i11001-Info=//b//"])])
        await look(app)
    assert await fetch(database, "SELECT kind FROM ingest_findings WHERE kind = 'clock-drift'") == []


async def uploaded(line: Logger, device: Any, starts: Sequence[datetime], command: str = "2061") -> None:
    await line.send([device.data(command, digits(at), device.past(command, digits(at))) for at in starts])


async def marked(database: FreshDatabase, period: str, until: datetime) -> None:
    await fetch(database, "UPDATE gap_marks SET until = $2 WHERE period = $1", period, until)


async def test_missing_hours_are_found_pulled_back_and_told(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(pulls_back=True)
    device = machine()
    hours = [hours_ago(12) + n * HOUR for n in range(10)]
    async with on_line(app, device) as line:
        await uploaded(line, device, [*hours[:4], *hours[7:]])
        registry = await app.state.catalog.refresh()
        await gaps.find(app.state.database, registry, app.state.senders)
        await marked(database, "hour", hours[2])
        await gaps.find(app.state.database, registry, app.state.senders)
        await gaps.find(app.state.database, registry, app.state.senders)
        (gap,) = await events(database, "gap_noticed")
        assert (gap["period"], gap["missing"]) == ("hour", 3)
        assert gap["from_ms"] == int(hours[4].timestamp() * 1000)
        for _ in range(100):
            await gaps.pull(app.state.database, registry)
            app.state.conversation.wake()
            if await events(database, "gap_filled"):
                break
            await asyncio.sleep(0.1)
        (filled,) = await events(database, "gap_filled")
    assert filled["gap"] == gap["gap"]
    recalls = [heard for heard in device.heard if heard["CN"] == "2061"]
    assert [(one["BeginTime"], one["EndTime"]) for one in recalls] == [(digits(hours[4]), digits(hours[6]))]
    modes = await fetch(
        database,
        "SELECT ts, mode FROM observations WHERE ts >= $1 AND ts < $2 ORDER BY ts",
        hours[4],
        hours[7],
    )
    assert [one["mode"] for one in modes] == [2, 2, 2]
    shown = await desk.client.get(f"/devices/{MN}/manners", headers=desk.tokens.bearer(READER))
    assert [one["state"] for one in shown.json()["gaps"]] == ["filled"]


async def test_lost_frames_and_a_broken_line_are_asked_for_again(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(pulls_back=True)
    device = machine()
    hours = [hours_ago(30) + n * HOUR for n in range(24)]
    async with on_line(app, device) as line:
        await uploaded(line, device, [hours[0], hours[-1]])
        registry = await app.state.catalog.refresh()
        await gaps.find(app.state.database, registry, app.state.senders)
        await marked(database, "hour", hours[1])
        await gaps.find(app.state.database, registry, app.state.senders)
        device.tricks = Tricks(loses_every=3, drops_after=5)
        for _ in range(200):
            with suppress(ConnectionError):
                await line.say(device.notice("9015"))
            await fetch(database, "UPDATE gaps SET next_try_at = now() WHERE state = 'open'")
            await fetch(
                database,
                "UPDATE commands SET deadline_at = now() - interval '1 minute' "
                "WHERE state = 'executing' AND executing_at < now() - interval '1 second'",
            )
            await gaps.pull(app.state.database, registry)
            app.state.conversation.wake()
            if await fetch(database, "SELECT FROM gaps WHERE state = 'filled' AND start = $1", hours[1]):
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(await fetch(database, "SELECT * FROM gaps"))
        assert line.connections >= 2
    recorded = await fetch(
        database, "SELECT ts FROM observations WHERE ts >= $1 AND ts <= $2", hours[0], hours[-1]
    )
    assert len(recorded) == 24
    asked = [heard for heard in device.heard if heard["CN"] == "2061"]
    assert len(asked) >= 3, "each time for what is still missing"


async def test_a_gap_that_nobody_can_fill_is_given_up_with_a_finding(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(pulls_back=True)
    device = machine()
    device.past = lambda command, start: None
    hours = [hours_ago(12) + n * HOUR for n in range(6)]
    async with on_line(app, device) as line:
        value = [("a34004", {"Avg": "1.0", "Flag": "N"})]
        await line.send([device.data("2061", digits(at), value) for at in (hours[0], hours[3])])
        registry = await app.state.catalog.refresh()
        await gaps.find(app.state.database, registry, app.state.senders)
        await marked(database, "hour", hours[1])
        await gaps.find(app.state.database, registry, app.state.senders)
        pauses = []
        for _ in range(3):
            await fetch(database, "UPDATE gaps SET next_try_at = now() WHERE start = $1", hours[1])
            await gaps.pull(app.state.database, registry)
            app.state.conversation.wake()
            query = "SELECT extract(epoch FROM next_try_at - now())::int FROM gaps WHERE start = $1"
            ((seconds,),) = await fetch(database, query, hours[1])
            pauses.append(seconds)
            for _ in range(100):
                if not await fetch(database, "SELECT FROM commands WHERE state NOT IN ('failed')"):
                    break
                await asyncio.sleep(0.05)
        assert [round(one / 300) for one in pauses] == [1, 2, 4]
        await fetch(database, "UPDATE gaps SET next_try_at = now()")
        await gaps.pull(app.state.database, msgspec.structs.replace(registry, by_id={}, devices={}))
        assert {one["state"] for one in await fetch(database, "SELECT state FROM gaps")} == {"open"}
        await fetch(database, "UPDATE gaps SET attempts = 10, next_try_at = now()")
        await gaps.pull(app.state.database, registry)
    states = await fetch(database, "SELECT state FROM gaps")
    assert {one["state"] for one in states} == {"lost"}
    kinds = await fetch(database, "SELECT kind FROM ingest_findings WHERE kind = 'gap-lost'")
    assert len(kinds) == len(states)


async def test_declared_historical_data_make_no_gap(
    app: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    registry = app.state.catalog.current
    await gaps.find(app.state.database, registry, app.state.senders)
    old = [hours_ago(20) + n * HOUR for n in (0, 1, 5)]
    body = batch(*(row(time=at.isoformat()) for at in old), source="hj212", historical=True)
    assert (await send(client, tokens, body)).status_code == 202
    await marked(database, "hour", old[1] + HOUR)
    await gaps.find(app.state.database, registry, app.state.senders)
    assert await events(database, "gap_noticed") == []

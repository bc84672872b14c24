"""What devices are told of the platform's own accord; nothing is lost between instances and lives."""

import asyncio
import hashlib
from contextlib import suppress

import httpx
import pytest
from devices import Desk, digits, hours_ago, machine, on_line, past
from fastapi import FastAPI
from ingest.main import build
from ingest.settings import Settings
from ingest_scene import MN, fetch
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor
from kit.testing.tokens import Tokens

WHOLE = {
    "greets": True,
    "realtime_interval": 60,
    "minute_interval": 10,
    "streams_realtime": True,
    "streams_status": False,
}
SEQUENCE = ["1012", "1000", "1062", "1064", "2011", "2022"]


@pytest.fixture
async def desk(client: httpx.AsyncClient, tokens: Tokens) -> Desk:
    return Desk(client, tokens)


async def settled(database: FreshDatabase, count: int, state: str = "done") -> None:
    for _ in range(200):
        rows = await fetch(database, "SELECT state FROM commands")
        if [one["state"] for one in rows] == [state] * count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError([tuple(one) for one in await fetch(database, "SELECT name, state FROM commands")])


async def test_first_contact_sets_the_device_up_in_order_and_once(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(**WHOLE)
    await app.state.catalog.refresh()
    device = machine("clock=500")
    async with on_line(app, device):
        await settled(database, 6)
    assert [heard["CN"] for heard in device.heard] == SEQUENCE
    assert abs(device.tricks.clock) == 0 and abs(device.clock_set_by.total_seconds()) < 5
    assert device.settings["RtdInterval"] == "60" and device.is_streaming
    async with on_line(app, device):
        await asyncio.sleep(1)
    assert len(device.heard) == 6, "not again at the next connection"
    await fetch(database, "UPDATE device_contacts SET greeted_at = greeted_at - interval '25 hours'")
    async with on_line(app, device):
        await settled(database, 12)


async def test_a_first_contact_that_breaks_off_goes_on_where_it_was(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    await desk.manners(**WHOLE)
    await app.state.catalog.refresh()
    device = machine("late=0.4")
    async with on_line(app, device):
        while len(device.heard) < 3:
            await asyncio.sleep(0.02)
    device.tricks.late = 0
    for _ in range(8):
        with suppress(AssertionError):
            async with on_line(app, device):
                await settled(database, 6)
            break
    rows = await fetch(database, "SELECT name, state FROM commands ORDER BY number")
    assert [one["state"] for one in rows] == ["done"] * 6
    assert list(dict.fromkeys(heard["CN"] for heard in device.heard)) == SEQUENCE


async def test_devices_without_manners_are_not_spoken_to_unless_they_ask(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    device = machine()
    async with on_line(app, device) as line:
        await asyncio.sleep(1)
        assert device.heard == []
        device.tricks.clock = 900
        for _ in range(3):
            await line.say(device.notice("1013"))
        await settled(database, 1)
        assert [heard["CN"] for heard in device.heard] == ["1012"]
        assert abs(device.clock_set_by.total_seconds()) < 5
    ((origin, who),) = await fetch(database, "SELECT origin, requested_by FROM commands")
    assert (origin, who) == ("calibration", "platform ingest")


async def test_another_instance_takes_the_commands_of_its_own_connections(
    desk: Desk, app: FastAPI, settings: Settings, client_for: ClientFor, database: FreshDatabase
) -> None:
    await desk.manners()
    other, device = build(settings), machine()
    async with client_for(other):
        await other.state.catalog.refresh()
        async with on_line(other, device):
            done = [await desk.run("read-time") for _ in range(3)]
    assert [one["state"] for one in done] == ["done"] * 3 and len(device.heard) == 3
    holders = await fetch(database, "SELECT DISTINCT holder FROM commands")
    assert [one["holder"] for one in holders] == [other.state.conversation.holder]
    assert other.state.conversation.holder != app.state.conversation.holder


async def test_connected_to_two_instances_a_device_is_asked_once(
    desk: Desk, app: FastAPI, settings: Settings, client_for: ClientFor
) -> None:
    await desk.manners()
    other, device = build(settings), machine()
    async with client_for(other), on_line(app, device), on_line(other, device):
        frame = device.data("2061", digits(hours_ago(4)), past("2061", digits(hours_ago(4))))
        assert frame
        asked = [await desk.ask("set-interval", RtdInterval=30 + at) for at in range(8)]
        shown = [await desk.follow(one) for one in asked]
    assert [one["state"] for one in shown] == ["done"] * 8
    assert [heard["RtdInterval"] for heard in device.heard] == [str(30 + at) for at in range(8)]


async def test_a_command_outlives_the_instance_that_sent_it(
    desk: Desk, app: FastAPI, settings: Settings, client_for: ClientFor, database: FreshDatabase
) -> None:
    """The instance ends before any answer; the next one finds the exchange again."""
    await desk.manners()
    at = hours_ago(72)
    other, device = build(settings), machine("never_answers")
    async with client_for(other):
        await other.state.catalog.refresh()
        async with on_line(other, device):
            command = await desk.ask("recall-hours", BeginTime=digits(at), EndTime=digits(at))
            await desk.follow(command, lambda now: now["state"] == "sent")
    sent = await desk.show(command)
    third = build(settings)
    async with client_for(third):
        await third.state.catalog.refresh()
        device.tricks.never_answers = False
        async with on_line(third, device) as line:
            fields = dict(device.heard[0])
            head = {"QN": sent["qn"], "PW": fields["PW"], "MN": MN}
            await line.say(device._receipt(head, "9011", "QnRtn=1"))
            await line.say(device.data("2061", digits(at), past("2061", digits(at))))
            await line.say(device._receipt(head, "9012", "ExeRtn=1"))
            shown = await desk.follow(command)
    assert shown["state"] == "done" and shown["packets"] >= 1
    ((mode,),) = await fetch(database, "SELECT mode FROM observations WHERE ts = $1", at)
    assert mode == 2


async def test_a_password_change_survives_the_instance_that_asked_for_it(
    desk: Desk, app: FastAPI, settings: Settings, client_for: ClientFor, database: FreshDatabase
) -> None:
    """The device obeys, its answers are lost with the instance, and it comes back with the new password."""
    await desk.manners(answer_seconds=60)
    other, device = build(settings), machine("never_answers")
    async with client_for(other):
        await other.state.catalog.refresh()
        async with on_line(other, device):
            command = await desk.ask("set-password", NewPW="s3cr3t")
            await desk.follow(command, lambda now: now["state"] == "sent")
    device.password = "s3cr3t"
    third = build(settings)
    async with client_for(third), on_line(third, device):
        await desk.follow(command, lambda now: now["steps"][-1]["step"] == "password-in-use")
    ((kept,),) = await fetch(database, "SELECT password_sha256 FROM devices WHERE mn = $1", MN)
    assert kept == hashlib.sha256(b"s3cr3t").digest()

"""Every host command over a real line, and every way a device can get it wrong."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from devices import REVIEWER, Desk, digits, hours_ago, machine, on_line, past
from fastapi import FastAPI
from ingest.rules.commands import catalogue
from ingest_scene import MN, MON, READER, fetch
from jianzhen.demo.logger import Tricks
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

GIVEN: dict[str, dict[str, Any]] = {
    "set-timeouts": {"OverTime": 5, "ReCount": 3},
    "set-mn": {"NewMN": "131000A01000000000000002"},
    "set-time": {"SystemTime": "20260301080000"},
    "set-key": {"NewKey": "0123456789abcdef"},
    "set-interval": {"RtdInterval": 30},
    "set-minutes": {"MinInterval": 10},
    "set-password": {"NewPW": "abc123"},
    "set-cycle": {"PolId": "w01018", "CstartTime": "000000", "Ctime": 2},
    "read-information": {"PolId": "a34004", "InfoId": "i13001"},
    "set-parameter": {"PolId": "a34004", "InfoId": "i13001", "Info": "1000"},
}


def given(name: str) -> dict[str, Any]:
    command = catalogue()[name]
    if "BeginTime" in command.parameters:
        step = timedelta(days=1) if command.period == "day" else timedelta(hours=1)
        at = hours_ago(72, step)
        return {
            "BeginTime": digits(at),
            "EndTime": digits(at + 2 * (step if command.period != "min" else timedelta(minutes=1))),
        }
    if name in GIVEN:
        return GIVEN[name]
    return {"PolId": "a34004"} if "PolId" in command.parameters else {}


@pytest.fixture
async def desk(client: httpx.AsyncClient, tokens: Tokens) -> Desk:
    made = Desk(client, tokens)
    await made.manners()
    return made


def is_well_told(name: str, shown: dict[str, Any]) -> bool:
    command = catalogue()[name]
    steps = [step["step"] for step in shown["steps"] if step["step"] != "approved"]
    assert steps[:2] == ["requested", "sent"] and steps[-1] == "done", shown
    assert shown["requested_at"] <= shown["sent_at"] <= shown["ended_at"]
    if command.answers:
        assert shown["packets"] == (3 if name.startswith("recall") else 1)
        assert shown["sent_at"] <= shown["executing_at"] <= shown["ended_at"] and shown["result"]
    if command.ends == "result":
        assert (shown["qn_rtn"]["code"], shown["exe_rtn"]["code"]) == (1, 1) and shown["accepted_at"]
    return shown["state"] == "done"


async def test_every_host_command_is_carried_out(desk: Desk, app: FastAPI) -> None:
    device = machine(version=2)
    async with on_line(app, device):
        for name in catalogue():
            assert is_well_told(name, await desk.run(name, **given(name)))
    assert [int(heard["CN"]) for heard in device.heard] == [one.cn for one in catalogue().values()]
    assert {heard["Flag"] for heard in device.heard} == {"9"}


async def test_who_is_told_to_stop_while_being_woken_stops(desk: Desk, app: FastAPI) -> None:
    (talking,) = (task for task in asyncio.all_tasks() if task.get_name() == "conversation")
    wake = app.state.receiver._conversation._wake
    async with asyncio.timeout(10):
        while not wake._waiters:
            await asyncio.sleep(0.01)
    wake.set()
    await asyncio.sleep(0)
    talking.cancel()
    done, _ = await asyncio.wait([talking], timeout=5)
    assert done == {talking}


async def test_a_refusal_says_why(desk: Desk, app: FastAPI) -> None:
    device = machine()
    async with on_line(app, device):
        for code in (2, 3, 4, 5, 6, 7, 8, 9, 100):
            device.tricks = Tricks(refuses=code)
            shown = await desk.run("set-interval", RtdInterval=60)
            assert (shown["state"], shown["qn_rtn"]["code"]) == ("refused", code)
            assert shown["qn_rtn"]["zh"] and shown["exe_rtn"] is None


async def test_a_failure_says_why(desk: Desk, app: FastAPI) -> None:
    device = machine()
    async with on_line(app, device):
        for code in (2, 3, 4, 5, 6, 100):
            device.tricks = Tricks(fails=code)
            shown = await desk.run("calibrate", PolId="a34004")
            assert (shown["state"], shown["exe_rtn"]["code"]) == ("failed", code)
        device.tricks = Tricks()
        nothing = await desk.run("recall-hours", BeginTime="20100101000000", EndTime="20100101000000")
        assert nothing["state"] == "done"


async def test_answers_twice_out_of_order_late_or_amid_garbage_come_to_the_same(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    device = machine()
    async with on_line(app, device):
        for number, trick in enumerate(("twice", "out_of_order", "garbage", "resends", "late=0.3")):
            device.tricks = Tricks.named(trick)
            begin = hours_ago(72 + 10 * number)
            shown = await desk.run(
                "recall-hours", BeginTime=digits(begin), EndTime=digits(begin + timedelta(hours=2))
            )
            await asyncio.sleep(0.4)
            again = await desk.show(shown["id"])
            assert (shown["state"], again["state"], again["packets"]) == ("done", "done", 3), trick
    values = await fetch(database, "SELECT value, mode FROM observations WHERE ts < now() - interval '1 day'")
    assert len(values) == 15 and {row["mode"] for row in values} == {2}


async def test_a_device_that_never_answers_is_asked_again_and_given_up(desk: Desk, app: FastAPI) -> None:
    device = machine("never_answers")
    async with on_line(app, device):
        shown = await desk.run("read-time")
    assert (shown["state"], shown["attempts"]) == ("timed-out", 2)
    assert [step["step"] for step in shown["steps"]] == ["requested", "sent", "sent-again", "timed-out"]
    assert len({heard["QN"] for heard in device.heard}) == 1


async def test_an_answer_after_the_end_is_noted_and_changes_nothing(desk: Desk, app: FastAPI) -> None:
    async with on_line(app, machine("late=2.5")):
        command = await desk.ask("set-interval", RtdInterval=60)
        shown = await desk.follow(command)
        later = await desk.follow(command, lambda now: now["steps"][-1]["step"] == "late-answer")
    assert shown["state"] == later["state"] == "timed-out"


async def test_data_without_any_answer_are_a_stream_that_runs(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    async with on_line(app, machine("answers_data_only")):
        command = await desk.ask("start-realtime")
        await desk.follow(command, lambda now: now["state"] == "executing")
        await fetch(database, "UPDATE commands SET deadline_at = now()")
        assert (await desk.follow(command))["state"] == "done"


async def test_a_line_that_breaks_amid_history_leaves_what_came(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    device = machine("drops_after=2")
    at = hours_ago(72)
    async with on_line(app, device) as line:
        command = await desk.ask(
            "recall-hours", BeginTime=digits(at), EndTime=digits(at + timedelta(hours=5))
        )
        shown = await desk.follow(command, lambda now: now["packets"] == 2)
        assert shown["state"] == "executing"
        await fetch(database, "UPDATE commands SET deadline_at = now() - interval '1 minute'")
        assert (await desk.follow(command))["state"] == "timed-out"
        assert line.connections >= 2
        await line.send([device.data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))])
        again = await desk.run("recall-hours", BeginTime=digits(at), EndTime=digits(at + timedelta(hours=5)))
    assert (again["state"], again["packets"]) == ("done", 6)
    values = await fetch(database, "SELECT count(*) FROM observations WHERE mode = 2")
    assert values[0][0] == 6


async def test_a_command_waits_for_its_device_and_goes_out_once_after_a_reconnect(
    desk: Desk, app: FastAPI
) -> None:
    command = await desk.ask("set-interval", RtdInterval=60)
    await asyncio.sleep(0.7)
    assert (await desk.show(command))["state"] == "requested"
    device = machine()
    async with on_line(app, device):
        assert (await desk.follow(command))["state"] == "done"
    assert len(device.heard) == 1


async def test_one_command_at_a_time_in_the_order_of_asking(desk: Desk, app: FastAPI) -> None:
    device = machine("late=0.1")
    asked = [await desk.ask("set-interval", RtdInterval=30 + at) for at in range(5)]
    async with on_line(app, device):
        shown = [await desk.follow(one) for one in asked]
    assert [one["state"] for one in shown] == ["done"] * 5
    assert [heard["RtdInterval"] for heard in device.heard] == ["30", "31", "32", "33", "34"]


async def test_a_new_password_counts_after_the_success_and_is_never_shown(
    desk: Desk, app: FastAPI, database: FreshDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    device = machine()
    async with on_line(app, device) as line:
        answer = await desk.post("set-password", NewPW="s3cr3t")
        command = answer.json()["id"]
        await asyncio.sleep(0.7)
        assert (await desk.show(command))["state"] == "requested" and not device.heard
        assert (await desk.approve(command, MON)).status_code == 403
        assert (await desk.approve(command)).status_code == 200
        shown = await desk.follow(command)
        assert shown["state"] == "done" and shown["parameters"] == {"NewPW": "******"}
        assert "s3cr3t" not in str(shown) + caplog.text
        await app.state.catalog.refresh()
        assert (
            await line.send([device.data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))])
            == 1
        )
        assert (await desk.run("read-time"))["state"] == "done"
    assert device.heard[-1]["PW"] == "s3cr3t"
    ((kept,),) = await fetch(database, "SELECT password_sha256 FROM devices WHERE mn = $1", MN)
    assert kept == hashlib.sha256(b"s3cr3t").digest()
    for table in ("command_secrets", "pending_passwords"):
        assert await fetch(database, f"SELECT * FROM {table}") == []
    changes = await fetch(
        database, "SELECT after FROM registry_changes WHERE kind = 'device_passwords' ORDER BY id"
    )
    assert ["expected" in changes[0]["after"], "changed" in changes[-1]["after"]] == [True, True]


async def test_a_changed_analyser_is_found_by_asking(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    device = machine()
    async with on_line(app, device):
        first = await desk.run("read-analyser", PolId="a34004")
        device.tricks = Tricks(changes_serial=True)
        second = await desk.run("read-analyser", PolId="a34004")
    assert first["result"][0]["a34004-SN"] == second["result"][0]["a34004-SN"][::-1]
    kinds = await fetch(database, "SELECT kind FROM ingest_findings")
    assert [one["kind"] for one in kinds] == ["serial-changed"]


async def test_a_new_key_opens_frames_from_before_the_device_is_told(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    async with on_line(app, machine("fails=2", version=2)):
        shown = await desk.run("set-key", NewKey="0123456789abcdef")
    assert shown["state"] == "failed" and shown["parameters"] == {"NewKey": "******"}
    ((key,),) = await fetch(database, "SELECT key FROM device_keys")
    assert key == b"0123456789abcdef" and app.state.catalog.current.devices[MN].keys == (key,)


async def test_a_refused_password_change_leaves_the_old_one(
    desk: Desk, app: FastAPI, database: FreshDatabase
) -> None:
    async with on_line(app, machine("refuses=2")):
        assert (await desk.run("set-password", NewPW="s3cr3t"))["state"] == "refused"
    ((kept,),) = await fetch(database, "SELECT password_sha256 FROM devices WHERE mn = $1", MN)
    assert kept == hashlib.sha256(b"123456").digest()
    assert await fetch(database, "SELECT * FROM pending_passwords") == []


@pytest.mark.parametrize("obeys", [True, False])
async def test_after_an_unanswered_password_change_both_count_until_the_device_decides(
    desk: Desk, app: FastAPI, database: FreshDatabase, obeys: bool
) -> None:
    device = machine("never_answers")
    async with on_line(app, device) as line:
        shown = await desk.run("set-password", NewPW="s3cr3t")
        assert shown["state"] == "timed-out"
        await app.state.catalog.refresh()
        if obeys:
            device.password = "s3cr3t"
        frame = device.data("2061", digits(hours_ago(3)), past("2061", digits(hours_ago(3))))
        assert await line.send([frame]) == 1
        step = "password-in-use" if obeys else "password-unchanged"
        await desk.follow(shown["id"], lambda now: now["steps"][-1]["step"] == step)
    ((kept,),) = await fetch(database, "SELECT password_sha256 FROM devices WHERE mn = $1", MN)
    assert kept == hashlib.sha256(b"s3cr3t" if obeys else b"123456").digest()
    assert await fetch(database, "SELECT * FROM pending_passwords") == []


async def test_a_wrong_parameter_is_answered_with_what_is_allowed(desk: Desk) -> None:
    answer = await desk.post("set-password", NewPW="12345", Other=1)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/command-parameters")
    faults = answer.json()["errors"]
    assert {fault["where"] for fault in faults} == {"parameters/NewPW", "parameters/Other"}
    assert "HJ 212-2017" in str(faults) and "12345" not in str(faults)
    assert (await desk.post("dance")).json()["type"] == "/problems/unknown-command"


async def test_one_key_is_one_command_and_asks_for_one_thing(desk: Desk) -> None:
    first, again = await desk.post("read-time", "k"), await desk.post("read-time", "k")
    assert first.json()["id"] == again.json()["id"]
    many = await asyncio.gather(*(desk.post("read-interval", "race") for _ in range(5)))
    assert len({one.json()["id"] for one in many}) == 1
    other = await desk.post("read-serial", "k")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_who_may_command_and_who_may_only_look(
    desk: Desk, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    command = await desk.ask("read-time")
    for who, status in ((READER, 403), ("ee.mon/qc.analyst@131100", 403), ("ee.mon/qc.analyst@131000", 202)):
        assert (await desk.post("read-time", who=who)).status_code == status
    listed = await client.get(f"/devices/{MN}/commands?limit=1", headers=tokens.bearer(READER))
    assert listed.status_code == 200 and len(listed.json()["items"]) == 1 and listed.json()["next"]
    rest = await client.get(
        f"/devices/{MN}/commands?cursor={listed.json()['next']}", headers=tokens.bearer(READER)
    )
    assert [one["id"] for one in rest.json()["items"]] == [command]
    assert rest.json()["items"][0]["reason"] == "例行检查 routine"
    elsewhere = tokens.bearer("ee.mon/qc.analyst@131100")
    assert (await client.get(f"/commands/{command}", headers=elsewhere)).status_code == 404
    await desk.manners(accepts_commands=False)
    refused = await desk.post("read-time")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/device-not-commandable")


async def test_a_secret_command_needs_another_person(desk: Desk) -> None:
    answer = await desk.post("set-password", who=REVIEWER, NewPW="s3cr3t")
    command = answer.json()["id"]
    same = await desk.approve(command, REVIEWER)
    assert (same.status_code, same.json()["type"]) == (409, "/problems/same-person")
    [fault] = same.json()["errors"]
    assert "platform rule" in fault["rule"]
    assert "申请人不得审批本人申请" in fault["what"]
    assert REVIEWER in fault["what"]


async def test_a_cancelled_command_is_not_sent_and_cannot_be_cancelled_into_confusion(
    desk: Desk, app: FastAPI, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    command, body = await desk.ask("set-interval", RtdInterval=60), {"reason": "改期 later"}
    for _ in range(2):
        answer = await client.post(f"/commands/{command}/cancel", json=body, headers=tokens.bearer(MON))
        assert answer.json() == {"id": command, "state": "cancelled"}
    device = machine()
    async with on_line(app, device):
        done = await desk.run("read-time")
        late = await client.post(f"/commands/{done['id']}/cancel", json=body, headers=tokens.bearer(MON))
    assert late.status_code == 409 and [heard["CN"] for heard in device.heard] == ["1011"]
    assert (await desk.show(command))["steps"][-1]["detail"]["reason"] == "改期 later"


async def test_tricks_have_names() -> None:
    assert Tricks.named("twice", "late=2", "refuses=3") == Tricks(twice=True, late=2.0, refuses=3)
    with pytest.raises(ValueError, match="no trick"):
        Tricks.named("juggles")

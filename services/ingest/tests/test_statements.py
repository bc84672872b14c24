"""What loggers send beside measured values, over real sockets: all uplink commands, identities, packets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from ingest.flows.devices import give_up_packets
from ingest.rules.hj212_build import build, envelope
from ingest.rules.sm4 import close_cp
from ingest.rules.upload_commands import uploads
from ingest_scene import AIR, MN, MON, PASSWORD, READER, count, fetch
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from test_receiver import CHINA, HOUR, Logger, hour_frame, logger, until

DAY = (datetime.now(CHINA) - timedelta(days=1)).strftime("%Y%m%d000000")
NOW = (datetime.now(CHINA) - timedelta(minutes=2)).strftime("%Y%m%d%H%M00")
KEY = "0123456789abcdeffedcba9876543210"


@pytest.fixture
async def served(client: httpx.AsyncClient, app: FastAPI) -> FastAPI:
    return app


def frame(command: int, *groups: str, number: int = 1, **fields: str | int) -> bytes:
    head: Mapping[str, str | int] = {"QN": f"20260301090000{number:03d}", "ST": 22, "CN": command}
    return build({**head, "PW": PASSWORD, "MN": MN, "Flag": 5, **fields}, groups)


async def put_device(client: httpx.AsyncClient, tokens: Tokens, app: FastAPI, **policy: Any) -> None:
    answer = await client.put(f"/devices/{MN}", json={"site": AIR, **policy}, headers=tokens.bearer(MON))
    assert answer.status_code == 200, answer.text
    await app.state.catalog.refresh()


async def listed(client: httpx.AsyncClient, tokens: Tokens, what: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/devices/{MN}/{what}", params=asked, headers=tokens.bearer(READER))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_states_of_facilities_and_noise_levels_become_series(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    base = {"site": AIR, "source": "hj212"}
    series = [
        {**base, "factor": "SB1", "statistic": "rtd", "period": "rtd", "unit": "1"},
        {**base, "factor": "SB1", "statistic": "cou", "period": "day", "unit": "h"},
        {**base, "factor": "Leq", "period": "min", "unit": "dB"},
        {**base, "factor": "Leq-DayData", "period": "day", "unit": "dB"},
        {**base, "factor": "Leq-NightData", "period": "day", "unit": "dB"},
        {**base, "factor": "a01901", "period": "min", "unit": "Cel", "period_seconds": 300},
    ]
    put = await client.put("/series", json={"series": series}, headers=tokens.bearer(MON))
    assert put.status_code == 200, put.text
    await served.state.catalog.refresh()
    sent = [
        frame(2021, f"DataTime={NOW}", "SB1-RS=1", number=1),
        frame(2041, f"DataTime={DAY}", "SB1-RT=23.50", number=2),
        frame(2052, f"DataTime={NOW}", "Leq-Data=55.1,Leq-Flag=N", number=3),
        frame(2031, f"DataTime={DAY}", "Leq-DayData=58.0", "Leq-NightData=47.5", number=4),
        frame(2111, f"DataTime={NOW[:-3]}000", "a01901-Avg=851.2,a01901-Flag=b", number=5),
    ]
    async with logger(served) as device:
        for one in sent:
            await device.send(one)
            assert (await device.answer())["CN"] == "9014"
    query = """SELECT factor, statistic, period, value, flag
        FROM observations o JOIN series s ON s.id = series_id ORDER BY factor, period"""
    assert [tuple(row) for row in await fetch(database, query)] == [
        ("Leq", "avg", "min", 55.1, "N"),
        ("Leq-DayData", "avg", "day", 58.0, ""),
        ("Leq-NightData", "avg", "day", 47.5, ""),
        ("SB1", "cou", "day", 23.5, ""),
        ("SB1", "rtd", "rtd", 1.0, ""),
        ("a01901", "avg", "min", 851.2, "b"),
    ]
    notes = [row["notes"] for row in await fetch(database, "SELECT notes FROM submissions ORDER BY id")]
    assert "data marks ['b'] are not in HJ 212 table 8" in notes[-1]
    assert await count(database, "refused_rows") == 0


STATEMENTS = {
    1001: (("i23005-Info=//A1//",), [(None, "i23005", "//A1//")]),
    1011: (("SystemTime=20260301090000",), [(None, "SystemTime", "20260301090000")]),
    1014: (("OldKey=1",), [(None, "OldKey", "1")]),
    1061: (("RtdInterval=30",), [(None, "RtdInterval", "30")]),
    1063: (("MinInterval=10",), [(None, "MinInterval", "10")]),
    2062: (
        (f"DataTime={NOW}", "a21026-SampleRd=49.8,a21026-StandardValue=50,a21026-ResultType=1"),
        [("a21026", "ResultType", "1"), ("a21026", "SampleRd", "49.8"), ("a21026", "StandardValue", "50")],
    ),
    2081: ((f"DataTime={NOW}", f"RestartTime={DAY}"), [(None, "RestartTime", DAY)]),
    3015: ((f"DataTime={NOW}", "VaseNo=7"), [(None, "VaseNo", "7")]),
    3016: (
        ("PolId=w01018", "CstartTime=000000,Ctime=2"),
        [("w01018", "CstartTime", "000000"), ("w01018", "Ctime", "2")],
    ),
    3018: (("PolId=w01018", "Stime=30"), [("w01018", "Stime", "30")]),
    3019: (("a21026-SN=010000A8900016F000169DC0",), [("a21026", "SN", "010000A8900016F000169DC0")]),
    3020: (
        (f"DataTime={NOW}", "PolId=w01018", "i11001-Info=//清洗, ok; a=1//", "i13007-Info=0.02"),
        [("w01018", "i11001", "//清洗, ok; a=1//"), ("w01018", "i13007", "0.02")],
    ),
    7777: (("X=1",), [(None, "X", "1")]),
}


async def test_what_a_logger_says_of_itself_is_kept_and_read_over_http(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    async with logger(served) as device:
        for number, (command, (groups, _)) in enumerate(STATEMENTS.items()):
            await device.send(frame(command, *groups, number=number))
            assert (await device.answer())["CN"] == "9014", command
        await device.send(frame(1013, number=90))
        assert (await device.answer())["CN"] == "9013"
        assert (await device.answer())["CN"] == "1012"
        for command in (9011, 9012, 9013, 9014, 9015):
            await device.send(frame(command, number=91, Flag=4))
        await device.send(hour_frame(a34004="1"))
        assert (await device.answer())["CN"] == "9014"
    items = await listed(client, tokens, "information", limit=1000)
    for command, (_, told) in STATEMENTS.items():
        found = sorted(
            ((one["subject"], one["code"], one["value"]) for one in items if one["command"] == str(command)),
            key=str,
        )
        assert found == sorted(told, key=str), command
    first = await client.get(f"/devices/{MN}/information", params={"limit": 3}, headers=tokens.bearer(READER))
    rest = await listed(client, tokens, "information", limit=1000, cursor=first.json()["next"])
    assert first.json()["items"] + rest == items
    assert [one["value"] for one in await listed(client, tokens, "information", code="i13007")] == ["0.02"]
    bad = {"cursor": "nonsense"}
    for what in ("information", "identities", "packets"):
        answer = await client.get(f"/devices/{MN}/{what}", params=bad, headers=tokens.bearer(READER))
        assert answer.status_code == 422
    unknown = await client.get("/devices/none/information", headers=tokens.bearer(READER))
    assert unknown.status_code == 404
    assert await count(database, "refused_rows") == 0
    assert await count(database, "submissions") == len(STATEMENTS) + 7


def test_every_uplink_command_of_the_standard_has_its_kind() -> None:
    named = (
        "1001 1011 1013 1014 1061 1063 2011 2013 2021 2031 2041 2051 2052 2061 2062 2081 2111 3015 3019 3020"
    )
    assert set(named.split()) | {"9011", "9012", "9013", "9014", "9015"} <= set(uploads())


async def test_sampling_times_and_vendor_marks_among_values_are_kept(
    served: FastAPI, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    told = f"a34004-SampleTime={NOW},a34004-Avg=3,a34004-Flag=N,a34004-EFlag=A01"
    async with logger(served) as device:
        await device.send(frame(2061, f"DataTime={HOUR}", told))
        await device.answer()
    found = {
        (one["subject"], one["code"], one["value"]) for one in await listed(client, tokens, "information")
    }
    assert found == {("a34004", "SampleTime", NOW), ("a34004", "EFlag", "A01")}


async def test_a_changed_serial_or_address_is_a_finding_with_before_and_after(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    async with logger(served) as device:
        for number, serial in enumerate(("S1", "S1", "S2")):
            await device.send(frame(3019, f"a21026-SN={serial}", number=number))
            await device.answer()
        await device.send(frame(1001, "i23005-Info=//L1//", "i23006-Info=//C1//", number=5))
        await device.answer()
        await device.send(frame(1001, "i23005-Info=//L1//", "i23006-Info=//C2//", number=6))
        await device.answer()
        served.state.reception._identities[MN]["address"] = "192.0.2.7"
        await device.send(hour_frame(a34004="1"))
        await device.answer()
    found = (await client.get("/findings", headers=tokens.bearer(READER))).json()["items"]
    told = [
        (one["kind"], one["detail"]["part"], one["detail"]["before"], one["detail"]["after"]) for one in found
    ]
    assert told == [
        ("address-changed", "address", "192.0.2.7", "127.0.0.1"),
        ("serial-changed", "i23006", "C1", "C2"),
        ("serial-changed", "a21026", "S1", "S2"),
    ]
    parts = [(one["part"], one["value"]) for one in await listed(client, tokens, "identities")]
    assert parts == [
        ("address", "127.0.0.1"), ("i23006", "C2"), ("i23006", "C1"), ("i23005", "L1"), ("a21026", "S2"),
        ("address", "127.0.0.1"), ("a21026", "S1"),
    ]  # fmt: skip


async def test_packets_of_a_message_are_accounted_for(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    def packet(number: int, of: int, hour: str, factor: str) -> bytes:
        values = f"{factor}-Avg=1,{factor}-Flag=N"
        return frame(2061, f"DataTime={hour}", values, number=number, Flag=7, PNUM=of, PNO=number)

    earlier = (datetime.strptime(HOUR, "%Y%m%d%H%M%S") - timedelta(hours=1)).strftime("%Y%m%d%H0000")
    async with logger(served) as device:
        await device.send(packet(2, 2, HOUR, "a34004") + packet(1, 2, HOUR, "a34002"))
        await device.send(packet(1, 3, earlier, "a34004"))
        for _ in range(3):
            await device.answer()
        await device.send(frame(2061, f"DataTime={earlier}", "a05024-Avg=1", number=9, Flag=7, PNUM=3, PNO=4))
        await device.answer()
        states = [
            (one["packets"], one["missing"], one["state"]) for one in await listed(client, tokens, "packets")
        ]
        assert states == [(3, [2, 3], "open"), (2, [], "complete")]
        assert await give_up_packets(served.state.database, datetime.now(UTC)) == 0
        assert await give_up_packets(served.state.database, datetime.now(UTC) + timedelta(hours=1)) == 1
        found = (await client.get("/findings", headers=tokens.bearer(READER))).json()["items"]
        assert [(one["kind"], one["detail"]["missing"]) for one in found] == [("packets-missing", [2, 3])]
        await device.send(packet(2, 3, earlier, "a34002") + packet(3, 3, earlier, "a21026"))
        await device.answer()
        await device.answer()
    assert [one["state"] for one in await listed(client, tokens, "packets")] == ["complete", "complete"]
    ((notes,),) = await fetch(database, "SELECT notes FROM submissions WHERE notes LIKE '%no packet%'")
    assert "PNUM '3' and PNO '4'" in notes


async def test_encrypted_cp_is_opened_with_a_registered_key_and_refused_plainly_without(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    clear = frame(2061, f"DataTime={HOUR}", "a34004-Avg=35,a34004-Flag=N", "a34002-Avg=60", Flag=9)
    head, cp = clear[:-8].split(b"CP=&&")
    sent = head + b"CP=&&" + close_cp(cp, bytes.fromhex(KEY)) + clear[-8:]
    assert b"a34004" not in sent and sent.count(b"0x") % 16 == 0
    async with logger(served) as device:
        await device.send(sent)
        await until(database, "refused_rows", 1)
        assert await device.silence(0.1)
        await put_device(client, tokens, served, key="f" * 32)
        await put_device(client, tokens, served, key=KEY.upper())
        await device.send(sent)
        assert (await device.answer())["CN"] == "9014"
    assert [
        row["value"] for row in await fetch(database, "SELECT value FROM observations ORDER BY value")
    ] == [35, 60]
    assert [row["rule"] for row in await fetch(database, "SELECT rule FROM refused_rows")] == ["encrypted"]
    rows = await fetch(
        database, "SELECT notes, data FROM submissions JOIN raw_bytes ON submission = id ORDER BY id"
    )
    assert rows[-1]["data"] == sent and "CP was encrypted (SM4)" in rows[-1]["notes"]
    shown = await client.get(f"/devices/{MN}", headers=tokens.bearer(MON))
    assert KEY not in shown.text.lower() and "key" not in shown.json()
    changes = await fetch(
        database, "SELECT after::text AS after FROM registry_changes WHERE kind = 'device_keys'"
    )
    assert len(changes) == 2 and KEY not in changes[1]["after"].lower()


async def _told(device: Logger, sent: bytes) -> tuple[str, str]:
    await device.send(sent)
    line = await device.reader.readuntil(b"\r\n")
    return line.partition(b"CN=")[2][:4].decode(), line.partition(b"QnRtn=")[2].partition(b"&&")[0].decode()


async def test_a_refusal_is_told_by_policy_only_and_always_recorded(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    policy = {"answers_refusals": True, "systems": ["22"], "addresses": ["127.0.0.1"]}
    await put_device(client, tokens, served, **policy)
    good = hour_frame(a34004="1")
    async with logger(served) as device:
        assert await _told(device, good[:-6] + b"0000\r\n") == ("9011", "9")
        assert await _told(device, frame(2061, f"DataTime={HOUR}", PW="000000")) == ("9011", "3")
        assert await _told(device, frame(2061, f"DataTime={HOUR}", MN="ABC")) == ("9011", "4")
        assert await _told(device, frame(2061, f"DataTime={HOUR}", ST=31)) == ("9011", "5")
        assert await _told(device, frame(2061, f"DataTime={HOUR}", Flag="x")) == ("9011", "6")
        no_command = envelope(f"QN=20260301090000001;ST=22;PW={PASSWORD};MN={MN};Flag=5;CP=&&&&".encode())
        assert await _told(device, no_command) == ("9011", "8")
        await device.send(frame(9014, Flag=5, PW="000000"))
        await until(database, "submissions", 7)
        assert await device.silence(0.1)
    rows = await fetch(
        database, "SELECT rule FROM refused_rows r JOIN submissions s ON s.id = submission ORDER BY id"
    )
    assert [row["rule"] for row in rows] == [
        "crc-wrong", "wrong-password", "unknown-device", "wrong-system", "wrong-flag", "command-missing",
        "wrong-password",
    ]  # fmt: skip
    notes = await fetch(database, "SELECT notes FROM submissions ORDER BY id")
    assert "told QnRtn=9" in notes[0]["notes"] and "told" not in notes[-1]["notes"]


async def test_a_frame_of_which_nothing_is_accepted_is_answered_and_is_a_finding_once_a_day(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as device:
        for number in range(3):
            await device.send(frame(2061, f"DataTime={HOUR}", "zz-Avg=1", number=number))
            assert (await device.answer())["CN"] == "9014"
    found = await fetch(database, "SELECT kind, detail->'rules'->>0 AS rule FROM ingest_findings")
    assert [tuple(row) for row in found] == [("nothing-accepted", "unknown-factor")]


async def test_a_certificate_is_compared_where_one_is_registered(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    await put_device(client, tokens, served, certificate="CN=logger 7")
    async with logger(served) as device:
        await device.send(hour_frame(a34004="1"))
        await until(database, "ingest_findings", 1)
        assert await device.silence(0.1)
    ((kind, before),) = await fetch(database, "SELECT kind, detail->>'before' FROM ingest_findings")
    assert (kind, before) == ("wrong-certificate", "CN=logger 7")


async def test_what_is_tolerated_is_recorded(served: FastAPI, database: FreshDatabase) -> None:
    segment = (
        f"MN={MN}; ST=22;CN=2061;PW={PASSWORD};FLAG=5;CP=&&DataTime = {HOUR},A34004-Avg=5,A34004-Flag=N;&&"
    )
    sent = envelope(segment.encode())
    sent = sent[:-6] + sent[-6:-2].lower() + b"\n"
    async with logger(served) as device:
        await device.send(sent)
        assert (await device.answer())["CN"] == "9014"
    ((notes,),) = await fetch(database, "SELECT notes FROM submissions")
    for told in ("LF alone", "another order", "no QN", "stands for 'Flag'", "blanks around", "edge of CP",
                 "'A34004' is read as a34004", "do not separate"):  # fmt: skip
        assert told in notes, notes

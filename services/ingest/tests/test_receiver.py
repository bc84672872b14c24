"""The TCP door over real sockets: receipts after the commit, silence for what is wrong, bounded cost."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import msgspec
import pytest
from contracts.ingest import Recorded
from fastapi import FastAPI
from ingest.rules.crc import modbus
from ingest.rules.frames import read_line
from ingest.rules.hj212_build import build, data_frame
from ingest_scene import AIR, MN, MON, PASSWORD, READER, count, fetch
from kit.servers import PostgresServer
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

DEVICE: Mapping[str, str | int] = {"ST": 22, "PW": PASSWORD, "MN": MN, "Flag": 5}
CHINA = timezone(timedelta(hours=8))
HOUR = (datetime.now(CHINA) - timedelta(hours=1)).strftime("%Y%m%d%H0000")


def hour_frame(
    number: int = 1, *, device: Mapping[str, Any] = DEVICE, time: str = HOUR, **values: str
) -> bytes:
    readings = [(code, {"Avg": value, "Flag": "N"}) for code, value in (values or {"a34004": "35.0"}).items()]
    return data_frame(device, 2061, time, readings, qn=f"20260301080000{number:03d}")


class Logger:
    """A raw socket with a patient reader."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, seconds: float = 60) -> dict[str, str]:
        line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), seconds)
        frame = read_line(line)
        assert frame is not None and not frame.problems
        return dict(frame.fields)

    async def silence(self, seconds: float = 0.5) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), seconds) == b""
        except TimeoutError:
            return True


@asynccontextmanager
async def logger(app: FastAPI) -> AsyncIterator[Logger]:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.state.receiver.port)
    try:
        yield Logger(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until(database: FreshDatabase, table: str, rows: int) -> None:
    for _ in range(100):
        if await count(database, table) >= rows:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{table} never had {rows} rows")


@pytest.fixture
async def served(client: httpx.AsyncClient, app: FastAPI) -> FastAPI:
    return app


async def test_an_upload_is_answered_after_its_values_are_committed(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    frame = hour_frame(a34004="35.0", a34002="92")
    async with logger(served) as device:
        await device.send(frame)
        fields = await device.answer()
    assert (fields["CN"], fields["QN"], fields["Flag"]) == ("9014", "20260301080000001", "4")
    found = await fetch(database, "SELECT value, decimals, flag, row_no FROM observations ORDER BY value")
    assert [tuple(one) for one in found] == [(35.0, 1, "N", 1), (92.0, 0, "N", 3)]
    ((data,),) = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.recorded.v1'")
    event = msgspec.json.decode(data, type=Recorded)
    assert {ref.source for ref in event.series} == {"hj212"} and event.flag == ["N", "N"]
    ((submission, trace),) = await fetch(database, "SELECT id, trace_id FROM submissions")
    assert (event.submissions, event.traces) == ([str(submission)], [trace])
    raw = await client.get(f"/submissions/{submission}/raw", headers=tokens.bearer(MON))
    assert raw.content == frame


async def test_a_series_registered_just_now_is_known_to_the_next_frame(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    async with logger(served) as device:
        await device.send(hour_frame(1, a34004="35.0", a21005="1.5"))
        await device.answer()
        (refused,) = await fetch(database, "SELECT rule FROM refused_rows")
        stale = served.state.catalog.current
        series = [{"site": AIR, "factor": "a21005", "source": "hj212", "period": "hour"}]
        answer = await client.put("/series", json={"series": series}, headers=tokens.bearer(MON))
        assert (refused["rule"], answer.status_code) == ("unknown-series", 200)
        # As if no job had looked at the registry since; another form of the frame, so it is planned anew.
        served.state.catalog.current = stale
        await device.send(hour_frame(2, a21005="1.5", a34002="92"))
        await device.answer()
    found = await fetch(database, "SELECT value FROM observations ORDER BY value")
    assert [one["value"] for one in found] == [1.5, 35.0, 92.0]


async def test_a_form_seen_already_is_planned_anew_once_its_series_is_registered(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    async with logger(served) as device:
        for hour in (8, 9):
            await device.send(hour_frame(hour, time=f"202611210{hour}0000", a21005="1.5"))
            await device.answer()
        series = [{"site": AIR, "factor": "a21005", "source": "hj212", "period": "hour"}]
        answer = await client.put("/series", json={"series": series}, headers=tokens.bearer(MON))
        assert answer.status_code == 200, answer.text
        await device.send(hour_frame(10, time="20261121100000", a21005="2.5"))
        await device.answer()
    found = await fetch(database, "SELECT value FROM observations")
    assert [one["value"] for one in found] == [2.5], "the answer of PUT /series was the moment"


async def test_a_frame_in_many_pieces_and_many_frames_in_one_piece(
    served: FastAPI, database: FreshDatabase
) -> None:
    hours = [f"2026110{day}{hour:02d}0000" for day in (1, 2) for hour in range(3)]
    stream = b"noise\r\n" + b"".join(hour_frame(at, time=time) for at, time in enumerate(hours))
    async with logger(served) as device:
        for at in range(0, 400, 37):
            await device.send(stream[at : at + 37])
            await asyncio.sleep(0.005)
        await device.send(stream[at + 37 :])
        answers = [(await device.answer())["QN"][-3:] for _ in hours]
    assert answers == [f"{at:03d}" for at in range(6)]
    assert await count(database, "observations") == 6


async def test_a_frame_without_crlf_is_answered_after_a_pause(served: FastAPI) -> None:
    async with logger(served) as device:
        await device.send(hour_frame().rstrip(b"\r\n"))
        assert (await device.answer())["CN"] == "9014"


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (hour_frame()[:-6] + b"FFFF\r\n", "crc-wrong"),
        (hour_frame()[:-6] + b"%04X\r\n" % modbus(hour_frame()[6:-6]), "crc-wrong"),
        (b"##0001" + hour_frame()[6:], "frame-broken"),
        (hour_frame(device={**DEVICE, "MN": "UNKNOWN"}), "unknown-device"),
        (hour_frame(device={**DEVICE, "PW": "654321"}), "wrong-password"),
        (build({"CN": 2061, "MN": MN}, ["{0xE4,0x3E}"]), "encrypted"),
    ],
)
async def test_a_wrong_frame_is_kept_and_not_answered(
    served: FastAPI, database: FreshDatabase, frame: bytes, rule: str
) -> None:
    async with logger(served) as device:
        await device.send(frame)
        await until(database, "refused_rows", 1)
        assert await device.silence(0.2)
        await device.send(hour_frame(2))
        assert (await device.answer())["QN"].endswith("002")
    kept = await fetch(database, "SELECT rule, data FROM refused_rows JOIN raw_bytes USING (submission)")
    assert [tuple(one) for one in kept] == [(rule, frame)]
    findings = await fetch(database, "SELECT kind FROM ingest_findings")
    assert [one["kind"] for one in findings] == (["wrong-password"] if rule == "wrong-password" else [])


async def test_a_modbus_crc_is_taken_by_policy_and_recorded(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    body = {"site": AIR, "accepts_modbus_crc": True, "addresses": ["127.0.0.1"]}
    assert (await client.put(f"/devices/{MN}", json=body, headers=tokens.bearer(MON))).status_code == 200
    await served.state.catalog.refresh()
    frame = hour_frame()
    async with logger(served) as device:
        await device.send(frame[:-6] + b"%04X\r\n" % modbus(frame[6:-6]))
        assert (await device.answer())["CN"] == "9014"
    ((notes,),) = await fetch(database, "SELECT notes FROM submissions")
    assert notes == "crc modbus"


async def test_a_foreign_address_is_a_finding(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    body = {"site": AIR, "addresses": ["192.0.2.1"]}
    assert (await client.put(f"/devices/{MN}", json=body, headers=tokens.bearer(MON))).status_code == 200
    await served.state.catalog.refresh()
    async with logger(served) as device:
        await device.send(hour_frame())
        await until(database, "ingest_findings", 1)
        assert await device.silence(0.1)
    found = (await client.get("/findings", headers=tokens.bearer(READER))).json()["items"]
    assert [(one["kind"], one["site"]) for one in found] == [("wrong-address", AIR)]


async def test_an_unknown_factor_costs_only_itself(served: FastAPI, database: FreshDatabase) -> None:
    async with logger(served) as device:
        await device.send(hour_frame(a34004="1", zz="2", a21005="3", a34002="NaN", a05024="-"))
        assert (await device.answer())["CN"] == "9014"
    values = await fetch(database, "SELECT value FROM observations ORDER BY value")
    assert [one["value"] for one in values] == [1, None]
    rules = await fetch(database, "SELECT rule, field FROM refused_rows ORDER BY row_no")
    assert [tuple(one) for one in rules] == [
        ("unknown-factor", "zz-Avg"),
        ("unknown-series", "a21005-Avg"),
        ("value-not-finite", "a34002"),
    ]


async def test_a_frame_from_the_future_is_kept_without_values(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as device:
        await device.send(hour_frame(time="21260101000000"))
        await device.answer()
    assert await count(database, "observations") == 0
    assert [one["rule"] for one in await fetch(database, "SELECT rule FROM refused_rows")] == ["time-future"]


async def test_other_commands_are_kept_and_notices_get_9013(served: FastAPI, database: FreshDatabase) -> None:
    head = {"QN": "20260301080000009", "ST": 22, "CN": 1013, "PW": PASSWORD, "MN": MN, "Flag": 5}
    async with logger(served) as device:
        await device.send(build(head))
        assert (await device.answer())["CN"] == "9013"
        assert (await device.answer())["CN"] == "1012"
        await device.send(build(head | {"CN": 3020}, ["i11001-Info=//清洗管路//"]))
        assert (await device.answer())["CN"] == "9014"
        await device.send(build(head | {"CN": 9015, "Flag": 8}))
        await until(database, "submissions", 3)
        assert await device.silence(0.1)


async def test_the_same_bytes_again_are_answered_and_not_stored_again(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as device:
        for _ in range(5):
            await device.send(hour_frame())
            await device.answer()
        await device.send(hour_frame(2))
        await device.answer()
        await device.send(hour_frame(3, a34004="36"))
        await device.answer()
    assert await count(database, "observations") == 1
    outcomes = await fetch(database, "SELECT accepted, repeated, revised FROM submissions ORDER BY id")
    assert [tuple(one) for one in outcomes] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


async def test_an_unknown_logger_that_floods_is_kept_twenty_times_and_then_counted(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as flooder, logger(served) as device:
        for at in range(300):
            await flooder.send(hour_frame(at % 1000, device={**DEVICE, "MN": f"FLOOD{at}"}))
        await device.send(hour_frame())
        assert (await device.answer())["CN"] == "9014"
        assert await flooder.silence(0.2)
    assert await count(database, "submissions") == 21
    await until(database, "flood_counts", 1)
    ((kept, counted),) = await fetch(
        database, "SELECT kept, counted FROM flood_counts WHERE rule = 'unknown-device'"
    )
    assert (kept, counted) == (20, 280)


async def test_a_slow_loris_and_a_silent_peer_are_disconnected(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as slow, logger(served) as silent:
        frame = hour_frame()

        async def trickle() -> None:
            for byte in frame:
                await slow.send(bytes([byte]))
                await asyncio.sleep(0.1)

        with pytest.raises((ConnectionError, TimeoutError)):
            await asyncio.wait_for(trickle(), 12)
        assert await asyncio.wait_for(silent.reader.read(1), 60) == b""
    await until(database, "refused_rows", 1)


async def test_garbage_without_end_is_disconnected_and_connections_are_capped(served: FastAPI) -> None:
    async with logger(served) as noisy:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            for _ in range(1000):
                await noisy.send(b"x" * 4096)
                await asyncio.sleep(0.001)
            await noisy.reader.readexactly(1)
    crowd = [await asyncio.open_connection("127.0.0.1", served.state.receiver.port) for _ in range(25)]
    await asyncio.sleep(0.3)
    refused = 0
    for reader, writer in crowd:
        try:
            refused += await asyncio.wait_for(reader.read(1), 0.05) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            refused += 1
        writer.close()
    assert refused == 5


async def test_no_receipt_while_the_store_is_away_and_nothing_is_lost_by_sending_again(
    served: FastAPI, database: FreshDatabase, own_server: PostgresServer
) -> None:
    async with logger(served) as device:
        own_server.stop()
        try:
            await device.send(hour_frame())
            assert await device.silence(1)
        finally:
            own_server.start()
        for _ in range(20):
            await device.send(hour_frame())
            try:
                assert (await device.answer(1))["CN"] == "9014"
                break
            except TimeoutError:
                continue
        else:
            raise AssertionError("no receipt after the store came back")
    assert await count(database, "observations") == 1


async def test_old_and_future_dialects_are_taken(
    served: FastAPI, database: FreshDatabase, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    old = build(
        {"ST": 22, "CN": 2061, "PW": PASSWORD, "MN": MN}, [f"DataTime={HOUR}", "A34004-Avg=5,A34004-Flag=N"]
    )
    new = build(
        {"QN": "20260301080000001", "ST": 22, "CN": 2061, "PW": PASSWORD, "MN": MN, "Flag": 9, "RF": 1},
        ["DataTime=20260301070000", "a34004-Avg=6,a34004-Flag=N"],
    )
    async with logger(served) as device:
        await device.send(old + new)
        assert (await device.answer())["Flag"] == "8"
    await until(database, "observations", 2)
    modes = await fetch(database, "SELECT value, mode FROM observations ORDER BY value")
    assert [tuple(one) for one in modes] == [(5, 0), (6, 2)]


async def test_the_latest_value_follows(served: FastAPI, database: FreshDatabase) -> None:
    async with logger(served) as device:
        await device.send(hour_frame() + hour_frame(2, time="20260101000000", a34004="1"))
        await device.answer()
        await device.answer()
    await until(database, "latest_values", 1)
    assert [one["value"] for one in await fetch(database, "SELECT value FROM latest_values")] == [35.0]


async def test_every_taken_frame_is_heard_once_it_is_committed(
    served: FastAPI, database: FreshDatabase
) -> None:
    heard: list[tuple[str, str, bool, bytes | None]] = []
    served.state.reception.heard = lambda arrival, device: heard.append(
        (device.mn, arrival.frame.fields["CN"], arrival.is_repeat, arrival.reply)
    )
    head = {"QN": "20260301080000009", "ST": 91, "CN": 9011, "PW": PASSWORD, "MN": MN, "Flag": 4}
    async with logger(served) as device:
        await device.send(build(head, ["QnRtn=1"]) + hour_frame() + hour_frame())
        for _ in range(2):
            assert (await device.answer())["CN"] == "9014"
        await device.send(hour_frame(2, device={**DEVICE, "PW": "wrong"}))
        await until(database, "refused_rows", 1)
    assert [one[:3] for one in heard] == [(MN, "9011", False), (MN, "2061", False), (MN, "2061", True)]
    assert heard[0][3] is None and heard[1][3] is not None


async def test_a_burst_of_one_connection_is_committed_and_answered_in_its_order(
    served: FastAPI, database: FreshDatabase
) -> None:
    async with logger(served) as device, logger(served) as other:
        await device.send(b"".join(hour_frame(at, a34004=f"{at}.5") for at in range(350)))
        await other.send(hour_frame(999, time="20261101000000"))
        assert (await other.answer())["QN"].endswith("999")
        assert [(await device.answer(30))["QN"][-3:] for _ in range(350)] == [
            f"{at:03d}" for at in range(350)
        ]
    query = "SELECT value FROM observations WHERE ts > '2026-11-02'"
    assert [row["value"] for row in await fetch(database, query)] == [0.5]
    assert await count(database, "revisions") == 349

"""Loggers whose clock jumps by a day or a year, ahead and back: no crash, no hole, nothing overwritten.

What a wrong clock labels in the future is refused and kept with its reason; what it labels in the past is
recorded where it says, or kept as a revision where something else stands already. QN comes from the same
clock, so after a jump backwards it repeats with other content.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from ingest.main import build
from ingest.rules.frames import read_line
from ingest.rules.hj212_build import data_frame
from ingest.settings import Settings
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase, ServiceSettings
from kit.testing.tokens import Tokens

pytestmark = pytest.mark.slow
CHINA = timezone(timedelta(hours=8))
SITE, MN, PASSWORD = "131000-T09", "131000T09000000000000001", "123456"
CLERK = "ee.mon/data.submit@131000"
DAY, YEAR = timedelta(days=1), timedelta(days=365)
NOW = datetime.now(CHINA).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("ingest")


@pytest.fixture
async def receiving(
    database: FreshDatabase, service_settings: ServiceSettings, client_for: ClientFor, tokens: Tokens
) -> AsyncIterator[FastAPI]:
    app = build(Settings.model_validate(service_settings(database) | {"receiver_port": 0}))
    async with client_for(app) as client:
        await register(client, tokens.bearer(CLERK))
        yield app


async def register(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    site = {"kind": "station", "element": "air", "region": "131002", "zh": "站", "en": "Station"}
    series = [{"site": SITE, "factor": "a34004", "source": "hj212"}]
    for path, body in (
        (f"/sites/{SITE}", site),
        (f"/devices/{MN}", {"site": SITE, "password": PASSWORD}),
        ("/series", {"series": series}),
    ):
        (await client.put(path, json=body, headers=headers)).raise_for_status()


class Logger:
    """One connection that is never renewed. Every frame wants its 9014."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.sent = reader, writer, 0

    async def send(self, hours: range, value: float, jump: timedelta = timedelta()) -> None:
        for hour in hours:
            label = NOW + timedelta(hours=hour) + jump
            device = {"ST": 22, "PW": PASSWORD, "MN": MN}
            qn = f"{label:%Y%m%d%H}0512345"
            readings = [("a34004", {"Avg": f"{value + hour:.1f}", "Flag": "N"})]
            frame = data_frame(device, 2061, f"{label:%Y%m%d%H%M%S}", readings, qn=qn)
            self.writer.write(frame)
            answer = read_line(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 20))
            assert answer is not None and (answer.fields["CN"], answer.fields["QN"]) == ("9014", qn)
            self.sent += 1


@pytest.fixture
async def logger(receiving: FastAPI) -> AsyncIterator[Logger]:
    reader, writer = await asyncio.open_connection("127.0.0.1", receiving.state.receiver.port)
    yield Logger(reader, writer)
    writer.close()
    await writer.wait_closed()


async def fetch(database: FreshDatabase, query: str, *given: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *given)]
    finally:
        await connection.close()


async def hours_of(database: FreshDatabase, jump: timedelta = timedelta()) -> dict[int, float]:
    """The recorded values by hour counted from now, of the time line moved by `jump`."""
    rows = await fetch(database, "SELECT ts, value FROM observations")
    placed = {(ts - NOW - jump) / timedelta(hours=1): value for ts, value in rows}
    return {int(hour): value for hour, value in placed.items() if -20 <= hour <= 0}


@pytest.mark.parametrize("jump", [DAY, YEAR, timedelta(days=20_000)], ids=["a day", "a year", "54 years"])
async def test_a_clock_that_jumps_ahead_is_refused_and_leaves_no_hole(
    logger: Logger, database: FreshDatabase, jump: timedelta
) -> None:
    await logger.send(range(-10, -6), 40)
    await logger.send(range(-6, -4), 40, jump)
    await logger.send(range(-6, 0), 40)
    assert await hours_of(database) == {hour: 40.0 + hour for hour in range(-10, 0)}
    assert await fetch(database, "SELECT count(*), sum(accepted), sum(refused) FROM submissions") == [
        (12, 10, 2)
    ]
    assert await fetch(database, "SELECT DISTINCT rule FROM refused_rows") == [("time-future",)]
    ((raw,),) = await fetch(database, "SELECT count(*) FROM raw_bytes")
    assert raw == logger.sent, "what was refused is kept as it came"


@pytest.mark.parametrize("jump", [-DAY, -YEAR], ids=["a day", "a year"])
async def test_a_clock_that_falls_back_is_recorded_where_it_says_as_late(
    logger: Logger, database: FreshDatabase, jump: timedelta
) -> None:
    await logger.send(range(-10, -6), 40)
    await logger.send(range(-6, -4), 40, jump)
    await logger.send(range(-6, 0), 40)
    assert await hours_of(database) == {hour: 40.0 + hour for hour in range(-10, 0)}
    assert await hours_of(database, jump) == {-6: 34.0, -5: 35.0}
    late = await fetch(database, "SELECT mode FROM observations WHERE ts < $1", NOW - timedelta(hours=20))
    assert late == [(1,), (1,)]


async def test_a_clock_set_back_over_recorded_hours_changes_nothing_and_loses_nothing(
    logger: Logger, database: FreshDatabase
) -> None:
    await logger.send(range(-10, -4), 40)
    await logger.send(range(-7, -4), 50)  # three hours back: the same QN and DataTime, other values
    await logger.send(range(-7, -5), 40)  # and once more the same as at first
    await logger.send(range(-4, 0), 40)
    assert await hours_of(database) == {hour: 40.0 + hour for hour in range(-10, 0)}
    revised = await fetch(database, "SELECT first_value, later_value FROM revisions ORDER BY ts")
    assert revised == [(33.0, 43.0), (34.0, 44.0), (35.0, 45.0)]
    assert len(await fetch(database, "SELECT 1 FROM ingest_findings WHERE kind = 'revision'")) == 3
    ((kept,),) = await fetch(database, "SELECT count(*) FROM submissions")
    assert kept == logger.sent - 2, "the same bytes again are counted, not kept"


async def test_a_clock_that_jumps_with_every_frame_ends_where_it_is_right(
    logger: Logger, database: FreshDatabase
) -> None:
    for label in (NOW - DAY, NOW - YEAR, NOW + DAY, NOW + YEAR) * 5:
        await logger.send(range(0, 1), 40, label - NOW)
    await logger.send(range(-3, 0), 40)
    assert await hours_of(database) == {hour: 40.0 + hour for hour in range(-3, 0)}

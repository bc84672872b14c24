"""The packed COPY stream against the real database: every mixture of gaps and marks arrives as sent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest
from ingest.queries import trailing
from ingest.queries.binary import COLUMNS
from ingest.queries.telemetry import copy_observations, ensure_month, insert_new_observations
from kit.testing.databases import FreshDatabase

START = datetime(2026, 11, 21, tzinfo=UTC)
Row = tuple[float | None, str]


def columns(rows: list[Row], submission: UUID) -> dict[str, np.ndarray]:
    size = len(rows)
    return {
        "series_id": np.full(size, 7, dtype=np.int64),
        "ts": int(START.timestamp()) * 1_000_000 + np.arange(size, dtype=np.int64) * 3_600_000_000,
        "value": np.array([np.nan if value is None else value for value, _ in rows]),
        "decimals": np.arange(size, dtype=np.int16),
        "flag": np.array([flag.encode() for _, flag in rows], dtype="S4"),
        "mode": np.full(size, 3, dtype=np.int16),
        "submission": np.full(size, np.frombuffer(submission.bytes, dtype="V16")[0]),
        "row_no": np.arange(size, dtype=np.int32),
    }


@pytest.mark.parametrize(
    "rows",
    [
        [(1.5, "N"), (-2.25, "D")],
        [(1.5, ""), (0.0, "")],
        [(None, "")],
        [(None, "N"), (1e300, ""), (None, "ABCD"), (-0.1, "xy")],
    ],
)
async def test_rows_arrive_as_they_were_packed(database: FreshDatabase, rows: list[Row]) -> None:
    submission = uuid4()
    async with database.telemetry() as connection:
        await ensure_month(connection, START)
        await copy_observations(connection, columns(rows, submission))
    admin = await asyncpg.connect(database.superuser_url)
    found = [tuple(one) for one in await admin.fetch("SELECT * FROM observations ORDER BY ts")]
    first = await admin.fetchrow("SELECT * FROM observations")
    await admin.close()
    assert first is not None and tuple(first.keys()) == COLUMNS
    assert found == [
        (7, START + timedelta(hours=at), value, at, flag, 3, submission, at)
        for at, (value, flag) in enumerate(rows)
    ]


async def test_taken_instants_are_left_out_on_the_slow_way(database: FreshDatabase) -> None:
    async with database.telemetry() as connection:
        await ensure_month(connection, START)
        await copy_observations(connection, columns([(1.0, "N")], uuid4()))
    for _ in range(2):
        async with database.telemetry() as connection:
            await insert_new_observations(connection, columns([(9.0, "N"), (2.0, "N")], uuid4()))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.telemetry() as connection:
            await copy_observations(connection, columns([(3.0, "N")], uuid4()))
    admin = await asyncpg.connect(database.superuser_url)
    values = [one["value"] for one in await admin.fetch("SELECT value FROM observations ORDER BY ts")]
    await admin.close()
    assert values == [1.0, 2.0]


async def test_latest_values_are_renewed_on_their_page(database: FreshDatabase) -> None:
    renewed = "SELECT pg_stat_get_xact_tuples_hot_updated('latest_values'::regclass)"
    for turn in range(2):
        latest = columns([(float(turn), "N")] * 800, uuid4()) | {"series_id": np.arange(800, dtype=np.int64)}
        latest["ts"] = latest["ts"] + turn
        async with database.telemetry() as connection:
            await trailing.upsert_latest(connection, latest)
            assert await connection.fetchval(renewed) == 800 * turn
            assert await connection.fetchval("SELECT sum(value) FROM latest_values") == 800 * turn

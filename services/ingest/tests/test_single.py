"""A small batch in one statement: the same rows as the long way, and one round trip."""

import json
from typing import Any

import httpx
import msgspec
import pytest
from contracts.ingest import Recorded
from contracts.packing import is_packed, unpacked
from fastapi import FastAPI
from ingest.queries.single import FEW
from ingest_scene import AIR, FACTORS, MON, batch, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from sqlalchemy import event

CELLS = [{"value": 35.25}, {"value": None}, {"value": 7, "flag": "N"}, {"value": 0.1, "flag": "D"}]
VALUES = "SELECT value, decimals, flag, mode, row_no FROM observations WHERE submission = $1 ORDER BY row_no"
HEAD = """
SELECT (to_jsonb(s) - '{id,received_at,sha256,size,trace_id,nonce,accepted}'::text[])::text, accepted,
       octet_length(s.nonce), s.sha256 = sha256(r.data) AND s.size = octet_length(r.data)
FROM submissions s LEFT JOIN raw_bytes r ON r.submission = s.id AND r.encoding = 'identity' WHERE s.id = $1
"""
SAID = (
    "SELECT event, count(*) FROM outbox WHERE position($1::bytea IN data) > 0 "
    "AND event <> 'ingest.lateness_noticed.v1' GROUP BY event ORDER BY event"
)


def batch_of(rows: int, day: int) -> dict[str, Any]:
    """So many hours of one series, from a day on: gaps, marks and plain values."""
    times = [f"2026-11-{day + at // 24:02d}T{at % 24:02d}:00" for at in range(rows)]
    return batch(*(row(time=time, **CELLS[at % 4]) for at, time in enumerate(times)))


@pytest.fixture
def asked(app: FastAPI, client: httpx.AsyncClient) -> list[str]:
    """The statements of requests from now on; the driver does not count COPY as one."""
    seen: list[str] = []

    def log(query: Any) -> None:
        if "submissions" in query.query or "observations" in query.query:
            seen.append(query.query)

    def watch(connection: Any, *_: Any) -> None:
        connection.driver_connection.add_query_logger(log)

    event.listen(app.state.database.writers.sync_engine, "checkout", watch)
    return seen


async def test_few_values_are_kept_as_many_are(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, asked: list[str]
) -> None:
    few = (await send(client, tokens, batch_of(FEW, 1))).json()
    many = (await send(client, tokens, batch_of(FEW + 24, 10))).json()
    # Submission, raw bytes, outbox, and of the small one the values too.
    assert [one.count("INSERT INTO") for one in asked][:2] == [4, 3]
    assert (few["accepted"], many["accepted"]) == (FEW, FEW + 24)
    kept, longer = [await fetch(database, VALUES, one["submission"]) for one in (few, many)]
    assert kept == longer[:FEW] and len(kept) == FEW
    (short,), (long,) = [await fetch(database, HEAD, one["submission"]) for one in (few, many)]
    assert json.loads(short[0]) == json.loads(long[0]) and (short[1], long[1]) == (FEW, FEW + 24)
    assert (short[2], long[2]) == (16, 16)
    for one in (few, many):
        said = await fetch(database, SAID, one["submission"].encode())
        assert tuple(said[0]) == ("ingest.leaf_requested.v1", 1)


async def test_a_batch_that_comes_hour_after_hour_is_said_anew_each_time(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    keys = [{"factor": factor, "statistic": kind} for factor in FACTORS for kind in ("avg", "min", "max")]
    series = [one | {"site": AIR, "source": "cnemc", "sent_unit": "ug/m3"} for one in keys]
    put = await client.put("/series", json={"series": series}, headers=tokens.bearer(MON))
    assert put.status_code == 200, put.text
    for hour in range(3):
        rows = [row(**one, time=f"2026-11-21T{hour:02d}:00", value=hour + 0.5) for one in keys]
        told = (await send(client, tokens, batch(*rows))).json()
        assert told["accepted"] == len(keys), told
    found = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.recorded.v1' ORDER BY id")
    said = [msgspec.json.decode(unpacked(data), type=Recorded) for (data,) in found]
    assert all(is_packed(data) for (data,) in found)
    assert [event.value for event in said] == [[hour + 0.5] * len(keys) for hour in range(3)]
    assert [event.submissions for event in said] != [said[0].submissions] * 3
    assert said[0].series == said[1].series == said[2].series and said[0].at == said[2].at
    assert {(ref.factor, ref.statistic) for ref in said[0].series} == {tuple(one.values()) for one in keys}


async def test_the_bytes_of_a_small_batch_are_kept_as_they_came(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    told = (await send(client, tokens, batch(row(factor=FACTORS[1])))).json()
    ((_, accepted, _, is_whole),) = await fetch(database, HEAD, told["submission"])
    assert (accepted, is_whole) == (1, True)
    said = await fetch(database, SAID, told["submission"].encode())
    assert [tuple(one) for one in said] == [("ingest.leaf_requested.v1", 1), ("ingest.recorded.v1", 1)]


async def test_a_small_batch_that_is_not_fresh_goes_the_long_way(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, asked: list[str]
) -> None:
    first = (await send(client, tokens, batch(row(value=1)))).json()
    later = (await send(client, tokens, batch(row(value=1), row(time="2026-11-21T09:00", value=2)))).json()
    other = (await send(client, tokens, batch(row(value=3)))).json()
    told = [(one["accepted"], one["repeated"], one["revised"]) for one in (first, later, other)]
    assert told == [(1, 0, 0), (1, 1, 0), (0, 0, 1)]
    found = await fetch(database, "SELECT value, submission::text FROM observations ORDER BY ts")
    assert [tuple(one) for one in found] == [(1.0, first["submission"]), (2.0, later["submission"])]
    counted = await fetch(database, "SELECT accepted, repeated, revised FROM submissions ORDER BY id")
    assert [tuple(one) for one in counted] == told
    assert len(asked) > 3


async def test_what_is_refused_beside_it_is_kept_with_it(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    told = (await send(client, tokens, batch(row(), row(time="no time"), row()))).json()
    assert (told["accepted"], told["repeated"], told["refused"]) == (1, 1, 1)
    refused = await fetch(
        database, "SELECT row_no FROM refused_rows WHERE submission = $1", told["submission"]
    )
    assert [one[0] for one in refused] == [1]

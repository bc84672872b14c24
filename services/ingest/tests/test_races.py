"""Two processes of the service, many senders, the same instants: one first value, the rest accounted for."""

import asyncio
from collections import Counter
from datetime import datetime

import asyncpg
import httpx
import pytest
from ingest.queries import telemetry
from ingest.settings import Settings
from ingest_scene import batch, fetch, process, register, row, send
from kit.servers import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

HOURS, SENDERS = 60, 6


@pytest.mark.slow
async def test_two_processes_racing_for_the_same_instants_agree_on_one_first_value(
    settings: Settings, tokens: Tokens, database: FreshDatabase
) -> None:
    one, two = free_port(), free_port()
    async with (
        process(settings, one),
        process(settings, two),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{one}", timeout=60) as first,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{two}", timeout=60) as second,
    ):
        await register(first, tokens)
        bodies = []
        for sender in range(SENDERS):
            rows = [
                row(time=f"2026-11-{1 + at // 24:02d}T{at % 24:02d}:00", value=sender % 3)
                for at in range(HOURS)
            ]
            bodies.append(batch(*(rows if sender % 2 else rows[::-1])))
        sent = [send((first, second)[at % 2], tokens, body) for at, body in enumerate(bodies)]
        answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {202}
    told = [answer.json() for answer in answers]
    totals = {name: sum(one[name] for one in told) for name in ("accepted", "repeated", "revised", "refused")}
    assert totals["accepted"] == HOURS and totals["refused"] == 0
    assert totals["accepted"] + totals["repeated"] + totals["revised"] == HOURS * SENDERS
    kept = await fetch(database, "SELECT ts, value, submission::text FROM observations")
    assert len(kept) == HOURS
    value_of = {one["submission"]: float(at % 3) for at, one in enumerate(told)}
    assert all(value == value_of[submission] for _, value, submission in kept)
    winner = {ts: value for ts, value, _ in kept}
    later = await fetch(database, "SELECT ts, first_value, later_value, submission::text FROM revisions")
    assert len(later) == totals["revised"]
    assert all(winner[ts] == was and was != became for ts, was, became, _ in later)
    assert Counter(one for *_, one in later) == {
        one["submission"]: one["revised"] for one in told if one["revised"]
    }
    found = await fetch(
        database, "SELECT count(DISTINCT submission) FROM ingest_findings WHERE kind = 'revision'"
    )
    assert found[0][0] == sum(one["revised"] > 0 for one in told)
    counted = await fetch(database, "SELECT sum(accepted), sum(repeated), sum(revised) FROM submissions")
    assert tuple(counted[0]) == (totals["accepted"], totals["repeated"], totals["revised"])


async def test_batches_that_begin_a_month_at_once_have_it_made_once(
    client: httpx.AsyncClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, really = list[datetime](), telemetry.ensure_month

    async def counting(connection: asyncpg.Connection, month: datetime) -> None:
        asked.append(month)
        await really(connection, month)

    monkeypatch.setattr(telemetry, "ensure_month", counting)
    await register(client, tokens)
    bodies = [batch(row(time=f"2026-{10 + at % 2}-11T{at:02d}:00")) for at in range(12)]
    answers = await asyncio.gather(*(send(client, tokens, body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    assert len(asked) == len(set(asked)) == 2

"""Whose data come late: added up from what `ingest` says, over the real bus, and read by who may."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx
from contracts.ingest import LatenessNoticed
from kit import outbox
from kit.link import Link
from kit.relay import Relay
from kit.servers import NatsServer
from kit.testing.plugin import ServiceDatabase
from kit.testing.tokens import Tokens
from qc.flows.timeliness import note_lateness
from qc.rules.timeliness import systematic_on
from qc_scene import HOUR, SITE, Lane
from sqlalchemy import text

DAY = date(2026, 11, 20)
READER = "ee/data.read@131000"
USCC = "91131000MA0000001X"


def late(
    days_before: int = 0, site: str = SITE, count: int = 2, seconds: int = 9000, **more: Any
) -> LatenessNoticed:
    """Received at 10:00 (+08:00), `days_before` the 20th."""
    received = datetime(2026, 11, 20, 2, tzinfo=UTC) - timedelta(days=days_before)
    ms = int(received.timestamp() * 1000)
    cells = {"mn": "M1", "region": "131000", "uscc": USCC, "source": "hj212", "period": "hour"} | more
    return LatenessNoticed(
        submissions=["s"], site=site, from_ms=ms - 4 * HOUR, to_ms=ms - 3 * HOUR, series=[1], late=count,
        allowed_seconds=7200, longest_seconds=seconds, received_at_ms=ms, **cells,
    )  # fmt: skip


async def note(lane: Lane, *events: LatenessNoticed) -> None:
    async with lane.database.writer() as session:
        for event in events:
            await note_lateness(session, event)


async def listed(client: httpx.AsyncClient, tokens: Tokens, who: str, status: int = 200, **query: Any) -> Any:
    params = {"on": DAY.isoformat(), **query}
    # What a unit sees is decided by its code; others have none.
    whose = {"uscc": USCC} if who.startswith("unit/") else {}
    answer = await client.get("/timeliness", params=params, headers=tokens.bearer(who, **whose))
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_late_events_of_the_bus_become_a_row_of_the_list(
    client: httpx.AsyncClient,
    tokens: Tokens,
    fresh_streams: NatsServer,
    service_database: ServiceDatabase,
) -> None:
    producer = await service_database("ingest")
    link = Link(fresh_streams.url, name="ingest")
    relay = Relay(producer.writer_url, "ingest", link, producer.committed)
    async with link.running(), relay.running():
        async with producer.writer() as session:
            for days in range(4):
                await outbox.put(session, late(days, count=days + 1), key=SITE)
            await outbox.put(session, late(0, count=10, seconds=20_000), key=SITE)
        async with asyncio.timeout(60):
            while sum(row["late"] for row in (await listed(client, tokens, READER))["items"]) < 20:
                await asyncio.sleep(0.1)
    found = await listed(client, tokens, READER)
    (row,) = found["items"]
    assert (row["site"], row["source"], row["period"], row["device"]) == (SITE, "hj212", "hour", "M1")
    assert (row["days"], row["late"], row["longest_seconds"], row["allowed_seconds"]) == (4, 20, 20_000, 7200)
    assert (row["first_day"], row["is_systematic"], row["message_zh"]) == ("2026-11-17", False, "偶发迟报")
    assert found["rule"]["days"] == 5 and "UN-02" in found["rule"]["source"] and found["on"] == "2026-11-20"


async def test_who_is_late_on_many_days_is_systematically_late(
    lane: Lane, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    rule, reader = systematic_on(DAY), READER
    assert (rule.days, rule.of) == (5, 30)
    await note(lane, *(late(days) for days in (0, 1, 2, 3, 29, 29)))
    await note(lane, *(late(days, "131000-A02", mn=None, source="cnemc") for days in (0, 1, 2, 3, 30)))
    await note(lane, late(0, "110000-A01", region="110000", uscc=None))
    found = await listed(client, tokens, reader)
    shown = [(row["site"], row["device"], row["days"], row["is_systematic"]) for row in found["items"]]
    assert shown == [(SITE, "M1", 5, True), ("131000-A02", None, 4, False)], "the rule looks at 30 days"
    only = await listed(client, tokens, reader, is_systematic=True)
    assert [row["site"] for row in only["items"]] == [SITE]
    first = await listed(client, tokens, reader, limit=1)
    rest = await listed(client, tokens, reader, limit=1, cursor=first["next"])
    assert [row["site"] for row in (*first["items"], *rest["items"])] == [SITE, "131000-A02"]
    assert (await listed(client, tokens, reader, site="131000-A02"))["items"] == found["items"][1:]
    own = await listed(client, tokens, "unit/data.submit@131000")
    assert len(own["items"]) == 2
    for query in ({"cursor": "x"}, {"cursor": "a~b~c~\x00"}, {"on": "0001-01-01"}, {"site": "\x00"}):
        await listed(client, tokens, reader, 422, **query)
    await listed(client, tokens, "samr/data.read@131000", 403)


async def test_the_row_is_the_same_in_whatever_order_its_events_arrive(lane: Lane) -> None:
    events = [late(0), late(0, count=5, seconds=40_000), late(0, count=1, seconds=8000)]
    query = text("SELECT late, longest_seconds, allowed_seconds, from_at, to_at, day FROM late_arrivals")
    seen = set()
    for order in permutations(events):
        await note(lane, *order)
        async with lane.database.writer() as session:
            seen.add(tuple((await session.execute(query)).one()))
            await session.execute(text("UPDATE late_arrivals SET late = 0, longest_seconds = 0"))
    assert len({row[1:] for row in seen}) == 1 and {row[0] for row in seen} == {8}


async def findings(client: httpx.AsyncClient, tokens: Tokens, who: str = READER, **query: Any) -> Any:
    whose = {"uscc": USCC} if who.startswith("unit/") else {}
    asked = {"kind": "timeliness", **query}
    answer = await client.get("/register-findings", params=asked, headers=tokens.bearer(who, **whose))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_who_is_systematically_late_is_a_finding_once_that_travels_on(
    lane: Lane, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    await note(lane, *(late(days) for days in (30, 3, 2, 1, 0)))
    await note(lane, *(late(days, "131000-A02", mn=None) for days in (0, 1, 2, 3)))
    assert await findings(client, tokens) == [], "four days of thirty are late now and then"
    await note(lane, late(29), late(4), late(0))
    (found,) = await findings(client, tokens)
    assert (found["finding"], found["record"]) == ("systematically-late", f"timeliness/{SITE}~hj212~hour~M1")
    assert (found["state"], found["uscc"], found["detail"]["days"]) == ("open", USCC, 5)
    assert "近 30 天中有 5 天" in found["message_zh"] and "UN-02" in found["source"]
    assert await findings(client, tokens, "unit/data.submit@131000") == [found]
    async with lane.database.writer() as session:
        said = text("SELECT count(*) FROM outbox WHERE event = 'qc.register_finding_raised.v1'")
        assert await session.scalar(said) == 1


async def test_after_it_is_settled_only_days_that_follow_count(
    lane: Lane, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    await note(lane, *(late(days) for days in range(5, 10)))
    (found,) = await findings(client, tokens)
    async with lane.database.writer() as session:
        closed = text("UPDATE register_findings SET closed_at = :at")
        await session.execute(closed, {"at": datetime(2026, 11, 15, 4, tzinfo=UTC)})
    await note(lane, *(late(days) for days in range(1, 5)))
    assert await findings(client, tokens, state="open") == []
    await note(lane, late(0))
    (again,) = await findings(client, tokens, state="open")
    assert again["id"] != found["id"] and again["detail"]["days"] == 5


async def test_a_day_of_which_there_is_no_rule_is_refused(client: httpx.AsyncClient, tokens: Tokens) -> None:
    asked = {"on": "1970-01-01"}
    answer = await client.get("/timeliness", params=asked, headers=tokens.bearer(READER))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/day-without-rule")

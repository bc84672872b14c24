"""Verdicts, cases and releases on a real database: any order ends the same, and releases follow."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from contracts.credit import ListingRemoved, ListingSuspended
from kit import migrate
from kit.db import Database
from kit.problems import Conflict, Forbidden, Invalid
from kit.testing.databases import FreshDatabase
from publish.flows import automation, index, releases, views
from publish.flows.duties import RULE
from publish.rules.diff import correction_reason
from publish.rules.snapshot import parse
from publish.tables import CatalogueItem
from publish_scene import (
    BY_APPROVER,
    BY_EDITOR,
    HOUR,
    ITEM,
    NOW,
    SIX,
    annulled,
    assessed,
    calm,
    current,
    follow,
    fraud,
    hear,
    listed,
    ms,
    ref,
    site,
    through,
    withdrawn,
)
from sqlalchemy import text

LEAF = "publish.leaf_requested.v1"


async def events_said(database: Database) -> list[str]:
    async with database.writer() as session:
        return list((await session.execute(text("SELECT event FROM outbox ORDER BY id"))).scalars())


async def test_the_tables_are_what_the_migrations_make(database: FreshDatabase) -> None:
    assert await migrate.differences("publish", database.superuser_url) == []


async def test_a_release_goes_from_draft_to_the_public_by_two_persons(database: FreshDatabase) -> None:
    await hear(database, site("A01"), site("A02"), assessed("A01", calm(80)), assessed("A02", calm(84)))
    await through(database)
    told = await current(database)
    assert (told["aqi"], told["version"], told["reason"]) == (120, 1, None)
    assert [step["step"] for step in told["steps"]] == ["drafted", "approved", "published"]
    assert len(told["snapshot"]["lineage"]) == 12
    assert await events_said(database) == ["publish.release_published.v1", LEAF]


async def test_the_drafter_may_not_approve_and_nothing_unapproved_is_published(
    database: FreshDatabase,
) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=BY_EDITOR, now=NOW)
        with pytest.raises(Conflict, match="not-approved"):
            await releases.publish(session, release, actor=BY_APPROVER, now=NOW)
        with pytest.raises(Forbidden, match="separation-of-duties"):
            await releases.approve(session, release, actor=BY_EDITOR, now=NOW)
        with pytest.raises(Conflict, match="draft-changed"):
            await releases.approve(session, release, actor=BY_APPROVER, now=NOW, sha256="0" * 64)


async def test_an_automatic_draft_still_needs_two_persons(database: FreshDatabase) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        assert await automation.draft_due(session, now=NOW) == 1
        assert await automation.draft_due(session, now=NOW) == 0
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=BY_EDITOR, now=NOW)
        await releases.approve(session, release, actor=BY_APPROVER, now=NOW)
        with pytest.raises(Forbidden, match="separation-of-duties"):
            await releases.publish(session, release, actor=BY_APPROVER, now=NOW)
        assert (await releases.publish(session, release, actor=BY_EDITOR, now=NOW)).status == "published"


async def test_an_hour_is_drafted_when_complete_or_after_its_grace(database: FreshDatabase) -> None:
    part = {factor: 10.0 for factor in SIX[:3]}
    await hear(
        database, site("A01"), assessed("A01", calm(80), at=HOUR - timedelta(hours=9)), assessed("A01", part)
    )
    async with database.writer() as session:
        early = HOUR + timedelta(hours=1, minutes=1)
        assert await automation.draft_due(session, now=early) == 0
        assert await automation.draft_due(session, now=early + timedelta(minutes=30)) == 1


@pytest.mark.parametrize(
    ("item", "region", "at", "slug"),
    [
        ("air.secret", "131000", HOUR, "not-in-catalogue"),
        (ITEM, "131002", HOUR, "wrong-level"),
        (ITEM, "131000", HOUR + timedelta(minutes=5), "hour-not-full"),
        (ITEM, "131000", HOUR + timedelta(hours=1), "hour-not-over"),
        (ITEM, "131000", HOUR - timedelta(hours=1), "nothing-to-release"),
    ],
)
async def test_what_may_not_be_released_is_refused(
    database: FreshDatabase, item: str, region: str, at: datetime, slug: str
) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        with pytest.raises((Invalid, Conflict), match=slug):
            await releases.draft(session, item, region, at, actor=BY_EDITOR, now=NOW)


async def test_a_confirmed_falsification_corrects_and_its_withdrawal_corrects_back(
    database: FreshDatabase,
) -> None:
    await hear(database, site("A01"), site("A02"), assessed("A01", calm(80)), assessed("A02", calm(84)))
    await through(database)
    await follow(database)
    await hear(database, fraud())
    await follow(database)
    told = await current(database)
    assert (told["version"], told["aqi"]) == (2, 122)
    assert told["reason"]["en"] == "Station A01 PM2.5: left out, confirmed as falsified. AQI 120 → 122"
    assert told["reason"]["zh"] == "A01站细颗粒物：认定弄虚作假，剔除。AQI 120 → 122"
    assert (await current(database, 1))["aqi"] == 120
    await hear(database, withdrawn())
    await follow(database)
    told = await current(database)
    assert (told["version"], told["aqi"]) == (3, 120)
    assert "withdrawn" in told["reason"]["en"]
    await hear(database, fraud(confirmed=4))
    await follow(database)
    assert (await current(database))["aqi"] == 122
    assert [step["actor"] for step in told["steps"]][-1] == RULE
    corrected = "publish.release_corrected.v1"
    said = [name for name in await events_said(database) if name != LEAF]
    assert said == ["publish.release_published.v1", corrected, corrected, corrected]


async def test_a_new_verdict_corrects_and_the_same_verdict_again_does_not(database: FreshDatabase) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    await through(database)
    await hear(database, assessed("A01", {"a34004": 80}, revision=2))
    await follow(database)
    assert (await current(database))["version"] == 1
    await hear(database, assessed("A01", {"a34004": 80}, verdict=4, revision=3))
    await follow(database)
    told = await current(database)
    assert (told["version"], told["aqi"]) == (2, None)
    assert told["snapshot"]["left_out"][0]["slug"] == "bad"


async def test_changed_figures_send_an_approved_draft_back(database: FreshDatabase) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=BY_EDITOR, now=NOW)
        await releases.approve(session, release, actor=BY_APPROVER, now=NOW)
    await hear(database, assessed("A01", {"a34004": 90}, revision=2))
    async with database.writer() as session:
        release = await releases.of_id(session, release.id)
        with pytest.raises(Conflict, match="draft-changed"):
            await releases.publish(session, release, actor=BY_EDITOR, now=NOW)
    await follow(database)
    async with database.writer() as session:
        release = await releases.known(session, release.id)
        assert (release.status, release.approved_by) == ("draft", None)
        assert release.draft is not None
        assert parse(release.draft)["figure"]["pollutants"][-1]["value"] == 90


async def test_a_later_registry_does_not_rewrite_what_was_published(database: FreshDatabase) -> None:
    await hear(
        database,
        site("A01"),
        site("A02", is_assessed=False),
        assessed("A01", calm(80)),
        assessed("A02", calm(84)),
    )
    await through(database)
    await hear(database, site("A02"), assessed("A02", {"a34004": 85}, revision=2))
    await follow(database)
    assert (await current(database))["version"] == 1


async def test_minute_values_named_by_a_case_bar_the_hour_made_of_them(database: FreshDatabase) -> None:
    minutes = assessed("A01", {"a34004": 80.0})
    minutes = msgspec.structs.replace(minutes, series=[ref("A01", "a34004", id=66, period="min")])
    await hear(database, site("A01"), assessed("A01", calm(80)))
    await through(database)
    await hear(database, fraud(series=(66,)))
    await follow(database)
    assert (await current(database))["version"] == 1
    await hear(database, minutes)
    await follow(database)
    assert (await current(database))["snapshot"]["left_out"][0]["slug"] == "falsified"


STATE = (
    "SELECT series_id, ts, value, code, revision FROM figures ORDER BY 1, 2",
    "SELECT case_id, series_ids, from_at, to_at, confirmed_at, withdrawn_at, annulled_at, typology,"
    " withdrawal_reason_zh, annulment_reason FROM fraud_cases ORDER BY 1",
    "SELECT listing_id, organisation_zh, listed_at, suspended_at, removed_at, removal_outcome FROM listings",
)


async def state(database: Database) -> list[Any]:
    async with database.writer() as session:
        rows = [list(await session.execute(text(query))) for query in STATE]
        found = await views.figures.public_figures(session, ["A01"], HOUR, HOUR + timedelta(hours=1))
    return [*rows, [(figure.factor, figure.value, figure.code, figure.case_id) for figure in found]]


async def test_any_order_of_events_ends_the_same(
    service_database: Callable[[str], Awaitable[FreshDatabase]],
) -> None:
    suspended = ListingSuspended(
        listing_id="L1", uscc="91131000MA0ABCDE0X", region="131002", reason="r", suspended_at_ms=ms(NOW) + 2
    )
    removed = ListingRemoved(
        listing_id="L1",
        uscc="91131000MA0ABCDE0X",
        region="131002",
        outcome="annulled",
        reason="r",
        removed_at_ms=ms(NOW) + 3,
    )
    events = [
        assessed("A01", calm(80)),
        assessed("A01", {"a34004": 80}, verdict=3, revision=2),
        assessed("A01", {"a34004": 80}, verdict=1, revision=3),
        fraud(confirmed=1),
        withdrawn(at=2),
        fraud(confirmed=3, series=(5, 6)),
        listed(),
        suspended,
        removed,
    ]
    chance = random.Random(7)
    orders = [events, events[::-1], *(chance.sample(events, len(events)) for _ in range(3))]
    ends = []
    for order in orders:
        database = await service_database("publish")
        await hear(database, *order)
        ends.append(await state(database))
    assert all(end == ends[0] for end in ends)
    assert {figure[0] for figure in ends[0][-1] if figure[3] == "C7"} == {"a34002", "a34004"}


async def test_a_release_ends_the_same_whatever_comes_first(
    service_database: Callable[[str], Awaitable[FreshDatabase]],
) -> None:
    changes = [fraud(), withdrawn(), annulled(), assessed("A01", {"a34002": 10}, verdict=4, revision=2)]
    chance = random.Random(7)
    ends = []
    for order in (changes, changes[::-1], *(chance.sample(changes, len(changes)) for _ in range(2))):
        database = await service_database("publish")
        await hear(database, site("A01"), assessed("A01", calm(80)))
        await through(database)
        for event in order:
            await hear(database, event)
            await follow(database)
        told = await current(database)
        ends.append((told["snapshot"]["figure"], told["snapshot"]["lineage"]))
    assert all(end == ends[0] for end in ends)


async def test_no_change_is_overlooked_while_everything_happens_at_once(database: FreshDatabase) -> None:
    """Verdicts, a case that comes and goes, and two jobs at the same time: the release ends where it must."""
    await hear(database, site("A01"), site("A02"), assessed("A01", calm(80)), assessed("A02", calm(84)))
    await through(database)

    async def verdicts(code: str) -> None:
        for revision in range(2, 22):
            await hear(database, assessed(code, {"a34004": 60 + revision}, revision=revision))

    async def case() -> None:
        for time in range(1, 13):
            await hear(database, fraud(confirmed=time) if time % 2 else withdrawn(at=time))

    async def job(done: asyncio.Event) -> None:
        while not done.is_set():
            await follow(database)
            await asyncio.sleep(0)

    done = asyncio.Event()
    jobs = [asyncio.create_task(job(done)) for _ in range(2)]
    await asyncio.gather(verdicts("A01"), verdicts("A02"), case())
    done.set()
    await asyncio.gather(*jobs)
    await follow(database)
    told = (await current(database))["snapshot"]
    async with database.writer() as session:
        item = await session.get_one(CatalogueItem, ITEM)
        now = await index.compose(session, item, index.Subject("131000", HOUR))
    assert correction_reason(told, now) is None
    assert [entry["value"] for entry in now["lineage"] if entry["factor"] == "a34004"] == [81, 81]
    assert now["left_out"] == []


async def test_a_figure_is_followed_by_the_trace_of_its_own_reading(database: FreshDatabase) -> None:
    """An event names the traces of all its rows: of 60, each figure keeps the one that gave it."""
    traces = [f"{n:032x}" for n in range(60)]
    values = calm(30)
    own = [59, 40, 0, 17, 33, -1]
    event = msgspec.structs.replace(assessed("A01", values), traces=traces, by=own)
    await hear(database, site("A01"), event)
    again = msgspec.structs.replace(assessed("A01", values, revision=2), traces=["f" * 32], by=[0] * 6)
    query = text(
        "SELECT s.factor, f.traces FROM figures f JOIN series s ON s.id = f.series_id ORDER BY f.series_id"
    )
    async with database.writer() as session:
        first = {row.factor: row.traces for row in await session.execute(query)}
        touched = (await session.execute(text("SELECT traces FROM touched_hours"))).scalar_one()
    assert first == {factor: [] if n < 0 else [traces[n]] for factor, n in zip(values, own, strict=True)}
    assert sorted(touched) == sorted(traces[n] for n in own if n >= 0)
    await hear(database, again)
    async with database.writer() as session:
        second = {row.factor: row.traces for row in await session.execute(query)}
    assert second == {factor: ["f" * 32, *first[factor]] for factor in values}


async def test_ten_thousand_verdicts_are_one_statement(database: FreshDatabase) -> None:
    hours = [HOUR - timedelta(hours=n) for n in range(2000)]
    one = assessed("A01", calm(80))
    many = msgspec.structs.replace(
        one,
        at=[index for _ in hours for index in range(6)],
        ts_ms=[ms(at) for at in hours for _ in range(6)],
        value=[10.0] * 12_000,
        decimals=[0] * 12_000,
        code=[1] * 12_000,
        tests=[0] * 12_000,
        revision=[1] * 12_000,
        sent_at_ms=[0] * 12_000,
    )
    await hear(database, many)
    async with database.writer() as session:
        assert (await session.execute(text("SELECT count(*) FROM figures"))).scalar_one() == 12_000
        assert (await session.execute(text("SELECT count(*) FROM touched_hours"))).scalar_one() == 2000


async def test_versions_and_steps_cannot_be_rewritten(database: FreshDatabase) -> None:
    for table in ("release_versions", "release_steps"):
        with pytest.raises(Exception, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(f"UPDATE {table} SET version = 9"))

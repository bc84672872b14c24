"""Verdicts, cases and releases on a real database: any order ends the same, and releases follow."""

import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from contracts.cases import BasisWithdrawn, CaseAnnulled, FraudConfirmed
from contracts.credit import Listed, ListingRemoved, ListingSuspended
from contracts.ingest import SeriesRef, SiteRegistered
from contracts.qc import Assessed
from kit import migrate
from kit.db import Database
from kit.problems import Conflict, Forbidden, Invalid
from kit.testing.databases import FreshDatabase
from publish import consumers
from publish.flows import automation, releases, views
from publish.rules.snapshot import parse
from publish.tables import Release
from sqlalchemy import text

HOUR = datetime(2026, 11, 21, 0, tzinfo=UTC)
NOW = HOUR + timedelta(hours=1, minutes=40)
SIX = ("a21026", "a21004", "a21005", "a05024", "a34002", "a34004")
ITEM = "air.aqi.hourly"
EDITOR, APPROVER = "ee/publish.editor@131000", "ee/publish.approver@131000"


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def site(code: str, region: str = "131002", **changes: Any) -> SiteRegistered:
    given = {"kind": "station", "element": "air", "name_zh": f"{code}站", "name_en": f"Station {code}"}
    return SiteRegistered(**({"code": code, "region": region, "is_assessed": True} | given | changes))


def ref(code: str, factor: str, **changes: Any) -> SeriesRef:
    number = ("A01", "A02").index(code) * 10 + SIX.index(factor) + 1
    given: dict[str, Any] = {
        "id": number,
        "site": code,
        "site_kind": "station",
        "region": "131002",
        "element": "air",
        "factor": factor,
        "statistic": "avg",
        "basis": "raw",
        "period": "hour",
        "source": "logger",
        "unit": "mg/m3" if factor == "a21005" else "ug/m3",
        "decimals": 1 if factor == "a21005" else 0,
    }
    return SeriesRef(**(given | changes))


def assessed(
    code: str, values: dict[str, float], *, at: datetime = HOUR, verdict: int = 1, revision: int = 1
) -> Assessed:
    n = len(values)
    return Assessed(
        rule_pack="2026.1",
        assessed_at_ms=ms(NOW),
        traces=[],
        series=[ref(code, factor) for factor in values],
        at=list(range(n)),
        ts_ms=[ms(at)] * n,
        value=list(values.values()),
        decimals=[0] * n,
        code=[verdict] * n,
        tests=[0] * n,
        revision=[revision] * n,
        sent_at_ms=[ms(NOW)] * n,
    )


def calm(pm25: float) -> dict[str, float]:
    return {factor: 10 for factor in SIX} | {"a21005": 0.8, "a34004": pm25}


def fraud(confirmed: int = 1, series: tuple[int, ...] = (6,)) -> FraudConfirmed:
    return FraudConfirmed(
        case_id="C7",
        region="131002",
        site="A01",
        uscc="91131000MA0ABCDE0X",
        organisation_zh="某公司",
        organisation_en="Some Co.",
        typology="T03",
        series_ids=list(series),
        from_ms=ms(HOUR),
        to_ms=ms(HOUR + timedelta(hours=1)),
        confirmed_at_ms=ms(NOW + timedelta(hours=confirmed)),
    )


def withdrawn(at: int = 2) -> BasisWithdrawn:
    return BasisWithdrawn(
        case_id="C7",
        suspicion_id="s",
        region="131002",
        site="A01",
        uscc=None,
        reason_zh="依据消失",
        reason_en="basis fell away",
        withdrawn_at_ms=ms(NOW + timedelta(hours=at)),
    )


def annulled(at: int = 3) -> CaseAnnulled:
    return CaseAnnulled(
        case_id="C7", region="131002", site="A01", uscc=None, reason="撤销", annulled_at_ms=ms(NOW) + at
    )


def listed(at: int = 1) -> Listed:
    return Listed(
        listing_id="L1",
        case_id="C7",
        decision_no="廊环罚〔2026〕7号",
        uscc="91131000MA0ABCDE0X",
        organisation_zh="某公司",
        organisation_en="Some Co.",
        subject_type="unit",
        region="131002",
        ground="T03",
        legal_basis="条例25",
        valid_from="2026-11-21",
        valid_to="2029-11-20",
        listed_at_ms=ms(NOW) + at,
    )


HANDLERS: dict[type, Callable[..., Awaitable[None]]] = dict(consumers.CONSUMERS)


async def hear(database: Database, *events: Any) -> None:
    for event in events:
        async with database.writer() as session:
            await HANDLERS[type(event)](session, event, None)


async def follow(database: Database) -> None:
    async with database.writer() as session:
        while await automation.follow_touched(session, now=NOW):
            pass


async def current(database: Database, number: int | None = None) -> dict[str, Any]:
    async with database.reader() as session:
        release = (await session.execute(text("SELECT id FROM releases"))).scalar_one()
        return await views.release_detail(session, str(release), number)


@pytest.fixture
async def database(
    service_database: Callable[[str], Awaitable[FreshDatabase]],
) -> AsyncIterator[FreshDatabase]:
    yield await service_database("publish")


async def through(database: Database) -> Release:
    """Draft, approve, publish, by two persons."""
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=EDITOR, now=NOW)
        await releases.approve(session, release, actor=APPROVER, now=NOW, sha256=release.draft_sha256)
        return await releases.publish(session, release, actor=EDITOR, now=NOW)


async def events_said(database: Database) -> list[str]:
    async with database.reader() as session:
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
    assert await events_said(database) == ["publish.release_published.v1"]


async def test_the_drafter_may_not_approve_and_nothing_unapproved_is_published(
    database: FreshDatabase,
) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=EDITOR, now=NOW)
        with pytest.raises(Conflict, match="not-approved"):
            await releases.publish(session, release, actor=APPROVER, now=NOW)
        with pytest.raises(Forbidden, match="approver-drafted"):
            await releases.approve(session, release, actor=EDITOR, now=NOW)
        with pytest.raises(Conflict, match="draft-changed"):
            await releases.approve(session, release, actor=APPROVER, now=NOW, sha256="0" * 64)


async def test_an_automatic_draft_still_needs_two_persons(database: FreshDatabase) -> None:
    await hear(database, site("A01"), assessed("A01", calm(80)))
    async with database.writer() as session:
        assert await automation.draft_due(session, now=NOW) == 1
        assert await automation.draft_due(session, now=NOW) == 0
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=EDITOR, now=NOW)
        await releases.approve(session, release, actor=APPROVER, now=NOW)
        with pytest.raises(Forbidden, match="one-person"):
            await releases.publish(session, release, actor=APPROVER, now=NOW)
        assert (await releases.publish(session, release, actor=EDITOR, now=NOW)).status == "published"


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
            await releases.draft(session, item, region, at, actor=EDITOR, now=NOW)


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
    assert [step["actor"] for step in told["steps"]][-1] == releases.RULE
    corrected = "publish.release_corrected.v1"
    assert await events_said(database) == ["publish.release_published.v1", corrected, corrected, corrected]


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
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=EDITOR, now=NOW)
        await releases.approve(session, release, actor=APPROVER, now=NOW)
    await hear(database, assessed("A01", {"a34004": 90}, revision=2))
    async with database.writer() as session:
        release = await releases.of_id(session, release.id)
        with pytest.raises(Conflict, match="draft-changed"):
            await releases.publish(session, release, actor=EDITOR, now=NOW)
    await follow(database)
    async with database.reader() as session:
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
    async with database.reader() as session:
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
    orders = [events, events[::-1], *(chance.sample(events, len(events)) for _ in range(6))]
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
    ends = []
    for order in itertools.permutations(changes):
        database = await service_database("publish")
        await hear(database, site("A01"), assessed("A01", calm(80)))
        await through(database)
        for event in order:
            await hear(database, event)
            await follow(database)
        told = await current(database)
        ends.append((told["snapshot"]["figure"], told["snapshot"]["lineage"]))
        if len(ends) == 8:
            break
    assert all(end == ends[0] for end in ends)


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
    async with database.reader() as session:
        assert (await session.execute(text("SELECT count(*) FROM figures"))).scalar_one() == 12_000
        assert (await session.execute(text("SELECT count(*) FROM touched_hours"))).scalar_one() == 2000


async def test_versions_and_steps_cannot_be_rewritten(database: FreshDatabase) -> None:
    for table in ("release_versions", "release_steps"):
        with pytest.raises(Exception, match="permission denied"):
            async with database.writer() as session:
                await session.execute(text(f"UPDATE {table} SET version = 9"))

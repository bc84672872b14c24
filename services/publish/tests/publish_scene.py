"""The events `publish` hears, as plain values for its tests: two stations in Langfang, one hour, one case."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.cases import BasisWithdrawn, CaseAnnulled, FraudConfirmed
from contracts.credit import Listed
from contracts.ingest import SeriesRef, SiteRegistered
from contracts.qc import Assessed, HoldDecided, HoldPlaced
from kit.db import Database
from kit.outbox import Meta
from publish import consumers
from publish.flows import automation, releases, views
from publish.flows.duties import Actor
from publish.tables import Release
from sqlalchemy import text

HOUR = datetime(2026, 11, 21, 0, tzinfo=UTC)
NOW = HOUR + timedelta(hours=1, minutes=40)
SIX = ("a21026", "a21004", "a21005", "a05024", "a34002", "a34004")
ITEM = "air.aqi.hourly"
TRACE = "0af7651916cd43dd8448eb211c80319c"
META = Meta("", "00", 1, "test-1", "", "", (TRACE,), NOW)
EDITOR, APPROVER = "ee/publish.editor@131000", "ee/publish.approver@131000"
BY_EDITOR, BY_APPROVER = Actor(EDITOR, "editor-1"), Actor(APPROVER, "approver-1")

WANTED = {"item_code": ITEM, "region": "131000", "from": "2026-11-21T08:00:00+08:00"}


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
    code: str,
    values: dict[str, float],
    *,
    at: datetime = HOUR,
    verdict: int = 1,
    revision: int = 1,
    tests: int = 0,
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
        tests=[tests] * n,
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


def held(kind: str = "rule", *, hours: int = 0) -> HoldPlaced:
    return HoldPlaced(
        hold_id=f"H{hours}",
        kind=kind,
        site="A01",
        region="131002",
        factor="a34004",
        series=[6],
        from_ms=ms(HOUR + timedelta(hours=hours)),
        to_ms=ms(HOUR + timedelta(hours=hours + 1)),
        due_at_ms=ms(NOW + timedelta(days=1)),
        reason_zh="同一时刻先后两值不同",
        reason_en="a different value was sent later",
        source_clause="C1",
        placed_at_ms=ms(NOW),
    )


def decided(
    decision: str = "release", tests: int = 1, released: tuple[int, ...] = (), *, hours: int = 0
) -> HoldDecided:
    return HoldDecided(
        hold_id=f"H{hours}",
        site="A01",
        region="131002",
        decision=decision,
        tests=tests,
        released=list(released),
        reason="首值属实",
        decided_at_ms=ms(NOW + timedelta(hours=2)),
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
            await HANDLERS[type(event)](session, event, META)


async def follow(database: Database) -> None:
    async with database.writer() as session:
        while await automation.follow_touched(session, now=NOW):
            pass


async def city(database: Database) -> None:
    """Two stations of 131000 with one hour, as `WANTED` asks for it."""
    async with database.writer() as session:
        for code, pm25 in (("A01", 80), ("A02", 84)):
            await consumers.on_site_registered(session, site(code), META)
            await consumers.on_assessed(session, assessed(code, calm(pm25)), META)


async def current(database: Database, number: int | None = None) -> dict[str, Any]:
    async with database.writer() as session:
        release = (await session.execute(text("SELECT id FROM releases"))).scalar_one()
        return await views.release_detail(session, str(release), number)


async def through(database: Database) -> Release:
    """Draft, approve, publish, by two persons."""
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=BY_EDITOR, now=NOW)
        await releases.approve(session, release, actor=BY_APPROVER, now=NOW, sha256=release.draft_sha256)
        return await releases.publish(session, release, actor=BY_EDITOR, now=NOW)

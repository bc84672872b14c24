"""A small city for the site's tests: publish and credit on real servers behind one address, the portal's own
process before them.

The data are those of a Friday afternoon in Langfang: three stations, a week of hours, one confirmed
falsification that corrected a release, one listed unit.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, pi
from typing import Any
from uuid import UUID

import credit.consumers
import credit.main
import credit.settings
import gateway.main
import gateway.settings
import httpx
import policy
import publish.consumers
import publish.main
import publish.settings
import uvicorn
from contracts.cases import FraudConfirmed, PenaltyDecided
from contracts.ingest import SeriesRef, SiteRegistered
from contracts.qc import Assessed, HoldPlaced
from gateway.flows.ledger import Entry, Ledger
from gateway.flows.usage import count
from kit.outbox import Meta
from kit.servers import NatsServer
from kit.testing.databases import Databases, FreshDatabase
from kit.testing.tokens import Tokens
from starlette.applications import Starlette
from starlette.routing import Mount

HOUR = timedelta(hours=1)
NEWEST = datetime(2026, 11, 20, 8, tzinfo=UTC)
CITY = "131000"
ITEM = "air.aqi.hourly"
USCC = "9144030071526726XG"
STATIONS = {
    "131000-A01": ("药材公司", "Yaocai Company", "131003"),
    "131000-A02": ("开发区", "Development Zone", "131003"),
    "131000-A03": ("环境监测监理中心", "Monitoring Centre", "131002"),
}
LEVELS = {"a34004": 78, "a34002": 118, "a21026": 9, "a21004": 46, "a21005": 0.9, "a05024": 64}
META = Meta("", "00", 1, "test-1", "", "", (), NEWEST)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def series_id(code: str, factor: str) -> int:
    return list(STATIONS).index(code) * 10 + list(LEVELS).index(factor) + 1


def series(code: str, factor: str) -> SeriesRef:
    return SeriesRef(
        id=series_id(code, factor),
        site=code,
        site_kind="station",
        region=STATIONS[code][2],
        element="air",
        factor=factor,
        statistic="avg",
        basis="raw",
        period="hour",
        source="ee.mon",
        unit="mg/m3" if factor == "a21005" else "ug/m3",
        decimals=1 if factor == "a21005" else 0,
    )


def shape(code: str, factor: str, hours_ago: int) -> float:
    """A week with days and nights in it; ozone runs against the rest."""
    place = list(STATIONS).index(code)
    swing = cos((hours_ago + place) * pi / 12) * (-0.35 if factor == "a05024" else 0.3)
    drift = cos(hours_ago * pi / 60 + place) * 0.25
    value = LEVELS[factor] * (1 + swing + drift * 0.6) * (1 + place * 0.06)
    return round(value, 1 if factor == "a21005" else 0)


def week(code: str) -> Assessed:
    """168 hours of six factors, with two gaps, two suspect hours and a bad one."""
    at, ts, value, verdict = [], [], [], []
    for hours_ago in range(168):
        for index, factor in enumerate(LEVELS):
            if code == "131000-A01" and hours_ago in {31, 32}:
                continue
            at.append(index)
            ts.append(ms(NEWEST - hours_ago * HOUR))
            value.append(shape(code, factor, hours_ago))
            is_odd = code == "131000-A01" and factor == "a34004"
            verdict.append({5: 3, 6: 3, 15: 4}.get(hours_ago, 1) if is_odd else 1)
    count = len(at)
    return Assessed(
        rule_pack="2026.1",
        assessed_at_ms=ms(NEWEST + HOUR),
        traces=[],
        series=[series(code, factor) for factor in LEVELS],
        at=at,
        ts_ms=ts,
        value=value,
        decimals=[0] * count,
        code=verdict,
        tests=[0] * count,
        revision=[1] * count,
        sent_at_ms=ts,
    )


FRAUD = FraudConfirmed(
    case_id="廊环立〔2026〕7号",
    region=CITY,
    site="131000-A02",
    uscc=USCC,
    organisation_zh="廊坊某环保科技有限公司",
    organisation_en="A Langfang environmental technology company",
    typology="T03",
    series_ids=[series_id("131000-A02", "a34004")],
    from_ms=ms(NEWEST - 4 * HOUR),
    to_ms=ms(NEWEST + HOUR),
    confirmed_at_ms=ms(NEWEST + 2 * HOUR),
)
HOLD = HoldPlaced(
    hold_id="qc-hold-1",
    kind="rule",
    site="131000-A03",
    region="131002",
    factor="a34002",
    series=[series_id("131000-A03", "a34002")],
    from_ms=ms(NEWEST - 2 * HOUR),
    to_ms=ms(NEWEST + HOUR),
    due_at_ms=ms(NEWEST + 6 * HOUR),
    reason_zh="小时值突升，待核查",
    reason_en="the hourly value rose at once; to be checked",
    source_clause="HJ 818-2018 §6",
    placed_at_ms=ms(NEWEST + HOUR),
)
PENALTY = PenaltyDecided(
    case_id=FRAUD.case_id,
    decision_no="廊环罚〔2026〕7号",
    region=CITY,
    site=FRAUD.site,
    uscc=USCC,
    organisation_zh=FRAUD.organisation_zh,
    organisation_en=FRAUD.organisation_en,
    subject_type="operator",
    typology="T03",
    amount_yuan=200_000,
    legal_basis="《生态环境监测条例》第四十三条",
    reasoning="采样口被遮挡",
    decided_at_ms=ms(datetime.now(UTC)),
)


def settings_for(cls: type, database: FreshDatabase, nats: NatsServer, tokens: Tokens, **more: str) -> Any:
    return cls.model_validate(  # type: ignore[attr-defined]
        {
            "port": 1,
            "writer_url": database.writer_url,
            "reader_url": database.reader_url,
            "nats_url": nats.url,
            "nats_user": "",
            "nats_seed": "",
            "log_level": "ERROR",
            **tokens.settings,
            **more,
        }
    )


async def hear(database: FreshDatabase) -> None:
    """The week as the other services told it."""
    async with database.writer() as session:
        for code, (zh, en, region) in STATIONS.items():
            site = SiteRegistered(
                code=code,
                kind="station",
                element="air",
                region=region,
                name_zh=zh,
                name_en=en,
                is_assessed=True,
            )
            await publish.consumers.on_site_registered(session, site, META)
            await publish.consumers.on_assessed(session, week(code), META)
        await publish.consumers.on_hold_placed(session, HOLD, META)


READS = {
    ("ee", "raw:read", "raw"): 37,
    ("ee.mon", "observations:read", "raw"): 412,
    ("water", "observations:read", "raw"): 58,
    ("samr", "agencies:read", "personal"): 12,
    ("met", "observations:read", "raw"): 3,
    ("unit", "submissions:read", "raw"): 96,
    ("police", "observations:read", "raw"): 40,
}


async def use(database: FreshDatabase) -> None:
    """Three days of reads, the delay of which is over."""
    ledger, now = Ledger(database), datetime.now(UTC)
    for day in (11, 12, 13):
        for (dept, permission, kind), reads in READS.items():
            told = {"service": "ingest", "method": "GET", "path": "/x", "status": 200, "reason": "granted"}
            who = {"subject": "7", "principal": dept, "dept": dept, "client": None, "address": "-"}
            what = {"permission": permission, "kind": kind, "policy_version": "v", "times": reads}
            at = now - timedelta(days=day)
            ledger.allow(Entry(at=at, request_id=UUID(int=day), **told, **who, **what))
    await ledger.flush()
    await count(database, policy.load(), now)


async def release(client: httpx.AsyncClient, tokens: Tokens, at: datetime) -> str:
    """Drafts, approves and publishes one hour as two officers do."""
    editor, approver = (tokens.bearer(f"ee/publish.{role}@{CITY}") for role in ("editor", "approver"))
    body = {"item_code": ITEM, "region": CITY, "from": at.isoformat()}
    drafted = (
        (await client.post("/api/publish/releases", json=body, headers=editor)).raise_for_status().json()
    )
    path = f"/api/publish/releases/{drafted['id']}"
    seen = {"sha256": drafted["sha256"]}
    (await client.post(f"{path}/approve", json=seen, headers=approver)).raise_for_status()
    (await client.post(f"{path}/publish", headers=editor)).raise_for_status()
    return str(drafted["id"])


@dataclass(frozen=True)
class Site:
    """Where the site and its API answer, and the release that was corrected."""

    url: str
    api: str
    release: str


@contextlib.asynccontextmanager
async def edge(
    databases: Databases, nats: NatsServer, tokens: Tokens, port: int
) -> AsyncIterator[tuple[FreshDatabase, FreshDatabase]]:
    """publish and credit under one address, with everything that runs inside them."""
    told, listed = await databases.copy("publish"), await databases.copy("credit")
    publisher = publish.main.application(settings_for(publish.settings.Settings, told, nats, tokens))
    creditor = credit.main.build(settings_for(credit.settings.Settings, listed, nats, tokens))
    used = await databases.copy("gateway")
    await use(used)
    # Without a spool for what a kill would lose: nobody kills it.
    told_gate = settings_for(gateway.settings.Settings, used, nats, tokens, environment="local")
    gate = gateway.main.build(told_gate)
    apps = {"publish": publisher, "credit": creditor, "gateway": gate}
    async with contextlib.AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
        mounted = Starlette(routes=[Mount(f"/api/{name}", app) for name, app in apps.items()])
        server = uvicorn.Server(uvicorn.Config(mounted, port=port, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        yield told, listed
        server.should_exit = True
        await serving
    for database in (told, listed, used):
        await database.close()


async def live(
    databases: Databases, nats: NatsServer, tokens: Tokens, port: int, ready: dict[str, Any]
) -> None:
    async with edge(databases, nats, tokens, port) as (told, listed):
        await hear(told)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            released = [await release(client, tokens, NEWEST - back * HOUR) for back in range(4, -1, -1)]
            async with listed.writer() as session:
                await credit.consumers.on_penalty_decided(session, PENALTY, META)
            async with told.writer() as session:
                await publish.consumers.on_fraud_confirmed(session, FRAUD, META)
            await corrected(client, released[-1])
        ready["release"] = released[-1]
        ready["event"].set()
        while not ready["stop"].is_set():
            await asyncio.sleep(0.05)


async def corrected(client: httpx.AsyncClient, release_id: str) -> None:
    """Waits until the service itself has corrected the release; a busy machine takes its time."""
    for _ in range(1200):
        answer = await client.get(f"/api/publish/public/releases/{release_id}")
        if answer.raise_for_status().json()["version"] > 1:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the release was not corrected: {answer.text[:2000]}")


@contextlib.contextmanager
def portal_process(api_base: str) -> Iterator[str]:
    """The portal as it is run, reading the API at `api_base`."""
    port = free_port()
    environment = os.environ | {
        "PORTAL_PORT": str(port),
        "PORTAL_API_BASE": api_base,
        "PORTAL_TIMEOUT_SECONDS": "10",
    }
    process = subprocess.Popen([sys.executable, "-m", "portal.main"], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{url}/livez")
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)

"""Releases have leaves, and wait while too few witnesses cosign the log."""

import json
from uuid import UUID

import pytest
from contracts.evidence import QuorumLost, QuorumRegained
from kit.problems import Unavailable
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase
from publish import consumers
from publish.flows import evidence, releases, views
from publish.tables import ReleaseVersion
from publish_scene import BY_APPROVER, BY_EDITOR, HOUR, META, NOW, assessed, calm, site
from sqlalchemy import select, text
from tlog.receipts import entry_of, record_of

LOG, ITEM = "jianzhen.local/log", "air.aqi.hourly"


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("publish")


def lost(at_ms: int) -> QuorumLost:
    return QuorumLost(log=LOG, region="131000", needed=2, since_ms=0, source_clause="x", lost_at_ms=at_ms)


def regained(at_ms: int) -> QuorumRegained:
    return QuorumRegained(log=LOG, region="131000", needed=2, size=9, regained_at_ms=at_ms)


async def is_halted(database: FreshDatabase, *events: QuorumLost | QuorumRegained) -> bool:
    async with database.writer() as session:
        for event in events:
            if isinstance(event, QuorumLost):
                await evidence.lose_quorum(session, event)
            else:
                await evidence.regain_quorum(session, event)
    async with database.writer() as session:
        return await evidence.is_halted(session)


async def test_what_was_said_last_holds_whatever_came_first(database: FreshDatabase) -> None:
    assert not await is_halted(database)
    assert await is_halted(database, lost(1000))
    assert not await is_halted(database, regained(2000))
    assert not await is_halted(database, lost(1500)), "an older loss that arrives late"
    assert await is_halted(database, lost(3000))
    async with database.writer() as session:
        with pytest.raises(Unavailable, match="log-quorum-lost"):
            await evidence.require_quorum(session)


async def test_a_published_version_asks_for_the_leaf_of_its_snapshot(database: FreshDatabase) -> None:
    async with database.writer() as session:
        await consumers.on_site_registered(session, site("A01"), META)
        await consumers.on_assessed(session, assessed("A01", calm(80)), META)
    async with database.writer() as session:
        release = await releases.draft(session, ITEM, "131000", HOUR, actor=BY_EDITOR, now=NOW)
        await releases.approve(session, release, actor=BY_APPROVER, now=NOW)
        await releases.publish(session, release, actor=BY_APPROVER, now=NOW)
    async with database.writer() as session:
        version = (await session.scalars(select(ReleaseVersion))).one()
        asked = "SELECT data FROM outbox WHERE event = 'publish.leaf_requested.v1'"
        said = [json.loads(row[0]) for row in await session.execute(text(asked))]
    assert version.nonce is not None
    leaf = views.leaf_of(version.release_id, version)
    assert leaf is not None and [leaf["entry"]] == said[0]["leaves"]
    record = record_of(UUID(version.release_id), bytes.fromhex(version.sha256), version.published_at)
    assert [(event["subject"], event["leaves"]) for event in said] == [
        ("release", [entry_of(version.nonce, record.bytes).hex()])
    ]

"""Remote checks that qc orders: over a real line to a logger, and what is said of their end."""

import msgspec
import pytest
from contracts.envelope import event_type
from contracts.ingest import CheckEnded
from contracts.packing import unpacked
from contracts.qc import CheckOrdered
from devices import Desk, machine, on_line
from fastapi import FastAPI
from ingest.consumers import on_check_ordered
from ingest.flows.checks import say_ended
from ingest_scene import MN
from kit.db import Database
from kit.outbox import Meta
from kit.testing.tokens import Tokens
from sqlalchemy import text

ORDER = CheckOrdered(
    order_id="0199d2d0-0000-7000-8000-000000000001",
    check="zero",
    site="131000-A01",
    region="131000",
    factor="a34004",
    reason="恒值核查",
    ordered_by="ee.mon/qc.analyst@131000 7",
    ordered_at_ms=0,
)


@pytest.fixture
def desk(client, tokens: Tokens) -> Desk:
    return Desk(client, tokens)


async def order(database: Database, **changes: str) -> None:
    event = msgspec.structs.replace(ORDER, **changes)
    meta = Meta("", "00", 1, "qc-1", event.site, "", (), None)  # type: ignore[arg-type]
    async with database.writer() as session:
        await on_check_ordered(session, event, meta)


async def said(database: Database) -> list[CheckEnded]:
    async with database.writer() as session:
        query = text("SELECT data FROM outbox WHERE event = :e ORDER BY id")
        rows = (await session.execute(query, {"e": event_type(CheckEnded)})).scalars()
        return [msgspec.json.decode(unpacked(data), type=CheckEnded) for data in rows]


async def test_LF_66_an_ordered_check_is_asked_of_the_logger_once_and_its_end_is_said(
    desk: Desk, app: FastAPI
) -> None:
    database = app.state.database
    await desk.manners()
    await app.state.catalog.refresh()
    device = machine(version=2)
    async with on_line(app, device):
        await order(database)
        await order(database)
        async with database.writer() as session:
            ((command, origin, reason),) = await session.execute(
                text("SELECT id::text, origin, reason FROM commands")
            )
        shown = await desk.follow(command)
    assert (shown["state"], origin, reason) == ("done", "order", "恒值核查")
    (heard,) = [one for one in device.heard if one["CN"] == "3011"]
    assert heard["PolId"] == "a34004" and heard["CalibrationType"] == "0"
    await say_ended(database)
    await say_ended(database)
    (ended,) = await said(database)
    assert (ended.order_id, ended.state, ended.mn, ended.command) == (ORDER.order_id, "done", MN, command)


async def test_an_order_that_no_logger_can_take_is_answered_at_once(desk: Desk, app: FastAPI) -> None:
    database = app.state.database
    await order(database)
    await order(database, order_id="0199d2d0-0000-7000-8000-000000000002", site="131000-Z99")
    for ended in await said(database):
        assert (ended.state, ended.command) == ("unsendable", None)
        assert "反控" in ended.message_zh and ended.message_en
    assert len(await said(database)) == 2

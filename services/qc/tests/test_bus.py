"""Messages through the real bus: neighbours are judged together, a poisoned one alone is parked."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from contracts.envelope import event_type, lane_of
from contracts.ingest import Recorded
from kit.cursor import Place
from kit.lane import Consumption, Lane, Shared, Tuning
from kit.outbox import Meta
from kit.peers import Incoming
from qc.consumers import on_recorded
from qc_scene import HOUR, PM25, SITE, START
from qc_scene import Lane as Scene
from sqlalchemy import text

SAID_AT = datetime(2026, 11, 10, tzinfo=UTC)


def incoming(seq: int, data: bytes, key: str = SITE) -> Incoming:
    at = Meta(
        event_type(Recorded), lane_of(Recorded, SITE), seq, f"ingest-{seq}", key,
        f"00-{'cd' * 16}-{'01' * 8}-00", ("cd" * 16,), SAID_AT,
    )  # fmt: skip
    return Incoming(at, data, False, None)


def recorded(hour: int, value: float) -> bytes:
    event = Recorded(
        submissions=["s"], traces=["cd" * 16], modes=["live"], received_at_ms=START, series=[PM25],
        at=[0], by=[0], ts_ms=[START + hour * HOUR], value=[value], decimals=[0], flag=["N"],
    )  # fmt: skip
    return msgspec.json.encode(event)


@pytest.fixture
def bus_lane(lane: Scene) -> Lane:
    of = Consumption("qc", Recorded, on_recorded)
    shared = Shared(lane.database, None, Tuning(backoff=(0.01,)), asyncio.Semaphore(2))  # type: ignore[arg-type]
    return Lane(of, lane_of(Recorded, SITE), shared)


async def handled(bus_lane: Lane, items: list[Incoming]) -> None:
    for item in items:
        await bus_lane.offer(item)
    running = asyncio.create_task(bus_lane.run())
    while bus_lane.seq < items[-1].meta.seq:
        await asyncio.sleep(0.01)
    bus_lane.stop()
    await running


async def test_neighbours_are_judged_in_one_transaction(lane: Scene, bus_lane: Lane):
    await handled(bus_lane, [incoming(n + 1, recorded(n, 42.0)) for n in range(8)])
    assert {code for code, _ in (await lane.codes(PM25)).values()} == {3}
    assert await lane.scalar("SELECT count(*) FROM outbox WHERE event = 'qc.assessed.v1'") == 1
    assert await lane.scalar("SELECT count(*) FROM earlier_verdicts") == 0
    assert await lane.scalar("SELECT count(DISTINCT message_no) FROM known_values") == 8


async def test_a_poisoned_neighbour_is_parked_and_the_others_are_judged(lane: Scene, bus_lane: Lane):
    items = [incoming(n + 1, recorded(n, 35.0 + n)) for n in range(5)]
    items[2] = incoming(3, b'{"series": 7}', key="131000-A99")
    await handled(bus_lane, items)
    assert len(await lane.codes(PM25)) == 4
    place = Place("qc", event_type(Recorded), lane_of(Recorded, SITE))
    async with lane.database.writer() as session:
        parked = await session.execute(text("SELECT lane, seq FROM parked"))
        assert [tuple(row) for row in parked] == [(place.lane, 3)]

"""What forwarding costs receiving: the same load with the link off and on, by turns, in one process."""

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from ingest_scene import AIR, FACTORS, MON, fetch
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from uplink_scene import BASE, http_link, put_link, settled

pytestmark = pytest.mark.slow
SECONDS, SENDERS, HOURS = 3.0, 4, 125
ROUNDS, MOST_A_ROUND = 5, 10


def bodies() -> list[bytes]:
    """1,000 values each: two stations, four factors, 125 hours that nobody sent before."""
    made = []
    for number in range(ROUNDS * MOST_A_ROUND):
        start = BASE - timedelta(hours=HOURS * (number + 1))
        rows = [
            [site, factor, (start + timedelta(hours=hour)).isoformat(), hour + number / 10]
            for site in (AIR, "131000-A02")
            for factor in FACTORS
            for hour in range(HOURS)
        ]
        head = {"source": "cnemc", "historical": True, "columns": ["site", "factor", "time", "value"]}
        made.append(json.dumps(head | {"data": rows}).encode())
    return made


async def test_LF_06_forwarding_costs_receiving_little(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    # In a process of its own: it is the forwarding that is measured, not the other side.
    stub = [sys.executable, str(Path(__file__).with_name("stub_platform.py")), "http", "0"]
    province = await asyncio.create_subprocess_exec(*stub, stdout=asyncio.subprocess.PIPE, limit=1 << 26)
    assert province.stdout is not None
    port = int(await province.stdout.readline())
    quiet = asyncio.create_task(_drain(province.stdout))
    left, who = bodies(), tokens.bearer(MON)

    async def receive() -> float:
        begun, worked, taken = time.perf_counter(), time.process_time(), 0
        # A fast machine is done before the time is up.
        mine = [left.pop() for _ in range(MOST_A_ROUND)]

        async def send() -> None:
            nonlocal taken
            while mine and time.perf_counter() - begun < SECONDS:
                answer = await client.post("/observations", content=mine.pop(), headers=who)
                assert answer.status_code == 202
                taken += answer.json()["accepted"]

        await asyncio.gather(*(send() for _ in range(SENDERS)))
        # By processor time: whoever else is at work here slows a round by the clock.
        return taken / (time.process_time() - worked)

    await receive()
    rates: dict[bool, list[float]] = {True: [], False: []}
    for is_on in (True, False, True, False):
        await put_link(client, tokens, "province", http_link(port, is_on=is_on))
        await asyncio.sleep(1.5)
        rates[is_on].append(await receive())
    queued = await _sum(database)
    await put_link(client, tokens, "province", http_link(port))
    begun = time.perf_counter()
    await _until_fed(database)
    forwarded = await _sum(database)
    await settled(database, forwarded, seconds=120)
    seconds = time.perf_counter() - begun
    # The better round of each: what else the machine does only costs.
    ratio = max(rates[True]) / max(rates[False])
    with capsys.disabled():
        off, on = ([round(one) for one in rates[is_on]] for is_on in (False, True))
        sys.stdout.write(
            f"\nreceived, link off {off} / on {on} values per processor second, ratio {ratio:.2f}\n"
        )
        sys.stdout.write(f"  {queued} values queued meanwhile, all {forwarded} sent {seconds:.0f} s later\n")
    assert ratio > 0.5, "forwarding must not halve receiving"
    quiet.cancel()
    province.kill()
    await province.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 20):
        pass


async def _sum(database: FreshDatabase) -> int:
    ((found,),) = await fetch(database, "SELECT coalesce(sum(size), 0)::int FROM uplink_parcels")
    return int(found)


async def _until_fed(database: FreshDatabase) -> None:
    """Every cursor of the link stands at its head."""
    query = (
        "SELECT count(*) FROM outbox_heads h JOIN cursors c USING (event, lane) "
        "WHERE c.consumer = 'uplink:province' AND c.seq < h.seq"
    )
    for _ in range(1200):
        if tuple((await fetch(database, query))[0]) == (0,):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the queue was never fed to the end")

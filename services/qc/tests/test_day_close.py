"""Days closed over a real database: what is found, reopened, withdrawn, resumed, and closed by one of two."""

import asyncio
import random
import signal
import subprocess
import sys
from datetime import date

import msgspec
import numpy as np
import pytest
import structlog
from closing_scene import OPEN, City, after, city, close, closer, copied, frozen, here, judged_offline, send
from contracts.ingest import Revised
from contracts.qc import SuspicionRaised, SuspicionWithdrawn
from qc.flows import closing
from qc.flows.apart import NotAnswered, judged_apart
from qc.flows.revising import assess_revised
from qc.flows.setting import closing_pack
from qc.rules.closing.asked import Rows, answered, asked_of
from qc_scene import HOUR, PACK, Lane
from sqlalchemy import text
from structlog.testing import CapturingLogger

LAST = 44
COPY, FREEZE = (1, 720, 744), (4, 600, 636)


async def rows(lane: Lane, query: str) -> list:
    async with lane.database.writer() as session:
        return list((await session.execute(text(query))).all())


def hour(at) -> int:
    return (round(at.timestamp() * 1000) - OPEN) // HOUR


async def standing(lane: Lane) -> dict:
    """(series, from, to) in hours of the scene → (state, kind)."""
    found = await rows(lane, "SELECT * FROM suspicions WHERE origin = 'day_close' AND state <> 'withdrawn'")
    return {(row.series_id, hour(row.from_at), hour(row.to_at)): (row.state, row.kind) for row in found}


async def current(lane: Lane) -> set:
    """Findings that stand: what, where (hours), and how strong."""
    found = await rows(lane, "SELECT * FROM falsification_findings WHERE is_current")
    return {
        (r.test, r.series_id, hour(r.from_at), hour(r.to_at), r.statistic, r.strength, r.p) for r in found
    }


def found_offline(scene: City) -> set:
    """The same of a file of these values, as `current` has it."""
    places, hours = np.nonzero(np.isfinite(scene.value))
    zero = np.zeros(len(places), dtype=np.int64)
    file = Rows(places, OPEN + hours * HOUR, scene.value[places, hours], zero + ord("N"), zero)
    answer = answered(asked_of("ambient-air", scene.refs, file, PACK), closing_pack().tests)
    return {
        (
            one.test, scene.refs[one.where.member].id, (one.where.from_ms - OPEN) // HOUR,
            (one.where.to_ms - OPEN) // HOUR, one.statistic, one.strength, one.p,
        )
        for one in answer.findings
    }  # fmt: skip


def raised_offline(scene: City) -> dict:
    """What `jianzhen qc run` raises, by what a case needs: a score and a discovery over the network."""
    return {
        (scene.refs[one.member].id, (one.from_ms - OPEN) // HOUR, (one.to_ms - OPEN) // HOUR): (
            "raised" if one.survives else "queued",
            one.kind,
        )
        for one in judged_offline(scene)
    }


async def test_a_copied_day_and_a_freeze_are_leads(lane: Lane):
    await send(lane, frozen(copied(city())).rows())
    assert await close(lane, LAST) == 1
    stands = await standing(lane)
    assert (stands[COPY], stands[FREEZE]) == (("raised", "copy-day"), ("raised", "freeze"))
    said = await lane.said(SuspicionRaised)
    assert {(event.series[0].id, event.findings[0].rule) for event in said} == {(1, "D1"), (4, "K1")}
    assert all(event.rule_pack == closing_pack().version and event.score >= 0.8 for event in said)
    freeze = next(event for event in said if event.series[0].id == 4)
    assert "36" in freeze.findings[0].message_zh and "36" in freeze.findings[0].message_en
    closed = await rows(lane, "SELECT * FROM day_closes ORDER BY day")
    assert [row.day for row in closed][:: len(closed) - 1] == [date(2026, 9, 10), date(2026, 10, 24)]
    assert {(row.number, row.reason, row.value_count, row.site_count) for row in closed} == {
        (1, "first", 144, 3)
    }
    assert closed[0].expected_false > 0 and closed[0].not_run["P1"] == ["changes"]
    assert await close(lane, LAST) == 0
    assert await lane.scalar("SELECT count(*) FROM late_days") == 0


async def test_what_is_no_discovery_over_its_network_is_an_analysts_to_look_at(lane: Lane):
    await send(lane, frozen(copied(city())).rows())
    after(lane, LAST)

    async def rare_somewhere(asked):
        answer = await here(asked)
        groups = [msgspec.structs.replace(group, survives=False) for group in answer.groups]
        return msgspec.structs.replace(answer, groups=groups)

    await closer(lane, rare_somewhere).run()
    stands = await standing(lane)
    assert (stands[COPY], stands[FREEZE]) == (("queued", "copy-day"), ("queued", "freeze"))
    assert await lane.said(SuspicionRaised) == []


async def test_a_day_is_closed_when_its_grace_is_over_and_not_before(lane: Lane):
    scene = city(days=4, stations=1)
    await send(lane, scene.rows(range(3)), mode="live")
    after(lane, 2, hours=2.9)
    await closer(lane).run()
    assert await lane.scalar("SELECT max(day)::text FROM day_closes") == "2026-09-11"
    assert await lane.scalar("SELECT closed_through::text FROM day_panels") == "2026-09-11"
    after(lane, 2, hours=3)
    await closer(lane).run()
    assert await lane.scalar("SELECT max(day)::text FROM day_closes") == "2026-09-12"
    await send(lane, scene.rows(range(3, 4)), mode="live")
    assert await lane.scalar("SELECT count(*) FROM late_days WHERE day = '2026-09-13'") == 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_and_lateness_ends_in_the_findings_of_one_offline_run(lane: Lane, seed: int):
    rng = random.Random(seed)
    scene = frozen(copied(city(seed=seed)))
    for place, a, b in ((2, 500, 530), (5, 100, 110)):
        scene.value[place, a:b] = np.nan
    held = rng.sample(range(45), 9)
    on_time = [row for row in scene.rows() if (row[1] - OPEN) // (24 * HOUR) not in held]
    late = [row for row in scene.rows() if (row[1] - OPEN) // (24 * HOUR) in held]
    rng.shuffle(late)
    parts = np.array_split(np.arange(len(late)), 3)
    for day, upto in ((33, 34), (36, 37), (44, 45)):
        known = [row for row in on_time if (row[1] - OPEN) // (24 * HOUR) < upto]
        await send(lane, known, mode=rng.choice(["live", "backfill"]))
        assert await close(lane, day) == 1
    for part in parts:
        await send(lane, [late[place] for place in part], mode="late")
        await close(lane, LAST)
    assert await lane.scalar("SELECT count(DISTINCT day) FROM day_closes") == 45
    assert await current(lane) == found_offline(scene)
    offline, stands = raised_offline(scene), await standing(lane)
    assert {where: state for where, state in offline.items() if state[0] == "raised"} == {
        where: state for where, state in stands.items() if state[0] == "raised"
    }
    assert offline.items() <= stands.items()
    open_now = await heard(lane)
    assert open_now == {where for where, (state, _) in stands.items() if state == "raised"}


async def heard(lane: Lane) -> set:
    """What somebody who only hears events takes for open: (series, from, to) of what was not withdrawn."""
    gone = {event.suspicion_id: event.withdrawn_at_ms for event in await lane.said(SuspicionWithdrawn)}
    last = {event.suspicion_id: event for event in await lane.said(SuspicionRaised)}
    return {
        (event.series[0].id, (event.from_ms - OPEN) // HOUR, (event.to_ms - OPEN) // HOUR)
        for id, event in last.items()
        if gone.get(id, 0) < event.raised_at_ms
    }


async def freezes(lane: Lane) -> list[SuspicionRaised]:
    """What was said of the fourth series standing still."""
    said = [event for event in await lane.said(SuspicionRaised) if event.series[0].id == 4]
    return [event for event in said if "K1" in {finding.rule for finding in event.findings}]


async def test_late_values_reopen_their_day_and_a_suspicion_they_explain_is_withdrawn(lane: Lane):
    """All stations stood still together, which is weather; three of them were heard of later only."""
    scene = frozen(city(stations=4), rows=(1, 3, 5, 7))
    late = [row for row in scene.rows() if row[0].id in (2, 6, 8) and 598 <= (row[1] - OPEN) // HOUR < 640]
    await send(lane, [row for row in scene.rows() if row not in late])
    await close(lane, LAST)
    (raised,) = [event for event in await lane.said(SuspicionRaised) if event.series[0].id == 4]
    await send(lane, late, mode="late")
    marked = await rows(lane, "SELECT DISTINCT day, reason FROM late_days ORDER BY day")
    assert [(row.day.isoformat(), row.reason) for row in marked] == [
        ("2026-10-04", "late"), ("2026-10-05", "late"), ("2026-10-06", "late"),
    ]  # fmt: skip
    after(lane, LAST, hours=6)
    assert await closer(lane).run() == 1
    again = await rows(lane, "SELECT * FROM day_closes WHERE number = 2 ORDER BY day")
    assert [(row.day, row.reason) for row in again] == [(row.day, "late") for row in marked]
    (withdrawn,) = [e for e in await lane.said(SuspicionWithdrawn) if e.suspicion_id == raised.suspicion_id]
    assert withdrawn.score < 0.8 and withdrawn.reason_zh and withdrawn.reason_en
    assert ("raised", "freeze") not in (await standing(lane)).values()
    assert await lane.scalar("SELECT count(*) FROM falsification_findings WHERE NOT is_current") > 0
    assert await current(lane) == found_offline(scene)


async def test_a_freeze_that_goes_on_is_said_again_under_its_own_number(lane: Lane):
    scene = frozen(city(), hour=726, hours=60)
    await send(lane, scene.rows(range(32)), mode="live")
    await close(lane, 31)
    await send(lane, scene.rows(range(32, 45)), mode="live")
    await close(lane, LAST)
    said = await freezes(lane)
    assert len({event.suspicion_id for event in said}) == 1
    assert [(event.to_ms - OPEN) // HOUR for event in said] == [768, 786]
    assert await lane.said(SuspicionWithdrawn) == []


async def test_with_little_history_an_analyst_looks_first(lane: Lane):
    scene = frozen(city(), hour=540, hours=36)
    await send(lane, scene.rows(range(27)), mode="live")
    await close(lane, 26)
    assert (await standing(lane))[4, 540, 576] == ("queued", "freeze")
    assert await freezes(lane) == []
    (before,) = await rows(lane, "SELECT suspicion_id FROM suspicions WHERE kind = 'freeze'")
    await send(lane, scene.rows(range(27, 29)), mode="live")
    await close(lane, 28)
    (said,) = await freezes(lane)
    assert said.suspicion_id == str(before.suspicion_id)


async def test_a_revised_value_closes_its_day_again_and_the_first_value_stands(lane: Lane):
    scene = city(days=20, stations=2)
    await send(lane, scene.rows())
    await close(lane, 19)
    before = await current(lane)
    told = {"first_value": 1.0, "later_value": 2.0, "received_at_ms": OPEN}
    event = Revised(submission="s2", series=scene.refs[0], ts_ms=OPEN + 30 * HOUR, **told)
    async with lane.database.writer() as session:
        await assess_revised(session, event, lane.meta("ingest.revised.v1"), lane.setting)
    await close(lane, 19)
    (again,) = await rows(lane, "SELECT day::text, reason FROM day_closes WHERE number = 2")
    assert tuple(again) == ("2026-09-11", "revision")
    assert await current(lane) == before


KILLED = """
import asyncio, os, sys
from datetime import datetime
from kit.db import Database
from qc.flows.closing import Closer
from qc.flows.setting import closing_pack, setting_at
from qc.rules.closing.asked import answered

passes = []

async def judge(asked):
    passes.append(asked)
    if len(passes) == 2:
        os.kill(os.getpid(), 9)
    return answered(asked, closing_pack().tests)

database = Database(sys.argv[1], sys.argv[2])
asyncio.run(Closer(database, setting_at(datetime.fromisoformat(sys.argv[3])), closing_pack(), judge).run())
"""


async def test_killed_between_two_passes_the_next_run_goes_on_and_nothing_is_said_twice(lane: Lane):
    """Two days in April have left the newest pass, so that they are a pass of their own."""
    scene = frozen(copied(city()))
    spring = [(one, ts - 150 * 24 * HOUR, value) for one, ts, value in scene.rows(range(2))]
    await send(lane, [*spring, *scene.rows()])
    after(lane, 60)
    urls = (lane.database.writer_url, lane.database.reader_url, lane.clock().isoformat())
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, *urls], capture_output=True, timeout=110, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert await lane.scalar("SELECT passes FROM day_panels") == 1
    assert await lane.scalar("SELECT count(*) FROM day_closes") > 0
    assert await lane.scalar("SELECT count(*) FROM late_days") > 0
    assert await closer(lane).run() > 0
    assert await lane.scalar("SELECT count(*) FROM late_days") == 0
    assert await lane.scalar("SELECT count(*) FROM day_closes WHERE number > 1 AND reason = 'first'") == 0
    stands = await standing(lane)
    assert (stands[COPY], stands[FREEZE]) == (("raised", "copy-day"), ("raised", "freeze"))
    said = await lane.said(SuspicionRaised)
    assert len(said) == len({(event.suspicion_id, event.from_ms, event.to_ms, event.score) for event in said})
    assert await heard(lane) == {where for where, (state, _) in stands.items() if state == "raised"}


async def test_two_instances_close_a_panel_once(lane: Lane):
    await send(lane, copied(city(days=40, stations=2)).rows())
    after(lane, 39)
    begun = asyncio.Event()

    async def slow(asked):
        begun.set()
        await asyncio.sleep(0.2)
        return await here(asked)

    first = asyncio.create_task(closer(lane, slow).run())
    await begun.wait()
    assert await closer(lane).run() == 0
    assert await first == 1
    assert await lane.scalar("SELECT max(number) FROM day_closes") == 1


async def test_a_pass_that_another_instance_overtook_keeps_nothing(lane: Lane):
    """The lock went with its connection, and somebody else closed the panel meanwhile."""
    await send(lane, copied(city(days=40, stations=2)).rows())
    after(lane, 39)

    async def overtaken(asked):
        async with lane.database.writer() as session:
            await session.execute(text("UPDATE day_panels SET passes = passes + 1"))
        return await here(asked)

    assert await closer(lane, overtaken).run() == 0
    assert await lane.scalar("SELECT count(*) FROM day_closes") == 0
    assert await lane.scalar("SELECT count(*) FROM falsification_findings") == 0
    assert await lane.said(SuspicionRaised) == []
    assert await closer(lane).run() == 1


async def test_a_stretch_of_which_a_streaming_suspicion_stands_opens_no_second_lead(lane: Lane):
    """The streaming rules spoke first; late minutes take their ground away, not that of the day close."""
    scene = frozen(city(), rows=(0,))
    await send(lane, scene.rows(), mode="live")
    own = msgspec.structs.replace(scene.refs[0], id=90, period="min", decimals=1)
    level = float(scene.value[0, 600])
    share = {h: 0.4 if h % 2 else 0.7 for h in range(600, 614)}
    low = [(own, OPEN + h * HOUR + m * 60_000, level * share[h]) for h in share for m in range(46)]
    await send(lane, low, mode="late")
    (streaming,) = await rows(lane, "SELECT suspicion_id::text AS id FROM suspicions WHERE state = 'raised'")
    await close(lane, LAST)
    ((where, stands),) = [(w, s) for w, s in (await standing(lane)).items() if w[0] == 1 and s[1] == "freeze"]
    assert (where, stands) == ((1, 600, 636), ("queued", "freeze"))
    said = [event for event in await lane.said(SuspicionRaised) if event.series[0].id == 1]
    assert [event.suspicion_id for event in said] == [streaming.id]
    assert await lane.scalar("SELECT beside::text FROM suspicions WHERE kind = 'freeze'") == streaming.id
    high = {h: level * (60 - share[h] * 46) / 14 for h in share}
    rest = [(own, OPEN + h * HOUR + m * 60_000, high[h]) for h in share for m in range(46, 60)]
    after(lane, LAST, hours=5)
    await send(lane, rest, mode="late")
    assert [event.suspicion_id for event in await lane.said(SuspicionWithdrawn)] == [streaming.id]
    assert await close(lane, LAST) == 1
    assert (await standing(lane))[1, 600, 636] == ("raised", "freeze")


async def test_the_tests_run_in_a_process_of_their_own_and_say_the_same_there(lane: Lane):
    scene = frozen(copied(city(stations=2)))
    asked = asked_of("ambient-air", scene.refs, _file(scene), PACK)
    apart, near = await asyncio.gather(judged_apart(asked), here(asked))
    assert apart == near
    with pytest.raises(NotAnswered, match="exit 1"):
        await judged_apart(msgspec.structs.replace(asked, value=asked.value[:-4]))


def _file(scene: City) -> Rows:
    places, hours = np.nonzero(np.isfinite(scene.value))
    zero = np.zeros(len(places), dtype=np.int64)
    return Rows(places, OPEN + hours * HOUR, scene.value[places, hours], zero, zero)


async def test_a_panel_that_fails_is_named_and_stops_no_other(lane: Lane, monkeypatch):
    scene = copied(city(days=40, stations=2))
    elsewhere = [
        msgspec.structs.replace(
            one, id=one.id + 50, region="131100", site=one.site.replace("131000", "131100")
        )
        for one in scene.refs
    ]
    moved = City(elsewhere, scene.value)
    await send(lane, [*scene.rows(), *moved.rows()])
    after(lane, 39)

    async def fails_in_one(asked):
        if asked.members[0].station.startswith("131000"):
            raise NotAnswered("exit 1")
        return await here(asked)

    said = CapturingLogger()
    # A logger of its own: other tests of the process configure the common one.
    monkeypatch.setattr(closing, "log", structlog.wrap_logger(said, [], structlog.BoundLogger))
    assert await closer(lane, fails_in_one).run() == 1
    (failed,) = said.calls
    assert failed.kwargs["event"] == "day_close_failed" and "exit 1" in failed.kwargs["error"]
    assert {row.region for row in await rows(lane, "SELECT DISTINCT region FROM day_closes")} == {"131100"}
    assert await closer(lane).run() == 1


def test_the_scene_leaves_no_suspicion_where_nothing_was_planted():
    assert [one for one in judged_offline(city()) if one.survives] == []

"""The way of recorded values through the real database: verdicts, alarms, suspicions, retraction."""

import random
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from contracts.envelope import lane_of
from contracts.ingest import Revised
from contracts.packing import unpacked
from contracts.qc import AlarmRaised, AlarmWithdrawn, Assessed, SuspicionRaised, SuspicionWithdrawn
from qc.flows.missing import notice_overdue
from qc.flows.revising import assess_revised
from qc.rules.assess import assess
from qc.rules.frame import Columns, roster_of
from qc_scene import HOUR, MINUTE, MINUTES, PACK, PM10, PM25, START, Lane, bit, freeze, hours, minutes, ref
from sqlalchemy import text


async def test_a_value_is_stored_judged_and_said_with_its_trace(lane: Lane):
    assert await lane.send(hours(PM25, [35.0, None, 1200.0])) == 3
    assert [code for code, _ in (await lane.codes(PM25)).values()] == [1, 9, 4]
    (event,) = await lane.said(Assessed)
    assert event.code == [1, 9, 4]
    assert event.value == [35.0, None, 1200.0]
    assert event.revision == [1, 1, 1]
    assert event.rule_pack == PACK.version
    assert event.traces == ["ab" * 16]
    assert event.by == [0, 0, 0]
    assert await lane.scalar("SELECT trace_ids[1] FROM outbox LIMIT 1") == "ab" * 16


async def test_each_verdict_names_the_reading_that_gave_it(lane: Lane):
    """Three submissions judged together: every row its own, in whatever order the event lists them."""
    traces = [letter * 32 for letter in "cab"]
    rows = hours(PM25, [35.0, 41.0, 38.0])
    await lane.send_many([([row], trace) for row, trace in zip(rows, traces, strict=True)])
    (event,) = await lane.said(Assessed)
    assert [event.traces[place] for place in event.by] == traces


async def test_the_same_message_twice_changes_nothing(lane: Lane):
    rows = hours(PM25, [35.0, 40.0])
    await lane.send(rows)
    assert await lane.send(rows) == 0
    assert len(await lane.said(Assessed)) == 1
    assert await lane.scalar("SELECT count(*) FROM known_values") == 2


async def test_a_flat_line_condemns_its_first_values_afterwards_and_history_is_kept(lane: Lane):
    for row in hours(PM25, [42.0] * 7):
        await lane.send([row])
    assert set((await lane.codes(PM25)).values()) == {(3, bit("K1"))}
    assert await lane.scalar("SELECT count(*) FROM earlier_verdicts") == 5
    assert await lane.scalar("SELECT count(*) FROM verdicts") == 12
    events = await lane.said(Assessed)
    assert events[5].revision == [2, 2, 2, 2, 2, 1]
    assert len(await lane.said(AlarmRaised)) == 1
    assert await lane.scalar("SELECT extract(epoch FROM to_at - from_at) / 3600 FROM alarms") == 7


async def test_the_writer_cannot_change_a_known_value_or_an_earlier_verdict(lane: Lane):
    await lane.send(hours(PM25, [42.0] * 7))
    for statement in (
        "UPDATE known_values SET value = 1",
        "DELETE FROM known_values",
        "UPDATE earlier_verdicts SET code = 1",
        "DELETE FROM earlier_verdicts",
        "DELETE FROM alarms",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with lane.database.writer() as session:
                await session.execute(text(statement))


async def test_history_is_judged_but_raises_no_alarm(lane: Lane):
    await lane.send(hours(PM25, [42.0] * 8 + [1200.0]), mode="historical")
    assert {code for code, _ in (await lane.codes(PM25)).values()} == {3, 4}
    assert await lane.said(AlarmRaised) == []


async def test_hours_frozen_over_moving_minutes_are_a_suspicion(lane: Lane):
    for h in range(12):
        await lane.send([row for row in freeze() if START + h * HOUR <= row[1] < START + (h + 1) * HOUR])
    codes = await lane.codes(PM25)
    assert {code for code, _ in codes.values()} == {4}
    raised = await lane.said(SuspicionRaised)
    assert len({event.suspicion_id for event in raised}) == 1
    last = raised[-1]
    assert last.score >= PACK.case_threshold
    assert [finding.rule for finding in last.findings] == ["K1", "X9", "K1X9"]
    assert (last.from_ms, last.to_ms) == (START, START + 12 * HOUR)
    assert last.series == [PM25]
    assert [e.raised_at_ms for e in raised] == sorted(e.raised_at_ms for e in raised)
    assert {e.rule for e in await lane.said(AlarmRaised)} == {"K1", "X9"}


async def test_a_stuck_sensor_whose_minutes_are_stuck_too_is_no_suspicion(lane: Lane):
    rows = [row for h in range(14) for row in [*minutes(h, 60.0), (PM25, START + h * HOUR, 60.0)]]
    await lane.send(rows)
    assert set((await lane.codes(PM25)).values()) == {(3, bit("K1"))}
    assert await lane.said(SuspicionRaised) == []


async def test_late_minutes_make_the_hour_good_again_and_withdraw_alarm_and_suspicion(lane: Lane):
    """Of each hour the 46 low minutes came first; the 14 high ones that explain its mean were held up."""
    level = [30.0 + 2 * h for h in range(12)]
    low = [row for h in range(12) for row in minutes(h, level[h], 46)]
    held_up = [row for h in range(12) for row in minutes(h, (60.0 * 60 - level[h] * 46) / 14, 14, skip=46)]
    await lane.send([*low, *hours(PM25, [60.0] * 12)])
    assert {code for code, _ in (await lane.codes(PM25)).values()} >= {4}
    assert len(await lane.said(SuspicionRaised)) == 1
    lane.clock.forward(hours=1)
    random.Random(3).shuffle(held_up)
    for part in range(0, len(held_up), 50):
        await lane.send(held_up[part : part + 50], mode="backfill")
    assert set((await lane.codes(PM25)).values()) == {(1, 0)}
    (withdrawn,) = await lane.said(SuspicionWithdrawn)
    assert withdrawn.suspicion_id == (await lane.said(SuspicionRaised))[0].suspicion_id
    assert withdrawn.score < PACK.case_threshold
    assert withdrawn.reason_zh and withdrawn.reason_en
    gone = {event.alarm_id for event in await lane.said(AlarmWithdrawn)}
    assert {e.rule for e in await lane.said(AlarmRaised) if e.alarm_id in gone} == {"K1", "X9"}
    assert await lane.scalar("SELECT count(*) FROM suspicions WHERE state = 'withdrawn'") == 1


async def test_clearing_the_middle_of_a_suspicion_leaves_it_standing_on_its_ends(lane: Lane):
    """Evidence of 40 h; late minutes clear X9 of 16 h in the middle; the frozen line still joins the ends."""
    for h in range(40):
        await lane.send([*minutes(h, 40.0 if h % 2 else 80.0, 46), (PM25, START + h * HOUR, 60.0)])
    (one,) = {event.suspicion_id for event in await lane.said(SuspicionRaised)}
    rows = []
    for h in range(12, 28):
        low = 40.0 if h % 2 else 80.0
        rows += minutes(h, (60.0 * 60 - low * 46) / 14, 14, skip=46)
    await lane.send(rows, mode="late")
    async with lane.database.writer() as session:
        found = await session.execute(
            text("SELECT suspicion_id::text AS id, from_at, to_at FROM suspicions WHERE state = 'raised'")
        )
        standing = {row.id: (row.to_at - row.from_at) / timedelta(hours=1) for row in found}
    assert one in standing
    assert list(standing.values()) == [40.0]


async def test_a_revised_value_is_a_finding_whichever_event_comes_first(lane: Lane):
    revised = Revised(
        submission="s2", series=PM25, ts_ms=START, first_value=35.0, later_value=12.0, received_at_ms=START
    )
    async with lane.database.writer() as session:
        assert await assess_revised(session, revised, lane.meta("ingest.revised.v1"), lane.setting) == 0
    await lane.send(hours(PM25, [35.0]))
    assert await lane.codes(PM25) == {START: (3, bit("C1"))}
    again = msgspec.structs.replace(revised, ts_ms=START + HOUR)
    await lane.send(hours(PM25, [36.0], START + HOUR))
    async with lane.database.writer() as session:
        assert await assess_revised(session, again, lane.meta("ingest.revised.v1"), lane.setting) == 1
    assert (await lane.codes(PM25))[START + HOUR] == (3, bit("C1"))
    assert {event.rule for event in await lane.said(AlarmRaised)} == {"C1"}


async def test_silence_of_a_live_series_is_missing_until_the_value_arrives(lane: Lane):
    await lane.send(hours(PM25, [35.0]))
    lane.clock.now = datetime.fromtimestamp(START / 1000, UTC) + timedelta(hours=3, minutes=30)
    for _ in range(2):
        async with lane.database.writer() as session:
            await notice_overdue(session, lane.setting)
    missing = (await lane.said(Assessed))[1:]
    assert [(e.ts_ms, e.code, e.value, e.revision) for e in missing] == [([START + HOUR], [9], [None], [1])]
    (alarm,) = await lane.said(AlarmRaised)
    assert alarm.rule == "missing"
    lane.clock.forward(hours=1)
    async with lane.database.writer() as session:
        assert await notice_overdue(session, lane.setting) == 1
    assert len(await lane.said(AlarmRaised)) == 1
    await lane.send(hours(PM25, [36.0, 37.0], START + HOUR), mode="late")
    assert (await lane.said(Assessed))[-1].revision == [2, 2]
    assert [e.alarm_id for e in await lane.said(AlarmWithdrawn)] == [alarm.alarm_id]
    assert await lane.scalar("SELECT count(*) FROM earlier_verdicts WHERE code = 9") == 2


async def test_a_series_silent_for_days_is_no_longer_counted_hour_by_hour(lane: Lane):
    await lane.send(hours(PM25, [35.0]))
    lane.clock.now = datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=4)
    for noticed in (94, 0):
        async with lane.database.writer() as session:
            assert await notice_overdue(session, lane.setting) == noticed
        lane.clock.forward(days=1)
    assert len(await lane.said(AlarmRaised)) == 1


async def test_silence_of_history_is_nobodys_fault(lane: Lane):
    await lane.send(hours(PM25, [35.0]), mode="historical")
    lane.clock.forward(days=400)
    async with lane.database.writer() as session:
        assert await notice_overdue(session, lane.setting) == 0


async def test_any_split_and_order_through_the_database_ends_in_the_codes_of_one_batch(lane: Lane):
    rng = random.Random(11)
    rows = [
        (series, START + h * HOUR, 42.0 if 10 <= h < 24 else rng.choice([42.0, 42.0, 60.0, 700.0]))
        for series in (PM25, PM10)
        for h in range(40)
    ]
    for h in set(range(40)) - {3, 13, 14, 30}:
        rows += minutes(h, rng.choice([42.0, 48.0, 55.0]), rng.randint(44, 60))
    rng.shuffle(rows)
    cuts = sorted(rng.sample(range(1, len(rows)), 15))
    for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        await lane.send(rows[a:b], mode=rng.choice(["live", "late", "backfill", "historical"]))
    refs = [PM25, PM10, MINUTES]
    ordered = sorted(rows, key=lambda row: (row[0].id, row[1]))
    columns = Columns(
        np.array([row[0].id - 1 for row in ordered]), np.array([row[1] for row in ordered]),
        np.array([row[2] for row in ordered]), np.full(len(ordered), ord("N")),
        np.zeros(len(ordered), dtype=np.int64),
    )  # fmt: skip
    batch = assess(columns, roster_of(refs, PACK), PACK)
    assert {b for b in (1 << n for n in range(14)) if (batch.tests & b).any()} >= {
        bit(rule) for rule in ("K1", "X1", "X9", "K1X9", "step")
    }
    for place, series in enumerate(refs):
        here = columns.series == place
        expected = dict(
            zip(
                columns.ts[here].tolist(),
                zip(batch.code[here].tolist(), batch.tests[here].tolist(), strict=True),
                strict=True,
            )
        )
        assert await lane.codes(series) == expected


async def test_every_said_revision_ends_at_the_current_verdict(lane: Lane):
    for h in (5, 3, 1, 0, 2, 4):
        await lane.send(hours(PM25, [42.0], START + h * HOUR))
    last: dict[int, tuple[int, int]] = {}
    for event in await lane.said(Assessed):
        for ts, revision, code in zip(event.ts_ms, event.revision, event.code, strict=True):
            if revision > last.get(ts, (0, 0))[0]:
                last[ts] = (revision, code)
    assert {ts: code for ts, (_, code) in last.items()} == {
        ts: code for ts, (code, _) in (await lane.codes(PM25)).items()
    }


async def test_a_large_message_is_said_in_parts_below_the_limit_of_the_bus(lane: Lane):
    many = [ref(1000 + i, site=f"131000-A{i:03d}", name_zh="细颗粒物" * 8) for i in range(400)]
    rows = [(series, START + h * HOUR, 1234.567890123) for series in many for h in range(12)]
    await lane.send(rows)
    events = await lane.said(Assessed)
    assert sum(len(event.ts_ms) for event in events) == 4800
    assert await lane.scalar("SELECT max(length(data)) FROM outbox") <= 256 * 1024


async def test_an_absurd_value_stops_nothing(lane: Lane):
    absurd = ref(50, "w20012", "min")
    hour = ref(51, "w20012")
    rows = [(absurd, START + m * MINUTE, value) for m, value in enumerate([1e308, -1e308, 5e-324, 1e15, 0.1])]
    assert await lane.send([*rows, (hour, START, 1e308)]) == 6
    assert await lane.send([(absurd, START + 30 * MINUTE, 2.0)], mode="late") == 1
    assert {code for code, _ in (await lane.codes(absurd)).values()} == {2}


async def test_sites_of_several_lanes_judged_together_are_judged_alike_and_said_each_in_its_lane(lane: Lane):
    sites = [f"131000-B{n:02d}" for n in range(6)]
    series = [ref(100 + n, site=site) for n, site in enumerate(sites)]
    values = [42.0] * 7 + [35.0, 5000.0]
    await lane.send_many([(hours(one, values), f"{n:032x}") for n, one in enumerate(series)])
    await lane.send(hours(PM25, values))
    alone = list((await lane.codes(PM25)).values())
    assert {code for code, _ in alone} == {1, 3, 4}
    for one in series:
        assert list((await lane.codes(one)).values()) == alone
    async with lane.database.writer() as session:
        rows = await session.execute(text("SELECT lane, data FROM outbox WHERE event = 'qc.assessed.v1'"))
        said = [(row.lane, msgspec.json.decode(unpacked(row.data), type=Assessed)) for row in rows]
    assert len({name for name, _ in said}) > 1
    assert all(name == lane_of(Assessed, one.site) for name, event in said for one in event.series)
    assert sum(len(event.ts_ms) for _, event in said) == len(values) * (len(series) + 1)

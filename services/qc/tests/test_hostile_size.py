"""Registers, rosters and draws at the size of a province, and input made to break them; over HTTP."""

import csv
import io
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from contracts.qc import CheckOrdered
from desk_scene import ANALYST, REVIEWER, Act, actor, exceed, shifts
from qc.flows.repeats import forget_answers
from qc.queries import desk as stored
from qc.rules.desk import on_duty
from qc_scene import Lane
from registers_scene import LAB, MATERIAL, Desk
from sqlalchemy import text

ROWS = 100_000
EVIL = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def act(client, tokens) -> Act:
    return actor(client, tokens)


async def page(desk: Desk, kind: str, **params: Any) -> tuple[str, float]:
    """A page as CSV, and the processor time it took."""
    begun = process_time()
    headers = desk._bearer("ee/data.read@131000", None)
    answer = await desk.client.get(f"/registers/{kind}", params={"format": "csv"} | params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content.decode("utf-8-sig"), process_time() - begun


async def multiply(lane: Lane, kind: str) -> None:
    """The only record of a kind, a hundred thousand times."""
    columns = (
        "region, dept, uscc, parties, site, about, happened_at, flags, body, judged, change_no, entered_at"
    )
    async with lane.database.writer() as session:
        made = f"""
            INSERT INTO register_records (kind, code, {columns}, entered_by)
            SELECT kind, 'N' || lpad(n::text, 6, '0'), {columns}, entered_by
            FROM register_records, generate_series(1, {ROWS}) n WHERE kind = '{kind}'
        """
        await session.execute(text(made))


async def test_a_register_of_100000_rows_is_exported_page_by_page(desk: Desk, lane: Lane):
    await desk.enter(LAB, "metrology/reference-materials", MATERIAL)
    await multiply(lane, "reference-materials")
    seen, spent, cursor = 0, [], None
    while cursor is not None or not seen:
        params = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
        told, took = await page(desk, "metrology/reference-materials", **params)
        rows = list(csv.reader(io.StringIO(told)))[2:]
        spent.append(took)
        seen += len(rows)
        cursor = rows[-1][0] if len(rows) == 1000 else None
    assert seen == ROWS + 1
    # The last page costs what the first did: nothing grows with what lies before it.
    assert sum(spent[-10:]) < 3 * sum(spent[1:11])
    headers = desk._bearer("ee/data.read@131000", None)
    path = "/registers/metrology/reference-materials"
    greedy = await desk.client.get(path, params={"limit": 100_000}, headers=headers)
    assert greedy.status_code == 422


async def test_no_cell_of_an_export_runs_in_a_spreadsheet(desk: Desk):
    body = MATERIAL | {
        "name_zh": EVIL,
        "supplier": "@SUM(1+1)",
        "lot": "-2+3",
        "purchase_no": "+cmd|' /C calc'!A0",
    }
    await desk.enter(LAB, "metrology/reference-materials", body)
    used = {"material": "R1", "used_at": "2026-11-20T08:00:00+08:00", "amount": 1, "purpose": "校准",
            "used_by": [EVIL, "李四"]}  # fmt: skip
    await desk.enter(LAB, "metrology/material-uses", used)
    for kind in ("metrology/reference-materials", "metrology/material-uses"):
        told, _ = await page(desk, kind)
        for row in list(csv.reader(io.StringIO(told)))[2:]:
            assert not [cell for cell in row if cell.startswith(("=", "+", "@")) or cell == "-2+3"]
        assert "'=HYPERLINK" in told


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ('{"name_zh": "标气"}'.encode("gbk"), 422),
        ("\ufeff{}".encode(), 422),
        ('{"name_zh": "x"}'.encode("utf-16"), 422),
        (b'{"name_zh": "\\ud800"}', 422),
        (b'{"name_zh": "\\u0000"}', 422),
        (b"\x00" * 1000, 422),
        (b"[" * 100_000, 422),
        (b'{"quantity": 1e999}', 422),
    ],
    ids=["gbk", "bom", "utf-16", "surrogate", "nul", "zeros", "deep", "infinite"],
)
async def test_what_is_no_json_in_utf_8_gets_a_clear_answer(desk: Desk, content: bytes, status: int):
    headers = desk._bearer(LAB, None) | {"Content-Type": "application/json"}
    answer = await desk.client.put(
        "/registers/metrology/reference-materials/R1", content=content, headers=headers
    )
    assert answer.status_code in (400, status), answer.text
    assert answer.json()["title"] and answer.json()["detail"]


async def test_a_roster_of_thousands_of_overlapping_shifts_names_one_person_at_every_instant(
    lane: Lane, act: Act
):
    midnight = datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0) - timedelta(days=2)
    (turn,) = shifts((1, "ee.mon", "zhang"))
    begun = process_time()
    for part in range(8):
        turns = []
        for n in range(500):
            # Twelve hours each, a new one every hour: at any instant twelve overlap; all meet at midnight.
            start = midnight + timedelta(hours=(part * 500 + n) % 96)
            end = start + timedelta(hours=12)
            who = {"person": f"p{part}-{n}", "starts_at": start.isoformat(), "ends_at": end.isoformat()}
            turns.append(turn | who)
        await act(REVIEWER, "POST", "/duty-shifts", 201, shifts=turns)
    await act(REVIEWER, "POST", "/duty-shifts", 422, shifts=[turn] * 501)
    backwards = turn | {"ends_at": turn["starts_at"]}
    wrong = await act(REVIEWER, "POST", "/duty-shifts", 422, shifts=[turn, backwards])
    assert wrong["errors"][0]["where"] == "shifts/1/ends_at"
    seen, cursor = 0, None
    while cursor is not None or not seen:
        told = await act(ANALYST, "GET", "/duty-shifts", limit=1000, **({"cursor": cursor} if cursor else {}))
        seen, cursor = seen + len(told["items"]), told["next"]
    assert seen == 4000
    await exceed(lane)
    (alarm,) = (await act(ANALYST, "GET", "/alarms"))["items"]
    assert (await act(ANALYST, "GET", f"/alarms/{alarm['id']}"))["on_duty"]["name"]
    assert process_time() - begun < 60
    async with lane.database.writer() as session:
        at = midnight + timedelta(days=1)
        before = on_duty(await stored.shifts_at(session, at - timedelta(microseconds=1)), "131000", 1)
        then = await stored.shifts_at(session, at)
        # Half open: who ends at midnight (+08:00, no summer time) is off, who begins then is on.
        assert before is not None and before.ends_at >= at
        assert all(one.ends_at > at and one.starts_at <= at for one in then)
        assert any(one.starts_at == at for one in then) and on_duty(then, "131000", 1) is not None


async def known(lane: Lane, count: int) -> list[str]:
    """So many outlets with SO2."""
    async with lane.database.writer() as session:
        made = f"""
            INSERT INTO known_series (series_id, site, region, period, descriptor)
            SELECT 100000 + n, 'Q' || n, '131000', 'hour',
                   jsonb_build_object('id', 100000 + n, 'site', 'Q' || n, 'factor', 'a21026')
            FROM generate_series(1, {count}) n
        """
        await session.execute(text(made))
    return [f"Q{n}/a21026" for n in range(1, count + 1)]


async def test_a_draw_over_5000_points_is_bounded(lane: Lane, act: Act):
    points = await known(lane, 5000)
    soon = datetime.now(UTC) + timedelta(hours=1)
    asked: dict[str, Any] = {
        "region": "131000", "purpose": "盲样考核", "candidates": points, "take": 100,
        "announced": "双色球", "value_after": soon.isoformat(),
    }  # fmt: skip
    begun = process_time()
    made = await act(ANALYST, "POST", "/check-draws", 201, **asked)
    assert process_time() - begun < 10
    await act(ANALYST, "POST", "/check-draws", 422, **asked | {"candidates": [*points, "Q5001/a21026"]})
    await act(ANALYST, "POST", "/check-draws", 404, **asked | {"candidates": [*points[1:], "Q9999/a21026"]})
    async with lane.database.writer() as session:
        await session.execute(text("UPDATE check_draws SET value_after = now() - interval '1 hour'"))
    begun = process_time()
    drawn = await act(
        ANALYST, "POST", f"/check-draws/{made['id']}/draw", value="01 02", value_source="公报", check="zero"
    )
    assert process_time() - begun < 10
    assert len(drawn["orders"]) == len({one.site for one in await lane.said(CheckOrdered)}) == 100


async def test_answers_are_kept_as_long_as_the_rule_says(lane: Lane, act: Act):
    await act(REVIEWER, "POST", "/duty-shifts", 201, key="first-key", shifts=shifts((1, "ee.mon", "a")))
    await act(REVIEWER, "POST", "/duty-shifts", 201, key="other-key", shifts=shifts((1, "ee.mon", "b")))
    async with lane.database.writer() as session:
        assert await forget_answers(session, datetime.now(UTC) + timedelta(days=29)) == 0
        assert await forget_answers(session, datetime.now(UTC) + timedelta(days=31), most=1) == 1
        assert await forget_answers(session, datetime.now(UTC) + timedelta(days=31)) == 1
    assert await lane.scalar("SELECT count(*) FROM answers") == 0
    # Only the answer goes; what was written stays.
    assert await lane.scalar("SELECT count(*) FROM duty_shifts") == 2

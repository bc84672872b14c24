"""Stations of two departments that measure one point: declared, compared, held (LF-01); over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from contracts.qc import HoldDecided, HoldPlaced
from desk_scene import ANALYST, READER, REVIEWER, Act, actor, hour_now
from qc_scene import HOUR, Lane, hours, ref
from registers_scene import Desk, day

OURS = ref(60, "w01018", site="131000-W01", element="water", unit="mg/L", decimals=1, source="L1")
THEIRS = msgspec.structs.replace(OURS, id=61, site="131000-W77", source="L9", unit="ug/L", decimals=0)
CLERK, WATER = "ee.mon/data.submit@131000", "water/data.submit@131000"
POINT: dict[str, Any] = {
    "region": "131000", "name_zh": "子牙河断面", "name_en": "Ziya river section", "basis": "同一断面左右岸",
    "stations": [{"site": OURS.site, "dept": "ee.mon"}, {"site": THEIRS.site, "dept": "water"}],
    "valid_from": day(-30),
}  # fmt: skip


@pytest.fixture
def act(client, tokens) -> Act:
    return actor(client, tokens)


@pytest.fixture
async def stations(desk: Desk, lane: Lane) -> Desk:
    """Both stations are registered, and have each sent an hour that agrees."""
    for one in (OURS, THEIRS):
        await desk.site(one.site, None)
    lane.clock.now = datetime.now(UTC)
    await lane.send(hours(OURS, [20.0], hour_now() - 9 * HOUR))
    await lane.send(hours(THEIRS, [20_000.0], hour_now() - 9 * HOUR))
    return desk


async def declare(desk: Desk, who: str = CLERK, status: int = 200, **cells: Any) -> Any:
    return await desk.put(who, "proficiency/same-points/SP-1", POINT | cells, status)


async def differ(lane: Lane, at: int = 4) -> None:
    begin = hour_now() - at * HOUR
    await lane.send(hours(OURS, [20.0, 20.1], begin))
    await lane.send(hours(THEIRS, [25_000.0, 26_000.0], begin))


async def test_LF_01_stations_of_two_departments_at_one_point_that_differ_are_an_issue(
    stations: Desk, lane: Lane, act: Act
):
    await differ(lane, 8)
    assert (await act(READER, "GET", "/holds"))["items"] == []
    await declare(stations)
    await differ(lane)
    (issue,) = (await act(READER, "GET", "/holds", kind="consistency"))["items"]
    assert [(one["site"], one["id"]) for one in issue["sources"]] == [(OURS.site, 60), (THEIRS.site, 61)]
    for words in ("ee.mon 131000-W01", "water 131000-W77"):
        assert words in issue["reason_zh"] and words in issue["reason_en"]
    shown = await act(READER, "GET", f"/holds/{issue['id']}")
    assert [(one["value_a"], one["value_b"]) for one in shown["pairs"]] == [(20.0, 25.0), (20.1, 26.0)]
    assert all("LF-01" in one["source_clause"] for one in shown["pairs"])
    # The figure of both stations is withheld until two persons say which one is right.
    placed = {event.site: event for event in await lane.said(HoldPlaced)}
    assert placed.keys() == {OURS.site, THEIRS.site}
    assert placed[OURS.site].hold_id == issue["id"] != placed[THEIRS.site].hold_id
    begin = hour_now() - 4 * HOUR
    assert {(one.from_ms, one.to_ms) for one in placed.values()} == {(begin, begin + 2 * HOUR)}
    path = f"/holds/{issue['id']}/decide"
    await act(ANALYST, "POST", path, decision="release", released=[61], reason="以水利站为准")
    await act(REVIEWER, "POST", path, decision="release", released=[61], reason="同意")
    decided = {event.site: event for event in await lane.said(HoldDecided)}
    assert {event.hold_id for event in decided.values()} == {one.hold_id for one in placed.values()}
    assert all((event.decision, event.released) == ("release", [61]) for event in decided.values())


async def test_LF_01_a_side_that_turns_out_bad_ends_the_issue(stations: Desk, lane: Lane, act: Act):
    await declare(stations)
    await lane.send(hours(OURS, [20.0], hour_now() - 4 * HOUR))
    await lane.send(hours(THEIRS, [25_000.0], hour_now() - 4 * HOUR), flag="D")
    await lane.send(hours(THEIRS, [25_000.0], hour_now() - 3 * HOUR), mode="historical")
    assert (await act(READER, "GET", "/holds"))["items"] == []


@pytest.mark.parametrize(
    "cells",
    [
        {"valid_to": day(-20)},
        {"factors": ["w21003"]},
        {"valid_from": day(3)},
    ],
)
async def test_LF_01_a_declaration_counts_for_its_days_and_factors_only(
    stations: Desk, lane: Lane, act: Act, cells: dict[str, Any]
):
    await declare(stations, **cells)
    await differ(lane)
    assert (await act(READER, "GET", "/holds"))["items"] == []


async def test_LF_01_only_the_bureau_and_its_station_declare_a_point(stations: Desk, lane: Lane, act: Act):
    await declare(stations, WATER, 403)
    await declare(stations, "ee.mon/data.submit@131100", 403)
    kept = await declare(stations)
    assert kept["entered_by"].startswith(CLERK)
    alone = [{"site": OURS.site, "dept": "ee.mon"}, {"site": THEIRS.site, "dept": "ee.mon"}]
    refused = await stations.put(CLERK, "proficiency/same-points/SP-2", POINT | {"stations": alone}, 422)
    assert (refused["errors"][0]["where"], refused["errors"][0]["rule"]) == ("stations", "same-point")
    unknown = [{"site": "131000-W99", "dept": "water"}, POINT["stations"][0]]
    refused = await stations.put(CLERK, "proficiency/same-points/SP-3", POINT | {"stations": unknown}, 422)
    assert (refused["errors"][0]["where"], refused["errors"][0]["rule"]) == ("stations[0].site", "reference")
    # What was sent before the declaration is not compared, and the record says so.
    since = kept["judged"]["compared_from"]
    assert abs(datetime.fromisoformat(since) - datetime.now(UTC)) < timedelta(minutes=10)
    renamed = await stations.put(
        CLERK,
        "proficiency/same-points/SP-1",
        POINT | {"name_zh": "子牙河"},
        **{"If-Match": str(kept["version"])},
    )
    assert renamed["judged"]["compared_from"] == since
    kept = await stations.put(
        CLERK,
        "proficiency/same-points/SP-1",
        POINT | {"factors": ["w01018"]},
        **{"If-Match": str(renamed["version"])},
    )
    assert kept["judged"]["compared_from"] > since, "what is compared has changed"
    # What is declared no longer is compared no longer.
    version = str(kept["version"])
    ended = POINT | {"valid_to": (datetime.now(UTC) - timedelta(days=2)).date().isoformat()}
    await stations.put(CLERK, "proficiency/same-points/SP-1", ended, **{"If-Match": version})
    await differ(lane)
    assert (await act(READER, "GET", "/holds"))["items"] == []

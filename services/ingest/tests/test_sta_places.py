"""SensorThings: where Things stood from when, and what their Observations are of."""

import httpx
import pytest
from ingest_scene import AIR, FACTORS, MON, OUTLET, USCC, batch, row, send, series_of
from kit.testing.tokens import Tokens
from registry_scene import APPROVER, CLERK, SHA, Door, station
from test_sta import Asking
from test_sta_sets import ids

STACK = {
    "kind": "outlet",
    "element": "waste_gas",
    "region": "131081",
    "zh": "排口",
    "en": "Stack",
    "uscc": USCC,
}


@pytest.fixture
def ask(client: httpx.AsyncClient, tokens: Tokens) -> Asking:
    return Asking(client, tokens)


async def place(client: httpx.AsyncClient, tokens: Tokens, lon: float | None) -> None:
    body = STACK | ({} if lon is None else {"lon": lon, "lat": 39.1})
    answer = await client.put(f"/sites/{OUTLET}", json=body, headers=tokens.bearer(MON))
    assert answer.status_code == 200, answer.text


async def move_by_approval(door: Door) -> None:
    await door.put(CLERK, f"/sites/{AIR}", station(level="city", authority="city"))
    body = {"site": AIR, "change": "move", "longitude": 116.72, "latitude": 39.52, "reason": "站房拆迁",
            "documents": [SHA]}  # fmt: skip
    path = "/registry/points/station-changes/M1"
    await door.put(CLERK, path, body)
    await door.put(CLERK, f"/sites/{AIR}", station(level="city", lon=116.9, lat=39.9), 409)
    await door.post(APPROVER, f"{path}/approve", {"decision": "同意"})


async def test_only_an_approved_move_is_a_historical_location(ask: Asking, door: Door) -> None:
    (before,) = (await ask.get(f"/Things('{AIR}')/HistoricalLocations"))["value"]
    assert ids(await ask.follow(before["Locations@iot.navigationLink"])) == [AIR], "it stands there"
    await move_by_approval(door)
    found = await ask.get(f"/Things('{AIR}')/HistoricalLocations", count="true", orderby="time desc")
    assert found["@iot.count"] == 2 and found["value"][1] == before, "the id of a place stays"
    now = found["value"][0]
    assert now["time"] > before["time"]
    (stood,) = (await ask.follow(before["Locations@iot.navigationLink"]))["value"]
    assert (stood["@iot.id"], stood["location"]["coordinates"]) == (
        f"{AIR}~{before['@iot.id']}",
        [116.7, 39.5],
    )
    assert await ask.follow(stood["@iot.selfLink"]) == stood
    assert ids(await ask.follow(stood["HistoricalLocations@iot.navigationLink"])) == [before["@iot.id"]]
    assert await ask.follow(stood["Things@iot.navigationLink"]) == {"value": []}, "it left"
    (stands,) = (await ask.follow(now["Locations@iot.navigationLink"]))["value"]
    assert (stands["@iot.id"], stands["location"]["coordinates"]) == (AIR, [116.72, 39.52])
    assert ids(await ask.follow(stands["HistoricalLocations@iot.navigationLink"])) == [now["@iot.id"]]
    assert (await ask.follow(before["Thing@iot.navigationLink"]))["@iot.id"] == AIR
    expanded = await ask.get(
        f"/HistoricalLocations({before['@iot.id']})", expand="Thing($select=name),Locations"
    )
    assert expanded["Thing"]["name"] == "Anci" and expanded["Locations"] == [stood]
    since = {"filter": f"time ge {now['time']}", "select": "time"}
    assert (await ask.get("/HistoricalLocations", **since))["value"] == [
        {"@iot.id": now["@iot.id"], "@iot.selfLink": now["@iot.selfLink"], "time": now["time"]}
    ]
    assert ids(await ask.get("/Locations", filter=f"id eq '{stood['@iot.id']}'")) == [stood["@iot.id"]]
    for wrong in (f"{AIR}~{now['@iot.id']}", f"{AIR}~0", f"131000-A02~{before['@iot.id']}"):
        await ask.get(f"/Locations('{wrong}')", 404)


async def test_places_are_paged_and_stay_in_reach(
    ask: Asking, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    for lon in (116.1, 116.2, None, 116.1):
        await place(client, tokens, lon)
    places = await ask.get(f"/Things('{OUTLET}')/HistoricalLocations")
    assert len(places["value"]) == 3, "that no place is known is no place"
    for order in ("id", "id desc", "time", "time desc"):
        whole = ids(await ask.get("/HistoricalLocations", orderby=order))
        seen, page = [], await ask.get("/HistoricalLocations", orderby=order, top="2")
        while True:
            seen += ids(page)
            if "@iot.nextLink" not in page:
                break
            page = await ask.follow(page["@iot.nextLink"])
        assert seen == whole and len(set(seen)) == 5
    query = "HistoricalLocations($top=2;$orderby=time desc;$expand=Locations)"
    thing = await ask.get(f"/Things('{OUTLET}')", expand=query)
    shown = [one["Locations"][0]["location"]["coordinates"][0] for one in thing["HistoricalLocations"]]
    assert shown == [116.1, 116.2] and "HistoricalLocations@iot.nextLink" in thing
    assert len(ids(await ask.follow(thing["HistoricalLocations@iot.nextLink"]))) == 1
    names = [one["name"] for one in (await ask.get("/Things", orderby="name desc"))["value"]]
    assert names == sorted(names, reverse=True)
    page = await ask.get("/Things", orderby="name desc", top="1")
    rest = await ask.follow(page["@iot.nextLink"])
    assert [page["value"][0]["name"], *(one["name"] for one in rest["value"])][:2] == names[:2]
    county = Asking(client, tokens, "ee/data.read@131081")
    assert ids(await county.get("/HistoricalLocations")) == ids(places)
    assert ids(await county.get("/FeaturesOfInterest", count="true")) == [OUTLET]
    (other,) = set(ids(await ask.get(f"/Things('{AIR}')/HistoricalLocations")))
    for path in (
        f"/HistoricalLocations({other})",
        f"/HistoricalLocations({other})/Thing",
        f"/FeaturesOfInterest('{AIR}')",
        f"/FeaturesOfInterest('{AIR}')/Observations",
        f"/Locations('{OUTLET}~{other}')",
    ):
        await county.get(path, 404)
    hostile = {"/HistoricalLocations(99999999999999999)": 404, "/HistoricalLocations('²')": 404,
               "/HistoricalLocations('1')/Datastreams": 404}  # fmt: skip
    for path, status in hostile.items():
        await ask.get(path, status)
    for token in ("²", "9" * 30, "x~1", "1~1"):
        for order in ("id", "time desc"):
            await ask.get("/HistoricalLocations", skiptoken=token, orderby=order)
        await ask.get("/Locations", skiptoken=token)
        await ask.get(f"/FeaturesOfInterest('{AIR}')/Observations", skiptoken=token)


async def some_values(client: httpx.AsyncClient, tokens: Tokens) -> dict[int, str]:
    """Five hours of every factor; which series is of which factor."""
    rows = [
        row(factor=code, time=f"2026-11-21T{hour:02d}:00:00+08:00", value=hour + at / 10)
        for at, code in enumerate(FACTORS)
        for hour in range(5)
    ]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    return {await series_of(client, tokens, code): code for code in FACTORS}


async def test_observations_of_a_feature_are_merged_by_time(
    ask: Asking, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    series = await some_values(client, tokens)
    feature = await ask.get(f"/FeaturesOfInterest('{AIR}')")
    assert feature["encodingType"] == "application/geo+json"
    assert feature["feature"]["geometry"]["coordinates"] == [116.7, 39.5]
    bare = await ask.get(f"/FeaturesOfInterest('{OUTLET}')")
    assert bare["feature"]["geometry"] is None, "an outlet without a position still is a feature"
    path = f"/FeaturesOfInterest('{AIR}')/Observations"
    for way in ("asc", "desc"):
        whole = await ask.get(path, orderby=f"phenomenonTime {way}", count="true")
        keys = [tuple(map(int, reversed(one["@iot.id"].split(".")))) for one in whole["value"]]
        assert keys == sorted(keys, reverse=way == "desc") and whole["@iot.count"] == len(keys) == 20
        seen, page = [], await ask.get(path, orderby=f"phenomenonTime {way}", top="3")
        while True:
            seen += ids(page)
            if "@iot.nextLink" not in page:
                break
            page = await ask.follow(page["@iot.nextLink"])
        assert seen == ids(whole)
    skipped = await ask.get(path, skip="18")
    assert len(skipped["value"]) == 2
    first = (await ask.get("/Observations", filter=f"FeatureOfInterest/id eq '{AIR}'", top="1"))["value"][0]
    assert await ask.follow(first["FeatureOfInterest@iot.navigationLink"]) == feature
    warm = await ask.get(
        path,
        filter="result ge 4 and phenomenonTime lt 2026-11-22T00:00:00Z",
        expand="FeatureOfInterest($select=name),Datastream",
    )
    assert [one["result"] for one in warm["value"]] == [4.0, 4.1, 4.2, 4.3]
    assert warm["value"][0]["FeatureOfInterest"]["name"] == "Anci"
    assert {one["Datastream"]["@iot.id"] for one in warm["value"]} == set(series)
    parts = (await ask.get(path, resultFormat="dataArray", top="8"))["value"]
    assert [part["dataArray@iot.count"] for part in parts] == [2] * 4
    latest = await ask.get("/FeaturesOfInterest", expand="Observations($top=1;$orderby=phenomenonTime desc)")
    newest = {one["@iot.id"]: [value["result"] for value in one["Observations"]] for one in latest["value"]}
    assert newest[AIR] == [4.3] and newest[OUTLET] == []
    for query in ({"skip": "100000"}, {"filter": "result gt 1", "count": "true"}):
        assert (await ask.get(path, 400, **query))["type"] == "/problems/query-not-understood"
    await Asking(client, tokens, "samr/data.read@131000").get(path, 404)

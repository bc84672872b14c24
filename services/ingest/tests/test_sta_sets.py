"""SensorThings: Locations, Sensors and ObservedProperties, from a Thing or Datastream and back."""

from typing import Any

import httpx
import pytest
from ingest_scene import AIR, FACTORS, MN, MON, OUTLET, USCC, series_of
from kit.testing.tokens import Tokens
from test_sta import Asking

SENSORS = [f"{AIR}~cnemc", f"{AIR}~hj212", "131000-A02~cnemc", "131000-A02~hj212", f"{OUTLET}~cnemc"]


@pytest.fixture
def ask(client: httpx.AsyncClient, tokens: Tokens) -> Asking:
    return Asking(client, tokens)


def ids(page: Any) -> list[Any]:
    return [one["@iot.id"] for one in page["value"]]


async def test_locations_are_where_things_stand_and_lead_back(ask: Asking) -> None:
    found = await ask.get("/Locations", count="true")
    assert (found["@iot.count"], ids(found)) == (2, [AIR, "131000-A02"]), "the outlet has no place registered"
    first = found["value"][0]
    assert first["location"] == {"type": "Point", "coordinates": [116.7, 39.5]}
    assert first["encodingType"] == "application/geo+json"
    assert await ask.follow(first["@iot.selfLink"]) == first
    assert ids(await ask.follow(first["Things@iot.navigationLink"])) == [AIR]
    thing = await ask.get(f"/Things('{AIR}')", expand="Locations($select=location)")
    assert [one["location"]["coordinates"] for one in thing["Locations"]] == [[116.7, 39.5]]
    assert "name" not in thing["Locations"][0]
    assert await ask.follow(thing["Locations@iot.navigationLink"]) == {"value": [first]}
    assert (await ask.get(f"/Things('{OUTLET}')", expand="Locations"))["Locations"] == []
    assert (await ask.get(f"/Things('{OUTLET}')/Locations")) == {"value": []}
    deep = await ask.get("/Locations", expand="Things($expand=Datastreams($top=1))", filter="name eq 'Anci'")
    assert [len(one["Things"][0]["Datastreams"]) for one in deep["value"]] == [1, 1]


async def test_sensors_are_the_sources_of_a_site_with_their_loggers(
    ask: Asking, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    body = {
        "site": AIR,
        "password": "123456",
        "vendor": "聚光",
        "model": "CEMS-2000",
        "certificate_no": "C-7",
    }
    instruments = [{"serial": "S-1", "factor": "a34004"}]
    put = await client.put(
        f"/devices/{MN}", json=body | {"instruments": instruments}, headers=tokens.bearer(MON)
    )
    assert put.status_code == 200, put.text
    found = await ask.get("/Sensors", count="true")
    assert (found["@iot.count"], sorted(ids(found))) == (5, sorted(SENSORS))
    sensor = await ask.get(f"/Sensors('{AIR}~hj212')")
    (logger,) = sensor["metadata"]["devices"]
    assert (logger["mn"], logger["model"], logger["certificate_no"]) == (MN, "CEMS-2000", "C-7")
    assert [one["serial"] for one in logger["instruments"]] == ["S-1"]
    assert "password" not in str(sensor)
    below = await ask.follow(sensor["Datastreams@iot.navigationLink"])
    assert len(below["value"]) == 2 * len(FACTORS)
    assert {one["properties"]["source"] for one in below["value"]} == {"hj212"}
    assert (await ask.follow(below["value"][0]["Sensor@iot.navigationLink"])) == sensor
    expanded = await ask.get(
        "/Sensors", expand="Datastreams($select=name;$top=3)", filter=f"id eq '{AIR}~hj212'"
    )
    (one,) = expanded["value"]
    assert len(one["Datastreams"]) == 3 and "properties" not in one["Datastreams"][0]
    rest = await ask.follow(one["Datastreams@iot.nextLink"])
    assert len(rest["value"]) == 2 * len(FACTORS) - 3


async def test_observed_properties_are_the_factors_in_use(
    ask: Asking, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    found = await ask.get("/ObservedProperties", count="true")
    assert (found["@iot.count"], sorted(ids(found))) == (4, sorted(FACTORS))
    (fine,) = (await ask.get("/ObservedProperties", filter="name eq 'PM2.5'"))["value"]
    assert (fine["@iot.id"], fine["definition"]) == ("a34004", "hj212:a34004")
    assert "HJ 212-2017" in fine["description"]
    below = await ask.follow(fine["Datastreams@iot.navigationLink"])
    assert {one["properties"]["factor"] for one in below["value"]} == {"a34004"} and len(below["value"]) == 6
    counted = await ask.get("/ObservedProperties('a34004')/Datastreams", count="true", top="1")
    assert (counted["@iot.count"], len(counted["value"])) == (6, 1)
    series = await series_of(client, tokens)
    stream = await ask.get(f"/Datastreams({series})", expand="ObservedProperty($select=name),Sensor,Thing")
    assert stream["ObservedProperty"]["name"] == "PM2.5" and "definition" not in stream["ObservedProperty"]
    assert (stream["Sensor"]["@iot.id"], stream["Thing"]["@iot.id"]) == (f"{AIR}~cnemc", AIR)
    assert (await ask.get(f"/Datastreams({series})/ObservedProperty"))["@iot.id"] == "a34004"


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("of", ["Things", "Locations", "Sensors", "ObservedProperties", "Datastreams"])
async def test_pages_of_one_give_everything_once_in_order(ask: Asking, of: str, way: str) -> None:
    whole = ids(await ask.get(f"/{of}", orderby=f"id {way}"))
    seen, page = [], await ask.get(f"/{of}", top="1", orderby=f"id {way}")
    while True:
        assert len(page["value"]) == 1
        seen += ids(page)
        if "@iot.nextLink" not in page:
            break
        page = await ask.follow(page["@iot.nextLink"])
    assert seen == whole and len(set(seen)) == len(seen) > 1
    assert ids(await ask.get(f"/{of}", orderby=f"id {way}", skip="1")) == whole[1:]


async def test_what_is_out_of_reach_is_in_no_set(client: httpx.AsyncClient, tokens: Tokens) -> None:
    other = Asking(client, tokens, "ee/data.read@131100")
    for of in ("Locations", "Sensors", "ObservedProperties"):
        assert await other.get(f"/{of}", count="true") == {"@iot.count": 0, "value": []}
    for path in (
        f"/Locations('{AIR}')",
        f"/Sensors('{AIR}~cnemc')",
        "/ObservedProperties('a34004')/Datastreams",
    ):
        await other.get(path, 404)
    county = Asking(client, tokens, "ee/data.read@131081")
    assert ids(await county.get("/ObservedProperties")) == ["a21026"] and USCC in str(
        await county.get("/Sensors")
    )


@pytest.mark.parametrize(
    "path", ["/Sensors('x')", "/Sensors('~')", "/ObservedProperties('a%00')", "/Locations(7)"]
)
async def test_an_id_of_nothing_is_not_found(ask: Asking, path: str) -> None:
    assert (await ask.get(path, 404))["status"] == 404

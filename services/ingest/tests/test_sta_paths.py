"""SensorThings: paths of several steps, properties, links alone, and the observations of everything."""

from typing import Any

import httpx
from ingest_scene import AIR, OUTLET
from kit.testing.tokens import Tokens
from test_sta import STA, Asking
from test_sta_places import some_values
from test_sta_sets import ids


async def test_a_path_is_followed_from_entity_to_entity(client: httpx.AsyncClient, tokens: Tokens) -> None:
    ask = Asking(client, tokens)
    series, *others = await some_values(client, tokens)
    below = f"/Things('{AIR}')/Datastreams({series})"
    assert await ask.get(below) == await ask.get(f"/Datastreams({series})")
    values = await ask.get(f"{below}/Observations", top="2")
    assert values["value"] == (await ask.get(f"/Datastreams({series})/Observations", top="2"))["value"]
    assert f"{below}/Observations" in values["@iot.nextLink"]
    assert len((await ask.follow(values["@iot.nextLink"]))["value"]) == 2
    one = values["value"][0]["@iot.id"]
    found = await ask.get(f"/Datastreams({series})/Observations('{one}')/FeatureOfInterest")
    assert found["@iot.id"] == AIR
    assert (await ask.get(f"/Datastreams({series})/Thing/Locations/$ref"))["value"] == [
        {"@iot.selfLink": f"http://test{STA}/Locations('{AIR}')"}
    ]
    link = await ask.get(f"/Datastreams({series})/Thing/$ref")
    assert link == {"@iot.selfLink": f"http://test{STA}/Things('{AIR}')"}
    assert await ask.get(f"/Things('{AIR}')/name") == {"name": "Anci"}
    assert await ask.get(f"/Datastreams({series})/Thing/name") == {"name": "Anci"}
    raw = await client.get(f"{STA}/Things('{AIR}')/properties/$value", headers=ask.headers)
    assert raw.json()["kind"] == "station"
    for path in (
        f"/Things('{OUTLET}')/Datastreams({series})",
        f"/Things('{OUTLET}')/Datastreams({series})/Observations",
        f"/Datastreams({others[0]})/Observations('{one}')",
        f"/FeaturesOfInterest('{OUTLET}')/Observations('{one}')",
        f"/Things('{AIR}')/nothing",
        f"/Things('{AIR}')/@iot.id",
        f"/Things('{AIR}')/name/name",
        f"/Things('{AIR}')/$value",
        f"/Things('{AIR}')/Datastreams/Observations",
        f"/Things('{AIR}')/Datastreams({series})/Thing('{AIR}')",
        "/Things/Datastreams/$ref",
    ):
        assert (await ask.get(path, 404))["status"] == 404, path
    other = Asking(client, tokens, "ee/data.read@131100")
    for path in (below, f"{below}/Observations", f"/Things('{AIR}')/name", f"/Things('{AIR}')/name/$value"):
        await other.get(path, 404)


async def test_the_observations_of_everything_are_read_once_each(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    ask = Asking(client, tokens)
    series = await some_values(client, tokens)
    for top in ("3", "100", "9000"):
        seen: list[Any] = []
        page = await ask.get("/Observations", top=top)
        while True:
            seen += ids(page)
            if "@iot.nextLink" not in page:
                break
            page = await ask.follow(page["@iot.nextLink"])
        keys = [tuple(map(int, one.split("."))) for one in seen]
        assert keys == sorted(set(keys)) and len(keys) == 20 and {key[0] for key in keys} == set(series)
    warm = await ask.get("/Observations", filter="result ge 4.2", expand="Datastream($select=name)")
    assert {one["result"] for one in warm["value"]} == {4.2, 4.3} and warm["value"][0]["Datastream"]["name"]
    parts = (await ask.get("/Observations", resultFormat="dataArray"))["value"]
    assert [part["dataArray@iot.count"] for part in parts] == [5] * 4
    other = Asking(client, tokens, "ee/data.read@131100")
    assert await other.get("/Observations") == {"value": []}
    for token in ("x", "1.2.3", "9" * 30, f"{'9' * 18}.1", "0.0"):
        await ask.get("/Observations", skiptoken=token)

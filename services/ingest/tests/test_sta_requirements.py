"""The requirements of SensorThings 1.1, walked one by one against a running server.

The table in `docs/sensorthings.md` is the list: each row says whether it is met, each has a probe here, and
the service document claims what is met and nothing else.
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from ingest.settings import Settings
from ingest_scene import AIR, MON, batch, process, register, row, send, series_of
from kit.servers import free_port
from kit.testing.tokens import Tokens
from test_sta import STA, Asking

LIST = Path(__file__).parents[3] / "docs" / "sensorthings.md"
BELOW = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
# What 18-088 makes mandatory of each entity: its name in the list, properties, relations.
ENTITIES = {
    "Things": ("thing", "name description", "Datastreams Locations HistoricalLocations"),
    "Locations": ("location", "name description encodingType location", "Things HistoricalLocations"),
    "HistoricalLocations": ("historical-location", "time", "Thing Locations"),
    "Datastreams": (
        "datastream",
        "name description observationType unitOfMeasurement",
        "Thing Sensor ObservedProperty Observations",
    ),
    "Sensors": ("sensor", "name description encodingType metadata", "Datastreams"),
    "ObservedProperties": ("observed-property", "name definition description", "Datastreams"),
    "Observations": ("observation", "phenomenonTime result resultTime", "Datastream FeatureOfInterest"),
    "FeaturesOfInterest": ("feature-of-interest", "name description encodingType feature", "Observations"),
}


class Walk:
    """One walk through the service; `series` has 20 hours."""

    def __init__(self, ask: Asking, series: int) -> None:
        self.ask, self.series = ask, series
        self.values = f"/Datastreams({series})/Observations"

    async def answers(self, path: str, method: str = "GET", **query: str) -> int:
        params = {f"${name}": value for name, value in query.items()}
        answer = await self.ask.client.request(
            method, f"{STA}{path}", params=params, headers=self.ask.headers
        )
        return answer.status_code

    async def some(self, collection: str) -> Any:
        """An entity of a collection that is related to everything."""
        path = self.values if collection == "Observations" else f"/{collection}"
        if collection == "Datastreams":
            return await self.ask.get(f"/Datastreams({self.series})")
        return (await self.ask.get(path))["value"][0]

    async def results(self, **query: str) -> list[float]:
        return [one["result"] for one in (await self.ask.get(self.values, **query))["value"]]


Probe = Callable[[Walk], Awaitable[bool]]


def has_properties(collection: str, names: str) -> Probe:
    async def probe(walk: Walk) -> bool:
        found = await walk.some(collection)
        return all(found.get(name) is not None for name in names.split())

    return probe


def has_relations(collection: str, names: str) -> Probe:
    async def probe(walk: Walk) -> bool:
        found = await walk.some(collection)
        for name in names.split():
            target = await walk.ask.follow(found[f"{name}@iot.navigationLink"])
            is_many = name.endswith("s")
            first = target["value"][0] if is_many else target
            inner = await walk.ask.follow(found["@iot.selfLink"] + f"?$expand={name}")
            beside = inner[name][0] if is_many else inner[name]
            if beside["@iot.id"] != first["@iot.id"]:
                return False
        return True

    return probe


async def control_information(walk: Walk) -> bool:
    for collection, (_, _, relations) in ENTITIES.items():
        one = await walk.some(collection)
        links = {name.removesuffix("@iot.navigationLink") for name in one if "navigationLink" in name}
        if links != set(relations.split()) or (await walk.ask.follow(one["@iot.selfLink"])) != one:
            return False
    return True


async def paths(walk: Walk) -> bool:
    """All seven usages of 18-088 §9.2."""
    wanted = [*(f"/{name}" for name in ENTITIES), f"/Things('{AIR}')", f"/Things('{AIR}')/Datastreams"]
    wanted += [
        f"/Things('{AIR}')/name",
        f"/Things('{AIR}')/name/$value",
        f"/Things('{AIR}')/Datastreams/$ref",
    ]
    wanted.append(f"/Things('{AIR}')/Datastreams({walk.series})/Observations/$ref")
    value = await walk.ask.client.get(f"{STA}/Things('{AIR}')/name/$value", headers=walk.ask.headers)
    links = await walk.ask.get(f"/Things('{AIR}')/Datastreams/$ref", top="1")
    return (
        all([await walk.answers(path) == 200 for path in wanted])
        and value.text == "Anci"
        and list(links["value"][0]) == ["@iot.selfLink"]
    )


async def order(walk: Walk) -> bool:
    query = {"filter": "result ge 5", "orderby": "phenomenonTime desc", "skip": "2", "top": "3"}
    counted = await walk.ask.get("/Things", filter=f"id eq '{AIR}'", count="true", top="0")
    return await walk.results(**query) == [17.0, 16.0, 15.0] and counted["@iot.count"] == 1


async def expand(walk: Walk) -> bool:
    inner = "Datastreams($expand=Observations($top=1;$select=result;$orderby=phenomenonTime desc),Sensor)"
    found = await walk.ask.get(f"/Things('{AIR}')", expand=f"{inner},Locations")
    (one,) = [one for one in found["Datastreams"] if one["@iot.id"] == walk.series]
    return bool(one["Observations"][0]["result"] == 19.0 and one["Sensor"] and found["Locations"])


async def select(walk: Walk) -> bool:
    found = await walk.ask.get(f"/Things('{AIR}')", select="name,description")
    return {name for name in found if not name.startswith("@")} == {"name", "description"}


async def status_codes(walk: Walk) -> bool:
    wanted = {"/Things": 200, "/Things('x')": 404, "/Datastreams(99999)/Observations": 404, "/Nothing": 400}
    found = {path: await walk.answers(path) for path in wanted}
    anonymous = await walk.ask.client.get(f"{STA}/Things")
    return found == wanted and anonymous.status_code == 401


async def query_status_codes(walk: Walk) -> bool:
    wrong = [{"foo": "1"}, {"top": "x"}, {"filter": "name xx 1"}, {"expand": "Nothing"}, {"count": "1"}]
    return all([await walk.answers("/Things", **query) == 400 for query in wrong])


async def order_by(walk: Walk) -> bool:
    asked = ["id", "name", "name desc,id asc", "properties/kind"]
    return all([await walk.answers("/Things", orderby=order) == 200 for order in asked])


async def top(walk: Walk) -> bool:
    return await walk.results(top="2") == [0.0, 1.0]


async def skip(walk: Walk) -> bool:
    return await walk.results(skip="18") == [18.0, 19.0]


async def count(walk: Walk) -> bool:
    numbers = [
        (await walk.ask.get(path, count="true", top="1")).get("@iot.count")
        for path in ("/Things", "/Datastreams", walk.values)
    ]
    return (
        numbers == [3, 25, 20] and await walk.answers(walk.values, count="true", filter="result gt 1") == 200
    )


async def filtered(walk: Walk) -> bool:
    asked = [(walk.values, "result gt 17"), ("/Datastreams", "unitOfMeasurement/symbol eq 'μg/m³'")]
    return all([await walk.answers(path, filter=how) == 200 for path, how in asked])


async def operations(walk: Walk) -> bool:
    offered = ["result eq 1", "result lt 1 and result ge 0"]
    assert all([await walk.answers(walk.values, filter=how) == 200 for how in offered])
    rest = ["result ne 1", "result lt 1 or result gt 3", "not result eq 1", "result add 1 gt 3"]
    return all([await walk.answers(walk.values, filter=how) == 200 for how in rest])


async def functions(walk: Walk) -> bool:
    asked = [
        "startswith(name,'A')",
        "geo.distance(location,geography'POINT(1 1)') lt 1",
        "year(time) eq 2026",
    ]
    return any([await walk.answers("/Things", filter=how) == 200 for how in asked])


async def pagination(walk: Walk) -> bool:
    seen, page = [], await walk.ask.get(walk.values, top="7")
    while True:
        seen += [one["result"] for one in page["value"]]
        if "@iot.nextLink" not in page:
            return seen == [float(hour) for hour in range(20)]
        page = await walk.ask.follow(page["@iot.nextLink"])


async def data_array(walk: Walk) -> bool:
    part = (await walk.ask.get(walk.values, resultFormat="dataArray", top="3"))["value"][0]
    body = [
        {
            "Datastream": {"@iot.id": walk.series},
            "components": ["phenomenonTime", "result"],
            "dataArray": [["2026-11-22T00:00:00Z", 1]],
        }
    ]
    path = f"{STA}/CreateObservations"
    made = await walk.ask.client.post(path, json=body, headers=walk.ask.headers)
    return len(part["dataArray"]) == 3 and made.status_code == 201 and made.json() != ["error"]


def writes(method: str, path: str = "/Things('131000-A01')") -> Probe:
    async def probe(walk: Walk) -> bool:
        return await walk.answers(path, method) < 300

    return probe


def reads(path: str) -> Probe:
    async def probe(walk: Walk) -> bool:
        return await walk.answers(path) == 200

    return probe


async def by_mqtt(walk: Walk) -> bool:
    settings = (await walk.ask.get(""))["serverSettings"]
    return "mqtt" in str(settings).lower()


PROBES: dict[str, Probe] = {
    "datamodel/entity-control-information/common-control-information": control_information,
    **{
        f"datamodel/{name}/properties": has_properties(of, given) for of, (name, given, _) in ENTITIES.items()
    },
    **{f"datamodel/{name}/relations": has_relations(of, given) for of, (name, _, given) in ENTITIES.items()},
    "resource-path/resource-path-to-entities": paths,
    "request-data/order": order,
    "request-data/expand": expand,
    "request-data/select": select,
    "request-data/status-code": status_codes,
    "request-data/query-status-code": query_status_codes,
    "request-data/orderby": order_by,
    "request-data/top": top,
    "request-data/skip": skip,
    "request-data/count": count,
    "request-data/filter": filtered,
    "request-data/built-in-filter-operations": operations,
    "request-data/built-in-query-functions": functions,
    "request-data/pagination": pagination,
    "create-update-delete/create-entity": writes("POST", "/Things"),
    "create-update-delete/update-entity": writes("PATCH"),
    "create-update-delete/delete-entity": writes("DELETE"),
    "batch-request/batch-request": writes("POST", "/$batch"),
    "multi-datastream/properties": reads("/MultiDatastreams"),
    "data-array/data-array": data_array,
    "create-observations-via-mqtt/observations-creation": by_mqtt,
    "receive-updates-via-mqtt/receive-updates": by_mqtt,
}


def listed() -> dict[str, str]:
    """Requirement by requirement, what the documentation says."""
    found = re.findall(r"^\| `([a-z/-]+)` \| (yes|part|no) \|", LIST.read_text("utf-8"), re.MULTILINE)
    assert len(found) == len(dict(found)), "a requirement is listed once"
    return dict(found)


@pytest.mark.slow
async def test_each_requirement_is_met_or_not_as_documented_and_claimed(
    settings: Settings, tokens: Tokens
) -> None:
    said = listed()
    assert set(said) == set(PROBES)
    port = free_port()
    async with process(settings, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await register(client, tokens)
        hours = [row(time=f"2026-11-21T{hour:02d}:00:00Z", value=hour) for hour in range(20)]
        assert (await send(client, tokens, batch(*hours))).status_code == 202
        walk = Walk(Asking(client, tokens, MON), await series_of(client, tokens))
        found = {name: await probe(walk) for name, probe in PROBES.items()}
        claimed = (await walk.ask.get(""))["serverSettings"]["conformance"]
        tasking = await walk.answers("/TaskingCapabilities")
    assert found == {name: said[name] == "yes" for name in PROBES}
    assert sorted(claimed) == sorted(BELOW + name for name, is_met in found.items() if is_met)
    assert tasking == 400 and "tasking" not in str(claimed)

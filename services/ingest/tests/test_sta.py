"""SensorThings: reading with the options real clients send, CreateObservations, and what is refused."""

import asyncio
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from ingest.rules.sta_query import RELATED, BadQuery, entity_of, options_of
from ingest.settings import Settings
from ingest_scene import (
    AIR,
    FACTORS,
    MON,
    OUTLET,
    READER,
    batch,
    count,
    fetch,
    process,
    register,
    row,
    send,
    series_of,
)
from kit.servers import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from standards import factors

STA = "/sta/v1.1"


class Asking:
    """Reads SensorThings as somebody."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens, who: str = READER) -> None:
        self.client, self.headers = client, tokens.bearer(who)

    async def get(self, path: str, status: int = 200, **query: str) -> Any:
        params = {f"${name}": value for name, value in query.items()}
        answer = await self.client.get(f"{STA}{path}", params=params, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def follow(self, link: str) -> Any:
        parts = urlsplit(link)
        answer = await self.client.get(f"{parts.path}?{parts.query}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def some_hours(client: httpx.AsyncClient, tokens: Tokens, hours: int = 10) -> int:
    rows = [row(time=f"2026-11-21T{at:02d}:00:00+08:00", value=at + 0.5, flag="N") for at in range(hours)]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    return await series_of(client, tokens)


async def test_the_service_document_lists_sets_and_conformance(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    found = await Asking(client, tokens).get("")
    assert {one["name"] for one in found["value"]} == set(RELATED)
    for one in found["value"]:
        if one["name"] != "Observations":
            assert (await Asking(client, tokens).follow(one["url"]))["value"]
    conformance = found["serverSettings"]["conformance"]
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/data-array/data-array" in conformance
    assert not any("create-update-delete" in one for one in conformance)


async def test_things_datastreams_and_observations_lead_to_each_other(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    series, ask = await some_hours(client, tokens), Asking(client, tokens)
    things = await ask.get("/Things", count="true")
    assert (things["@iot.count"], [one["@iot.id"] for one in things["value"]]) == (
        3,
        sorted([AIR, "131000-A02", OUTLET]),
    )
    thing = await ask.get(f"/Things('{AIR}')")
    assert thing["properties"]["location"]["coordinates"] == [116.7, 39.5]
    streams = await ask.follow(thing["Datastreams@iot.navigationLink"])
    assert len(streams["value"]) == 12 and series in [one["@iot.id"] for one in streams["value"]]
    stream = await ask.get(f"/Datastreams({series})")
    assert stream["unitOfMeasurement"]["definition"] == "ucum:ug/m3"
    assert (await ask.follow(stream["Thing@iot.navigationLink"]))["@iot.id"] == AIR
    values = await ask.follow(stream["Observations@iot.navigationLink"])
    assert [one["result"] for one in values["value"]] == [at + 0.5 for at in range(10)]
    first = values["value"][0]
    assert first["phenomenonTime"] == "2026-11-20T16:00:00Z/2026-11-20T17:00:00Z"
    assert "resultQuality" not in first and first["parameters"]["flag"] == "N"
    assert await ask.follow(first["@iot.selfLink"]) == first
    assert (await ask.follow(first["Datastream@iot.navigationLink"]))["@iot.id"] == series


async def test_filters_orders_counts_and_pages(client: httpx.AsyncClient, tokens: Tokens) -> None:
    series, ask = await some_hours(client, tokens), Asking(client, tokens)
    path = f"/Datastreams({series})/Observations"
    between = "phenomenonTime ge 2026-11-20T18:00:00Z and phenomenonTime lt 2026-11-21T05:00:00+08:00"
    found = await ask.get(path, filter=between, count="true")
    assert (found["@iot.count"], [one["result"] for one in found["value"]]) == (3, [2.5, 3.5, 4.5])
    found = await ask.get(path, filter=f"({between}) and result gt 3", select="result")
    assert [sorted(one) for one in found["value"]] == [["@iot.id", "@iot.selfLink", "result"]] * 2
    latest = await ask.get(path, orderby="phenomenonTime desc", top="1")
    assert [one["result"] for one in latest["value"]] == [9.5]
    seen, page = [], await ask.get(path, orderby="phenomenonTime desc", top="3", skip="1")
    while True:
        seen += [one["result"] for one in page["value"]]
        if "@iot.nextLink" not in page:
            break
        page = await ask.follow(page["@iot.nextLink"])
    assert seen == [at + 0.5 for at in range(8, -1, -1)]
    exact = await ask.get(path, filter="phenomenonTime eq 2026-11-20T18:00:00Z")
    assert [one["result"] for one in exact["value"]] == [2.5]
    array = (await ask.get(path, resultFormat="dataArray", top="2"))["value"][0]
    at = array["components"].index("result")
    assert (array["dataArray@iot.count"], [one[at] for one in array["dataArray"]]) == (2, [0.5, 1.5])
    assert (await ask.get("/Observations", filter=f"Datastream/id eq {series}", top="1"))["value"][0][
        "result"
    ] == 0.5


async def test_one_question_gives_the_latest_of_every_station(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    series, ask = await some_hours(client, tokens), Asking(client, tokens)
    query = "Datastreams($select=unitOfMeasurement;$expand=Observations($top=1;$orderby=phenomenonTime desc))"
    found = await ask.get("/Things", expand=query, select="name")
    (mine,) = [one for one in found["value"] if one["@iot.id"] == AIR]
    assert set(mine) == {"@iot.id", "@iot.selfLink", "name", "Datastreams"}
    (stream,) = [one for one in mine["Datastreams"] if one["@iot.id"] == series]
    assert [one["result"] for one in stream["Observations"]] == [9.5]
    assert "properties" not in stream and "Observations@iot.nextLink" in stream
    empty = [one for one in mine["Datastreams"] if one["@iot.id"] != series]
    assert all(one["Observations"] == [] for one in empty)
    few = await ask.get("/Things", expand="Datastreams($top=2)", top="1", filter="name eq 'Anci'")
    assert len(few["value"][0]["Datastreams"]) == 2
    more = await ask.follow(few["value"][0]["Datastreams@iot.nextLink"])
    assert len(more["value"]) == 10
    stream = await ask.get(f"/Datastreams({series})", expand="Thing,Observations/Datastream")
    assert stream["Thing"]["@iot.id"] == AIR
    assert stream["Observations"][0]["Datastream"]["@iot.id"] == series


async def test_a_reader_sees_only_what_is_in_reach(client: httpx.AsyncClient, tokens: Tokens) -> None:
    series = await some_hours(client, tokens)
    other = Asking(client, tokens, "ee/data.read@131100")
    assert (await other.get("/Things", count="true")) == {"@iot.count": 0, "value": []}
    for path in (
        f"/Datastreams({series})",
        f"/Datastreams({series})/Observations",
        f"/Things('{AIR}')/Datastreams",
    ):
        await other.get(path, 404)
    nobody = Asking(client, tokens, "samr/data.read@131000")
    await nobody.get(f"/Datastreams({series})/Observations", 404)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/MultiDatastreams", {}),
        ("/Things", {"filter": "phenomenonTime ge 2026-11-21T00:00:00Z"}),
        ("/Datastreams", {"filter": "time ge 2026-11-21T00:00:00Z"}),
        ("/Sensors", {"filter": "name eq 'x'"}),
        ("/Sensors", {"expand": "Thing"}),
        ("/Things", {"filter": "name ne 'x'"}),
        ("/Things", {"filter": "geo.distance(a,b) lt 7"}),
        ("/Things", {"expand": "Sensors"}),
        ("/Things", {"top": "-1"}),
        ("/Things", {"orderby": "properties desc"}),
        ("/Things", {"apply": "x"}),
        ("/Observations", {"orderby": "phenomenonTime desc"}),
        ("/Observations", {"skip": "1"}),
        ("/Things", {"expand": "Datastreams($expand=Observations($top=10000))"}),
        ("/Things", {"expand": "Datastreams(" * 10}),
    ],
)
async def test_what_is_not_understood_is_a_problem(
    client: httpx.AsyncClient, tokens: Tokens, path: str, query: dict[str, str]
) -> None:
    answer = await Asking(client, tokens).get(path, 400, **query)
    assert answer["type"] == "/problems/query-not-understood"


async def test_nothing_but_create_observations_writes(client: httpx.AsyncClient, tokens: Tokens) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await client.request(method, f"{STA}/Things", headers=tokens.bearer(MON), json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET"), method


async def test_create_observations_answers_each_value_in_order(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    series, other = await series_of(client, tokens), await series_of(client, tokens, FACTORS[1])
    body = [
        {
            "Datastream": {"@iot.id": series},
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
            "dataArray@iot.count": 2,
            "dataArray": [["2026-11-21T00:00:00Z", 35, 1], ["2026-11-21T00:30:00Z", 36, 1]],
        },
        {
            "Datastream": {"@iot.id": other},
            "components": ["result", "phenomenonTime", "parameters"],
            "dataArray": [
                [7.25, "2026-11-21T00:00:00Z/2026-11-21T01:00:00Z", {"flag": "N"}],
                [9, "2026-11-21T00:00:00Z", {}],
                ["x"],
            ],
        },
        {
            "Datastream": {"@iot.id": 999},
            "components": ["phenomenonTime", "result"],
            "dataArray": [["2026", 1]],
        },
    ]
    answer = await client.post(f"{STA}/CreateObservations", json=body, headers=tokens.bearer(MON))
    assert answer.status_code == 201, answer.text
    links = answer.json()
    assert [link == "error" for link in links] == [False, True, False, True, True, True]
    ask = Asking(client, tokens)
    assert [(await ask.follow(links[at]))["result"] for at in (0, 2)] == [35, 7.25]
    again = await client.post(f"{STA}/CreateObservations", json=body[:1], headers=tokens.bearer(MON))
    assert again.json() == links[:2]
    assert await count(database, "observations") == 2
    receipt = await client.get(f"/submissions/{answer.headers['submission']}", headers=tokens.bearer(MON))
    told = receipt.json()
    assert (told["channel"], told["accepted"], told["revised"], told["refused"]) == ("sta", 2, 1, 3)
    raw = await client.get(f"/submissions/{told['submission']}/raw", headers=tokens.bearer(MON))
    assert json.loads(raw.content) == body
    flags = await fetch(database, "SELECT flag FROM observations ORDER BY series_id")
    assert sorted(flag for (flag,) in flags) == ["", "N"]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"{}", "sta-form"),
        (b"[]", "sta-form"),
        (b"[", "json-malformed"),
        (b"[1]", "sta-form"),
        (b'[{"Datastream": {"@iot.id": 1}, "components": ["result"], "dataArray": [[1]]}]', "sta-components"),
        (b'[{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"]}]', "sta-form"),
        (
            b'[{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": []}]',
            "batch-size",
        ),
    ],
)
async def test_a_body_of_another_form_is_refused_and_kept(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, body: bytes, rule: str
) -> None:
    answer = await client.post(f"{STA}/CreateObservations", content=body, headers=tokens.bearer(MON))
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, rule), answer.text
    assert await count(database, "raw_bytes") == 1


async def test_an_id_in_digits_of_another_kind_is_an_unknown_series(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    one = {"Datastream": {"@iot.id": "²"}, "components": ["phenomenonTime", "result"]}
    body = [one | {"dataArray": [["2026-11-21T00:00:00Z", 35]]}]
    answer = await client.post(f"{STA}/CreateObservations", json=body, headers=tokens.bearer(MON))
    assert (answer.status_code, answer.json()) == (201, ["error"])


def test_options_are_taken_apart() -> None:
    found = options_of("Things", [("$expand", "Datastreams($filter=id eq 7;$expand=Thing($select=name)),")])
    assert found.expand["Datastreams"].filter.id == "7"
    assert found.expand["Datastreams"].expand["Thing"].select == ("name",)
    assert entity_of("Things('it''s')") == ("Things", "it's")
    quoted = options_of("Things", [("$filter", "name eq 'this and that' and id eq 'x'")]).filter
    assert (quoted.name, quoted.id) == ("this and that", "x")
    with pytest.raises(BadQuery):
        entity_of("Things('x')/..")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
async def test_a_client_of_others_reads_and_writes(settings: Settings, tokens: Tokens) -> None:
    import frost_sta_client as fsc
    from frost_sta_client.model.ext.data_array_document import DataArrayDocument
    from frost_sta_client.model.ext.data_array_value import DataArrayValue

    port = free_port()

    def bearer(request: Any) -> Any:
        request.headers.update(tokens.bearer(MON))
        return request

    class Bearer(fsc.AuthHandler):
        def add_auth_header(self) -> Any:
            return bearer

    def use(series: int) -> tuple[list[str], list[float], list[Any]]:
        service = fsc.SensorThingsService(f"http://127.0.0.1:{port}{STA}", auth_handler=Bearer())
        stream = fsc.Datastream(id=series)
        values = DataArrayValue()
        values.datastream = stream
        values.components = {values.Property.PHENOMENON_TIME, values.Property.RESULT}
        for hour in (1, 2, 3):
            made = fsc.Observation(
                result=hour + 0.5, phenomenon_time=f"2026-11-21T0{hour}:00:00Z", datastream=stream
            )
            values.add_observation(made)
        document = DataArrayDocument()
        document.add_data_array_value(values)
        links = service.observations().create(document)
        things = service.things().query().expand("Datastreams,Locations").top(2).list()
        names = [thing.name for thing in things]
        places.extend(place.location for place in service.locations().query().top(2).list())
        places.extend(place.location for thing in things for place in thing.locations.entities)
        one = service.datastreams().query().expand("Sensor,ObservedProperty").filter(f"id eq {series}").list()
        (one,) = list(one)
        about.extend([one.sensor.metadata, one.sensor.encoding_type, one.observed_property.name])
        about.append(service.sensors().find(one.sensor.id).name)
        about.append(len(list(one.observed_property.get_datastreams().query().list())))
        about.extend(sorted(found.name for found in service.observed_properties().query().top(1).list()))
        read = stream if stream.service else service.datastreams().find(series)
        some = (
            read.get_observations().query().filter("result gt 1.6").orderby("phenomenonTime", "desc").list()
        )
        return names, [one.result for one in some], links

    places: list[Any] = []
    about: list[Any] = []
    async with process(settings, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await register(client, tokens)
        names, results, links = await asyncio.to_thread(use, await series_of(client, tokens))
    assert len(names) == 3 and results == [3.5, 2.5] and len(links) == 3
    assert [list(place["coordinates"]) for place in places] == [[116.7, 39.5]] * 4
    assert about[:5] == [{"devices": []}, "application/json", "PM2.5", f"{AIR} cnemc", 6]
    assert about[5:] == sorted(factors.get(code).en for code in FACTORS), "pages are followed"


def test_an_instant_compares_as_it_is_written() -> None:
    found = options_of("Observations", [("$filter", "phenomenonTime gt 2026-11-21T00:00:00Z")]).filter
    assert found.span[0] > datetime.fromisoformat("2026-11-21T00:00:00+00:00")


async def test_numbers_that_no_database_holds_are_no_failure(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    asking = Asking(client, tokens)
    assert await asking.get("/Datastreams", skiptoken="9" * 30)
    assert await asking.get("/Datastreams", skiptoken="²")
    series = await series_of(client, tokens)
    for token in ("²", "--5", "-" + "9" * 16):
        await asking.get(f"/Datastreams({series})/Observations", skiptoken=token)
    for path in ("/Datastreams('²')", "/Observations('1.²')"):
        assert (await asking.get(path, 404))["status"] == 404

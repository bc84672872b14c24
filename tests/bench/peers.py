"""The peer beside us: the same rows, machine, PostgreSQL server and client, in one run.

Promises: one series of minutes on both sides, in batches of 1,000 and one by one; each side runs alone, with
what it needs and nothing else; every answer is checked. Ours verifies a token, keeps the raw bytes, a receipt
and an event for each batch; the peer does none of that.
"""

import http.client
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from kit.processes import free_port
from kit.testing.databases import in_thread
from load import CLERK, COLUMNS, SOURCE, register, site
from stage import ROOT, Stage, platform_up

HERE = ROOT / "tests/bench/sensorthings"
VENV = ROOT / ".tools/peers/venv/bin"
READER = "ee.mon/qc.analyst@131000"
START = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 1000
VERSION = next(
    line.partition("==")[2].strip()
    for line in (HERE / "requirements.txt").read_text().splitlines()
    if line.startswith("django-ogc-sensorthings==")
)


def stamp(minute: int) -> str:
    return (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def value(minute: int) -> float:
    return float(minute % 97)


class Refused(Exception):
    """The side answered with an error of its own."""


class Client:
    """Keep-alive requests. Raises Refused at 500, which a peer may answer; what else is unexpected ends the
    bench.
    """

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        parts = urlsplit(base)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._path, self._headers = parts.path, headers

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self._connection.request(method, self._path + path, body, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status == 500:
            raise Refused(path)
        assert answer.status in (200, 201, 202), f"{method} {path}: {answer.status} {data[:300]!r}"
        return data


@dataclass(frozen=True)
class Side:
    """How one side is talked to. `bulk(first)` is the body of 1,000 minutes, `single(minute)` of one."""

    base: str
    headers: dict[str, str]
    path: str
    bulk: Callable[[int], bytes]
    single_path: str
    single: Callable[[int], bytes]
    latest: Callable[[int], str]
    hour: str
    rows_of: Callable[[bytes], int]

    def client(self) -> Client:
        return Client(self.base, self.headers)


def workload(side: Side, seconds: float) -> dict[str, float]:
    """Rates in observations a second, delays in ms (medians); NaN for what the side answers with 500."""
    first = iter(range(0, 10**9, BATCH))
    found = {"bulk_1": _rate(side, 1, seconds, first), "bulk_8": _rate(side, 8, seconds, first)}
    newest = next(first)
    client, delays, until = side.client(), list[float](), time.perf_counter() + seconds
    single = iter(range(1, 10**9))
    while time.perf_counter() < until:
        body = side.single(-next(single))
        begun = time.perf_counter()
        client.ask("POST", side.single_path, body)
        delays.append(time.perf_counter() - begun)
    found["single"] = 1 / median(delays)
    found["latest"] = _delay(side, client, side.latest(newest), 100)
    found["range"] = _delay(side, client, side.hour, 60)
    return found


def _rate(side: Side, connections: int, seconds: float, first: Iterator[int]) -> float:
    until = time.perf_counter() + seconds

    def one(_: int) -> int:
        client, done = side.client(), 0
        while time.perf_counter() < until:
            client.ask("POST", side.path, side.bulk(next(first)))
            done += BATCH
        return done

    begun = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        total = sum(pool.map(one, range(connections)))
    return total / (time.perf_counter() - begun)


def _delay(side: Side, client: Client, path: str, rows: int) -> float:
    delays = []
    for _ in range(30):
        begun = time.perf_counter()
        try:
            data = client.ask("GET", path)
        except Refused:
            return math.nan
        delays.append(time.perf_counter() - begun)
        assert side.rows_of(data) == rows, f"{path}: {data[:300]!r}"
    return 1e3 * median(delays)


def ours(stage: Stage) -> Side:
    """Ingest, direct, with its tokens; what is written and what is read carry their own principal."""
    base = stage.plan.inside("ingest")
    key = [site(0), "a34004", "avg", "raw", "min"]
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {stage.token(READER)}"}) as client:
        found = client.get("/series", params={"site": site(0), "limit": 200}).json()["items"]
    number = next(
        one["id"]
        for one in found
        if [one[name] for name in ("site", "factor", "statistic", "basis", "period")] == key
    )

    def body(minutes: range) -> bytes:
        data = [[*key, stamp(minute), value(minute)] for minute in minutes]
        return json.dumps({"source": SOURCE, "historical": True, "columns": COLUMNS, "data": data}).encode()

    def between(start: int, stop: int) -> str:
        return f"/series/{number}/observations?from={stamp(start)}&to={stamp(stop)}&limit=100"

    return Side(
        base, {"Authorization": f"Bearer {stage.token(SOURCE)}", "Content-Type": "application/json"},
        "/observations", lambda first: body(range(first, first + BATCH)),
        "/observations", lambda minute: body(range(minute, minute + 1)),
        lambda newest: between(newest - 100, newest), between(300, 360),
        lambda data: len(json.loads(data)["items"]),
    )  # fmt: skip


@contextmanager
def peer_up(stage: Stage) -> Iterator[str]:
    """django-ogc-sensorthings behind gunicorn, two workers, its tables in a database of our PostgreSQL."""
    in_thread(_database(stage))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = os.environ | {
        "PEER_DATABASE": stage.plan.postgres.superuser_url("peer"),
        "PEER_URL": url,
        "PYTHONPATH": str(HERE),
        "DJANGO_SETTINGS_MODULE": "site_of_the_peer",
    }
    django = [str(VENV / "python"), "-m", "django", "migrate", "-v", "0"]
    subprocess.run(django, check=True, env=env, stdout=subprocess.DEVNULL)
    argv = [str(VENV / "gunicorn"), "-w", "2", "-b", f"127.0.0.1:{port}", "--keep-alive", "60"]
    argv += ["-k", "gthread", "--threads", "4", "django.core.wsgi:get_wsgi_application()"]
    with (stage.plan.state.logs / "peer.log").open("wb") as log:
        child = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
    try:
        _until_ready(url)
        yield url
    finally:
        child.terminate()
        child.wait(20)


async def _database(stage: Stage) -> None:
    import asyncpg

    connection = await asyncpg.connect(stage.superuser())
    await connection.execute("CREATE DATABASE peer")
    await connection.close()


def _until_ready(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/v1.1/", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def theirs(url: str) -> Side:
    """One Thing with one Datastream, filled through the data array extension."""
    base, headers = f"{url}/v1.1", {"Content-Type": "application/json"}
    client = Client(base, headers)
    point = {"type": "Point", "coordinates": [116.4, 39.9]}
    place = {"name": "f", "description": "d", "encodingType": "application/geo+json"}
    client.ask("POST", "/Things", json.dumps(_thing(place, point)).encode())
    stream = json.loads(client.ask("GET", "/Datastreams?$top=1"))["value"][0]["@iot.id"]
    client.ask("POST", "/FeaturesOfInterest", json.dumps(place | {"feature": point}).encode())
    feature = json.loads(client.ask("GET", "/FeaturesOfInterest?$top=1"))["value"][0]["@iot.id"]

    def bulk(first: int) -> bytes:
        rows = [[stamp(minute), value(minute), feature] for minute in range(first, first + BATCH)]
        names = ["phenomenonTime", "result", "FeatureOfInterest/id"]
        block = {"Datastream": {"@iot.id": stream}, "components": names, "dataArray@iot.count": BATCH}
        return json.dumps([block | {"dataArray": rows}]).encode()

    def single(minute: int) -> bytes:
        one = {"phenomenonTime": stamp(minute), "result": value(minute), "Datastream": {"@iot.id": stream}}
        return json.dumps(one | {"FeatureOfInterest": {"@iot.id": feature}}).encode()

    within = f"/Datastreams('{stream}')/Observations"
    hour = f"phenomenonTime ge {stamp(300)} and phenomenonTime lt {stamp(360)}"
    latest = quote("phenomenonTime desc")
    return Side(
        base, headers, "/CreateObservations", bulk, "/Observations", single,
        lambda _: f"{within}?$orderby={latest}&$top=100", f"{within}?$filter={quote(hour)}&$top=100",
        lambda data: len(json.loads(data)["value"]),
    )  # fmt: skip


def _thing(place: dict[str, Any], point: dict[str, Any]) -> dict[str, Any]:
    stream = {
        "name": "PM2.5",
        "description": "d",
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {"name": "ug/m3", "symbol": "ug/m3", "definition": "http://unitsofmeasure.org"},
        "ObservedProperty": {"name": "PM2.5", "definition": "http://x/a34004", "description": "d"},
        "Sensor": {"name": "s", "description": "d", "encodingType": "application/pdf", "metadata": "m"},
    }
    locations = [place | {"location": point}]
    return {"name": "t", "description": "d", "Locations": locations, "Datastreams": [stream]}


def measure(seconds: float) -> dict[str, Any]:
    """Both sides, one after the other, on a platform of their own."""
    subprocess.run(["sh", str(HERE / "setup.sh")], check=True)
    with platform_up() as stage:
        register(stage.plan.edge, stage.token(CLERK))
        time.sleep(2.5)  # the registry is read every 2 s
        mine = ours(stage)
        with stage.alone("ingest"):
            own = workload(mine, seconds)
        with stage.alone(), peer_up(stage) as url:
            other = workload(theirs(url), seconds)
    return {"ours": own, "theirs": other, "version": VERSION}

"""The evidence bundle of a device, from the real services ingest, evidence and qc, verified offline."""

import asyncio
import base64
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import evidence.main as evidence_main
import evidence.settings as evidence_settings
import httpx
import ingest.api.bundles as door
import msgspec
import pytest
import qc.main as qc_main
import qc.settings as qc_settings
import uvicorn
from fastapi import FastAPI
from ingest.main import build
from ingest.rules.limits import limits_on
from ingest.settings import Settings
from ingest_scene import AIR, MN, READER, register
from jianzhen.fsck import Files, Inspection
from kit.processes import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ServiceDatabase, ServiceSettings
from kit.testing.tokens import Tokens
from test_receiver import CHINA, hour_frame, logger
from tlog import bundle, offline
from tlog.receipts import Receipt

NOW = datetime.now(UTC)
FORGE = "UPDATE raw_bytes SET encoding = 'identity', data = 'forged' WHERE submission = $1"
PERIOD = {"from": (NOW - timedelta(hours=30)).isoformat(), "to": (NOW + timedelta(hours=1)).isoformat()}


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    """On a real port, for the others call it over HTTP."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), running
        await asyncio.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        await running


@dataclass
class World:
    ingest: httpx.AsyncClient
    app: FastAPI
    databases: dict[str, FreshDatabase]
    tokens: Tokens
    log: AsyncExitStack
    peers: dict[str, str]
    files: Path

    @property
    def database(self) -> FreshDatabase:
        return self.databases["ingest"]

    async def bundle(self, who: str = READER, mn: str = MN, **period: str) -> httpx.Response:
        asked = PERIOD | period
        return await self.ingest.get(f"/devices/{mn}/bundle", params=asked, headers=self.tokens.bearer(who))


@pytest.fixture
async def world(
    service_database: ServiceDatabase, service_settings: ServiceSettings, tokens: Tokens, tmp_path: Path
) -> AsyncIterator[World]:
    ports = {name: free_port() for name in ("ingest", "evidence", "qc")}
    peers = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    databases = {name: await service_database(name) for name in ports}
    told = {name: service_settings(database) | {"peers": peers} for name, database in databases.items()}
    told["evidence"] |= {"key": base64.b64encode(bytes(32)).decode(), "store": str(tmp_path / "log")}
    told["ingest"] |= {"receiver_port": 0}
    app = build(Settings.model_validate(told["ingest"]))
    log = evidence_main.build(evidence_settings.Settings.model_validate(told["evidence"]))
    judge = qc_main.build(qc_settings.Settings.model_validate(told["qc"]))
    async with (
        served(app, ports["ingest"]),
        served(judge, ports["qc"]),
        AsyncExitStack() as stack,
        httpx.AsyncClient(base_url=peers["ingest"], trust_env=False, timeout=60) as client,
    ):
        await stack.enter_async_context(served(log, ports["evidence"]))
        await register(client, tokens)
        yield World(client, app, databases, tokens, stack, peers, tmp_path / "log")


async def send_frames(world: World) -> None:
    """Three hours, a revision of one of them, and a frame with a wrong check sum."""
    hours = [(NOW.astimezone(CHINA) - timedelta(hours=n)).strftime("%Y%m%d%H0000") for n in (4, 3, 2)]
    async with logger(world.app) as wire:
        for number, hour in enumerate(hours):
            await wire.send(hour_frame(number + 1, time=hour, a34004=f"3{number}.0", a34002="70.0"))
            assert (await wire.answer(30))["CN"] == "9014"
        await wire.send(hour_frame(9, time=hours[0], a34004="99.0"))
        assert (await wire.answer(30))["CN"] == "9014"
        await wire.send(hour_frame(10, time=hours[0])[:-6] + b"0000\r\n")
        assert await wire.silence()


async def whole(world: World) -> httpx.Response:
    """The bundle once every value has its code."""
    for _ in range(100):
        answer = await world.bundle()
        assert answer.status_code == 200, answer.text
        if len(rows(answer.content, bundle.CODES)) == 6:
            return answer
        await asyncio.sleep(0.3)
    raise AssertionError("the codes do not come")


def rows(packed: bytes, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(member(packed, name).decode())))


def member(packed: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.read(name)


def verified(packed: bytes, folder: Path) -> list[str]:
    (folder / "bundle.zip").write_bytes(packed)
    report = offline.evidence(folder / "bundle.zip")
    return [f"{one['reason']} {one['where']}" for one in report["findings"]]


async def test_a_bundle_holds_everything_and_verifies_offline(world: World, tmp_path: Path) -> None:
    await send_frames(world)
    answer = await whole(world)
    assert answer.headers["content-type"] == "application/zip"
    assert verified(answer.content, tmp_path) == []
    observations, later = rows(answer.content, bundle.OBSERVATIONS), rows(answer.content, bundle.REVISIONS)
    assert sorted(one["value"] for one in observations if one["value"] != "70.0") == ["30.0", "31.0", "32.0"]
    assert [(one["first_value"], one["later_value"]) for one in later] == [("30.0", "99.0")]
    submissions = [json.loads(line) for line in member(answer.content, bundle.SUBMISSIONS).splitlines()]
    assert len(submissions) == 5 and {one["outcome"] for one in submissions} >= {"refused"}
    for one in submissions:
        raw = member(answer.content, bundle.raw_name(one["submission"]))
        assert raw.startswith(b"##") and MN.encode() in raw
        receipt = Receipt.from_json(member(answer.content, bundle.receipt_name(one["submission"])))
        assert receipt.record.received_at == one["received_at"]
    registry: dict[str, Any] = json.loads(member(answer.content, bundle.REGISTRY))
    kinds = {one["kind"] for one in registry["rows"]}
    assert kinds == {"devices", "sites", "series"} and len(registry["series"]) == 8
    assert "password" not in json.dumps(registry)
    manifest = json.loads(member(answer.content, bundle.MANIFEST))
    assert (manifest["device"], manifest["pending"]) == (MN, [])
    assert "python -m tlog verify bundle" in member(answer.content, "README.zh-CN.txt").decode()
    # What an owner of the database changes afterwards is found from the bundle alone.
    submission = submissions[0]["submission"]
    await change(world.database, FORGE, submission)
    assert f"raw raw/{submission}" in verified((await world.bundle()).content, tmp_path)
    spoilt = submissions[1]["submission"]
    await change(world.database, FORGE.replace("identity", "zstd"), spoilt)
    found = verified((await world.bundle()).content, tmp_path)
    assert sorted(found) == sorted([f"raw raw/{submission}", f"absent raw/{spoilt}"])
    await change(
        world.database,
        "UPDATE submissions SET sha256 = sha256('forged'), size = 6 WHERE id = $1",
        submission,
    )
    found = verified((await world.bundle()).content, tmp_path)
    assert f"unproved {submission}" in found, found


async def test_LF_38_the_package_says_which_hours_may_be_evidence_and_verifies_offline(
    world: World, tmp_path: Path
) -> None:
    await send_frames(world)
    answer = await whole(world)
    told = rows(answer.content, bundle.ELIGIBILITY)
    assert len(told) == len(rows(answer.content, bundle.CODES)) == 6
    assert {(one["is_eligible"], one["is_calibrated"]) for one in told} == {("false", "false")}
    assert [one["is_logged"] for one in told] == ["true"] * 6
    broken = [one for one in told if one["is_unbroken"] == "false"]
    assert len(broken) == 1 and "revised" in broken[0]["reasons"] and "另有不同数值" in broken[0]["reasons"]
    assert verified(answer.content, tmp_path) == []


async def change(database: FreshDatabase, query: str, submission: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(database.superuser_url)
    try:
        assert (await connection.execute(query, submission)).endswith(" 1")
    finally:
        await connection.close()


async def test_what_the_register_says_of_places_out_of_reach_is_counted_and_not_shown(world: World) -> None:
    province, other = "ee.mon/data.submit@130000", "91512081MA62K0260E"
    far = {
        "kind": "outlet",
        "element": "waste_gas",
        "region": "131100",
        "zh": "远",
        "en": "Far",
        "uscc": other,
    }
    for path, body in (
        (f"organisations/{other}", {"zh": "远方", "en": "Far", "region": "131100"}),
        ("sites/131100-R1", far),
        (f"devices/{MN}", {"site": "131100-R1"}),
        (f"devices/{MN}", {"site": AIR}),
    ):
        answer = await world.ingest.put(f"/{path}", json=body, headers=world.tokens.bearer(province))
        assert answer.status_code == 200, answer.text
    held = {}
    for who in (READER, "ee/data.read@130000"):
        answer = await world.bundle(who)
        assert answer.status_code == 200, answer.text
        held[who] = json.loads(member(answer.content, bundle.REGISTRY))
    mine, theirs = held.values()
    places = {one["code"] for one in mine["rows"]}
    assert {AIR, MN} <= places and not {"131100-R1", other} & places
    assert {"131100-R1", other} <= {one["code"] for one in theirs["rows"]}
    assert (mine["changes_beyond_reach"], theirs["changes_beyond_reach"]) == (2, 0)
    assert other not in json.dumps(mine["changes"])


async def test_what_may_not_be_given_is_refused_before_it_begins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_frames(world)
    refusals = {
        "ee/data.read@131100": ("out-of-scope", {}),
        "samr/data.read@131000": ("not-permitted", {}),
        READER: ("window-empty", {"from": PERIOD["to"], "to": PERIOD["from"]}),
    }
    for who, (slug, period) in refusals.items():
        answer = await world.bundle(who, **period)
        assert answer.json()["type"] == f"/problems/{slug}", answer.text
    assert (await world.bundle(mn="unknown")).status_code == 404
    assert (await world.bundle(**{"from": "1850-01-01T00:00:00Z"})).status_code == 422
    # An earlier period is an empty bundle that verifies, and not an error.
    answer = await world.bundle(**{"from": "2020-01-01T00:00:00", "to": "2020-01-02T00:00:00"})
    assert answer.status_code == 200 and member(answer.content, bundle.SUBMISSIONS) == b""
    for name in ("bundle_submissions", "bundle_bytes", "bundle_values"):
        small = msgspec.structs.replace(limits_on(NOW.date()), **{name: 3})
        monkeypatch.setattr(door, "limits_on", lambda day, small=small: small)
        answer = await world.bundle()
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/bundle-too-large")
        assert answer.json()["what"] == name.removeprefix("bundle_")
    monkeypatch.undo()
    await world.log.aclose()
    answer = await world.bundle()
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/evidence-away")
    assert answer.headers["retry-after"]


async def listed(world: World, service: str) -> list[dict[str, Any]]:
    """What an auditor is told of all leaves."""
    async with httpx.AsyncClient(base_url=world.peers[service], trust_env=False, timeout=60) as client:
        answer = await client.get("/leaves", headers=world.tokens.bearer("ee/auditor@131000"))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def inspected(world: World) -> list[tuple[str, str]]:
    """What fsck finds with the eyes of an auditor."""
    run = Inspection(Files(str(world.files)))
    run.hash_all(run.checkpoint(None), remember=True)
    run.compare(await listed(world, "evidence"), await listed(world, "ingest"), "9999")
    return [(one.kind, one.where) for one in run.found]


async def test_SLm_30_whatever_is_changed_in_a_database_or_a_file_is_named_by_fsck(world: World) -> None:
    await send_frames(world)
    await whole(world)
    assert await inspected(world) == []
    submissions = [one["submission"] for one in await listed(world, "ingest")]
    where = [f"submission {one}" for one in submissions]
    update = "UPDATE submissions SET received_at = received_at + interval '1 microsecond' WHERE id = $1"
    await change(world.database, update, submissions[0])
    assert await inspected(world) == [("row", where[0])]
    await change(world.database, update.replace("+", "-"), submissions[0])
    await change(world.database, FORGE, submissions[1])
    await change(world.database, "DELETE FROM raw_bytes WHERE submission = $1", submissions[2])
    await change(world.database, "DELETE FROM submissions WHERE id = $1", submissions[3])
    await change(world.databases["evidence"], "UPDATE entries SET entry = sha256(entry) WHERE ref = $1",
                 submissions[4])  # fmt: skip
    tile = max(world.files.glob("tile/0/000.p/*"), key=lambda file: int(file.name))
    data = bytearray(tile.read_bytes())
    data[-1] ^= 1
    tile.write_bytes(data)
    assert sorted(await inspected(world)) == sorted([
        ("raw", where[1]), ("raw-missing", where[2]), ("deleted", where[3]), ("log-row", "evidence: leaves"),
        ("tile", f"tile/0/{tile.parent.name}/{tile.name}"),
    ])  # fmt: skip

"""Files in parts: resumable, checked, read in batches, answered cell by cell, nothing doubled by a kill."""

import asyncio
import csv
import hashlib
import io
import random
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from ingest.flows import unpacking
from ingest.flows.unpacking import sweep
from ingest.rules.limits import limits_on
from ingest.settings import Settings
from ingest_scene import AIR, MON, count, fetch, process, register
from kit.servers import free_port
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from openpyxl import Workbook

START = datetime(2020, 1, 1)
NOBODY = "met/data.submit@131000"


def table(lines: int, bad: frozenset[int] = frozenset()) -> bytes:
    """A wide table of hours; in a bad line the second value is a word."""
    rows = ["监测时间,PM2.5,PM10"]
    rows += [
        f"{START + timedelta(hours=at)},{at % 500}.5,{'坏' if at in bad else at % 900}" for at in range(lines)
    ]
    return "\n".join(rows).encode()


def declared(content: bytes, **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    head = {"name": "old.csv", "size": len(content), "sha256": digest, "format": "csv"}
    return head | {"source": "cnemc", "station": AIR, "historical": True} | more


class Sender:
    """Speaks to a running service as the monitoring station."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens, who: str = MON) -> None:
        self.client, self.headers = client, tokens.bearer(who)

    async def declare(self, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post("/uploads", json=body, headers=self.headers)

    async def part(self, upload: str, at: int, data: bytes) -> httpx.Response:
        headers = self.headers | {"Upload-Offset": str(at)}
        return await self.client.patch(f"/uploads/{upload}", content=data, headers=headers)

    async def get(self, upload: str) -> dict[str, Any]:
        answer = await self.client.get(f"/uploads/{upload}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def whole(self, content: bytes, size: int = 100_000, **more: Any) -> str:
        answer = await self.declare(declared(content, **more))
        assert answer.status_code == 201, answer.text
        upload = str(answer.json()["upload"])
        for at in range(0, len(content), size):
            assert (await self.part(upload, at, content[at : at + size])).status_code == 200
        return upload

    async def until(self, upload: str, *states: str) -> dict[str, Any]:
        for _ in range(400):
            found = await self.get(upload)
            if found["state"] in states:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(found)

    async def answers(self, upload: str, **query: str) -> list[dict[str, str]]:
        answer = await self.client.get(f"/uploads/{upload}/answers", headers=self.headers, params=query)
        return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_file_in_parts_is_read_and_answered_cell_by_cell(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    sender = Sender(client, tokens)
    content = table(12_000, frozenset({3, 11_999}))
    upload = await sender.whole(content)
    done = await sender.until(upload, "done", "refused")
    assert (done["state"], done["records"], done["batches"]) == ("done", 12_000, 3), done
    assert (done["accepted"], done["refused"], done["received"]) == (23_998, 2, len(content))
    assert await count(database, "observations") == 23_998
    modes = await fetch(database, "SELECT DISTINCT mode FROM observations")
    assert [mode for (mode,) in modes] == [3]
    answers = await sender.answers(upload)
    assert len(answers) == 24_000
    wrong = [line for line in answers if line["outcome"] != "accepted"]
    assert [(line["row"], line["column"], line["rule"]) for line in wrong] == [
        ("5", "PM10", "value-format"),
        ("12001", "PM10", "value-format"),
    ]
    assert all(line["zh"] and line["en"] and line["mend_zh"] and line["mend_en"] for line in wrong)
    assert await sender.answers(upload, outcome="refused") == wrong
    file = await client.get(f"/uploads/{upload}/file", headers=sender.headers)
    assert file.content == content
    kept = await fetch(database, "SELECT id, channel, notes, accepted FROM submissions ORDER BY id")
    assert [row["accepted"] for row in kept] == [9_999, 10_000, 3_999]
    assert {row["channel"] for row in kept} == {"upload"}
    found = (await client.get("/refusals", headers=sender.headers)).json()["items"]
    assert [(one["site"], one["rule"]) for one in found] == [(AIR, "value-format")] * 2


async def test_the_same_file_declared_again_is_the_same_upload(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    sender, content = Sender(client, tokens), table(10)
    upload = await sender.whole(content)
    await sender.until(upload, "done")
    again = await sender.declare(declared(content))
    assert (again.status_code, again.json()["upload"], again.json()["state"]) == (200, upload, "done")
    other = await sender.declare(declared(content, station="131000-A02"))
    assert (other.status_code, other.json()["upload"] != upload) == (201, True)


async def test_a_file_that_a_crash_cut_short_is_written_again(
    client: httpx.AsyncClient, tokens: Tokens, tmp_path: Path
) -> None:
    sender, content = Sender(client, tokens), table(30)
    digest = hashlib.sha256(content).hexdigest()
    there = tmp_path / "objects" / "sha256" / digest[:2] / digest
    there.parent.mkdir(parents=True)
    there.write_bytes(content[:100])
    upload = await sender.whole(content)
    found = await sender.until(upload, "done", "refused")
    assert (found["state"], found["accepted"]) == ("done", 60), found
    assert there.read_bytes() == content


async def test_a_file_that_fails_again_and_again_ends_with_its_reason(
    client: httpx.AsyncClient,
    tokens: Tokens,
    app: FastAPI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: FreshDatabase,
) -> None:
    fewer = msgspec.structs.replace(limits_on(datetime.now(UTC).date()), upload_tries=2)
    monkeypatch.setattr(unpacking, "limits_on", lambda day: fewer)
    sender, content = Sender(client, tokens), table(30)
    answer = await sender.declare(declared(content))
    upload = str(answer.json()["upload"])
    await sender.part(upload, 0, content[:100])
    for path in files_below(tmp_path / "objects"):
        path.unlink()
    await sender.part(upload, 100, content[100:])
    found = await sender.until(upload, "failed")
    assert found["problem"]["rule"] == "file-failed" and found["problem"]["mend_zh"]
    assert "FileNotFoundError" in found["problem"]["what"] and found["tries"] == 2
    other = await sender.whole(table(10))
    assert (await sender.until(other, "done"))["tries"] == 0, "others go on"
    again = await sender.whole(content)
    assert again != upload, "the same file may be sent again"
    assert (await sender.until(again, "done"))["records"] == 30


async def test_parts_may_come_twice_but_only_where_the_file_ends(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    sender, content = Sender(client, tokens), table(50)
    upload = (await sender.declare(declared(content))).json()["upload"]
    first = await sender.part(upload, 0, content[:100])
    assert (first.status_code, first.headers["Upload-Offset"]) == (200, "100")
    again = await sender.part(upload, 0, content[:100])
    assert (again.status_code, again.headers["Upload-Offset"]) == (200, "100")
    for at, data in ((0, b"x" * 100), (50, content[50:100]), (101, content[101:200])):
        wrong = await sender.part(upload, at, data)
        assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "100"), at
        assert wrong.json()["upload_offset"] == 100
    assert (await sender.part(upload, 100, b"x" * len(content))).json()["type"] == "/problems/part-too-long"
    racing = await asyncio.gather(*(sender.part(upload, 100, content[100:200]) for _ in range(4)))
    assert {(one.status_code, one.headers["Upload-Offset"]) for one in racing} == {(200, "200")}
    rest = await sender.part(upload, 200, content[200:])
    assert rest.status_code == 200
    assert (await sender.part(upload, 200, content[200:])).status_code == 200
    assert (await sender.until(upload, "done"))["accepted"] == 100


async def test_nobody_else_can_see_or_continue_an_upload(client: httpx.AsyncClient, tokens: Tokens) -> None:
    sender, other = Sender(client, tokens), Sender(client, tokens, NOBODY)
    upload = (await sender.declare(declared(table(5)))).json()["upload"]
    assert (await other.part(upload, 0, b"x")).status_code == 404
    answer = await client.get(f"/uploads/{upload}", headers=other.headers)
    assert answer.status_code == 404
    assert (await client.get("/uploads", headers=other.headers)).json()["items"] == []
    assert len((await client.get("/uploads", headers=sender.headers)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("content", "more", "rule"),
    [
        (b"a,b\n1,2\n", {}, "table-columns"),
        (b"\n", {}, "table-empty"),
        (table(5), {"sha256": "ab" * 32}, "file-digest"),
        (table(5), {"format": "xlsx"}, "table-malformed"),
        (table(5) + b'\n"' + b"x\n" * 500, {}, "table-malformed"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why_and_may_be_sent_again(
    client: httpx.AsyncClient, tokens: Tokens, content: bytes, more: dict[str, Any], rule: str
) -> None:
    sender = Sender(client, tokens)
    upload = await sender.whole(content, **more)
    found = await sender.until(upload, "done", "refused")
    assert (found["state"], found["problem"]["rule"]) == ("refused", rule), found
    assert found["problem"]["mend_zh"]
    assert (await sender.declare(declared(content, **more))).status_code == 201


async def test_what_is_declared_badly_is_a_problem_with_a_number(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    sender = Sender(client, tokens)
    huge = await sender.declare(declared(b"x", size=5_000_000_000))
    assert (huge.status_code, huge.json()["limit_bytes"]) == (422, 4_294_967_296)
    unmapped = await sender.declare(declared(b"x", mapping={"time": 7}))
    assert unmapped.json()["type"] == "/problems/mapping-wrong"
    for at in range(20):
        assert (await sender.declare(declared(b"%d" % at))).status_code == 201
    assert (await sender.declare(declared(b"more"))).status_code == 429


async def test_a_workbook_is_streamed_too(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase
) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["时间", "PM2.5"])
    for at in range(11_000):
        sheet.append([START + timedelta(hours=at), at % 100 + 0.5])
    file = io.BytesIO()
    book.save(file)
    sender = Sender(client, tokens)
    upload = await sender.whole(file.getvalue(), format="xlsx", name="old.xlsx")
    done = await sender.until(upload, "done", "refused")
    assert (done["state"], done["accepted"], done["batches"]) == ("done", 11_000, 2), done
    last = await fetch(database, "SELECT max(ts), count(*) FROM observations")
    assert tuple(last[0]) == ((START + timedelta(hours=10_999 - 8)).replace(tzinfo=UTC), 11_000)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_sweeper_drops_only_what_no_upload_needs(
    client: httpx.AsyncClient, tokens: Tokens, app: FastAPI, tmp_path: Path
) -> None:
    sender, content = Sender(client, tokens), table(30)
    done = await sender.whole(content, 100)
    await sender.until(done, "done")
    begun = (await sender.declare(declared(b"later"))).json()["upload"]
    await sender.part(begun, 0, b"lat")
    stray = tmp_path / "objects" / "sha256" / "00" / ("00" * 32)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"left behind by a crash")
    await sweep(app.state.database, app.state.objects, datetime.now(UTC))
    assert stray.exists(), "younger than a day"
    await sweep(app.state.database, app.state.objects, datetime.now(UTC) + timedelta(days=2))
    left = {path.relative_to(tmp_path / "objects").parts[:2] for path in files_below(tmp_path)}
    assert left == {("parts", begun), ("sha256", hashlib.sha256(content).hexdigest()[:2])}
    await sweep(app.state.database, app.state.objects, datetime.now(UTC) + timedelta(days=9))
    assert (await sender.get(begun))["state"] == "expired"
    assert (await client.get(f"/uploads/{done}/file", headers=sender.headers)).content == content


@pytest.mark.slow
async def test_a_killed_service_goes_on_where_it_was_and_doubles_nothing(
    settings: Settings, tokens: Tokens, database: FreshDatabase
) -> None:
    content, port, upload = table(60_000, frozenset({17})), free_port(), ""
    chance = random.Random(7)
    killed, done = 0, False
    while not done:
        async with (
            process(settings, port) as running,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            sender = Sender(client, tokens)
            if not upload:
                await register(client, tokens)
                upload = await sender.whole(content)
            before = (await sender.get(upload))["batches"]
            for _ in range(600):
                found = await sender.get(upload)
                done = found["state"] in ("done", "refused")
                if done or (killed < 3 and found["batches"] > before):
                    break
                await asyncio.sleep(0.02)
            if not done:
                await asyncio.sleep(chance.random() * 0.1)
                running.send_signal(signal.SIGKILL)
                killed += 1
            else:
                answers = await sender.answers(upload)
    assert killed == 3
    assert (found["state"], found["records"], found["accepted"], found["refused"]) == (
        "done",
        60_000,
        119_999,
        1,
    )
    assert (found["repeated"], found["revised"], found["batches"]) == (0, 0, 12)
    assert await count(database, "observations") == 119_999
    assert await count(database, "submissions") == 12
    assert len(answers) == 120_000 and len({(line["row"], line["column"]) for line in answers}) == 120_000

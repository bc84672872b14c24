"""What a unit is told of who looked at its data, and what everybody is told later: never more than that."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import asyncpg
import httpx
import policy
import pytest
from gateway.flows.ledger import Entry, Ledger
from gateway.flows.usage import count
from gateway.main import build
from gateway.rules.days import beginning, day_of
from gateway.settings import Settings

USCC, OTHER = "91131000MA0000001X", "91131000MA0000002Y"
UNIT = "unit/data.submit@131002"
NOW = datetime.now(UTC)
POLICY = policy.load()


@pytest.fixture
def register() -> Iterator[str]:
    """`ingest` as far as it is asked: the lists of a unit, page by page, by its own token."""
    lists = {
        "/sites": [{"code": "131002-W01"}, {"code": "131002-W02"}],
        "/devices": [{"mn": "A1"}],
        "/series": [{"id": 7}],
    }

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            is_second = "cursor=" in query
            items, more = lists[path][is_second:], None
            if len(items) > 1:
                items, more = items[:1], "x"
            known = (self.headers.get("authorization") or "").startswith("Bearer ")
            text = json.dumps({"items": items, "next": more}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
async def client(database, tokens, client_for, register) -> AsyncIterator[httpx.AsyncClient]:
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    services = {"ingest": register}
    made = Settings(environment="local", port=1, services=services, **urls, **broker, **tokens.settings)
    async with client_for(build(made)) as opened:
        yield opened


def read(dept: str, *refs: str, **more) -> Entry:
    fields = {
        "at": NOW,
        "request_id": UUID(int=1),
        "subject": "a person",
        "principal": f"{dept}/data.read@131000",
        "dept": dept,
        "region": "131000",
        "client": "desk",
        "address": "10.9.8.7",
        "service": "ingest",
        "method": "GET",
        "path": "/x",
        "refs": refs,
        "permission": "raw:read",
        "kind": "raw",
        "purpose": "supervision",
        "status": 200,
        "reason": "granted",
        "policy_version": "v",
    }
    return Entry(**fields | more)


async def note(database, *entries: Entry) -> None:
    ledger = Ledger(database)
    for entry in entries:
        ledger.allow(entry) if entry.status < 400 else ledger.refuse(entry)
    await ledger.flush(is_last=True)


async def looked(client, tokens, as_=UNIT, uscc=USCC, **asked) -> httpx.Response:
    return await client.get("/usage/mine", params=asked, headers=tokens.bearer(as_, uscc=uscc))


async def test_a_unit_sees_the_department_the_hour_and_the_purpose_and_no_person(
    client, database, tokens
) -> None:
    await note(database, read("ee", "mn=A1"))
    answer = await looked(client, tokens)
    (item,) = answer.json()["items"]
    assert item == {
        "hour": NOW.replace(minute=0, second=0, microsecond=0).isoformat(),
        "department": {"code": "ee", "zh": "生态环境局", "en": "Ecology and environment bureau"},
        "region": "131000",
        "data": {"code": "raw:read", "zh": "查看原始报文", "en": "Read the raw bytes as received"},
        "kind": {"code": "raw", "zh": "原始监测数据", "en": "Raw monitoring data"},
        "purpose": {"code": "supervision", "zh": "日常监管", "en": "Day-to-day supervision"},
        "names_you": True,
    }
    for secret in ("a person", "10.9.8.7", "desk"):
        assert secret not in answer.text


async def test_only_what_concerns_the_unit_is_told(client, database, tokens) -> None:
    await note(
        database,
        read("ee", "code=131002-W01"),
        read("samr", "site=131002-W02"),
        read("water", f"uscc={USCC}", unit=USCC),
        read("agri", "series=7"),
        read("health"),  # a list of the region
        read("met", region="131100"),  # of another region
        read("finance", "mn=B9"),  # another's logger
        read("ndrc", f"uscc={OTHER}", unit=OTHER),
        read("ee.mon", "mn=A1", status=403),  # refused
        read("ee.enf", "mn=A1", kind=None),  # not on record
        read("unit", "mn=A1", uscc=USCC),  # itself
        read("ee.enf", "mn=A1", method="POST"),
    )
    items = (await looked(client, tokens)).json()["items"]
    assert [(item["department"]["code"], item["names_you"]) for item in items] == [
        ("health", False),
        ("agri", True),
        ("water", True),
        ("samr", True),
        ("ee", True),
    ]


async def test_bodies_under_secrecy_and_inquiries_are_told_to_nobody(client, database, tokens) -> None:
    secret = ("police", "discipline", "proc", "court")
    await note(database, *(read(dept, "mn=A1") for dept in secret), read("ee", "mn=A1", kind="case"))
    assert (await looked(client, tokens)).json() == {"items": [], "next": None}
    old = NOW - timedelta(days=30)
    many = [read(dept, at=old) for dept in (*secret, "ee") for _ in range(9)]
    await note(database, *many, *(read("ee", at=old, kind="case", permission="cases:read") for _ in range(9)))
    await count(client._transport.app.state.database, POLICY, NOW)
    items = (await client.get("/usage")).json()["items"]
    assert [(item["department"]["code"], item["data"]["code"], item["reads"]) for item in items] == [
        ("ee", "raw:read", 9)
    ]


async def test_a_unit_asking_for_another_is_refused(client, database, tokens) -> None:
    await note(database, read("ee", f"uscc={OTHER}", unit=OTHER))
    headers = tokens.bearer(UNIT, uscc=USCC)
    answer = await client.get("/usage/mine", params={"uscc": OTHER}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/out-of-scope")
    assert (await looked(client, tokens, uscc=USCC)).json()["items"] == []
    nobody = await looked(client, tokens, uscc=None)
    assert (nobody.status_code, nobody.json()["type"]) == (403, "/problems/no-organisation")
    for as_ in ("ee/data.read@131000", "ee/data.submit@131000", "unit/data.read@131002", "ee/auditor@131000"):
        assert (await looked(client, tokens, as_=as_)).status_code == 403
    assert (await client.get("/usage/mine")).status_code == 401


async def test_pages_of_what_was_looked_at(client, database, tokens) -> None:
    await note(database, *(read("ee", "mn=A1", request_id=UUID(int=n + 1)) for n in range(5)))
    seen, cursor = 0, None
    for _ in range(3):
        page = (await looked(client, tokens, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen, cursor = seen + len(page["items"]), page["next"]
    assert (seen, cursor) == (5, None)


async def test_while_the_register_is_away_it_is_said(client, tokens) -> None:
    client._transport.app.state.holdings._ingest = "http://127.0.0.1:1"
    answer = await looked(client, tokens)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/register-away")


async def test_a_day_is_published_after_its_delay_and_not_before(client, database) -> None:
    delay, _ = POLICY.records.publication(day_of(NOW))
    ripe = beginning(day_of(NOW) - timedelta(days=delay))
    moments = (ripe, ripe + timedelta(hours=23, minutes=59), ripe + timedelta(days=1))
    await note(database, *(read("water", at=at) for at in moments for _ in range(3)))
    state = client._transport.app.state
    for _ in range(2):  # again changes nothing
        await count(state.database, POLICY, NOW)
    told = (await client.get("/usage")).json()
    assert [(item["day"], item["reads"]) for item in told["items"]] == [(day_of(ripe).isoformat(), 6)]
    assert (told["delay_days"], told["until"]) == (delay, day_of(ripe).isoformat())
    later = await count(state.database, POLICY, NOW + timedelta(days=1))
    assert day_of(ripe) + timedelta(days=1) in later
    # Counted ahead of its time, it still is not told.
    assert len((await client.get("/usage")).json()["items"]) == 1


async def test_small_counts_are_not_told(client, database) -> None:
    at = NOW - timedelta(days=20)
    await note(database, *(read("water", at=at) for _ in range(4)), *(read("met", at=at) for _ in range(5)))
    await count(client._transport.app.state.database, POLICY, NOW)
    found = {
        item["department"]["code"]: item["reads"] for item in (await client.get("/usage")).json()["items"]
    }
    assert found == {"water": None, "met": 5}


async def test_the_published_log_is_paged_and_public(client, database, tokens) -> None:
    days = [NOW - timedelta(days=ago) for ago in (20, 21, 22)]
    await note(database, *(read(dept, at=at) for at in days for dept in ("water", "met") for _ in range(5)))
    await count(client._transport.app.state.database, POLICY, NOW)
    seen, cursor = [], None
    for _ in range(3):
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await client.get("/usage", params=asked, headers=tokens.bearer(UNIT) if cursor else {})
        seen += [(item["day"], item["department"]["code"]) for item in answer.json()["items"]]
        cursor = answer.json()["next"]
    assert (len(set(seen)), seen == sorted(seen, reverse=True), cursor) == (6, True, None)
    assert answer.headers["cache-control"] == "public, max-age=300"
    for wrong in ("x", "2026-11-20 water", "' OR 1=1", "2026-13-01 a b"):
        assert (await client.get("/usage", params={"cursor": wrong})).status_code == 422


async def test_days_without_number_are_counted_a_month_at_a_time(client, database) -> None:
    await note(database, *(read("met", at=NOW - timedelta(days=100)) for _ in range(5)))
    state = client._transport.app.state
    assert len(await count(state.database, POLICY, NOW)) == 31
    owner = await asyncpg.connect(database.superuser_url)
    assert await owner.fetchval("SELECT sum(reads) FROM usage_days") == 5
    await owner.close()

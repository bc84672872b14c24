"""Leaves and receipts: what is said to the evidence log, and what its answers become for the sender."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from ingest.flows.leaves import LEAVES_AN_EVENT, leaf_events, leaf_of
from ingest.flows.parcels import Parcel
from ingest.flows.receipts import Receipts
from ingest.settings import Settings
from ingest_scene import MON, batch, fetch, row, send
from kit.auth import ServiceTokens
from kit.problems import Unavailable
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from tlog.merkle import leaf_hash
from tlog.receipts import Receipt, entry_of, record_of

AUDITOR = "discipline/auditor@131000"
SAID = "SELECT data FROM outbox WHERE event = 'ingest.leaf_requested.v1' ORDER BY id"


@given(
    st.uuids(), st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16),
    st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
def test_the_leaf_is_the_entry_of_the_record(id: UUID, sha256: bytes, nonce: bytes, at: datetime) -> None:
    assert leaf_of(id, sha256, at, nonce) == entry_of(nonce, record_of(id, sha256, at).bytes)


def test_many_submissions_are_split_below_the_limit_of_the_bus() -> None:
    from kit.outbox import MAX_EVENT_BYTES
    from msgspec import json as fast

    now = datetime.now(UTC)
    parcels = [
        Parcel(UUID(int=number), "hj212", "x", now, b"", bytes(32), "t")
        for number in range(3 * LEAVES_AN_EVENT)
    ]
    events = [event for _, event in leaf_events(parcels)]
    assert [len(event.leaves) for event in events] == [LEAVES_AN_EVENT] * 3
    assert all(len(fast.encode(event)) < MAX_EVENT_BYTES for event in events)
    assert len({leaf for event in events for leaf in event.leaves}) == len(parcels), "every nonce is its own"


async def test_what_is_kept_asks_for_a_leaf_refused_or_not(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    assert (await send(client, tokens, batch(row()))).status_code == 202
    assert (await send(client, tokens, batch(row(site="nowhere")))).status_code == 422
    assert (await send(client, tokens, b"{")).status_code == 422
    said = [json.loads(found["data"]) for found in await fetch(database, SAID)]
    kept = await fetch(database, "SELECT id, sha256, received_at, nonce FROM submissions ORDER BY id")
    assert [(event["subject"], len(event["leaves"])) for event in said] == [("submission", 1)] * 3
    for event, found in zip(said, kept, strict=True):
        record = record_of(found["id"], found["sha256"], found["received_at"])
        assert event["submissions"] == [record.submission]
        assert event["leaves"] == [entry_of(found["nonce"], record.bytes).hex()]


async def test_only_an_auditor_lists_all_leaves_and_a_changed_byte_shows(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    for value in (1, 2, 3):
        assert (await send(client, tokens, batch(row(value=value)))).status_code == 202
    assert (await client.get("/leaves", headers=tokens.bearer(MON))).status_code == 403
    first = (await client.get("/leaves?limit=2", headers=tokens.bearer(AUDITOR))).json()
    rest = (await client.get(f"/leaves?cursor={first['next']}", headers=tokens.bearer(AUDITOR))).json()
    items = first["items"] + rest["items"]
    assert len(items) == 3 and rest["next"] is None
    for item in items:
        record = record_of(
            UUID(item["submission"]),
            bytes.fromhex(item["sha256"]),
            datetime.fromisoformat(item["received_at"]),
        )
        assert item["entry"] == entry_of(base64.b64decode(item["nonce"]), record.bytes).hex()
        assert item["stored_sha256"] == item["sha256"]
    await fetch(database, "UPDATE raw_bytes SET data = overlay(data placing 'X' from 3)")
    after = (await client.get("/leaves", headers=tokens.bearer(AUDITOR))).json()["items"]
    assert all(item["stored_sha256"] != item["sha256"] for item in after)


Answers = dict[str, tuple[int, dict[str, Any]]]


@pytest.fixture
def log() -> Iterator[tuple[str, Answers]]:
    """A door that answers for the evidence log what the test puts under `*` or an entry."""
    answers: Answers = {}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"].startswith("Bearer ")
            entry = self.path.rpartition("/")[2]
            status, body = answers.get(entry) or answers["*"]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


async def test_a_receipt_is_whole_or_it_is_said_when_to_ask_again(
    app: FastAPI,
    client: httpx.AsyncClient,
    settings: Settings,
    tokens: Tokens,
    log: tuple[str, Answers],
) -> None:
    address, answers = log
    await app.state.receipts.close()
    app.state.receipts = Receipts(address, ServiceTokens(settings))
    sent = (await send(client, tokens, batch(row()))).json()
    path, who = f"/submissions/{sent['submission']}/receipt", tokens.bearer(MON)
    for slug in ("leaf-unknown", "leaf-not-integrated"):
        answers["*"] = (404, {"type": f"/problems/{slug}"})
        waiting = await client.get(path, headers=who)
        assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
        assert waiting.json()["type"] == "/problems/receipt-not-yet"
    answers["*"] = (503, {"type": "/problems/log-damaged"})
    assert (await client.get(path, headers=who)).status_code == 503
    proof = [base64.b64encode(leaf_hash(b"x")).decode()]
    place = {"log": "example/log", "index": 1, "checkpoint": "example/log\n2\n…\n", "proof": proof}
    answers["*"] = (200, place)
    found = await client.get(path, headers=who)
    receipt = Receipt.from_json(found.text)
    assert (receipt.record.submission, receipt.record.sha256) == (sent["submission"], sent["sha256"])
    assert (receipt.log, receipt.index, receipt.checkpoint) == ("example/log", 1, place["checkpoint"])
    # Nobody else's: the receipt holds the nonce.
    assert (await client.get(path)).status_code == 401
    other = await client.get(path, headers=tokens.bearer("water/data.submit@131000"))
    assert other.status_code == 404
    answers["*"] = (200, place)


async def test_while_the_log_is_away_a_receipt_is_unavailable_and_sending_goes_on(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    sent = await send(client, tokens, batch(row()))
    assert sent.status_code == 202
    path = f"/submissions/{sent.json()['submission']}/receipt"
    answer = await client.get(path, headers=tokens.bearer(MON))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/evidence-away")


async def test_asking_the_log_holds_no_session(
    app: FastAPI, client: httpx.AsyncClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = (await send(client, tokens, batch(row()))).json()
    held: list[int] = []

    async def asked(_: object) -> None:
        held.append(app.state.database.readers.pool.checkedout())
        raise Unavailable("evidence-away", "hangs, then gives up")

    monkeypatch.setattr(app.state.receipts, "of", asked)
    path = f"/submissions/{sent['submission']}/receipt"
    assert (await client.get(path, headers=tokens.bearer(MON))).status_code == 503
    assert held == [0]


async def test_a_page_of_leaves_is_bounded_by_what_is_read_for_it(
    client: httpx.AsyncClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.api import receipts

    for value in (1, 2, 3):
        assert (await send(client, tokens, batch(row(value=value)))).status_code == 202
    monkeypatch.setattr(receipts, "MOST_BYTES", 1)
    seen, cursor = list[str](), ""
    for _ in range(3):
        page = (await client.get(f"/leaves?limit=9{cursor}", headers=tokens.bearer(AUDITOR))).json()
        seen += [item["submission"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert len(set(seen)) == len(seen) == 3 and page["next"] is None

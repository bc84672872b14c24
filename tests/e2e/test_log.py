"""What was sent is in the public log: its receipt, fetched through the edge, verifies with `tlog` alone."""

import hashlib
import json
import time
from typing import Any

import httpx
import pytest
from e2e_city import City
from tlog import merkle, note, tiles
from tlog.receipts import BadReceipt, Receipt, verify_receipt

pytestmark = pytest.mark.slow
ANALYST, AUDITOR = "ee.enf/case.officer@131000", "ee/auditor@131000"


@pytest.fixture(scope="module")
def log_key(sent_city: City) -> note.Key:
    with httpx.Client(base_url=sent_city.platform.edge, trust_env=False) as anybody:
        return note.parse_key(anybody.get("/log/keys").json()["log"]["key"])


def get(city: City, who: str, path: str, **query: Any) -> httpx.Response:
    with city.platform.client(who) as client:
        return client.get(path, params=query, headers={"X-Purpose": "supervision"})


def receipt_of(city: City, submission: str) -> Receipt:
    """The receipt, once it is there."""
    for _ in range(60):
        answer = get(city, ANALYST, f"/api/ingest/submissions/{submission}/receipt")
        if answer.status_code == 200:
            return Receipt.from_json(answer.text)
        assert answer.status_code == 202 and answer.headers["retry-after"], answer.text
        time.sleep(0.5)
    raise AssertionError(answer.text)


def newest(city: City, channel: str) -> dict[str, Any]:
    """The newest submission that came in by this channel."""
    query: dict[str, Any] = {"limit": 1000}
    while True:
        page = get(city, ANALYST, "/api/ingest/submissions", **query).raise_for_status().json()
        for row in page["items"]:
            if row["channel"] == channel:
                found: dict[str, Any] = row
                return found
        assert page["next"], f"nothing came in by {channel}"
        query["cursor"] = page["next"]


@pytest.mark.parametrize("channel", ["http", "hj212"])
def test_a_receipt_proves_offline_what_was_received(sent_city: City, log_key: note.Key, channel: str) -> None:
    row = newest(sent_city, channel)
    receipt = receipt_of(sent_city, row["submission"])
    raw = get(sent_city, ANALYST, f"/api/ingest/submissions/{row['submission']}/raw").content
    checkpoint, _ = verify_receipt(receipt, log_key, (), 0, raw)
    assert receipt.index < checkpoint.size
    assert receipt.record.sha256 == row["sha256"] == hashlib.sha256(raw).hexdigest()
    with pytest.raises(BadReceipt, match="SHA-256"):
        verify_receipt(receipt, log_key, (), 0, raw + b" ")


def test_anybody_computes_the_root_from_the_public_tiles(sent_city: City, log_key: note.Key) -> None:
    with httpx.Client(base_url=sent_city.platform.edge, trust_env=False) as anybody:
        signed = anybody.get("/log/checkpoint")
        assert signed.headers["cache-control"] == "no-cache"
        from tlog import ed25519

        text, _ = note.open_note(signed.text, [(log_key, ed25519.verifier(log_key))])
        checkpoint = note.parse_checkpoint(text)

        def fetch(tile: tiles.Tile) -> bytes:
            answer = anybody.get(f"/log/{tile.path}").raise_for_status()
            assert ("immutable" in answer.headers["cache-control"]) == (tile.width == tiles.WIDTH)
            return answer.content

        assert merkle.root(checkpoint.size, tiles.reader(checkpoint.size, fetch)) == checkpoint.root


def test_every_submission_has_its_leaf_and_the_bytes_it_speaks_of(sent_city: City) -> None:
    def every(path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page: dict[str, Any] = get(sent_city, AUDITOR, path).raise_for_status().json()
        while page["next"] is not None:
            rows += page["items"]
            page = get(sent_city, AUDITOR, path, cursor=page["next"]).raise_for_status().json()
        return rows + page["items"]

    received = every("/api/ingest/leaves")
    deadline = time.monotonic() + 60
    while missing := {row["entry"] for row in received} - {
        row["entry"] for row in every("/api/evidence/leaves")
    }:
        assert time.monotonic() < deadline, f"{len(missing)} of {len(received)} have no leaf"
        time.sleep(1)
    assert all(row["stored_sha256"] == row["sha256"] for row in received)
    kinds = {row["subject"] for row in every("/api/evidence/leaves")}
    print(json.dumps({"submissions": len(received), "subjects": sorted(kinds)}))

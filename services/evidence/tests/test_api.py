"""What anybody gets of the log, and what the holder of an entry gets."""

import asyncio
import base64
import statistics
import sys
import time
from pathlib import Path

import httpx
import pytest
from evidence.settings import Settings
from fastapi import FastAPI
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from log_scene import append, entry, is_busy, key
from tlog import ed25519, merkle, note, tiles

AUDITOR, SENDER, NOBODY = (
    "discipline/auditor@131000",
    "ee.mon/data.submit@131000",
    "ndrc/credit.editor@131000",
)


async def published(client: httpx.AsyncClient, size: int) -> note.Checkpoint:
    """The checkpoint, once it has this size."""
    for _ in range(100):
        answer = await client.get("/log/checkpoint")
        if answer.status_code == 200:
            text, _ = note.open_note(answer.text, [(key(), ed25519.verifier(key()))])
            if (checkpoint := note.parse_checkpoint(text)).size >= size:
                return checkpoint
        await asyncio.sleep(0.05)
    raise AssertionError(f"no checkpoint of size {size}: {answer.text}")


async def test_the_public_log_is_read_without_a_token_and_verifies(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    empty = await client.get("/log/checkpoint")
    assert (empty.status_code, empty.json()["type"]) == (404, "/problems/log-empty")
    await append(database, range(300))
    checkpoint = await published(client, 300)
    files = {}
    for tile in [*tiles.added(0, 300), tiles.Tile(-1, 0), tiles.Tile(-1, 1, 44)]:
        answer = await client.get(f"/log/{tile.path}")
        assert answer.status_code == 200
        assert ("immutable" in answer.headers["cache-control"]) == (tile.width == 256)
        files[tile.path] = answer.content
    assert merkle.root(300, tiles.reader(300, lambda tile: files[tile.path])) == checkpoint.root
    assert tiles.decode_entries(files["tile/entries/001.p/44"])[-1] == entry(299)
    assert (await client.get("/log/checkpoint")).headers["cache-control"] == "no-cache"
    keys = (await client.get("/log/keys")).json()
    assert note.parse_key(keys["log"]["key"]) == key() and keys["quorum"] == 0


async def test_the_public_log_answers_who_only_asks_for_the_head(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    assert (await client.head("/log/checkpoint")).status_code == 404
    await append(database, range(300))
    await published(client, 300)
    for path in ("checkpoint", "keys", "tile/0/000", "tile/0/001.p/44", "tile/entries/000"):
        whole, head = await client.get(f"/log/{path}"), await client.head(f"/log/{path}")
        assert head.status_code == 200, path
        for name in ("content-type", "cache-control", "content-length"):
            assert head.headers.get(name) == whole.headers.get(name), (path, name)
        assert head.content == b"", path
    assert (await client.head("/log/tile/0/007")).status_code == 404


async def test_a_partial_tile_that_was_outgrown_is_still_answered(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    await append(database, range(100))
    await published(client, 100)
    before = [(await client.get(f"/log/tile/{kind}/000.p/100")).content for kind in ("0", "entries")]
    await append(database, range(100, 300))
    await published(client, 300)
    after = [(await client.get(f"/log/tile/{kind}/000.p/100")).content for kind in ("0", "entries")]
    assert after == before


@pytest.mark.parametrize(
    "path", ["tile/0/001", "tile/0/0", "tile/x/000", "tile/0/000.p/256", "tile/0/000.p/0"]
)
async def test_what_is_no_tile_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/log/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/tile-unknown")


async def test_an_entry_is_looked_up_with_a_proof_in_a_few_milliseconds(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await append(database, range(2000))
    checkpoint = await published(client, 2000)
    headers, taken = tokens.bearer(SENDER), []
    for number in range(0, 2000, 20):
        begun = time.perf_counter()
        answer = await client.get(f"/leaves/{entry(number).hex()}", headers=headers)
        taken.append((time.perf_counter() - begun) * 1000)
        body = answer.json()
        path = [base64.b64decode(step) for step in body["proof"]]
        leaf = merkle.leaf_hash(entry(number))
        assert body["index"] == number
        assert merkle.verify_inclusion(leaf, number, checkpoint.size, path, checkpoint.root)
    quarter, median, _ = statistics.quantiles(taken, n=4)
    said = f"proof: quarter {quarter:.2f} ms, median {median:.2f} ms, slowest {max(taken):.2f} ms"
    sys.stdout.write(f"\n{said}\n")
    assert quarter <= 5 or is_busy()


async def test_who_may_look_up_and_who_may_audit(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await append(database, range(5))
    await published(client, 5)
    path = f"/leaves/{entry(0).hex()}"
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=tokens.bearer(NOBODY))).status_code == 403
    unknown = await client.get(f"/leaves/{entry(99).hex()}", headers=tokens.bearer(SENDER))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/leaf-unknown")
    assert (await client.get("/leaves/zz", headers=tokens.bearer(SENDER))).status_code == 404
    assert (await client.get("/leaves", headers=tokens.bearer(SENDER))).status_code == 403
    seen, cursor = [], "-1"
    while cursor is not None:
        page = await client.get(f"/leaves?limit=2&cursor={cursor}", headers=tokens.bearer(AUDITOR))
        seen += [item["entry"] for item in page.json()["items"]]
        cursor = page.json()["next"]
    assert seen == [entry(number).hex() for number in range(5)]


async def test_no_proof_is_handed_out_that_does_not_verify(
    app: FastAPI, client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await append(database, range(600))
    await published(client, 600)
    settings: Settings = app.state.settings
    tile = Path(settings.store) / "tile/0/000"
    data = bytearray(tile.read_bytes())
    data[40] ^= 1
    tile.write_bytes(data)
    app.state.log.reader.forget()  # what was just written is in hand: no damage to the file reaches it
    answer = await client.get(f"/leaves/{entry(3).hex()}", headers=tokens.bearer(SENDER))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/log-damaged")

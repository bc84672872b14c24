"""The object store fails in the middle of a put: it is tried again, nothing is lost, the sender is told."""

import time
from collections.abc import AsyncIterator

import pytest
from ingest.main import build
from ingest.settings import Settings
from ingest_scene import count, register
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor
from kit.testing.tokens import Tokens
from stub_store import StoreStub
from test_uploads import Sender, declared, table


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StoreStub]:
    stub = await StoreStub().up()
    told = {"ENDPOINT_URL": f"http://127.0.0.1:{stub.port}", "ALLOW_HTTP": "true", "REGION": "us-east-1"}
    for name, value in (told | {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield stub
    await stub.down()


@pytest.fixture
async def sender(
    store: StoreStub, settings: Settings, client_for: ClientFor, tokens: Tokens
) -> AsyncIterator[Sender]:
    """A service that keeps its files in the stub."""
    app = build(Settings.model_validate(settings.model_dump() | {"objects": "s3://bucket/files"}))
    async with client_for(app) as made:
        await register(made, tokens)
        yield Sender(made, tokens)


async def test_a_put_that_was_cut_is_made_again_without_the_senders_help(
    sender: Sender, store: StoreStub, database: FreshDatabase
) -> None:
    content = table(3000)
    store.cuts = 2
    upload = await sender.whole(content, size=40_000)
    done = await sender.until(upload, "done", "refused", "failed")
    assert (done["state"], done["accepted"], store.was_cut) == ("done", 6000, 2), done
    assert await count(database, "observations") == 6000
    file = await sender.client.get(f"/uploads/{upload}/file", headers=sender.headers)
    assert file.content == content


async def test_the_whole_file_is_put_again_when_that_put_is_cut(
    sender: Sender, store: StoreStub, database: FreshDatabase
) -> None:
    content = table(3000)
    answer = await sender.declare(declared(content))
    upload = str(answer.json()["upload"])
    assert (await sender.part(upload, 0, content[:1000])).status_code == 200
    store.cuts, store.cut = 1, "/sha256/"
    assert (await sender.part(upload, 1000, content[1000:])).status_code == 200
    done = await sender.until(upload, "done", "refused", "failed")
    assert (done["state"], done["accepted"], store.was_cut) == ("done", 6000, 1), done
    assert await count(database, "observations") == 6000
    (whole,) = [data for name, data in store.kept.items() if "/sha256/" in f"/{name}"]
    assert whole == content


async def test_a_store_that_stays_away_is_a_clear_answer_in_time_and_costs_nothing_but_that(
    sender: Sender, store: StoreStub, database: FreshDatabase
) -> None:
    content = table(500)
    upload = str((await sender.declare(declared(content))).json()["upload"])
    assert (await sender.part(upload, 0, content[:5000])).status_code == 200
    store.cuts = 10**6
    begun = time.monotonic()
    answer = await sender.part(upload, 5000, content[5000:])
    assert time.monotonic() - begun < 45
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (503, "/problems/objects-unavailable"), problem
    assert "object store" in problem["detail"] and "对象存储" in problem["detail"]
    assert (await sender.get(upload))["received"] == 5000, "what was not kept is not counted"
    store.cuts = 0
    assert (await sender.part(upload, 5000, content[5000:])).status_code == 200
    done = await sender.until(upload, "done", "refused", "failed")
    assert (done["state"], done["accepted"]) == ("done", 1000), done
    assert await count(database, "observations") == 1000

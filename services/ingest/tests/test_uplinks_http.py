"""Links over HTTP to a province that is a real server and behaves badly: nothing lost, reconciled after."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from ingest.flows.uplinks.reconciling import prune
from ingest.flows.uplinks.sending import limits_now
from ingest.jobs import measure_uplinks, reconcile_uplinks
from ingest_scene import AIR, MON, READER, USCC, batch, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from stub_platform import HttpStub
from uplink_scene import BASE, ask, http_link, put_link, reconcile, send_hours, settled, until

DAY = BASE.date().isoformat()


@pytest.fixture
async def province() -> AsyncIterator[HttpStub]:
    stub = await HttpStub().up()
    yield stub
    await stub.down()


async def test_LF_06_a_province_that_was_down_misses_nothing_and_agrees_afterwards(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub, app: FastAPI
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(4))
    await settled(database, 4)
    await province.down()
    await send_hours(client, tokens, range(4, 9))
    await send_hours(client, tokens, range(9, 12))
    for _ in range(100):
        state = (await ask(client, tokens, "/uplinks/province"))["state"]
        if state["circuit"] == "open":
            break
        await asyncio.sleep(0.1)
    assert state["circuit"] == "open" and state["failures"] > 0 and state["next_try_at"]
    assert (await ask(client, tokens, "/uplinks/province"))["queue"]["waiting"] > 0
    await measure_uplinks(app)
    metrics = (await client.get("/metrics")).text
    assert 'ingest_uplink_waiting{link="province"}' in metrics
    await province.up()
    await settled(database, 12)
    assert len(province.holds) == 12 and not province.revisions and not province.repeats
    assert [key[-1] for key in province.order] == sorted(key[-1] for key in province.order)
    assert max(province.keys.values()) == 1
    report = await reconcile(client, tokens, "province", DAY)
    assert (report["state"], report["cells"]) == ("agrees", [])
    assert {name: report["totals"][name] for name in ("sent", "acknowledged", "held", "missing")} == {
        "sent": 12, "acknowledged": 12, "held": 12, "missing": 0,
    }  # fmt: skip
    assert (await ask(client, tokens, "/uplinks/province"))["state"]["circuit"] == "closed"
    receipts = (await ask(client, tokens, "/uplinks/province/receipts"))["items"]
    assert {one["outcome"] for one in receipts} == {"acknowledged"}
    assert all(one["answered_at"] and one["answer"].startswith("202") for one in receipts)


async def test_LF_06_cut_late_and_failing_answers_double_nothing(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    province.late_seconds = 3  # the sender waits two: the answer comes too late, the values are there
    province.cuts, province.late, province.out_of_order = 1, 1, 1
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(24))
    await settled(database, 24)
    assert len(province.holds) == 24 and not province.revisions
    assert max(province.keys.values()) == 2, "sent again under the same key, which the other side may drop"
    assert province.repeats == 0
    assert (await reconcile(client, tokens, "province", DAY))["state"] == "agrees"


async def test_LF_06_what_was_acknowledged_and_forgotten_is_found_and_sent_again(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(3))
    await settled(database, 3)
    province.forgets = 1
    await send_hours(client, tokens, range(3, 6))
    await settled(database, 6)
    assert len(province.holds) == 3
    report = await reconcile(client, tokens, "province", DAY)
    assert report["state"] == "differs" and report["totals"]["missing"] == 3
    assert {(cell["factor"], cell["sent"], cell["held"], cell["missing"]) for cell in report["cells"]} == {
        ("a34004", 1, 0, 1)
    }
    assert report["cells"][0]["hour"] == "2026-11-19T19:00:00+00:00"
    await settled(database, 6)
    assert len(province.holds) == 6
    assert (await reconcile(client, tokens, "province", DAY))["state"] == "agrees"
    listed = (await ask(client, tokens, "/uplinks/province/reconciliations"))["items"]
    assert [one["state"] for one in listed] == ["agrees", "differs"]


async def test_LF_06_a_difference_that_stays_is_said_once(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    province.forgets = 99
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(2))
    states = []
    for _ in range(4):
        await settled(database, 2)
        states.append((await reconcile(client, tokens, "province", DAY))["state"])
    assert states == ["differs", "differs", "failed", "failed"]
    said = await fetch(database, "SELECT data FROM outbox WHERE event = 'ingest.reconciliation_failed.v1'")
    assert len(said) == 1 and b'"missing":2' in said[0][0]


async def test_LF_06_what_is_refused_for_good_is_parked_listed_and_sent_again_on_request(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    province.refuses = 1
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(1))
    await settled(database, 1, "parked")
    await send_hours(client, tokens, range(1, 2))
    await settled(database, 1)
    (parked,) = (await ask(client, tokens, "/uplinks/province/parcels"))["items"]
    assert "refused for good" in parked["reason"] and "body" not in parked
    assert (await reconcile(client, tokens, "province", DAY))["totals"]["parked"] == 1
    asked = {"ids": [parked["id"]]}
    resent = [
        await client.post("/uplinks/province/resend", json=asked, headers=tokens.bearer(MON))
        for _ in range(2)
    ]
    assert resent[0].json() == {"resent": 1}
    await settled(database, 2)
    assert len(province.holds) == 2
    assert (await reconcile(client, tokens, "province", DAY))["state"] == "agrees"


async def test_LF_06_of_a_batch_taken_in_part_only_the_refused_values_are_parked(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    province.refused_factors = {"a34002"}
    await put_link(client, tokens, "province", http_link(province.port))
    rows = [row(factor=factor, time=BASE.isoformat()) for factor in ("a34004", "a34002", "a05024")]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    await settled(database, 1, "parked")
    await settled(database, 2)
    ((reason,),) = await fetch(database, "SELECT reason FROM uplink_parcels WHERE state = 'parked'")
    assert reason == "unknown-series: no series"
    assert {key[1] for key in province.holds} == {"a34004", "a05024"}


async def test_LF_06_late_historical_and_revised_values_go_up_marked(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(2), historical=True)
    await settled(database, 2)
    assert province.headers[-1]["uplink-mode"] == "historical"
    await send_hours(client, tokens, range(2, 3))
    await settled(database, 3)
    assert province.headers[-1]["uplink-mode"] == "late"
    await send_hours(client, tokens, range(2, 3), value=36.5)
    await settled(database, 4)
    assert [value for _, value in province.revisions] == ["36.5"]
    assert (await reconcile(client, tokens, "province", DAY))["state"] == "agrees"


async def test_LF_06_a_link_sends_what_it_selects_under_the_names_of_the_other_side(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    body = http_link(
        province.port, factors=["a34004"], sites=[AIR], periods=["hour"], source_as="lf",
        places={AIR: {"code": "LF-0001"}},
    )  # fmt: skip
    await put_link(client, tokens, "province", body)
    rows = [row(factor=factor) for factor in ("a34004", "a34002")] + [row(site="131000-A02")]
    assert (await send(client, tokens, batch(*rows))).status_code == 202
    await settled(database, 1)
    ((key, value),) = province.holds.items()
    assert key == ("LF-0001", "a34004", "avg", "raw", "hour", "lf", "2026-11-21T08:00:00+08:00")
    assert value == "35"


async def test_LF_06_a_token_is_fetched_and_secrets_never_come_out(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    body = http_link(
        province.port, token_url=f"http://127.0.0.1:{province.port}/token", client_id="langfang",
        client_secret="never-shown",
    )  # fmt: skip
    del body["bearer"]
    shown = [await put_link(client, tokens, "province", body)]
    await send_hours(client, tokens, range(1))
    await settled(database, 1)
    assert province.headers[0]["authorization"] == "Bearer token-1"
    del body["client_secret"]
    shown.append(await put_link(client, tokens, "province", body | {"is_on": False}))
    changes = await ask(client, tokens, "/uplinks/province/changes")
    assert [one["after"]["is_on"] for one in changes["items"]] == [False, True]
    texts = [str(one) for one in (*shown, changes, await ask(client, tokens, "/uplinks/province"))]
    assert not any("never-shown" in text for text in texts)
    with pytest.raises(Exception, match="permission denied"):
        async with database.reader() as session:
            from sqlalchemy import text as sql

            await session.execute(sql("SELECT * FROM uplink_secrets"))


async def test_LF_06_a_link_that_is_off_keeps_its_place(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    body = http_link(province.port)
    await put_link(client, tokens, "province", body | {"is_on": False})
    await send_hours(client, tokens, range(5))
    await asyncio.sleep(3)
    assert not province.holds
    await put_link(client, tokens, "province", body)
    await until(lambda: len(province.holds) == 5)


async def test_LF_06_nobody_forwards_from_outside_his_region(
    client: httpx.AsyncClient, tokens: Tokens, province: HttpStub
) -> None:
    body = http_link(province.port)
    for who, cells in (
        (MON, {"region": "131100"}),
        (MON, {"regions": ["131100"]}),
        (READER, {}),
        ("ee.mon/data.submit@131002", {}),
    ):
        answer = await client.put("/uplinks/x", json=body | cells, headers=tokens.bearer(who))
        assert answer.status_code == 403, (who, cells)
    for cells in ({"address": "ftp://x"}, {"kind": "hj212"}, {"peer": "langfang"}):
        answer = await client.put("/uplinks/x", json=body | cells, headers=tokens.bearer(MON))
        assert answer.status_code == 422, cells
    assert (await client.get("/uplinks/x", headers=tokens.bearer(MON))).status_code == 404


async def test_LF_06_days_that_are_over_are_compared_by_themselves(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub, app: FastAPI
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(3))
    await settled(database, 3)
    await reconcile_uplinks(app)
    (report,) = (await ask(client, tokens, "/uplinks/province/reconciliations"))["items"]
    assert (report["day"], report["state"]) == (DAY, "agrees")
    await reconcile_uplinks(app)
    assert len((await ask(client, tokens, "/uplinks/province/reconciliations"))["items"]) == 1
    yesterday = (BASE - timedelta(hours=1)).isoformat()
    assert (await send(client, tokens, batch(row(time=yesterday)))).status_code == 202
    await settled(database, 4)
    await reconcile_uplinks(app)
    assert len((await ask(client, tokens, "/uplinks/province/reconciliations"))["items"]) == 2


async def test_LF_06_a_link_sends_no_faster_than_agreed(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    body = http_link(province.port, parcels_per_second=2)
    await put_link(client, tokens, "province", body | {"is_on": False})
    for day in range(5):
        await send_hours(client, tokens, range(24 * day, 24 * day + 2))
    await put_link(client, tokens, "province", body)
    await settled(database, 10)
    ((spread,),) = await fetch(
        database, "SELECT extract(epoch FROM max(answered_at) - min(answered_at))::float FROM uplink_receipts"
    )
    assert spread > 1.5, "five parcels, two a second"


async def test_LF_06_what_agreed_long_ago_is_dropped_and_its_receipts_stay(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(2))
    await settled(database, 2)
    await reconcile(client, tokens, "province", DAY)
    for later, left in ((80, 2), (91, 0)):
        await prune(database, datetime.now(UTC) + timedelta(days=later), limits_now())
        await settled(database, left)
    assert (await ask(client, tokens, "/uplinks/province/receipts"))["items"]
    # A late value of that day is compared with what is left of it.
    await send_hours(client, tokens, range(5, 6))
    await settled(database, 1)
    assert (await reconcile(client, tokens, "province", DAY))["state"] == "agrees"


async def test_LF_06_a_link_that_moves_needs_its_secrets_again(
    client: httpx.AsyncClient, tokens: Tokens, province: HttpStub
) -> None:
    body = http_link(province.port, is_on=False)
    await put_link(client, tokens, "province", body)
    secret = body.pop("bearer")
    for cells in ({"address": "http://127.0.0.1:9"}, {"token_url": "http://127.0.0.1:9"}):
        answer = await client.put("/uplinks/province", json=body | cells, headers=tokens.bearer(MON))
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/secrets-again"), cells
        await put_link(client, tokens, "province", body)
    moved = body | {"address": "http://127.0.0.1:9", "bearer": secret}
    await put_link(client, tokens, "province", moved)


async def test_LN_14_names_in_any_script_do_not_stop_a_link(
    client: httpx.AsyncClient, tokens: Tokens, database: FreshDatabase, province: HttpStub
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    strange = tokens.bearer(MON) | {"Uplink-Path": b"caf\xe9"}  # type: ignore[dict-item]
    answer = await client.post("/observations", json=batch(row()), headers=strange)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/platform-name")
    body = {"series": [{"site": AIR, "factor": "a34004", "source": "via:河北", "period": "hour"}]}
    assert (await client.put("/series", json=body, headers=tokens.bearer(MON))).status_code == 200
    assert (await send(client, tokens, batch(row(), source="via:河北"))).status_code == 202
    await settled(database, 1)
    assert province.headers[0]["uplink-path"] == "%E6%B2%B3%E5%8C%97, langfang"


async def test_LN_14_a_unit_cannot_keep_its_values_from_the_province(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    who = tokens.bearer("unit/data.submit@131081", uscc=USCC)
    answer = await client.post("/observations", json=batch(row()), headers=who | {"Uplink-Path": "hebei"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/no-platform")


async def test_LF_06_a_link_that_cannot_be_compared_leaves_the_others_alone(
    client: httpx.AsyncClient,
    tokens: Tokens,
    database: FreshDatabase,
    province: HttpStub,
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("first", "second"):
        await put_link(client, tokens, name, http_link(province.port))
    await send_hours(client, tokens, range(1))
    await settled(database, 2)

    async def broken(*_: object) -> None:
        raise RuntimeError("not what anybody expected")

    monkeypatch.setattr(app.state.uplinks.senders["first"].delivery, "held", broken)
    await reconcile_uplinks(app)
    assert len((await ask(client, tokens, "/uplinks/second/reconciliations"))["items"]) == 1


async def test_LF_06_asking_the_other_side_holds_no_session(
    client: httpx.AsyncClient,
    tokens: Tokens,
    database: FreshDatabase,
    province: HttpStub,
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await put_link(client, tokens, "province", http_link(province.port))
    await send_hours(client, tokens, range(1))
    await settled(database, 1)
    held: list[int] = []

    async def asked(*_: object) -> None:
        held.append(app.state.database.readers.pool.checkedout())

    monkeypatch.setattr(app.state.uplinks.senders["province"].delivery, "held", asked)
    await reconcile(client, tokens, "province", DAY)
    assert held == [0]

"""A link of the scene, and what a test asks about it."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from ingest_scene import AIR, MON, batch, fetch, row, send
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

CHINA = timezone(timedelta(hours=8))
BASE = datetime(2026, 11, 20, tzinfo=CHINA)
UP_MN, UP_PW = "13000000000000000000A001", "654321"
_hours = itertools.count()


def http_link(port: int, **cells: Any) -> dict[str, Any]:
    return {
        "name_zh": "省级平台",
        "name_en": "Province",
        "kind": "http",
        "address": f"http://127.0.0.1:{port}",
        "peer": "hebei",
        "region": "131000",
        "bearer": "very-secret",
        "answer_seconds": 2,
        **cells,
    }


def hj212_link(port: int, **cells: Any) -> dict[str, Any]:
    return {
        "name_zh": "国家平台",
        "name_en": "Nation",
        "kind": "hj212",
        "address": f"127.0.0.1:{port}",
        "peer": "cnemc",
        "region": "131000",
        "places": {AIR: {"mn": UP_MN, "password": UP_PW, "system": 22}},
        "answer_seconds": 1,
        "resends": 2,
        **cells,
    }


async def put_link(client: httpx.AsyncClient, tokens: Tokens, name: str, body: dict[str, Any]) -> Any:
    answer = await client.put(f"/uplinks/{name}", json=body, headers=tokens.bearer(MON))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def send_hours(
    client: httpx.AsyncClient, tokens: Tokens, hours: range, value: float = 35, **head: Any
) -> None:
    rows = [row(time=(BASE + timedelta(hours=hour)).isoformat(), value=value) for hour in hours]
    answer = await send(client, tokens, batch(*rows, **head))
    assert answer.status_code == 202 and not answer.json()["refused"], answer.text


async def until(is_so: Callable[[], object], seconds: float = 60) -> None:
    for _ in range(int(seconds / 0.05)):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not become so in time")


async def settled(
    database: FreshDatabase, values: int, state: str = "acknowledged", seconds: float = 60
) -> None:
    """So many values are in parcels of this state."""
    query = "SELECT coalesce(sum(size), 0) FROM uplink_parcels WHERE state = $1"
    found = -1
    for _ in range(int(seconds / 0.1)):
        ((found,),) = await fetch(database, query, state)
        if found == values:
            return
        await asyncio.sleep(0.1)
    shown = await fetch(database, "SELECT state, size, attempts, reason FROM uplink_parcels ORDER BY id")
    raise AssertionError(f"{found} values {state}, not {values}: {[tuple(one) for one in shown][:20]}")


async def ask(client: httpx.AsyncClient, tokens: Tokens, path: str) -> Any:
    answer = await client.get(path, headers=tokens.bearer(MON))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def reconcile(client: httpx.AsyncClient, tokens: Tokens, name: str, day: str) -> Any:
    answer = await client.post(
        f"/uplinks/{name}/reconciliations", json={"day": day}, headers=tokens.bearer(MON)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()

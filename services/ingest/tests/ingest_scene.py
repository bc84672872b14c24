"""A small registered world for the tests of `ingest`: two stations, an outlet, a logger, and who may send."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from ingest.settings import Settings
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from pydantic import SecretStr

MON = "ee.mon/data.submit@131000"
READER = "ee/data.read@131000"
USCC = "91131081MA0D3P302N"
MN = "131000A01000000000000001"
PASSWORD = "123456"
AIR = "131000-A01"
OUTLET = f"{USCC}001P-DA001"
FACTORS = ("a34004", "a34002", "a05024", "a21026")


async def register(client: httpx.AsyncClient, tokens: Tokens) -> None:
    """Through the front door, as the monitoring centre does it."""
    who = tokens.bearer(MON)

    async def put(path: str, body: dict[str, Any]) -> None:
        answer = await client.put(path, json=body, headers=who)
        assert answer.status_code == 200, answer.text

    await put(f"/organisations/{USCC}", {"zh": "示例钢铁", "en": "Example Steel", "region": "131081"})
    site = {"kind": "station", "element": "air", "zh": "安次站", "en": "Anci", "lon": 116.7, "lat": 39.5}
    await put(f"/sites/{AIR}", site | {"region": "131002"})
    await put("/sites/131000-A02", site | {"region": "131003"})
    await put(
        f"/sites/{OUTLET}",
        {
            "kind": "outlet",
            "element": "waste_gas",
            "region": "131081",
            "zh": "排口",
            "en": "Stack",
            "uscc": USCC,
        },
    )
    await put(f"/devices/{MN}", {"site": AIR, "password": PASSWORD})
    series = [
        {"site": code, "factor": factor, "source": source, "period": period, "sent_unit": "ug/m3"}
        for code in (AIR, "131000-A02")
        for factor in FACTORS
        for source, period in (("cnemc", "hour"), ("hj212", "hour"), ("hj212", "min"))
    ]
    series.append({"site": OUTLET, "factor": "a21026", "source": "cnemc", "permit_limit": 35})
    await put("/series", {"series": series})


def row(
    site: str = AIR, factor: str = "a34004", time: str = "2026-11-21T08:00:00+08:00", **cells: Any
) -> Any:
    return {"site": site, "factor": factor, "time": time, "value": 35, **cells}


def batch(*rows: Any, **head: Any) -> dict[str, Any]:
    return {"source": "cnemc", "rows": list(rows), **head}


async def count(database: FreshDatabase, table: str) -> int:
    """Rows of a table, whoever may read it."""
    import asyncpg

    connection = await asyncpg.connect(database.superuser_url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()


async def fetch(database: FreshDatabase, query: str, *given: Any) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(database.superuser_url)
    try:
        return list(await connection.fetch(query, *given))
    finally:
        await connection.close()


async def send(
    client: httpx.AsyncClient, tokens: Tokens, body: Any, who: str = MON, **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/observations", content=content, headers=tokens.bearer(who) | headers)


async def series_of(client: httpx.AsyncClient, tokens: Tokens, factor: str = "a34004") -> int:
    answer = await client.get("/series", params={"site": AIR}, headers=tokens.bearer(READER))
    return next(
        one["id"] for one in answer.json()["items"] if (one["factor"], one["source"]) == (factor, "cnemc")
    )


@asynccontextmanager
async def process(settings: Settings, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service as a process of its own."""
    told = settings.model_dump() | {"port": port}
    env = {
        f"INGEST_{name.upper()}": value.get_secret_value()
        if isinstance(value, SecretStr)
        else json.dumps(value)
        if isinstance(value, tuple)
        else str(value)
        for name, value in told.items()
        if value is not None and not isinstance(value, dict)
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingest.main", env=os.environ | env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as probe:
            while True:
                assert running.returncode is None, "the service ended at its start"
                try:
                    if (await probe.get("/readyz")).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()

"""The ranking over HTTP as anybody: what confirmed falsification does to a region's month (NT-21)."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from kit.testing.databases import FreshDatabase
from publish.rules.ranking import ranked
from publish.rules.snapshot import LOCAL
from publish_scene import annulled, assessed, fraud, hear, ms, site, withdrawn

PM25 = "a34004"


async def days(database: FreshDatabase, code: str, month: str, *means: float, hours: int = 24) -> None:
    """Whole days of one station from the first of a month on."""
    first = ms(datetime.fromisoformat(f"{month}-01").replace(tzinfo=LOCAL))
    rows = [
        (first + (day * 24 + hour) * 3_600_000, mean)
        for day, mean in enumerate(means)
        for hour in range(hours)
    ]
    n = len(rows)
    told = msgspec.structs.replace(
        assessed(code, {PM25: 0.0}), at=[0] * n, ts_ms=[ts for ts, _ in rows], value=[v for _, v in rows],
        decimals=[0] * n, code=[1] * n, tests=[0] * n, revision=[1] * n, sent_at_ms=[0] * n,
    )  # fmt: skip
    await hear(database, told)


def falsified(day: str) -> Any:
    """PM2.5 of station A01 was falsified on a local day, confirmed."""
    begin = datetime.fromisoformat(day).replace(tzinfo=LOCAL)
    return msgspec.structs.replace(
        fraud(), from_ms=ms(begin), to_ms=ms(begin + timedelta(days=1)), region="131002"
    )


async def ranking(client: httpx.AsyncClient, status: int = 200, **asked: str) -> Any:
    answer = await client.get("/public/rankings", params={"month": "2026-11"} | asked)
    assert answer.status_code == status, answer.text
    return answer.json()


async def two_cities(database: FreshDatabase) -> None:
    await hear(database, site("A01"), site("A02", region="131102"))
    await days(database, "A01", "2026-11", 40, 10, 40)
    await days(database, "A02", "2026-11", 50, 50, 50)


async def test_NT_21_a_falsified_day_is_ranked_with_its_highest_value_in_history(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    await two_cities(database)
    await days(database, "A01", "2024-11", 60, 110, 60)
    await days(database, "A01", "2025-11", 150, 90, 60)
    before = await ranking(client)
    assert [(one["region"], one["rank"], one["value"]) for one in before["items"]] == [
        ("131000", 1, 30.0), ("131100", 2, 50.0),
    ]  # fmt: skip
    await hear(database, falsified("2026-11-02"))
    first, second = (await ranking(client))["items"]
    assert (first["region"], first["rank"], first["assessment"]["is_downgraded"]) == ("131100", 1, False)
    assert (second["region"], second["rank"], second["value"]) == ("131000", 2, 63.0)
    (day,) = second["substituted"]
    assert (day["day"], day["value"], day["cases"]) == ("2026-11-02", 110.0, ["C7"])
    assert second["assessment"]["is_downgraded"] and second["assessment"]["cases"] == ["C7"]
    assert "175号" in second["assessment"]["source"] and "降级" in second["assessment"]["reason"]["zh"]
    assert second["assessment"]["reason"]["en"]


async def test_NT_21_the_month_speaks_where_the_day_has_no_history_and_none_is_no_rank(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    await two_cities(database)
    await hear(database, falsified("2026-11-02"))
    told = (await ranking(client))["items"][-1]
    assert (told["region"], told["rank"], told["value"]) == ("131000", None, None)
    await days(database, "A01", "2025-11", 120)
    told = (await ranking(client))["items"][-1]
    assert (told["rank"], told["value"], told["substituted"][0]["value"]) == (2, 67.0, 120.0)


@pytest.mark.parametrize("ended", [withdrawn, annulled])
async def test_NT_21_what_was_never_or_no_longer_confirmed_downgrades_nobody(
    client: httpx.AsyncClient, database: FreshDatabase, ended: Any
) -> None:
    await two_cities(database)
    await hear(database, falsified("2026-11-02"), ended())
    told = (await ranking(client))["items"][0]
    assert (told["region"], told["value"], told["substituted"]) == ("131000", 30.0, [])
    assert told["assessment"]["is_downgraded"] is False


async def test_a_day_of_too_few_hours_counts_for_nothing_and_the_list_has_pages(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    await two_cities(database)
    await days(database, "A01", "2026-10", 40, hours=19)
    await days(database, "A02", "2026-10", 50, hours=20)
    october = (await ranking(client, month="2026-10"))["items"]
    assert [(one["region"], one["value"]) for one in october] == [("131100", 50.0), ("131000", None)]
    page = await ranking(client, limit="1")
    rest = await ranking(client, limit="1", cursor=page["next"])
    assert [one["region"] for one in page["items"] + rest["items"]] == ["131000", "131100"]
    assert rest["next"] is None
    assert (await ranking(client, region="131100", lang="en"))["items"][0]["region_name"] == "Hengshui"


@pytest.mark.parametrize(
    "wrong", [{"month": "2026-13"}, {"month": "9999-99"}, {"factor": "a05024"}, {"limit": "0"}]
)
async def test_a_wrong_question_is_told_what_is_wrong(
    client: httpx.AsyncClient, wrong: dict[str, str]
) -> None:
    told = await ranking(client, status=422, **wrong)
    assert told["title"]


def test_equal_figures_share_a_rank() -> None:
    told = ranked({"region": str(at), "value": value} for at, value in enumerate([40, 35, None, 35, 30]))
    assert [one["rank"] for one in told] == [1, 2, 2, 4, None]

"""The HTTP doors: who sees what, verdicts now and as of a day, and explanations that agree."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from contracts.qc import AlarmRaised
from kit import migrate
from qc.flows.missing import notice_overdue
from qc_scene import HOUR, PM25, START, Lane, freeze, hours, minutes

OFFICER = "ee.enf/case.officer@131000"
ANALYST = "ee.mon/qc.analyst@131000"
ELSEWHERE = "ee.enf/case.officer@131100"
DAY = datetime.fromtimestamp(START / 1000, UTC)


def at(hour: int) -> str:
    return (DAY + timedelta(hours=hour)).isoformat()


async def test_the_tables_are_what_the_migrations_make(lane: Lane):
    assert await migrate.differences("qc", lane.database.superuser_url) == []


async def test_verdicts_are_listed_page_by_page_by_number_and_by_key(lane: Lane, client, tokens):
    await lane.send(hours(PM25, [35.0, None, 1200.0, 36.0]))
    headers = tokens.bearer(ANALYST)
    window = {"from": at(0), "to": at(10), "limit": 3}
    first = (await client.get("/verdicts", params={"series": "1", **window}, headers=headers)).json()
    assert [(row["value"], row["code"], row["tests"]) for row in first["items"]] == [
        (35.0, 1, []),
        (None, 9, ["missing"]),
        (1200.0, 4, ["range"]),
    ]
    assert first["series"]["key"] == "131000-A01/a34004/avg-raw-hour/DL-1"
    more = {"series": first["series"]["key"], **window, "cursor": first["next"]}
    second = (await client.get("/verdicts", params=more, headers=headers)).json()
    assert [row["value"] for row in second["items"]] == [36.0]
    assert second["next"] is None


async def test_verdicts_as_of_an_earlier_time_are_those_of_that_time(lane: Lane, client, tokens):
    for row in hours(PM25, [42.0] * 5):
        await lane.send([row])
    before = lane.clock()
    lane.clock.forward(hours=1)
    await lane.send(hours(PM25, [42.0], START + 5 * HOUR))
    params = {"series": "1", "from": at(0), "to": at(10)}
    now = (await client.get("/verdicts", params=params, headers=tokens.bearer(ANALYST))).json()
    then = (
        await client.get(
            "/verdicts", params=params | {"asOf": before.isoformat()}, headers=tokens.bearer(ANALYST)
        )
    ).json()
    assert [row["code"] for row in now["items"]] == [3] * 6
    assert [row["code"] for row in then["items"]] == [1] * 5


async def test_an_explanation_names_rule_threshold_margin_version_and_clause(lane: Lane, client, tokens):
    await lane.send([*minutes(0, 41.3), *hours(PM25, [50.0])])
    answer = await client.get(f"/explain/1/{at(0).replace('+', '%2B')}", headers=tokens.bearer(OFFICER))
    shown = answer.json()
    assert answer.status_code == 200
    assert (shown["code"], shown["code_zh"], shown["code_en"], shown["agrees"]) == (4, "无效", "bad", True)
    fired = [rule for rule in shown["rules"] if rule["fired"]]
    assert [rule["rule"] for rule in fired] == ["X9"]
    assert fired[0]["statistic"] == pytest.approx(8.7)
    assert fired[0]["threshold"] == 1.0
    assert fired[0]["margin"] == pytest.approx(7.7)
    assert "8.7" in fired[0]["text_en"] and "8.7" in fired[0]["text_zh"]
    assert "HJ 212" in fired[0]["source"]
    assert shown["rule_pack"].startswith("core@")
    assert {rule["rule"] for rule in shown["rules"]} >= {"range", "X9", "mark"}


async def test_every_explanation_agrees_with_the_stored_verdict(lane: Lane, client, tokens):
    rng = random.Random(5)
    rows = [row for h in range(20) for row in minutes(h, rng.choice([42.0, 55.0]), rng.randint(40, 60))]
    rows += hours(PM25, [rng.choice([42.0, 42.0, 42.0, 700.0]) for _ in range(20)])
    rng.shuffle(rows)
    for start in range(0, len(rows), 300):
        await lane.send(rows[start : start + 300])
    codes = await lane.codes(PM25)
    for hour in range(20):
        shown = (await client.get(f"/explain/1/{START + hour * HOUR}", headers=tokens.bearer(OFFICER))).json()
        assert shown["agrees"], shown
        assert shown["code"] == codes[START + hour * HOUR][0]
        assert [entry["revision"] for entry in shown["history"]] == list(range(1, shown["revision"] + 1))


async def test_alarms_and_suspicions_are_seen_in_their_region_only(lane: Lane, client, tokens):
    await lane.send(freeze())
    for route in ("/alarms", "/suspicions"):
        mine = (await client.get(route, headers=tokens.bearer(OFFICER))).json()["items"]
        assert mine and all(item["state"] == "raised" for item in mine)
        shown = await client.get(f"{route}/{mine[0]['id']}", headers=tokens.bearer(OFFICER))
        assert shown.json().items() >= mine[0].items()
        assert (await client.get(route, headers=tokens.bearer(ELSEWHERE))).json()["items"] == []
        other = await client.get(f"{route}/{mine[0]['id']}", headers=tokens.bearer(ELSEWHERE))
        assert other.status_code == 404
        assert (await client.get(route)).status_code == 401
    (suspicion,) = (await client.get("/suspicions", headers=tokens.bearer(ANALYST))).json()["items"]
    assert suspicion["score"] >= 0.8
    assert [finding["rule"] for finding in suspicion["findings"]] == ["K1", "X9", "K1X9"]


async def test_alarms_are_paged_newest_first(lane: Lane, client, tokens):
    for n in range(5):
        await lane.send(hours(PM25, [1200.0 + n], START + n * 48 * HOUR))
    assert len(await lane.said(AlarmRaised)) == 5
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": 2, "rule": "range"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/alarms", params=params, headers=tokens.bearer(OFFICER))).json()
        seen += [item["value"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [1204.0, 1203.0, 1202.0, 1201.0, 1200.0]
    assert cursor is None


async def test_the_rules_are_public_and_carry_their_version(client):
    answer = await client.get("/rule-pack")
    assert answer.status_code == 200
    rules = {rule["id"]: rule for rule in answer.json()["rules"]}
    assert answer.json()["version"].startswith("core@")
    assert rules["K1"]["source"] and rules["K1"]["zh"] and rules["K1"]["en"]
    assert answer.json()["case_threshold"] == 0.8


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/verdicts?series=99", 404, "series-unknown"),
        ("/verdicts?series=99999999999999999999999", 404, "series-unknown"),
        ("/verdicts?series=a/b/c", 404, "series-unknown"),
        ("/verdicts?series=1&from=yesterday", 422, "not-an-instant"),
        ("/verdicts?series=1&from=2026-11-12&to=2026-11-11", 422, "window-empty"),
        ("/explain/1/2026-01-01", 404, "value-unknown"),
        ("/verdicts?series=1&to=0001-01-01T00:00:00%2B08:00", 422, "not-an-instant"),
        ("/verdicts?series=1&from=9999-12-31T23:59:59-12:00", 422, "not-an-instant"),
        ("/verdicts?series=a%00b", 422, "value-not-keepable"),
        ("/explain/1/253402300799000", 422, "not-an-instant"),
        ("/explain/1/never", 422, "not-an-instant"),
        ("/explain/1/999999999999999999999", 422, "not-an-instant"),
        ("/suspicions/00000000-0000-0000-0000-000000000000", 404, "suspicion-unknown"),
        ("/alarms/00000000-0000-0000-0000-000000000000", 404, "alarm-unknown"),
    ],
)
async def test_a_question_that_has_no_answer_says_why(lane: Lane, client, tokens, path, status, slug):
    await lane.send(hours(PM25, [35.0]))
    answer = await client.get(path, headers=tokens.bearer(OFFICER))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


async def test_an_overdue_period_is_listed_as_missing_until_its_value_comes(lane: Lane, client, tokens):
    await lane.send(hours(PM25, [35.0]))
    lane.clock.now = DAY + timedelta(hours=4)
    async with lane.database.writer() as session:
        await notice_overdue(session, lane.setting)
    params = {"series": "1", "from": at(0), "to": at(10)}
    now = (await client.get("/verdicts", params=params, headers=tokens.bearer(ANALYST))).json()
    assert [(row["value"], row["code"]) for row in now["items"]] == [(35.0, 1), (None, 9), (None, 9)]
    await lane.send(hours(PM25, [36.0, 37.0], START + HOUR), mode="late")
    now = (await client.get("/verdicts", params=params, headers=tokens.bearer(ANALYST))).json()
    assert [(row["value"], row["code"], row["revision"]) for row in now["items"]] == [
        (35.0, 1, 1),
        (36.0, 1, 2),
        (37.0, 1, 2),
    ]

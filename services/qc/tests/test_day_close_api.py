"""Day closes and findings over HTTP: who sees what, page by page, and a finding explained with pictures."""

from xml.etree import ElementTree

import pytest
from closing_scene import City, after, city, closer, copied, frozen, send
from qc_scene import Lane

ANALYST = "ee.mon/qc.analyst@131000"
COUNTY = "ee.mon/qc.analyst@131002"
ELSEWHERE = "ee.enf/case.officer@131100"
READER = "ee.mon/data.read@131000"
LAST = 44


@pytest.fixture
async def closed(lane: Lane, client) -> City:
    scene = frozen(copied(city()))
    await send(lane, scene.rows())
    after(lane, LAST)
    assert await closer(lane).run() == 1
    return scene


async def ask(client, tokens, path: str, who: str = ANALYST, status: int = 200, **params) -> dict:
    answer = await client.get(path, params=params, headers=tokens.bearer(who))
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_a_day_close_shows_and_to_whom(closed: City, client, tokens):
    page = await ask(client, tokens, "/day-closes", limit=40)
    rest = await ask(client, tokens, "/day-closes", limit=40, cursor=page["next"])
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (40, 5, None)
    (one,) = (await ask(client, tokens, "/day-closes", day="2026-10-10", reason="first"))["items"]
    assert (one["number"], one["value_count"], one["series_count"]) == (1, 144, 6)
    assert one["since"] <= one["day"] <= one["through"] and one["expected_false"] > 0
    assert one["rule_pack"].startswith("falsification@") and one["not_run"]["P1"] == ["changes"]
    assert (await ask(client, tokens, "/day-closes", day="2026-10-10", reason="late"))["items"] == []
    for who in (COUNTY, ELSEWHERE):
        assert (await ask(client, tokens, "/day-closes", who))["items"] == []
        assert (await ask(client, tokens, "/findings", who))["items"] == []
    for path in ("/day-closes", "/findings"):
        await ask(client, tokens, path, READER, 403)
        assert (await client.get(path)).status_code == 401

    shown = (await ask(client, tokens, "/suspicions", origin="day_close", kind="copy-day"))["items"]
    assert [(one["state"], one["series_id"], one["beside"]) for one in shown] == [("raised", 1, None)]
    queue = (await ask(client, tokens, "/suspicions", state="queued"))["items"]
    assert queue and {one["origin"] for one in queue} == {"day_close"}
    assert (await ask(client, tokens, "/suspicions", origin="streaming"))["items"] == []


async def test_findings_are_filtered_and_paged_and_explained_with_pictures(closed: City, client, tokens):
    every = (await ask(client, tokens, "/findings", limit=1000))["items"]
    seen, cursor = [], None
    while True:
        page = await ask(client, tokens, "/findings", limit=7, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [one["id"] for one in every] and len(seen) > 7
    found = await ask(client, tokens, "/findings", test="D1", day="2026-10-10", series=1, site="131000-A00")
    (copy,) = found["items"]
    assert {one["series_id"] for one in every if one["test"] == "D1" and one["strength"] == 1} == {1}
    assert (await ask(client, tokens, "/findings", test="D1", day="2026-10-12", series=1))["items"] == []
    assert (await ask(client, tokens, "/findings", current=False))["items"] == []

    told = await ask(client, tokens, f"/findings/{copy['id']}")
    assert (told["n"], told["guard"]["min_n"], told["test_en"]) == (24, 24, "duplicated segment")
    assert told["statistic"] >= told["threshold"] and told["source"] and told["text_zh"] and told["text_en"]
    assert told["series"]["key"] == "131000-A00/a34004/avg-raw-hour/DL-1"
    values = [row["value"] for row in told["rows"]]
    assert values == closed.value[0, 720:744].tolist()
    (original,) = told["evidence_rows"]
    assert [row["value"] for row in original["rows"]] == values
    assert original["from"] == "2026-10-01T00:00:00+08:00"
    assert len(told["pictures"]) == 3
    for picture in told["pictures"]:
        assert ElementTree.fromstring(picture["svg"]).tag == "svg"
        assert picture["zh"] and picture["en"]
    assert "2026-10-01T00:00:00+08:00" in told["pictures"][1]["zh"]
    await ask(client, tokens, f"/findings/{copy['id']}", ELSEWHERE, 404)


async def test_every_finding_can_be_explained(closed: City, client, tokens):
    for one in (await ask(client, tokens, "/findings", limit=1000))["items"]:
        told = await ask(client, tokens, f"/findings/{one['id']}")
        assert told["pictures"] and told["n"] > 0 and "{" not in told["text_zh"] + told["text_en"], one


async def test_a_replaced_finding_is_kept_and_still_explained_by_the_rules_of_its_day(
    lane: Lane, client, tokens
):
    scene = frozen(city(stations=2), hour=600, hours=60)
    await send(lane, scene.rows(range(26)))
    after(lane, 25)
    await closer(lane).run()
    await send(lane, scene.rows(range(26, 45)))
    after(lane, LAST)
    await closer(lane).run()
    gone = (await ask(client, tokens, "/findings", test="K1", series=4, current=False))["items"]
    assert [one["to_at"] for one in gone if one["strength"] == 1 and one["replaced_at"]]
    told = await ask(client, tokens, f"/findings/{gone[0]['id']}")
    assert told["is_current"] is False and told["text_zh"].startswith("恒值")


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/findings/00000000-0000-0000-0000-000000000000", 404, "finding-unknown"),
        ("/findings?series=99", 404, "series-unknown"),
        ("/findings?day=yesterday", 422, "not-a-day"),
        ("/findings?day=0001-01-01", 422, "not-a-day"),
        ("/day-closes?day=2026-13-01", 422, "not-a-day"),
        ("/findings?site=a%00b", 422, "value-not-keepable"),
        ("/day-closes?reason=never", 422, "input-invalid"),
    ],
)
async def test_a_question_that_has_no_answer_says_why(client, tokens, path, status, slug):
    answer = await client.get(path, headers=tokens.bearer(ANALYST))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")

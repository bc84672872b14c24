"""The HTTP door of `credit`: what the public, a buyer and a credit editor see as a case unfolds."""

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from contracts.qc import OperatorScored
from credit import flows
from credit_scene import USCC, annulled, decided, withdrawn
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

EDITOR = "ndrc/credit.editor@131000"
FLOW: dict[str, Any] = {
    "PenaltyDecided": flows.list_subject,
    "BasisWithdrawn": flows.suspend_listing,
    "CaseAnnulled": flows.remove_listing,
}


async def feed(database: FreshDatabase, *events: Any) -> None:
    for event in events:
        async with database.writer() as session:
            await FLOW[type(event).__name__](session, event, datetime.now(UTC))


async def check(client: httpx.AsyncClient, uscc: str = USCC, **params: str) -> dict[str, Any]:
    answer = await client.get("/procurement-check", params={"uscc": uscc, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None, **params: str
) -> list[Any]:
    answer = await client.get("/listings", params=params, headers=headers or {})
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def test_listed_barred_suspended_with_a_note_and_removed(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    now = datetime.now(UTC)
    assert (await check(client))["answer"] == "clear"

    await feed(database, decided(at=now))
    (shown,) = await listed(client)
    assert (shown["uscc"], shown["state_zh"], shown["region_zh"]) == (USCC, "已列入", "廊坊市")
    barred = await check(client)
    assert barred["answer"] == "barred"
    (reason,) = barred["reasons"]
    assert reason["decision_no"] == shown["decision_no"]
    assert (reason["valid_from"], reason["valid_to"]) == (shown["valid_from"], shown["valid_to"])
    assert "175" in reason["basis_zh"]
    assert reason["ground_en"].startswith("falsified")
    assert shown["valid_to"] in barred["summary_zh"]

    await feed(database, withdrawn())
    clear = await check(client)
    assert (clear["answer"], clear["reasons"]) == ("clear", [])
    assert "迟到的更正" in clear["notes"][0]["zh"]
    assert "a late correction" in clear["notes"][0]["en"]
    assert await listed(client) == []

    await feed(database, annulled())
    final = await check(client)
    assert (final["answer"], final["notes"]) == ("clear", [])
    (ended,) = await listed(client, state="ended")
    assert (ended["id"], ended["state"]) == (shown["id"], "ANNULLED")
    assert set(ended) == {"id", "state", "state_zh", "state_en", "ended_at"}


async def test_a_listing_tells_its_history_to_the_public_only_while_it_holds(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await feed(database, decided(at=datetime.now(UTC)))
    (shown,) = await listed(client)
    path = f"/listings/{shown['id']}"
    assert [step["act"] for step in (await client.get(path)).json()["steps"]] == ["prior_notice", "list"]
    await feed(database, annulled())
    assert set((await client.get(path)).json()) == {"id", "state", "state_zh", "state_en", "ended_at"}
    editor = (await client.get(path, headers=tokens.bearer(EDITOR))).json()
    assert [step["act"] for step in editor["steps"]] == ["prior_notice", "list", "annulled"]
    elsewhere = (await client.get(path, headers=tokens.bearer("ndrc/credit.editor@131100"))).json()
    assert "organisation_zh" not in elsewhere


async def test_nobody_learns_an_ended_listing_by_asking_for_a_code(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    await feed(database, decided(at=datetime.now(UTC)), annulled())
    assert await listed(client, state="ended", uscc=USCC) == []
    assert len(await listed(client, tokens.bearer(EDITOR), state="ended", uscc=USCC)) == 1
    assert await listed(client, tokens.bearer("ndrc/credit.editor@131100"), state="ended", uscc=USCC) == []


async def test_the_check_answers_for_another_day_and_for_a_lower_case_code(
    client: httpx.AsyncClient, database: FreshDatabase
) -> None:
    await feed(database, decided(at=datetime(2026, 11, 21, 4, tzinfo=UTC)))
    for on, answer in (("2026-11-20", "clear"), ("2026-11-21", "barred"), ("2029-11-22", "clear")):
        found = await check(client, USCC.lower(), on=on)
        assert (found["answer"], found["checked_on"], found["uscc"]) == (answer, on, USCC)


@pytest.mark.parametrize(
    "params", [{}, {"uscc": "123"}, {"uscc": "9144030071526726X\u3000"}, {"uscc": USCC, "on": "x"}]
)
async def test_a_question_that_is_none_is_refused(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await client.get("/procurement-check", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


async def test_a_code_with_a_wrong_check_character_is_answered_with_a_warning(
    client: httpx.AsyncClient,
) -> None:
    found = await check(client, "91350100M000100Y4Z")
    assert found["answer"] == "clear"
    assert "GB 32100" in found["notes"][0]["zh"]


async def test_lists_are_paged(client: httpx.AsyncClient, database: FreshDatabase) -> None:
    for number in range(3):
        await feed(database, msgspec.structs.replace(decided(f"c-{number}"), decided_at_ms=_now_ms()))
    first = (await client.get("/listings", params={"limit": 2})).json()
    second = (await client.get("/listings", params={"limit": 2, "cursor": first["next"]})).json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]
    numbers = [item["decision_no"] for item in first["items"] + second["items"]]
    assert numbers == [f"廊环罚〔2026〕c-{number}号" for number in (2, 1, 0)]


async def test_an_expired_token_is_refused_even_where_none_is_needed(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    assert (await client.get("/listings", headers=tokens.bearer(EDITOR, exp=1))).status_code == 401


async def test_what_does_not_exist_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/listings/00000000-0000-0000-0000-000000000000")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-listing")


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


async def test_UN_17_the_score_of_an_operator_is_kept_once_and_shown_to_those_it_concerns(
    client: httpx.AsyncClient, database: FreshDatabase, tokens: Tokens
) -> None:
    said = OperatorScored(
        score_id="S1", operator=USCC, third_party=None, region="131000", held_on="2026-11-20",
        period="2026Q4", score=44.0, is_poor=True, source_clause="无名市 (四)3", scored_at_ms=0,
    )  # fmt: skip
    for event in (
        said,
        msgspec.structs.replace(said, score=99.0),
        msgspec.structs.replace(said, score_id="S2"),
    ):
        async with database.writer() as session:
            await flows.keep_score(session, event)
    first = (await client.get("/operator-scores?limit=1", headers=tokens.bearer(EDITOR))).json()
    rest = await client.get(
        "/operator-scores", params={"cursor": first["next"]}, headers=tokens.bearer(EDITOR)
    )
    assert [(one["id"], one["score"], one["is_poor"]) for one in first["items"]] == [("S1", 44.0, True)]
    assert [one["id"] for one in rest.json()["items"]] == ["S2"]
    own = tokens.bearer("operator/data.submit@131000", uscc=USCC, org_type="org")
    other = tokens.bearer("operator/data.submit@131000", uscc="91131000MA0000009X", org_type="org")
    elsewhere = tokens.bearer("ndrc/credit.editor@131100")
    counts = [
        len((await client.get("/operator-scores", headers=who)).json()["items"])
        for who in (own, other, elsewhere)
    ]
    assert counts == [2, 0, 0]
    assert (await client.get("/operator-scores")).status_code == 401

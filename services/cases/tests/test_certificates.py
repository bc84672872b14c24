"""The register of officers' certificates: who enters what, and who takes part in an act by it."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from case_scene import CONFIRM, FILE
from cases.rules import certificates as rules
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from standards.calendar import legal_date
from test_rows_of_people import a_lead

KEEPER, JUSTICE = "ee/registry.approver@131000", "justice/registry.approver@131000"
OFFICER = "ee.enf/case.officer@131000"
DIGEST = hashlib.sha256("李四\n131000199001010012".encode()).hexdigest()
FIRST = {"number": "HB-0001", "subject": "officer-1"}
SECOND = {"number": "HB-0002", "holder_sha256": DIGEST}


def day(offset: int) -> str:
    return (legal_date(datetime.now(UTC)) + timedelta(days=offset)).isoformat()


def row(**given: Any) -> dict[str, Any]:
    return {
        "dept": "ee.enf",
        "region": "131000",
        "valid_from": "2024-01-01",
        "valid_until": day(400),
        "source": "廊司证〔2024〕1号",
    } | given


async def opened(client: httpx.AsyncClient, who: dict[str, str], number: str) -> str:
    about = {"region": "131000", "site": "131000-A01", "summary": "站房有人进入"}
    lead = {"origin": "inspection", "origin_id": number} | about
    return str((await client.post("/leads", json=lead, headers=who)).json()["id"])


Keeps = Any


@pytest.fixture
def keep(client: httpx.AsyncClient, tokens: Tokens) -> Keeps:
    async def kept(*rows: dict[str, Any], who: str = KEEPER, **more: Any) -> httpx.Response:
        headers = tokens.bearer(who) | more.pop("headers", {})
        return await client.post("/certificates", json={"rows": rows}, headers=headers)

    return kept


@pytest.fixture
def file(client: httpx.AsyncClient, tokens: Tokens) -> Any:
    """Files a fresh lead with the officers HB-0001, who signs in, and HB-0002, unless told."""
    numbers = iter(range(1000))

    async def filed(officers: Any = FILE["officers"], who: dict[str, str] | None = None) -> httpx.Response:
        first = who or tokens.bearer(OFFICER, sub="officer-1", officer_cert_no="HB-0001")
        lead = await opened(client, first, f"{next(numbers)}")
        body = FILE | {"officers": officers}
        return await client.post(f"/leads/{lead}/file", json=body, headers=first)

    return filed


def fault(answer: httpx.Response) -> dict[str, str]:
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/officer-not-qualified"), (
        answer.text
    )
    [told] = answer.json()["errors"]
    assert "第42条" in told["rule"]
    assert "·" in told["what"]
    assert "·" in told["mend"]
    return dict(told)


async def test_while_a_register_is_empty_numbers_pass_and_the_history_says_so(keep: Keeps, file: Any) -> None:
    before = await file()
    assert before.status_code == 201, before.text
    step = before.json()["steps"][-1]
    assert (step["officers_checked"], "尚无" in step["officers_checked_zh"]) == ("tokens", True)
    assert "empty" in step["officers_checked_en"]
    # Another department's certificates leave this one's register empty; so does another region's.
    others = [row(number="XX-1", dept="samr", subject="x"), row(number="XX-2", region="131002", subject="y")]
    assert (await keep(*others)).status_code == 200
    assert (await file()).json()["steps"][-1]["officers_checked"] == "tokens"
    assert (await keep(row(**FIRST))).json()["entered"] == 1
    told = fault(await file())
    assert "HB-0002 未登记" in told["what"]
    assert "ee.enf@131000" in told["what"]
    assert "POST /certificates" in told["mend"]
    assert (await keep(row(**SECOND))).status_code == 200
    after = await file()
    assert (after.status_code, after.json()["steps"][-1]["officers_checked"]) == (201, "register")


@pytest.mark.parametrize(
    ("word", "zh"),
    [
        ({"valid_until": day(-1)}, "已过有效期"),
        ({"state": "suspended", "state_from": day(0), "reason": "考核不合格"}, "暂扣"),
        ({"state": "revoked", "state_from": day(-3), "reason": "调离执法岗位"}, "吊销"),
        ({"valid_from": day(1)}, "尚未生效"),
        ({"kind": "supervision"}, "不是行政执法资格证件"),
    ],
)
async def test_SLe_06_by_the_register_no_officer_takes_part(
    keep: Keeps, file: Any, word: Any, zh: str
) -> None:
    assert (await keep(row(**FIRST), row(**SECOND | word))).status_code == 200
    told = fault(await file())
    assert "HB-0002" in told["what"]
    assert zh in told["what"]
    # Put right by the issuer, it counts at once; what was said before stays on record.
    assert (await keep(row(**SECOND | {"state_from": day(0)}))).json()["entered"] == 1
    assert (await file()).status_code == 201


@pytest.mark.parametrize(
    "word", [{"valid_until": day(0)}, {"state": "suspended", "state_from": day(1), "reason": "x"}]
)
async def test_the_last_day_counts_and_a_later_suspension_does_not_yet(
    keep: Keeps, file: Any, word: Any
) -> None:
    assert (await keep(row(**FIRST), row(**SECOND))).status_code == 200
    assert (await keep(row(**SECOND | word))).json()["entered"] == 1
    assert (await file()).status_code == 201


async def test_one_person_is_not_two_officers(
    client: httpx.AsyncClient, keep: Keeps, file: Any, tokens: Tokens
) -> None:
    same = {"number": "HB-0002", "subject": "officer-1"}
    assert (await keep(row(**FIRST), row(**same))).status_code == 200
    assert "HB-0001 与 HB-0002 为同一人所持" in fault(await file())["what"]
    by_digest = [row(number=f"HB-000{at}", holder_sha256=DIGEST) for at in (1, 2)]
    assert (await keep(*by_digest)).json()["entered"] == 2
    assert "held by one person" in fault(await file())["what"]
    assert (await keep(row(**SECOND), row(**FIRST))).json()["entered"] == 1
    assert (await file()).status_code == 201
    # A token of the first officer carries the second number: the register need not know whose it is.
    again = tokens.bearer(OFFICER, sub="officer-1", officer_cert_no="HB-0002")
    lead = await opened(client, again, "again")
    assert (
        await client.post(f"/leads/{lead}/reject", json={"reason": "查无实据"}, headers=again)
    ).status_code == 200
    assert "为同一人所持" in fault(await file())["what"]


async def test_a_token_with_a_number_of_somebody_else_signs_nothing(
    keep: Keeps, file: Any, tokens: Tokens
) -> None:
    assert (await keep(row(**FIRST), row(**SECOND))).status_code == 200
    other = tokens.bearer(OFFICER, sub="officer-9", officer_cert_no="HB-0001")
    assert "他人名下" in fault(await file(who=other))["what"]


async def test_confirming_asks_the_register_too_and_reviewing_asks_for_no_officers(
    client: httpx.AsyncClient, database: FreshDatabase, keep: Keeps, tokens: Tokens
) -> None:
    first = tokens.bearer(OFFICER, sub="officer-1", officer_cert_no="HB-0001")
    lead = await a_lead(database, client, first)
    case = (await client.post(f"/leads/{lead}/file", json=FILE, headers=first)).json()["id"]
    bad = row(**SECOND | {"state": "revoked", "state_from": day(0), "reason": "x"})
    assert (await keep(row(**FIRST), bad)).status_code == 200
    refused = await client.post(f"/cases/{case}/confirm-fraud", json=CONFIRM, headers=first)
    assert "吊销" in fault(refused)["what"]
    assert (await keep(row(**SECOND | {"state_from": day(0)}))).status_code == 200
    done = await client.post(f"/cases/{case}/confirm-fraud", json=CONFIRM, headers=first)
    assert done.json()["steps"][-1]["officers_checked"] == "register", done.text
    opinion = {"kind": "review_opinion", "title": "x", "sha256": "0" * 64}
    reviewer = tokens.bearer("ee.enf/case.legal_reviewer@131000", officer_cert_no="HB-0777")
    review = {"reason": "程序合法", "documents": [opinion]}
    passed = await client.post(f"/cases/{case}/review", json=review, headers=reviewer)
    assert passed.status_code == 200, passed.text
    assert "officers_checked" not in passed.json()["steps"][-1]


async def test_rows_come_as_csv_and_the_same_file_again_changes_nothing(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    table = (
        "number,dept,region,subject,valid_from,valid_until,source\r\n"
        "# 证号,部门,区划,持证人,起,止,文件\r\n"
        f"冀执-01,ee.enf,131000,officer-1,2024-01-01,{day(9)},廊司证〔2024〕1号\r\n"
        f"冀执-02,ee.enf,131002,officer-2,2024-01-01,{day(9)},廊司证〔2024〕1号\r\n"
    )
    headers = tokens.bearer(JUSTICE) | {"Content-Type": "text/csv", "Idempotency-Key": "import-2026-1"}
    first = await client.post("/certificates", content=table.encode(), headers=headers)
    assert (first.json()["entered"], first.json()["unchanged"]) == (2, 0), first.text
    # Under the same key the same answer; without it the rows are looked at again.
    assert (
        await client.post("/certificates", content=table.encode(), headers=headers)
    ).json() == first.json()
    del headers["Idempotency-Key"]
    again = await client.post("/certificates", content=table.encode("gb18030"), headers=headers)
    assert (again.json()["entered"], again.json()["unchanged"]) == (0, 2)
    read = tokens.bearer(OFFICER)
    assert len((await client.get("/certificates/history", headers=read)).json()["items"]) == 2


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"dept": "unit", "subject": "x"}, "dept"),
        ({"subject": None}, "subject"),
        ({"kind": "press-card", "subject": "x"}, "kind"),
        ({"valid_until": "2023-01-01", "subject": "x"}, "valid_until"),
        ({"valid_until": "soon", "subject": "x"}, "valid_until"),
        ({"state": "suspended", "state_from": "2026-01-01", "subject": "x"}, "reason"),
        ({"state": "revoked", "reason": "x", "subject": "x"}, "state_from"),
        ({"region": "999999", "subject": "x"}, "region"),
        ({"holder_sha256": "李四"}, "holder_sha256"),
        ({"colour": "red", "subject": "x"}, "colour"),
        ({"source": "", "subject": "x"}, "source"),
    ],
)
async def test_a_wrong_row_is_told_with_its_reason_and_nothing_is_entered(
    client: httpx.AsyncClient, keep: Keeps, tokens: Tokens, wrong: Any, where: str
) -> None:
    answer = await keep(row(**FIRST), row(number="HB-9", **wrong))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/file-not-acceptable")
    [told] = answer.json()["errors"]
    assert (told["row"], told["where"]) == (1, f"row 1: {where}")
    assert "·" in told["what"]
    assert told["mend"]
    assert (await client.get("/certificates", headers=tokens.bearer(OFFICER))).json()["items"] == []


async def test_who_may_enter_what(keep: Keeps, tokens: Tokens) -> None:
    far = await keep(row(number="HB-9", region="131100", subject="x"))
    assert (far.status_code, "out-of-scope" in far.text) == (422, True)
    assert (await keep(row(**FIRST), who=OFFICER)).status_code == 403
    own = await keep(row(number="HB-9", subject=KEEPER), headers=tokens.bearer(KEEPER, sub=KEEPER))
    assert (own.status_code, "职责分离" in own.text) == (422, True)
    number = await keep(
        row(number="HB-9", subject="x"), headers=tokens.bearer(KEEPER, officer_cert_no="HB-9")
    )
    assert (number.status_code, "职责分离" in number.text) == (422, True)
    assert (await keep(row(**FIRST))).json()["entered"] == 1
    moved = await keep(row(**FIRST | {"region": "131002"}))
    assert (moved.status_code, moved.json()["errors"][0]["where"]) == (422, "row 0: dept")
    twice = await keep(row(**SECOND), row(**SECOND))
    assert (twice.status_code, twice.json()["errors"][0]["where"]) == (422, "row 1: number")


async def test_a_suspension_that_is_yet_to_come_is_not_lost_by_a_renewal(keep: Keeps) -> None:
    assert (await keep(row(**FIRST))).status_code == 200
    later = row(**FIRST | {"state": "suspended", "state_from": day(5), "reason": "x"})
    assert (await keep(later)).status_code == 200
    lost = await keep(row(**FIRST | {"valid_until": day(900)}))
    assert (lost.status_code, lost.json()["errors"][0]["where"]) == (422, "row 0: state_from")
    assert (await keep(row(**FIRST | {"state_from": day(5)}))).json()["entered"] == 1


async def test_the_register_is_read_by_pages_as_it_stands_and_its_history_whole(
    client: httpx.AsyncClient, keep: Keeps, tokens: Tokens
) -> None:
    rows = [row(number=f"HB-{at}", subject=f"s-{at}") for at in range(5)]
    rows += [row(number="HB-3a", region="131002", subject="s-3a")]
    assert (await keep(*rows)).status_code == 200
    gone = row(number="HB-1", subject="s-1", state="revoked", state_from=day(0), reason="退休")
    assert (await keep(gone)).status_code == 200

    async def pages(path: str, who: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            asked = {"limit": 2} | params | cursor
            page = (await client.get(path, params=asked, headers=tokens.bearer(who))).json()
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    seen = await pages("/certificates", OFFICER)
    assert [one["number"] for one in seen] == ["HB-0", "HB-1", "HB-2", "HB-3", "HB-3a", "HB-4"]
    assert [one["standing"] for one in seen if one["number"] == "HB-1"] == ["revoked"]
    assert (seen[1]["standing_zh"], seen[1]["reason"], seen[0]["kind_zh"]) == ("吊销", "退休", "行政执法证")
    assert [one["number"] for one in await pages("/certificates", "ee.enf/case.officer@131002")] == ["HB-3a"]
    assert await pages("/certificates", "ee.enf/case.officer@131100") == []
    history = await pages("/certificates/history", OFFICER, number="HB-1")
    assert [one["state"] for one in history] == ["revoked", "in_force"]
    assert {one["entered_by"] for one in history} == {KEEPER}
    assert len(await pages("/certificates/history", OFFICER)) == 7
    assert "sha256" not in str(seen)


@pytest.mark.parametrize(
    "statement", ["UPDATE certificate_entries SET state = 'in_force'", "DELETE FROM certificate_entries"]
)
async def test_no_runtime_role_can_rewrite_the_register(database: FreshDatabase, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.writer() as session:
            await session.execute(text(statement))


def test_a_certificate_stands_by_its_days() -> None:
    first, last = date(2026, 1, 2), date(2026, 11, 27)
    who = ("1", "ee.enf", "131000", "s", None, "enforcement")
    of = rules.Certificate(*who, first, last, "in_force", first, "", "x")
    stands = {date(2026, 1, 1): "not_yet", date(2026, 1, 2): "in_force", date(2026, 11, 27): "in_force",
              date(2026, 11, 28): "expired"}  # fmt: skip
    assert {on: rules.standing(of, on) for on in stands} == stands

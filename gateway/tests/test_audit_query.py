"""The auditor's question: every filter, by keyset, nothing but what was asked, and hostile words."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from gateway.flows.ledger import Entry, Ledger
from gateway.main import build
from gateway.settings import Settings

AUDITOR = "discipline/auditor@131000"
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
UNITS = ("91131000MA0000001X", "91131000MA0000002Y", None)


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


@pytest.fixture
async def client(database, tokens, client_for):
    urls = {"writer_url": database.writer_url, "reader_url": database.reader_url}
    broker = {"nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}
    made = Settings(environment="local", port=1, **urls, **broker, **tokens.settings)
    ledger = Ledger(database)
    for number in range(12):
        ledger.allow(row(number))
    await ledger.flush(is_last=True)
    async with client_for(build(made)) as opened:
        yield opened


def row(number: int) -> Entry:
    dept = ("ee", "water", "samr")[number % 3]
    return Entry(
        at=START + timedelta(hours=number),
        request_id=UUID(int=number + 1),
        subject=f"user-{number % 4}",
        principal=f"{dept}/data.read@131000",
        dept=dept,
        region="131000",
        client="desk",
        address="10.0.0.1",
        service=("ingest", "cases")[number % 2],
        method="GET",
        path=f"/x/{number}",
        refs=(f"mn=A{number % 2}",),
        permission=("raw:read", "cases:read")[number % 2],
        kind=("raw", "case")[number % 2],
        case_id=str(number // 6),
        unit=UNITS[number % 3],
        status=200 if number < 10 else 403,
        reason="granted",
        policy_version="v",
        trace_id=f"{number:032x}",
    )


FILTERS = [
    ({"subject": "user-1"}, [9, 5, 1]),
    ({"dept": "water"}, [10, 7, 4, 1]),
    ({"unit": UNITS[0]}, [9, 6, 3, 0]),
    ({"case": "1"}, [11, 10, 9, 8, 7, 6]),
    ({"service": "cases"}, [11, 9, 7, 5, 3, 1]),
    ({"permission": "raw:read"}, [10, 8, 6, 4, 2, 0]),
    ({"kind": "case", "dept": "ee"}, [9, 3]),
    ({"ref": "mn=A1"}, [11, 9, 7, 5, 3, 1]),
    ({"refused": "true"}, [11, 10]),
    ({"refused": "false", "dept": "water"}, [7, 4, 1]),
    ({"trace": f"{5:032x}"}, [5]),
    ({"request": str(UUID(int=4))}, [3]),
    ({"since": "2026-11-20T18:00:00Z"}, [11, 10]),
    ({"since": "2026-11-20T10:00:00+00:00", "until": "2026-11-20T12:00:00+00:00"}, [3, 2]),
    ({"dept": "no such"}, []),
    ({"subject": "' OR '1'='1"}, []),
    ({"ref": "mn=A1') OR true --"}, []),
    ({"dept": "ee; DROP TABLE audit"}, []),
    ({"subject": "%"}, []),
]


async def test_a_filter_finds_exactly_its_rows(client, tokens) -> None:
    for asked, numbers in FILTERS:
        answer = await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))
        assert answer.status_code == 200, answer.text
        assert [int(item["path"][3:]) for item in answer.json()["items"]] == numbers, asked


async def test_pages_follow_each_other_without_gap_or_repetition(client, tokens) -> None:
    seen, cursor = [], None
    while True:
        asked = {"limit": 5, "service": "cases"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))).json()
        seen += [int(item["path"][3:]) for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [11, 9, 7, 5, 3, 1]


NONSENSE: list[dict[str, str]] = [
    {"cursor": "1; DROP TABLE audit"},
    {"cursor": str(1 << 64)},
    {"limit": "100000"},
    {"since": "yesterday"},
    {"since": "2026-11-20T10:00:00"},
    {"subject": "a\x00b"},
    {"chain": "1"},
    {"subject": "s" * 201},
]


async def test_a_question_that_makes_no_sense_is_refused(client, tokens) -> None:
    for asked in NONSENSE:
        answer = await client.get("/audit", params=asked, headers=tokens.bearer(AUDITOR))
        assert answer.status_code == 422, asked


PATHS = ("/audit", "/audit/seals", f"/audit/seals/{UUID(int=1)}", f"/audit/seals/{UUID(int=1)}/content",
         f"/audit/seals/{UUID(int=1)}/receipt")  # fmt: skip


async def test_nobody_but_an_auditor_is_answered(client, tokens) -> None:
    policy = client._transport.app.state.policy
    others = {role: tokens.bearer(f"ee/{role}@131000") for role in set(policy.roles) - {"auditor", "public"}}
    for path in PATHS:
        for role, headers in others.items():
            assert (await client.get(path, headers=headers)).status_code == 403, (path, role)
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=tokens.bearer(AUDITOR))).status_code in (200, 404)


async def test_a_seal_tells_what_its_receipt_will_be_about(client, tokens) -> None:
    headers = tokens.bearer(AUDITOR)
    (seal,) = (await client.get("/audit/seals", headers=headers)).json()["items"]
    assert (await client.get(f"/audit/seals/{seal['id']}", headers=headers)).json() == seal
    said = (await client.get(f"/audit/seals/{seal['id']}/content", headers=headers)).json()
    assert said == {"chain": seal["chain"], "number": 12, "digest": seal["digest"]}
    # Nobody answers for the evidence log here: that is said, not hidden.
    away = await client.get(f"/audit/seals/{seal['id']}/receipt", headers=headers)
    assert away.status_code == 503

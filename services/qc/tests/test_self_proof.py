"""Self-proof over HTTP: the supervisor asks, the unit answers in time or late, another supervisor decides."""

from datetime import timedelta

import msgspec
import pytest
from contracts.packing import unpacked
from contracts.qc import SelfProofMoved
from lab_scene import Lab
from qc.flows.proofs import notice_overdue_proofs
from qc_scene import BEGIN, PM25, Lane, freeze
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

ASKER = "ee.mon/qc.analyst@131000"
DECIDER = "ee/qc.reviewer@131000"
UNIT = "unit/data.submit@131000"
WINDOW = {"from_time": BEGIN.isoformat(), "to_time": (BEGIN + timedelta(hours=12)).isoformat()}
QUESTION = {
    "question_zh": "请证明该时段数据真实",
    "question_en": "Prove that the data of this period are true",
}
DOCUMENT = {
    "kind": "video",
    "title": "站房视频",
    "sha256": "cd" * 32,
    "object": "s3://unit/video-1",
    "made_at": BEGIN.isoformat(),
}


class Asking(Lab):
    """A flagged period of a unit's series, and the acts on it."""

    async def request(self, **more) -> dict:
        body = {"series": PM25.id, **WINDOW, **QUESTION, **more}
        answer = await self.post("/self-proofs", body, self.tokens.bearer(ASKER))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def give(self, proof: str, who: str = UNIT, uscc: str = PM25.uscc, **document):
        body = {"statement": "设备运行正常", "documents": [DOCUMENT | document]}
        return await self.post(f"/self-proofs/{proof}/evidence", body, self.tokens.bearer(who, uscc=uscc))

    async def decide(self, proof: str, outcome: str, who: str = DECIDER):
        body = {"outcome": outcome, "reason": "视频与数据一致"}
        return await self.post(f"/self-proofs/{proof}/decision", body, self.tokens.bearer(who))


@pytest.fixture
async def asking(lane: Lane, client, tokens) -> Asking:
    await lane.send(freeze())
    return Asking(client, tokens)


async def moved(lane: Lane) -> list[SelfProofMoved]:
    async with lane.database.writer() as session:
        rows = await session.execute(
            text("SELECT data FROM outbox WHERE event = 'qc.self_proof_moved.v1' ORDER BY id")
        )
        return [msgspec.json.decode(unpacked(row.data), type=SelfProofMoved) for row in rows]


async def test_LF_62_flag_request_evidence_decision(lane: Lane, asking: Asking):
    (flag,) = (await asking.ask("/suspicions", ASKER)).json()["items"]
    proof = await asking.request(suspicion_id=flag["id"])
    assert (proof["state"], proof["is_due_provisional"]) == ("requested", True)
    assert "二21" in proof["source"] and proof["due_on"] > proof["requested_at"][:10]
    headers = asking.tokens.bearer(UNIT, uscc=PM25.uscc)
    (seen,) = (await asking.client.get("/self-proofs", headers=headers)).json()["items"]
    assert seen["question_zh"] == QUESTION["question_zh"] and "suspicion" not in seen
    early = await asking.decide(proof["id"], "rejected")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/deadline-running")
    given = await asking.give(proof["id"])
    assert given.status_code == 201
    assert (given.json()["state"], given.json()["evidence"][0]["is_late"]) == ("answered", False)
    assert given.json()["evidence"][0]["sha256"] == "cd" * 32
    same = await asking.decide(proof["id"], "accepted", ASKER)
    assert (same.status_code, same.json()["type"]) == (403, "/problems/who-asked-decides")
    decided = await asking.decide(proof["id"], "accepted")
    assert decided.status_code == 201
    assert [one["step"] for one in decided.json()["steps"]] == ["requested", "answered", "accepted"]
    events = await moved(lane)
    assert [(one.step, one.suspicion_id) for one in events] == [
        ("requested", flag["id"]), ("answered", flag["id"]), ("accepted", flag["id"]),
    ]  # fmt: skip
    assert (await asking.give(proof["id"])).status_code == 409
    assert (await asking.decide(proof["id"], "rejected")).status_code == 409


async def test_LN_29_who_gives_nothing_in_time_is_a_finding_and_late_evidence_is_kept_as_late(
    lane: Lane, asking: Asking
):
    proof = await asking.request()
    async with lane.database.writer() as session:
        await session.execute(text("SET LOCAL ROLE NONE"))
        assert await notice_overdue_proofs(session, lane.clock() - timedelta(days=40)) == 0
    later = lane.clock() + timedelta(days=60)
    for expected in (1, 0):
        async with lane.database.writer() as session:
            assert await notice_overdue_proofs(session, later) == expected
    assert [one.step for one in await moved(lane)] == ["requested", "overdue"]
    (overdue,) = (await asking.ask("/self-proofs", "ee.enf/case.officer@131000")).json()["items"]
    assert overdue["is_overdue"] and overdue["state"] == "requested"
    steps = (await asking.ask(f"/self-proofs/{proof['id']}", DECIDER)).json()["steps"]
    assert steps[-1]["step"] == "overdue" and steps[-1]["zh"] and steps[-1]["en"]
    for table in ("self_proof_evidence", "self_proof_steps", "self_proofs"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with lane.database.writer() as session:
                await session.execute(text(f"DELETE FROM {table}"))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with lane.database.writer() as session:
            await session.execute(text("UPDATE self_proofs SET due_at = now()"))


async def test_evidence_of_another_unit_or_from_the_future_is_refused(asking: Asking):
    proof = await asking.request()
    assert (await asking.give(proof["id"], uscc="91131000MA0000009X")).status_code == 403
    assert (await asking.give(proof["id"], who=ASKER)).status_code == 403
    future = await asking.give(proof["id"], made_at="2099-01-01T00:00:00+08:00")
    assert (future.status_code, future.json()["type"]) == (422, "/problems/made-in-the-future")
    for wrong, slug in (
        ({"series": 99}, "series-unknown"),
        ({"to_time": BEGIN.isoformat()}, "window-empty"),
        ({"suspicion_id": "00000000-0000-0000-0000-000000000000"}, "suspicion-unknown"),
    ):
        body = {"series": PM25.id, **WINDOW, **QUESTION, **wrong}
        answer = await asking.post("/self-proofs", body, asking.tokens.bearer(ASKER))
        assert answer.json()["type"] == f"/problems/{slug}"
    outside = asking.tokens.bearer("ee.mon/qc.analyst@131100")
    refused = await asking.post("/self-proofs", {"series": PM25.id, **WINDOW, **QUESTION}, outside)
    assert refused.status_code == 403

"""A witness that refuses the log opens a lead; a decision leaves a leaf that can be recomputed for ever."""

import hashlib
import json

from case_scene import ANNUL, DECIDE, MS, NOW
from cases.flows.witnesses import raise_refusal
from cases.tables import Lead, SealedDecision, Signal
from contracts.cases import LeafRequested
from contracts.evidence import WitnessRefused
from kit.db import Database
from kit.testing.plugin import ServiceDatabase
from sqlalchemy import select, text
from test_proceedings import annul, decide, reviewed
from tlog.receipts import entry_of, record_of

LOG = "jianzhen.local/log"


def refused(kind: str = "rollback", refusal_id: str = "r-1") -> WitnessRefused:
    return WitnessRefused(
        refusal_id=refusal_id,
        log=LOG,
        region="131000",
        witness="samr.example/w",
        kind=kind,  # type: ignore[arg-type]
        size=9,
        root="AAAA",
        witness_size=12,
        message_zh="见证方拒绝签署",
        message_en="The witness refuses",
        source_clause="C2SP tlog-witness",
        refused_at_ms=MS,
    )


async def leads(database: Database) -> list[Lead]:
    async with database.writer() as session:
        return list((await session.scalars(select(Lead).order_by(Lead.origin_id))).all())


async def test_a_refusal_opens_one_lead_of_the_highest_severity(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    for event in (refused(), refused(), refused("fork", "r-2")):
        async with database.writer() as session:
            await raise_refusal(session, event, NOW, ["0af7651916cd43dd8448eb211c80319c"])
    first, second = await leads(database)
    assert (first.site, first.region, first.state) == (LOG, "131000", "LEAD")
    assert (first.findings[0]["rule"], second.findings[0]["rule"]) == (
        "log-witness-rollback", "log-witness-fork"
    )  # fmt: skip
    assert "见证方" in first.summary and first.findings[0]["source_clause"]
    async with database.writer() as session:
        signal = await session.get(Signal, "r-1")
        assert signal is not None and signal.severity == "case"


async def test_decision_and_annulment_are_sealed_as_they_were_said(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    case = await reviewed(database)
    await decide(database, case)
    await annul(database, case)
    async with database.writer() as session:
        sealed = (await session.scalars(select(SealedDecision).order_by(SealedDecision.sealed_at))).all()
        asked = "SELECT data FROM outbox WHERE event = 'cases.leaf_requested.v1' ORDER BY id"
        said = [json.loads(row[0]) for row in await session.execute(text(asked))]
    assert {row.kind for row in sealed} == {"penalty", "annulment"}
    by_leaf = {event["leaves"][0]: event for event in said}
    for row in sealed:
        assert hashlib.sha256(row.content.encode()).digest() == row.sha256
        entry = entry_of(row.nonce, record_of(row.case_id, row.sha256, row.sealed_at).bytes)
        assert entry == row.entry
        assert by_leaf[entry.hex()]["subject"] == row.kind
        assert by_leaf[entry.hex()]["submissions"] == [str(row.case_id)]
    contents = [json.loads(row.content) for row in sealed]
    assert DECIDE["decision_no"] in {content.get("decision_no") for content in contents}
    assert ANNUL["reason"] in {content.get("reason") for content in contents}
    assert len(said) == 2
    assert LeafRequested.PRODUCER == "cases"

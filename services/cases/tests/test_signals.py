"""What qc says, against a real PostgreSQL: every order of raising and withdrawal ends in the same lead."""

import asyncio
from itertools import permutations
from typing import Any

import msgspec
import pytest
from case_scene import (
    ANNUL,
    CONFIRM,
    FILE,
    MS,
    NOW,
    alarm,
    alarm_withdrawn,
    doer_for,
    suspicion,
    suspicion_withdrawn,
)
from cases import queries
from cases.flows import leads, proceedings, signals
from cases.flows.asked import Annul, ConfirmFraud, FileLead
from cases.tables import Case, Lead
from contracts.ingest import DeviceSilenced
from contracts.qc import AlarmRaised, AlarmWithdrawn, SuspicionRaised, SuspicionWithdrawn
from kit.db import Database
from kit.testing.plugin import ServiceDatabase
from sqlalchemy import select, text
from standards.calendar import legal_date

FLOW: dict[type, Any] = {
    SuspicionRaised: signals.raise_suspicion,
    SuspicionWithdrawn: signals.withdraw_suspicion,
    AlarmRaised: signals.raise_alarm,
    AlarmWithdrawn: signals.withdraw_alarm,
    DeviceSilenced: signals.raise_silence,
}


async def feed(database: Database, *events: Any) -> None:
    for event in events:
        async with database.writer() as session:
            await FLOW[type(event)](session, event, NOW)


async def said(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with database.writer() as session:
        found = await session.execute(text("SELECT event, data FROM outbox ORDER BY id"))
        return [(event.split(".")[1], msgspec.json.decode(data)) for event, data in found]


async def lead_of(database: Database, origin_id: str = "s-1") -> Lead | None:
    async with database.writer() as session:
        return await session.scalar(select(Lead).where(Lead.origin_id == origin_id))


async def filed(database: Database) -> Case:
    await feed(database, suspicion())
    lead = await lead_of(database)
    assert lead is not None
    async with database.writer() as session:
        return await leads.file_lead(
            session, lead.lead_id, FileLead.model_validate(FILE), doer_for("leads:decide")
        )


async def test_a_suspicion_opens_one_lead_however_often_it_comes(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    await feed(database, suspicion(), suspicion(), suspicion())
    lead = await lead_of(database)
    assert lead is not None
    assert (lead.state, lead.site, lead.uscc) == ("LEAD", "131000-A01", "9144030071526726XG")
    assert lead.file_by.isoformat() == "2026-12-07"
    ((name, opened),) = await said(database)
    assert (name, opened["origin_id"], opened["region"]) == ("lead_opened", "s-1", "131000")


@pytest.mark.parametrize(
    ("events", "state", "score"),
    [
        ((suspicion(), suspicion_withdrawn()), "WITHDRAWN", 0.9),
        ((suspicion(), suspicion_withdrawn(), alarm(), alarm_withdrawn()), "WITHDRAWN", 0.9),
        ((suspicion(), suspicion(2000, score=0.95), suspicion_withdrawn()), "LEAD", 0.95),
        ((suspicion(), suspicion(2000, score=0.95), suspicion_withdrawn(3000)), "WITHDRAWN", 0.95),
    ],
)
async def test_every_order_of_signals_ends_in_the_same_lead(
    service_database: ServiceDatabase, events: tuple[Any, ...], state: str, score: float
) -> None:
    database = await service_database("cases")
    for number, order in enumerate(permutations(events)):
        names = {"suspicion_id": f"s-{number}", "alarm_id": f"a-{number}"}
        for event in order:
            own = {name: value for name, value in names.items() if hasattr(event, name)}
            await feed(database, msgspec.structs.replace(event, **own))
        lead = await lead_of(database, f"s-{number}")
        assert lead is not None
        assert (lead.state, lead.score) == (state, score), [type(event).__name__ for event in order]


async def test_a_withdrawal_that_comes_first_withdraws_the_lead_at_once(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    await feed(database, suspicion_withdrawn())
    assert await lead_of(database) is None
    await feed(database, suspicion())
    assert [name for name, _ in await said(database)] == ["lead_opened", "lead_closed"]
    lead = await lead_of(database)
    assert lead is not None
    assert lead.closed_reason == "迟到的更正 · a late correction"


async def test_raising_and_withdrawal_at_once_do_not_pass_each_other_unseen(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    async with database.writer() as first:
        await signals.raise_suspicion(first, suspicion(), NOW)
        second = asyncio.create_task(feed(database, suspicion_withdrawn()))
        await asyncio.sleep(0.2)
        assert not second.done()
    await second
    lead = await lead_of(database)
    assert lead is not None
    assert lead.state == "WITHDRAWN"


async def test_an_alarm_opens_no_lead_and_is_shown_beside_the_lead_of_its_site(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    await feed(database, alarm(), alarm(alarm_id="a-2"), alarm_withdrawn(alarm_id="a-2"))
    assert await said(database) == []
    await feed(database, suspicion())
    async with database.writer() as session:
        lead = await session.scalar(select(Lead))
        assert lead is not None
        found = await queries.alarms_beside(session, lead)
    assert [one.signal_id for one in found] == ["a-1"]


async def test_an_alarm_of_severity_case_opens_a_lead_and_its_withdrawal_withdraws_it(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    for number, order in enumerate(permutations([alarm(severity="case"), alarm_withdrawn()])):
        await feed(database, *(msgspec.structs.replace(event, alarm_id=f"c-{number}") for event in order))
        lead = await lead_of(database, f"c-{number}")
        assert lead is not None
        assert lead.state == "WITHDRAWN"


async def test_a_key_units_outlet_silent_for_a_day_is_one_lead_and_nothing_less_is(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    silent = DeviceSilenced(
        mn="131081D01000000000000001",
        site="91131081MA0D3P302N001P-DA001",
        site_kind="outlet",
        region="131081",
        uscc="91131081MA0D3P302N",
        heard_at_ms=1_795_564_800_000,
        interval_seconds=60.0,
        noticed_at_ms=1_795_564_800_000 + 25 * 3_600_000,
        is_alarm=True,
        is_key_unit=True,
    )
    number = f"silence-{silent.mn}-{silent.heard_at_ms}"
    change = msgspec.structs.replace
    await feed(database, change(silent, is_alarm=False), change(silent, site_kind="station"))
    await feed(database, change(silent, is_key_unit=False))
    assert await lead_of(database, number) is None
    await feed(database, silent, silent, change(silent, noticed_at_ms=silent.noticed_at_ms + 1))
    lead = await lead_of(database, number)
    assert lead is not None
    assert (lead.state, lead.uscc, lead.findings[0]["statistic"]) == ("LEAD", "91131081MA0D3P302N", 25.0)
    ((name, opened),) = await said(database)
    assert (name, opened["origin_id"]) == ("lead_opened", number)


async def test_a_withdrawal_after_filing_flags_the_case_and_leaves_the_end_to_a_person(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    case = await filed(database)
    await feed(database, suspicion_withdrawn(), suspicion_withdrawn())
    name, event = (await said(database))[-1]
    assert name == "basis_withdrawn"
    assert (event["case_id"], event["reason_en"]) == (str(case.case_id), "a late correction")
    assert [name for name, _ in await said(database)].count("basis_withdrawn") == 1
    async with database.writer() as session:
        found = await queries.case(session, case.case_id)
        history = [step.act for step in await queries.steps(session, found.lead_id)]
    assert (found.state, found.is_basis_withdrawn) == ("FILED", True)
    assert history == ["open", "file", "withdraw_basis"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_merged_suspicion_keeps_its_case_until_the_other_one_falls(
    service_database: ServiceDatabase, order: tuple[int, ...]
) -> None:
    database = await service_database("cases")
    await filed(database)
    other = msgspec.structs.replace(suspicion(), suspicion_id="s-2")
    merged = msgspec.structs.replace(suspicion_withdrawn(), merged_into="s-2")
    fallen = msgspec.structs.replace(suspicion_withdrawn(), suspicion_id="s-2")
    await feed(database, *(event for n, event in enumerate((other, merged)) if n in order[:2]))
    assert "basis_withdrawn" not in [name for name, _ in await said(database)]
    await feed(database, *([other, merged, fallen][n] for n in order))
    assert [name for name, _ in await said(database)].count("basis_withdrawn") == 1


async def test_a_withdrawal_after_annulment_or_not_confirmed_says_nothing(
    service_database: ServiceDatabase,
) -> None:
    for ends in ("annul", "not_confirmed"):
        database = await service_database("cases")
        case = await filed(database)
        async with database.writer() as session:
            if ends == "annul":
                await proceedings.annul(
                    session, case.case_id, Annul.model_validate(ANNUL), doer_for("cases:annul")
                )
            else:
                asked = ConfirmFraud.model_validate({**CONFIRM, "outcome": "not_confirmed"})
                await proceedings.confirm_fraud(session, case.case_id, asked, doer_for("cases:confirm-fraud"))
        await feed(database, suspicion_withdrawn())
        assert "basis_withdrawn" not in [name for name, _ in await said(database)]


async def test_an_older_suspicion_does_not_replace_a_newer_one(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    await feed(database, suspicion(5000, score=0.95), suspicion(0, score=0.85))
    lead = await lead_of(database)
    assert lead is not None
    assert (lead.score, lead.raised_at_ms) == (0.95, MS + 5000)


async def test_events_are_found_under_the_trace_of_the_reading(service_database: ServiceDatabase) -> None:
    database = await service_database("cases")
    async with database.writer() as session:
        await signals.raise_suspicion(session, suspicion(), NOW, ["0af7651916cd43dd8448eb211c80319c"])
        await signals.raise_suspicion(session, suspicion(500), NOW, ["b7ad6b7169203331b7ad6b7169203331"])
    await feed(database, suspicion_withdrawn())
    async with database.writer() as session:
        found = await session.execute(text("SELECT trace_ids FROM outbox ORDER BY id"))
        opened, closed = (ids for (ids,) in found)
    assert opened == ["0af7651916cd43dd8448eb211c80319c"]
    assert closed == ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331b7ad6b7169203331"]


async def test_LF_60_an_anomaly_confirmed_at_the_alarm_desk_is_a_lead_with_its_time_limit(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("cases")
    await feed(database, alarm())
    assert await said(database) == []
    await feed(database, alarm(at=1_800_000, severity="case"))
    async with database.writer() as session:
        lead = await session.scalar(select(Lead))
    assert lead is not None and (lead.state, lead.origin_id) == ("LEAD", "a-1")
    assert lead.file_by > legal_date(lead.opened_at)
    assert len(await said(database)) == 1

"""Listings against a real PostgreSQL: every order of events ends in the same standing."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from contracts.cases import BasisWithdrawn, CaseAnnulled, PenaltyDecided
from credit import flows, queries
from credit.tables import CaseMark, Listing
from credit_scene import NOW, USCC, annulled, decided, withdrawn
from kit.db import Database
from kit.problems import Invalid
from kit.testing.plugin import ServiceDatabase
from sqlalchemy import inspect, select, text

FLOW: dict[type, Any] = {
    PenaltyDecided: flows.list_subject,
    BasisWithdrawn: flows.suspend_listing,
    CaseAnnulled: flows.remove_listing,
}


async def feed(database: Database, *events: Any, now: datetime = NOW) -> None:
    for event in events:
        async with database.writer() as session:
            await FLOW[type(event)](session, event, now)


async def final(database: Database, case_id: str) -> dict[str, Any]:
    """A listing and its marks without what differs by nature: ids, moments of receipt, what was said."""
    async with database.writer() as session:
        rows = [
            await session.scalar(select(Listing).where(Listing.case_id == case_id)),
            await session.get(CaseMark, case_id),
        ]
    skipped = {"listing_id", "listed_at", "is_announced", "case_id"}
    return {
        column.key: getattr(row, column.key)
        for row in rows
        for column in inspect(type(row)).columns
        if column.key not in skipped
    }


async def said(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with database.writer() as session:
        found = await session.execute(text("SELECT event, data FROM outbox ORDER BY id"))
        return [(event.split(".")[1], msgspec.json.decode(data)) for event, data in found]


async def state_of(database: Database, case_id: str = "c-1") -> str:
    async with database.writer() as session:
        return str(await session.scalar(select(Listing.state).where(Listing.case_id == case_id)))


async def test_a_penalty_lists_the_subject_and_says_so(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    await feed(database, decided(), decided())
    ((event, listed),) = await said(database)
    assert event == "listed"
    assert (listed["valid_from"], listed["valid_to"]) == ("2026-11-21", "2029-11-21")
    assert "175" in listed["legal_basis"]
    async with database.writer() as session:
        (listing, _), *_ = await queries.bearing_on(session, USCC)
        acts = [step.act for step in await queries.steps(session, listing.listing_id)]
    assert acts == ["prior_notice", "list"]


async def test_a_decision_after_midnight_in_china_counts_from_the_chinese_day(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("credit")
    await feed(database, decided(at=datetime(2026, 11, 20, 16, 30, tzinfo=UTC)))
    ((_, listed),) = await said(database)
    assert listed["valid_from"] == "2026-11-21"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((decided(), withdrawn()), "SUSPENDED"),
        ((decided(), annulled()), "ANNULLED"),
        ((decided(), withdrawn(), annulled()), "ANNULLED"),
        ((decided(), decided(), withdrawn(), annulled()), "ANNULLED"),
    ],
)
async def test_every_order_of_events_ends_in_the_same_standing(
    service_database: ServiceDatabase, events: tuple[Any, ...], state: str
) -> None:
    database = await service_database("credit")
    outcomes = []
    for number, order in enumerate(dict.fromkeys(permutations(events))):
        case_id = f"order-{number}"
        before = len(await said(database))
        await feed(database, *(msgspec.structs.replace(event, case_id=case_id) for event in order))
        outcomes.append(await final(database, case_id))
        assert await state_of(database, case_id) == state
        names = [name for name, _ in (await said(database))[before:]]
        assert names.count("listed") <= 1
        assert names.count("listing_removed") <= names.count("listed")
        assert names.count("listing_suspended") <= names.count("listed")
    assert all(outcome == outcomes[0] for outcome in outcomes)


async def test_the_events_of_other_cases_change_nothing(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    await feed(database, annulled("c-2"), decided("c-1"), withdrawn("c-3"))
    assert await state_of(database) == "LISTED"


async def test_who_was_never_announced_is_never_announced_as_removed(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("credit")
    await feed(database, withdrawn(), decided(), annulled())
    assert await said(database) == []
    assert await state_of(database) == "ANNULLED"


async def test_suspension_and_removal_are_said_once_with_their_reason(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("credit")
    await feed(database, decided(), withdrawn(), withdrawn(), annulled(), annulled())
    names = [name for name, _ in await said(database)]
    assert names == ["listed", "listing_suspended", "listing_removed"]
    suspended, removed = [event for _, event in await said(database)][1:]
    assert suspended["reason"] == "迟到的更正 · a late correction"
    assert removed["outcome"] == "annulled"


async def test_a_listing_ends_after_its_last_day_and_not_before(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    await feed(database, decided("c-1"), decided("c-2"), withdrawn("c-2"))
    last = datetime(2029, 11, 21, 15, 59, tzinfo=UTC)
    for moment, expected in ((last, "LISTED"), (last + timedelta(minutes=1), "EXPIRED")):
        async with database.writer() as session:
            await flows.expire_listings(session, moment)
        assert await state_of(database) == expected
    assert await state_of(database, "c-2") == "EXPIRED"
    removed = [event for name, event in await said(database) if name == "listing_removed"]
    assert [event["outcome"] for event in removed] == ["expired", "expired"]
    await feed(database, annulled("c-1"), now=last + timedelta(days=1))
    assert await state_of(database) == "ANNULLED"
    assert len([name for name, _ in await said(database) if name == "listing_removed"]) == 2


async def test_a_subject_without_a_ground_is_refused_for_good(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    with pytest.raises(Invalid, match="no-ground-for-listing"):
        await feed(database, decided(subject_type="person"))
    assert await said(database) == []


async def test_two_events_of_one_case_at_once_do_not_pass_each_other_unseen(
    service_database: ServiceDatabase,
) -> None:
    database = await service_database("credit")
    async with database.writer() as first:
        await flows.list_subject(first, decided(), NOW)
        second = asyncio.create_task(feed(database, annulled()))
        await asyncio.sleep(0.2)
        assert not second.done()
    await second
    assert await state_of(database) == "ANNULLED"
    assert [name for name, _ in await said(database)] == ["listed", "listing_removed"]


async def test_the_legal_day_of_the_listing_is_a_date(service_database: ServiceDatabase) -> None:
    database = await service_database("credit")
    await feed(database, decided())
    async with database.writer() as session:
        ((listing, _),) = await queries.bearing_on(session, USCC)
    assert (listing.valid_from, listing.repair_from) == (date(2026, 11, 21), date(2027, 11, 21))

"""What a record does to others: a check moves its instrument's deadlines, a use takes from the stock, a value
scores a round, a score is told.

Promises: in the transaction of the record. Leaves judging to the rules.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.qc import OperatorScored
from kit.problems import Conflict
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.registers.change import Change
from qc.flows.registers.points import compared_from, declare_point
from qc.queries import registers
from qc.queries.binary import driver
from qc.queries.closing import mark_checked
from qc.rules.assess import BEIJING
from qc.rules.registers.judged import Context
from qc.rules.registers.judging import clock_due
from qc.rules.registers.judging import judge as judge_record
from qc.rules.registers.model import Kind, kinds
from qc.rules.registers.obligations import lines_for, obligations
from qc.rules.registers.state import due_of
from qc.tables.registers import RegisterDeadline, RegisterFinding, RegisterRecord

NOT_MET = 2**62


async def run_clocks(change: Change, kind: Kind, row: RegisterRecord) -> None:
    """The clocks of a record itself: certificates, plans, materials in stock."""
    for name, clock in kind.clocks.items():
        due = clock_due(clock, row.body, row.judged)
        if due is None or due[1]:
            await change.meet(row.kind, [row.code], [name])
        else:
            await change.run(row, name, due[0], clock.finding, {})


async def settle_instrument(change: Change, row: RegisterRecord) -> None:
    """The deadlines of an instrument: for each obligation the earliest instant its factors ask for."""
    (known,) = await registers.with_checks(change.session, [row])
    of, day = known.instrument, change.now.astimezone(BEIJING).date()
    assessed = await registers.is_assessed(change.session, row.site)
    due: dict[str, tuple[int, Any]] = {}
    for factor in of.factors if of.to_ms is None or of.to_ms > change.now.timestamp() * 1000 else ():
        for line in lines_for(of, factor, day, is_assessed=assessed, lines=obligations()):
            at = due_of(line, of, known.checks, factor)
            if at < due.get(line.id, (NOT_MET, line))[0]:
                due[line.id] = (at, line)
    for clock, (at, line) in due.items():
        detail = {
            "zh": f"{line.zh}逾期",
            "en": f"{line.en} overdue",
            "source": line.source,
            "bars": line.bars,
        }
        await change.run(row, clock, datetime.fromtimestamp(at / 1000, UTC), line.finding, detail)
    ended = {line.id for line in obligations()} - set(due)
    await change.meet(row.kind, [row.code], ended)


async def _after_check(change: Change, kind: Kind, row: RegisterRecord, about: RegisterRecord) -> None:
    """A check counts for its instrument; what failed before and passes now is mended."""
    await settle_instrument(change, about)
    if row.site is not None and row.happened_at is not None and kind.name == "calibrations":
        factors = [one["factor"] for one in row.body["readings"]]
        day = row.happened_at.astimezone(BEIJING).date()
        await mark_checked(await driver(change.session), row.site, factors, day, change.now)
    passed = row.judged.get("passed", {})
    ends = [name for name, flag in kind.flags.items() if flag.until_passed and name not in row.flags]
    if not ends or not passed or not all(passed.values()):
        return
    of = RegisterRecord
    earlier = select(of).where(
        of.kind == row.kind, of.about == row.about, of.happened_at < row.happened_at, of.flags.overlap(ends)
    )
    mended = [
        one.code
        for one in await change.session.scalars(earlier)
        if "*" in passed or set(one.judged.get("passed", {})) <= set(passed)
    ]
    if mended:
        await change.close(row.kind, mended, ends)


async def _after_instrument(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    await settle_instrument(change, row)


async def _after_use(change: Change, kind: Kind, row: RegisterRecord, about: RegisterRecord) -> None:
    """Take from the stock. Raises Conflict if there is not so much."""
    left = await stock(change.session, about)
    if left < 0:
        detail = f"{about.code} has {left + row.body['amount']:g}, {row.body['amount']:g} was used 库存不足"
        raise Conflict("stock-short", detail, stock=left + row.body["amount"])
    about.judged = about.judged | {"stock": left, "is_used_up": left <= 0}
    await change.keep(about)
    await run_clocks(change, kinds()[about.kind], about)


async def _after_material(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    left = await stock(change.session, row)
    if left < 0:
        detail = f"{-left:g} more of {row.code} was used than is entered now 用量已超过所填数量"
        raise Conflict("stock-short", detail, stock=left)
    row.judged = row.judged | {"stock": left, "is_used_up": left <= 0}


async def stock(session: AsyncSession, material: RegisterRecord) -> float:
    """What is left of a reference material: what was bought less what was used."""
    of = RegisterRecord
    uses = await session.scalars(
        select(of.body["amount"]).where(of.kind == "material-uses", of.about == material.code)
    )
    left: float = round(material.body["quantity"] - sum(float(amount) for amount in uses), 9)
    return left


async def _after_round(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    """Each laboratory of a round has until its last day to send a result."""
    last = datetime.fromisoformat(row.body["due_on"]).replace(tzinfo=BEIJING) + timedelta(days=1)
    of = RegisterRecord
    sent = set(
        await change.session.scalars(select(of.uscc).where(of.kind == "pt-results", of.about == row.code))
    )
    for party in row.body["participants"]:
        if party in sent:
            continue
        detail = {
            "zh": f"能力验证结果未按期报送：{party}",
            "en": f"No result of the proficiency test in time: {party}",
            "source": kind.source,
            "participant": party,
        }
        await change.run(row, f"result:{party}", last, "pt-result-missing", detail)


async def _after_result(change: Change, kind: Kind, row: RegisterRecord, about: RegisterRecord) -> None:
    await change.meet("pt-rounds", [about.code], [f"result:{row.uscc}"])


async def _after_value(change: Change, kind: Kind, row: RegisterRecord, about: RegisterRecord) -> None:
    """The results of the round are scored now that the assigned value is known."""
    of, results = RegisterRecord, kinds()["pt-results"]
    wanted = select(of).where(of.kind == "pt-results", of.about == about.code).with_for_update()
    for one in await change.session.scalars(wanted):
        beside = {"pt-values": [registers.beside_of(row)]}
        day = datetime.fromisoformat(one.body["analysed_on"]).date()
        context = Context(one.code, one.uscc, day, {"round": about.body}, beside, {})
        done = judge_record(results, one.body, context)
        # The method was judged when the result came; the register of methods may have changed since.
        kept = [name for name in one.flags if name == "method-unregistered"]
        flags = {name: detail for name, detail in done.flags.items() if name != "method-unregistered"}
        one.judged, one.flags = done.figures, sorted([*flags, *kept])
        await change.keep(one)
        await change.find_flags(results, one, flags | {name: {} for name in kept})


async def _after_score(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    said = OperatorScored(
        score_id=row.code,
        operator=row.body["operator"],
        third_party=row.body.get("third_party") or row.uscc,
        region=row.region,
        held_on=row.body["held_on"],
        period=row.body["period"],
        score=row.judged["score"],
        is_poor="operator-poor" in row.flags,
        source_clause=row.judged["source"],
        scored_at_ms=round(change.now.timestamp() * 1000),
    )
    await change.say(said, said.operator)


async def _after_agency(change: Change, kind: Kind, row: RegisterRecord, about: Any) -> None:
    """What an agency entered before belongs to its competent department, too."""
    of = RegisterRecord
    wanted = select(of).where(of.uscc == row.uscc, of.dept.is_distinct_from(row.dept)).with_for_update()
    for one in await change.session.scalars(wanted):
        one.dept = row.dept
        await change.keep(one)
    for table in (RegisterDeadline, RegisterFinding):
        await change.session.execute(update(table).where(table.uscc == row.uscc).values(dept=row.dept))


After = Callable[[Change, Kind, RegisterRecord, Any], Awaitable[None]]
BEFORE_KEEPING: dict[str, After] = {"reference-materials": _after_material, "same-points": compared_from}
AFTER: dict[str, After] = {
    "instruments": _after_instrument,
    "calibrations": _after_check,
    "verifications": _after_check,
    "comparisons": _after_check,
    "om-records": _after_check,
    "material-uses": _after_use,
    "pt-rounds": _after_round,
    "pt-results": _after_result,
    "pt-values": _after_value,
    "operator-scores": _after_score,
    "agencies": _after_agency,
    "same-points": declare_point,
}

"""The register of officers' certificates: what it says on a legal day, and the rows that are entered in it.

Promises: all rows of a file or none, each answered; a row that says what is on record already is no new word;
one file at a time, so that the newest word is certain. Leaves what stands against a row to the rules.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import policy
from kit.bringing import Row, entered
from kit.problems import Fault, Forbidden, Invalid
from policy import Done
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions

from cases.flows.acts import Doer
from cases.flows.asked import CertificateRow
from cases.flows.register import as_of, certificate
from cases.flows.teams import GOVERNMENT
from cases.rules.certificates import Certificate, flaws
from cases.rules.refusal import Refusal
from cases.tables import CertificateEntry

RECORD, ENTER, HOLD = "certificates", "enter", "hold"


async def enter(session: AsyncSession, rows: Sequence[Row], doer: Doer) -> dict[str, Any]:
    """Enters the rows. Raises Invalid with the flaws of each wrong row; then nothing was changed."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(RECORD, 0))))
    return await entered(rows, "number", lambda row: _enter(session, row, doer), _repeated)


async def _enter(session: AsyncSession, row: Row, doer: Doer) -> bool:
    new = _asked(row)
    if regions.get(new.region) is None:
        raise _refused(
            [Refusal("region", "GB/T 2260", f"没有区划代码 {new.region} · no such region", "131000 …")]
        )
    doer.grant.require(region=new.region)
    newest = select(CertificateEntry).where(CertificateEntry.number == new.number)
    kept = await session.scalar(newest.order_by(CertificateEntry.entry_no.desc()).limit(1))
    last = certificate(kept) if kept else None
    if new == last:
        return False
    _apart(new, doer)
    found = flaws(new, last, GOVERNMENT, doer.today)
    if found:
        raise _refused(found)
    who = doer.grant.principal
    session.add(
        CertificateEntry(**vars(new), entered_by=who.subject, entered_by_text=who.text, entered_at=doer.now)
    )
    await session.flush()
    return True


def _apart(new: Certificate, doer: Doer) -> None:
    """Nobody enters the own certificate: by person, or by the number the token carries."""
    who = doer.grant.principal
    holder = frozenset(filter(None, (new.subject, new.number)))
    held = [Done(HOLD, holder, f"{new.number} {new.department}")]
    marks = {who.subject, *filter(None, (who.certificate,))}
    for one in policy.load().separation.collisions(RECORD, ENTER, marks, held, doer.today):
        mend = "由其他登记人员办理 · let another keeper of the register enter it"
        fault = Fault(where="number", rule=one.line.source, what=one.told, mend=mend)
        raise Forbidden("separation-of-duties", one.told, errors=[fault])


def _asked(row: Row) -> Certificate:
    given = {name: cell for name, cell in row.items() if cell not in (None, "")}
    try:
        asked = CertificateRow.model_validate(given)
    except ValidationError as wrong:
        raise _refused(
            [
                Refusal(
                    ".".join(map(str, one["loc"])),
                    one["type"],
                    f"该栏不符合要求 · {one['msg']}",
                    "按模板填写 · see the columns in docs/guides/officer.md",
                )
                for one in wrong.errors(include_url=False, include_input=False)
            ]
        ) from None
    state_from = asked.state_from or (asked.valid_from if asked.state == "in_force" else None)
    if state_from is None:
        what = "须写明自何日起 · from which day is not said"
        raise _refused([Refusal("state_from", "register of certificates 执法证登记", what, "state_from")])
    return Certificate(**asked.model_dump() | {"state_from": state_from})


def _refused(found: Sequence[Refusal]) -> Invalid:
    faults = [Fault(where=r.where, rule=r.rule, what=r.what, mend=r.mend) for r in found]
    return Invalid("certificate-not-acceptable", found[0].what, errors=faults)


def _repeated(number: str) -> Fault:
    what = f"证号 {number} 在文件中重复 · the number stands in the file twice"
    return Fault(where="number", rule="one row a number", what=what, mend="合并或分次报送 · send two files")


async def listed(
    session: AsyncSession, seen: ColumnElement[bool], on: date, after: str | None, limit: int
) -> Sequence[CertificateEntry]:
    """Each certificate as it stands on a legal day, by number."""
    asked: Select[CertificateEntry] = as_of(on).where(seen, CertificateEntry.number > (after or ""))
    return (await session.scalars(asked.limit(limit))).all()


async def history(
    session: AsyncSession, seen: ColumnElement[bool], number: str | None, before: int | None, limit: int
) -> Sequence[CertificateEntry]:
    """Every word on record, newest first; of one number if it is given."""
    of = CertificateEntry
    asked = select(of).where(seen).order_by(of.entry_no.desc()).limit(limit)
    if number is not None:
        asked = asked.where(of.number == number)
    return (await session.scalars(asked if before is None else asked.where(of.entry_no < before))).all()

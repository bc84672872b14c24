"""What the registers hold of a site: instruments with their checks, sites and methods as `ingest` told them.

Promises: checks in the order of their instants; one statement each. Leaves judging to `rules.registers`.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from qc.rules.registers.judged import Beside
from qc.rules.registers.obligations import Instrument, obligations
from qc.rules.registers.state import Check, Known
from qc.tables.registers import KnownMethod, KnownSite, RegisterRecord

INSTRUMENTS = "instruments"
CHECKS = sorted({line.by for line in obligations()})


async def instruments_at(session: AsyncSession, site: str) -> list[Known]:
    """The instruments of a site, past ones included, with all their checks."""
    wanted = select(RegisterRecord).where(RegisterRecord.kind == INSTRUMENTS, RegisterRecord.site == site)
    return await with_checks(session, list(await session.scalars(wanted)))


async def with_checks(session: AsyncSession, instruments: Sequence[RegisterRecord]) -> list[Known]:
    """These instruments with all their checks."""
    of = RegisterRecord
    wanted = (
        select(of.kind, of.code, of.about, of.happened_at, of.judged)
        .where(
            RegisterRecord.kind.in_(CHECKS),
            RegisterRecord.about.in_([row.code for row in instruments]),
            RegisterRecord.happened_at.is_not(None),
        )
        .order_by(RegisterRecord.happened_at, RegisterRecord.code)
    )
    checks: dict[str, list[Check]] = defaultdict(list)
    for kind, code, about, at, judged in await session.execute(wanted) if instruments else ():
        checks[about].append(check_of(kind, code, at, judged))
    return [
        Known(instrument=instrument_of(row.code, row.body), checks=tuple(checks[row.code]))
        for row in instruments
    ]


async def is_assessed(session: AsyncSession, site: str | None) -> bool:
    """Whether the site counts in assessments; an unknown one does not."""
    found = await session.get(KnownSite, site) if site is not None else None
    return found is not None and found.is_assessed


def instrument_of(code: str, body: dict[str, Any]) -> Instrument:
    """An instrument as the rules see it."""
    end = body.get("in_use_to")
    return Instrument(
        code=code,
        application=body["application"],
        principle=body.get("principle", "other"),
        factors=tuple(body["factors"]),
        is_automatic=bool(body.get("is_automatic")),
        is_mandatory=bool(body.get("is_mandatory")),
        has_certificate=bool(body.get("model_certificate")),
        from_ms=_ms(body["in_use_from"]),
        to_ms=_ms(end) if end else None,
    )


def check_of(kind: str, code: str, at: datetime, judged: dict[str, Any]) -> Check:
    """A check as the rules see it. Its record was judged when it was entered."""
    return Check(
        by=kind,
        code=code,
        at_ms=round(at.timestamp() * 1000),
        passed=judged.get("passed", {}),
        valid_to_ms=judged.get("valid_to_ms"),
    )


def _ms(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


class Asked(NamedTuple):
    """Whose records are looked for beside one: owner, department, parties, persons named, subject, round."""

    uscc: str | None
    dept: str | None
    parties: Sequence[str]
    persons: Sequence[str]
    subject: str | None
    about: str | None


def beside_of(row: RegisterRecord) -> Beside:
    """A record as others are judged beside it: what was made of it goes before what was entered."""
    return Beside(row.code, row.uscc, row.body | row.judged)


async def beside(session: AsyncSession, kinds: Sequence[str], asked: Asked) -> dict[str, list[Beside]]:
    """The records of these kinds that a judge looks at.

    Of persons those that are named, of mandates those about the same subject, of values those of the round,
    else all of the owner.
    """
    of = RegisterRecord
    owners = [one for one in (asked.uscc, *asked.parties) if one is not None]
    narrow: dict[str, ColumnElement[bool]] = {
        "staff": and_(
            of.code.in_(asked.persons),
            or_(of.uscc.in_(owners), and_(of.uscc.is_(None), of.dept == asked.dept)),
        ),
        "mandates": and_(of.uscc == asked.uscc, of.body["subject"].astext == asked.subject),
        "pt-values": of.about == asked.about,
        "pt-results": of.about == asked.about,
    }
    found: dict[str, list[Beside]] = {}
    for kind in kinds:
        wanted = select(of).where(of.kind == kind, narrow.get(kind, of.uscc == asked.uscc)).order_by(of.code)
        found[kind] = [beside_of(row) for row in await session.scalars(wanted)]
    return found


async def methods(session: AsyncSession, wanted: Sequence[str]) -> dict[str, frozenset[str]]:
    """The registered ones of these standards, with the factors they are for."""
    if not wanted:
        return {}
    rows = await session.scalars(select(KnownMethod).where(KnownMethod.standard_no.in_(wanted)))
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        found[row.standard_no] = found.get(row.standard_no, frozenset()) | frozenset(row.factors)
    return found

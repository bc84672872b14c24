"""Agencies: reports within the qualification, mandates without conflict, what is kept.

Promises: a report is judged by the certificates valid on its day; a conflict names the other mandate. Leaves
telling it to credit to the events.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import msgspec

from qc.rules.registers.dated import first, read
from qc.rules.registers.judged import Beside, Cells, Context, Judged
from qc.rules.registers.people import uncertified
from qc.rules.validity.dated import Dated


class Keeping(Dated, frozen=True, kw_only=True):
    """What an agency keeps with a report, and for how many years."""

    parts: tuple[str, ...]
    years: int


class Conflict(Dated, frozen=True, kw_only=True):
    """Two purposes that one agency may not serve about one subject at a time."""

    one: str
    other: str
    zh: str
    en: str


class AgencyRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `agency-rules.yaml`."""

    keeping: tuple[Keeping, ...]
    conflicts: tuple[Conflict, ...]


@cache
def agency_rules() -> AgencyRules:
    return read("agency-rules", AgencyRules)


def judge_report(values: Cells, context: Context) -> Judged:
    """Scope, expiry, methods and records of a report.

    Source: 廊办字〔2018〕50号 二12; 检验检测机构监督管理办法 Art. 13; 生态环境监测条例 Art. 29, 33.
    Worked example: a certificate to 2026-06-30 and a report of 2026-07-01 → `qualification-expired`.
    """
    done = Judged()
    day = values["issued_on"]
    held = context.beside.get("qualifications", ())
    valid = [one.body for one in held if one.body["valid_from"] <= day <= one.body["valid_to"]]
    if not valid:
        done.flags["qualification-expired"] = {"certificates": [one.code for one in held], "on": day}
    outside = [item for item in values["items"] if not _within(item, valid)]
    if valid and outside:
        done.flags["report-outside-scope"] = {"items": [_named(item) for item in outside]}
    rule = first(agency_rules().keeping, context.day)
    missing = [part for part in rule.parts if not values.get(part)]
    if missing:
        done.flags["record-not-kept"] = {"missing": missing}
    done.figures |= {"keep_until": _years_on(values["issued_on"], rule.years), "source": rule.source}
    done.flags |= uncertified(values.get("persons", []), [], context)
    return done


def _within(item: Cells, certificates: Sequence[Cells]) -> bool:
    return any(
        row["factor"] == item["factor"] and row.get("method", item["method"]) == item["method"]
        for held in certificates
        for row in held["scope"]
    )


def _named(item: Cells) -> dict[str, Any]:
    return {"factor": item["factor"], "method": item["method"]}


def _years_on(day: str, years: int) -> str:
    found = date.fromisoformat(day)
    try:
        return found.replace(year=found.year + years).isoformat()
    except ValueError:
        return date(found.year + years, 3, 1).isoformat()


def judge_mandate(values: Cells, context: Context) -> Judged:
    """Conflict of interest, sub-entrusting, excess of scope.

    Source: 生态环境监测条例 Art. 29. Worked example: the agency that monitors for a unit also checks that
    unit for the authority at the same time → `conflict-of-interest`.
    """
    done = Judged()
    against = [other for other in context.beside.get("mandates", ()) if _conflicts(values, other, context)]
    if against:
        done.flags["conflict-of-interest"] = {"mandates": sorted(one.code for one in against)}
    if values.get("sub_entrusted_to"):
        done.flags["sub-entrusted"] = {"to": values["sub_entrusted_to"]}
    held = [one.body for one in context.beside.get("qualifications", ())]
    held = [one for one in held if one["valid_from"] <= values["begins_on"] <= one["valid_to"]]
    known = {row["factor"] for one in held for row in one["scope"]}
    if values["purpose"] != "operation" and (excess := sorted(set(values["factors"]) - known)):
        done.flags["mandate-outside-scope"] = {"factors": excess}
    return done


def _conflicts(values: Cells, other: Beside, context: Context) -> bool:
    body = other.body
    if other.code == context.code or body["subject"] != values["subject"] or other.uscc != context.uscc:
        return False
    if body["begins_on"] > values["ends_on"] or values["begins_on"] > body["ends_on"]:
        return False
    pair = {values["purpose"], body["purpose"]}
    return any(
        pair == {rule.one, rule.other} and rule.holds(context.day) for rule in agency_rules().conflicts
    )

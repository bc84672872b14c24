"""Separation, certificates, cross-region grants beside a table written by hand; a change is noticed."""

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import policy
import pytest
import yaml
from cases.flows import certificates as register
from cases.rules.dated import read
from ingest.flows import commands
from ingest.flows.duties import ENTER
from ingest.rules.kinds import kinds
from policy import Done, Policy, Principal
from publish.flows import duties
from qc.flows import holds as waiting
from qc.rules.custody.law import law_on

WRITTEN: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "duties_matrix.yaml").read_text())
POLICY = policy.load()
DAY, STEP = date(2026, 11, 28), timedelta(days=1)
MARKS = frozenset({"7"})


def separation_faults(of: Policy) -> Iterator[str]:
    """Where two acts of one person, or of two, come out otherwise than written."""
    for record, written in WRITTEN["separation"].items():
        for later in written["acts"]:
            clauses = {
                earlier: clause
                for clause, acts in written["barred"].get(later, {}).items()
                for earlier in acts
            }
            for earlier in written["acts"]:
                for on, holds in ((DAY, True), (written["from"], True), (written["from"] - STEP, False)):
                    found = of.separation.collisions(record, later, MARKS, [Done(earlier, MARKS, "7")], on)
                    said = [one.line.source for one in found]
                    due = clauses.get(earlier) if holds else None
                    if len(said) != (due is not None) or any(due not in source for source in said if due):
                        yield f"{record} {later} after {earlier} on {on}: {said}, written is {due}"
    others = {line.record for line in of.separation.lines} - set(WRITTEN["separation"])
    yield from (f"nothing is written of {record}" for record in others)
    acts = {record: set(written["acts"]) for record, written in WRITTEN["separation"].items()}
    for line in of.separation.lines:
        strange = (line.acts | line.apart_from) - acts.get(line.record, set())
        yield from (f"{line.id}: nothing is written of {act}" for act in strange)


def officer(*roles: str, dept: str = "ee.enf", **has: str) -> Principal:
    return Principal("7", dept=dept, region="131000", roles=frozenset(roles), token_id="j", **has)


def certificate_faults(of: Policy) -> Iterator[str]:
    """Who lacks a certificate for what, otherwise than written."""
    written = WRITTEN["certificates"]
    needs = {tuple(name.split(" of ")): set(rights) for name, rights in written["needs"].items()}
    for permission in of.permissions:
        for role in ("case.officer", "case.approver", "qc.reviewer", "inspection.drawer"):
            for dept in ("ee", "ee.enf"):
                due = permission in needs.get((role, dept), set())
                lacking = of.lacking(permission, officer(role, dept=dept), DAY)
                if (lacking is not None) != due or (lacking and written["clause"] not in lacking.rule):
                    yield f"{permission} by {role} of {dept}: {lacking}"
    for (role, dept), rights in needs.items():
        for permission in rights:
            until = {"certificate": "ZF-1", "certificate_until": DAY.isoformat()}
            for on, is_good in ((DAY, True), (DAY + STEP, False)):
                found = of.lacking(permission, officer(role, dept=dept, **until), on)
                if (found is None) != is_good:
                    yield f"{permission} with a certificate until {DAY} on {on}: {found}"
            for on, is_due in ((written["from"], True), (written["from"] - STEP, False)):
                if (of.lacking(permission, officer(role, dept=dept), on) is not None) != is_due:
                    yield f"{permission} on {on}"
            for other, freed in written["frees"].items():
                found = of.lacking(permission, officer(role, other, dept=dept), DAY)
                if (found is None) != (permission in freed):
                    yield f"{permission} by {role} and {other}: {found}"


def crossing_faults(of: Policy) -> Iterator[str]:
    """What may be granted in another region, otherwise than written."""
    written = WRITTEN["cross_region"]
    line = of.crossing.on(DAY)
    if line is None or of.crossing.on(written["from"]) != line or of.crossing.on(written["from"] - STEP):
        yield f"in force: {line}"
        return
    told = (sorted(line.permissions), sorted(line.purposes), line.max_days, line.ahead_days)
    if told != (written["permissions"], written["purposes"], written["max_days"], written["ahead_days"]):
        yield f"{told}"
    if written["clause"] not in line.source:
        yield line.source


def faults(of: Policy) -> list[str]:
    return [*separation_faults(of), *certificate_faults(of), *crossing_faults(of)]


def test_the_sections_are_as_written() -> None:
    assert faults(POLICY) == []


def mutants(line: Any, sets: tuple[str, ...], more: str, **other: Any) -> Iterator[Any]:
    """One line with one thing changed."""
    for days in (-1, 1):
        yield dataclasses.replace(line, valid_from=line.valid_from + days * STEP)
    yield dataclasses.replace(line, valid_to=DAY)
    yield dataclasses.replace(line, source="somebody said so")
    for name in sets:
        known = getattr(line, name)
        yield dataclasses.replace(line, **{name: known | {more}})
        yield from (dataclasses.replace(line, **{name: known - {one}}) for one in known)
    for name, value in other.items():
        yield dataclasses.replace(line, **{name: value})


def changed(section: str, number: int, by: list[Any]) -> Policy:
    known = getattr(POLICY, section)
    lines = (*known.lines[:number], *by, *known.lines[number + 1 :])
    return dataclasses.replace(POLICY, **{section: dataclasses.replace(known, lines=lines)})


SECTIONS = {
    "separation": (("acts", "apart_from"), "open", {"record": "nothing"}),
    "certificates": (("permissions",), "leads:open", {"role": "case.approver"}),
    "crossing": (("permissions", "purposes"), "cases:decide", {"max_days": 91, "ahead_days": 31}),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_line_removed_or_changed_is_noticed(section: str) -> None:
    judge = {
        "separation": separation_faults,
        "certificates": certificate_faults,
        "crossing": crossing_faults,
    }[section]
    sets, more, other = SECTIONS[section]
    survivors, count = [], 0
    for number, line in enumerate(getattr(POLICY, section).lines):
        for by in ([], *([one] for one in mutants(line, sets, more, **other))):
            count += 1
            if not any(judge(changed(section, number, by))):
                survivors.append((line, by))
    assert survivors == []
    assert count > 10


def test_the_acts_set_apart_are_acts_of_the_services() -> None:
    """An act misspelt in the policy would bar nobody."""
    law = law_on(DAY)
    known = {
        "case": {record["act"] for record in read("machine")["acts"]},
        "result": {stage.id for stage in law.stages} | {post.id for post in law.signing},
        "grant": {"give", "receive"},
        "release": {duties.DRAFT, duties.APPROVE, duties.PUBLISH, duties.PUBLISH_AUTOMATIC},
        "plans": {ENTER, *kinds()["plans"].steps},
        "station-changes": {ENTER, *kinds()["station-changes"].steps},
        "certificates": {register.ENTER, register.HOLD},
        "commands": {commands.REQUEST, commands.APPROVE},
        "holds": {waiting.PROPOSE, waiting.AGREE},
        "lims-steps": set(kinds()["lims-steps"].fields["step"].choices),
    }
    for line in POLICY.separation.lines:
        assert line.acts | line.apart_from <= known[line.record], line.id


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("separation", {"record": "nothing"}, "unknown record nothing"),
        ("separation", {"apart_from": ["review"]}, "an act apart from itself"),
        ("separation", {"source": " "}, "says no source"),
        ("certificates", {"permissions": ["audit:read"]}, "does not hold audit:read"),
        ("cross_region", {"permissions": ["audit:read"]}, "nobody holds audit:read for a region"),
        ("cross_region", {"purposes": ["curiosity"]}, "unknown purpose curiosity"),
        ("cross_region", {"max_days": 0}, "lasts no day"),
        ("cross_region", {"valid_to": date(2018, 1, 1)}, "ends before it begins"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused_with_the_file(section, change, told) -> None:
    text = Path(policy.__file__).with_name("policy.yaml").read_text(encoding="utf-8")
    raw = yaml.load(text, Loader=yaml.CSafeLoader)
    lines = raw[section]["rules"] if section == "separation" else raw[section]
    lines[0] |= change
    with pytest.raises(policy.PolicyError, match=told):
        policy.parse(yaml.dump(raw, Dumper=yaml.CSafeDumper, allow_unicode=True))

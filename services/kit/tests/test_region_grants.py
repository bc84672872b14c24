"""A grant for another region as every service judges it: one row at a time and as a WHERE clause."""

import dataclasses
from datetime import date

import policy
import pytest
from kit import auth
from policy.crossing import Crossing
from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.dialects import postgresql

PARENTS = {"131002": "131000", "131000": "130000", "131100": "130000"}
ROWS = Table("rows", MetaData(), Column("region", String))
LINE = policy.load().crossing.lines[0]
CROSSING = Crossing((dataclasses.replace(LINE, valid_from=date(1970, 1, 1)),))


def within(child: str, ancestor: str) -> bool:
    return child == ancestor or (child in PARENTS and within(PARENTS[child], ancestor))


def crossed(permission: str, role: str, dept: str, now: float) -> auth.Grant:
    """What `permission` is to somebody of 131100 who may `leads:read` in 131000 from second 100 to 200."""
    who = policy.Principal("7", dept=dept, region="131100", roles=frozenset({role}), token_id="j")
    rules = dataclasses.replace(policy.load(), crossing=CROSSING)
    given = policy.RegionGrant("g", "7", ("131000",), frozenset({"leads:read", "works:read"}), 100.0, 200.0)
    decision = rules.crossing.extend(rules.decide(permission, who), permission, [given], now)
    return auth.Grant(who, permission, decision, within)


@pytest.mark.parametrize(
    ("now", "reached"), [(99.9, False), (100.0, True), (199.9, True), (200.0, False), (99_999.0, False)]
)
def test_SLe_23_clause_and_require_reach_the_granted_region_to_the_second(now: float, reached: bool) -> None:
    grant = crossed("leads:read", "case.officer", "ee.enf", now)
    clause = str(
        grant.clause(["131000", "131002", "131100"], region=ROWS.c.region).compile(
            dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
        )
    )
    assert ("131002" in clause, grant.covers(policy.Row(region="131002"))) == (reached, reached)
    assert grant.covers(policy.Row(region="131100"))
    assert not grant.covers(policy.Row(region="130000"))


def test_SLe_23_a_grant_gives_no_role_no_other_right_and_no_row_of_ones_own_department() -> None:
    for permission, role, dept in (
        ("leads:decide", "case.officer", "ee.enf"),
        ("leads:read", "data.read", "water"),
        ("works:read", "data.submit", "water"),
    ):
        grant = crossed(permission, role, dept, 150.0)
        assert grant.decision.beyond == ()
        assert not grant.covers(policy.Row(region="131000", owner_dept=dept))

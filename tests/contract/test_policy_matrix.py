"""Every route × role × department × inside and outside: the outcome is the one written by hand."""

from functools import cache

import policy
import pytest
from hand_table import DEPARTMENTS, LINES, OPEN, ROLES
from reach import permission_faults, route_faults

POLICY = policy.load()


@cache
def faults_of(permission: str, number: int) -> list[str]:
    return list(permission_faults(POLICY, permission, next(line for line in LINES if line.number == number)))


@pytest.mark.parametrize("line", LINES, ids=[line.name for line in LINES])
def test_a_route_is_reached_as_far_as_written_by_hand(line) -> None:
    assert list(route_faults(POLICY, line)) == []
    route = POLICY.route(line.service, line.method, line.sample)
    assert route is not None and route.permission is not None
    assert faults_of(route.permission, line.number) == []


def test_every_route_of_the_policy_is_in_the_table_and_the_other_way_round() -> None:
    written = {(line.service, line.method, line.path) for line in LINES} | OPEN
    assert {(route.service, route.method, route.path) for route in POLICY.routes} == written
    assert len(LINES) + len(OPEN) == len(written), "a route is written twice"


def test_the_table_names_every_role_and_department_of_the_policy() -> None:
    assert set(ROLES) | {"public"} == set(POLICY.roles)
    assert set(DEPARTMENTS) - {None} == set(POLICY.departments)

"""One cell of the policy changed: the table written by hand notices, whichever cell it is.

A mutant that grants the same rows by another line is no change; everything else has to be noticed.
"""

import dataclasses
import random
from collections.abc import Iterator
from functools import cache

import policy
import pytest
from hand_table import DEPARTMENTS, LINES, ROLES, SERVICES, TABLE, Line, expected, shape
from kit.testing.routes import routes_of
from policy import Permission, PermissionGrant, Route
from reach import CELLS, REGIONS, cell_faults, public_faults, route_faults, rows_within, scopes_given
from wiring import application

POLICY = policy.load()
EVERY_DEPARTMENT = frozenset(DEPARTMENTS)
SAMPLED = 10_000
Grants = tuple[PermissionGrant, ...]
# The policy as it is, except for what a test puts into `CHANGED`.
CHANGED = dict(POLICY.permissions)
MUTANT = dataclasses.replace(POLICY, permissions=CHANGED)


def line_of(permission: str) -> Line:
    """A written line of a route with this permission."""
    for route in POLICY.routes:
        if route.permission == permission:
            return next(line for line in LINES if (line.service, line.method, line.path) == route_key(route))
    raise AssertionError(f"{permission} is asked for by no route")


def route_key(route: Route) -> tuple[str, str, str]:
    return route.service, route.method, route.path


def meaning(scopes: frozenset[str], dept: str | None) -> frozenset[str]:
    """Scopes without those that add no row to the others, for a principal of this department."""
    if "any" in scopes:
        return frozenset({"any"})
    if dept is None:
        return scopes - {"own", "addressed"}
    is_covered = "region" in scopes and dept not in TABLE["organisations"]
    return scopes - {"own"} if is_covered else scopes


@cache
def scopes_of(permission: str, role: str, dept: str | None) -> frozenset[str]:
    return scopes_in(POLICY.permissions[permission].grants, role, dept)


def scopes_in(grants: Grants, role: str, dept: str | None) -> frozenset[str]:
    return frozenset(
        grant.scope
        for grant in grants
        if grant.role in {role, policy.PUBLIC} and (grant.departments is None or dept in grant.departments)
    )


def with_cell(grants: Grants, role: str, dept: str | None, scope: policy.Scope) -> Grants:
    """The grants with one cell turned: taken from whom it was given to, given to whom it was not."""
    kept: list[PermissionGrant] = []
    was_granted = False
    for grant in grants:
        of = EVERY_DEPARTMENT if grant.departments is None else grant.departments
        if (grant.role, grant.scope) == (role, scope) and dept in of:
            was_granted = True
            kept.append(dataclasses.replace(grant, departments=of - {dept}))
        else:
            kept.append(grant)
    return tuple(kept) if was_granted else (*grants, PermissionGrant(role, frozenset({dept}), scope))


def put(permission: str, grants: Grants) -> None:
    known = POLICY.permissions[permission]
    CHANGED[permission] = Permission(known.name, known.zh, known.en, grants, known.source)


def survives_cell(permission: str, role: str, dept: str | None, scope: policy.Scope) -> bool:
    """Whether nobody notices that this one cell was turned. Only its own outcome can have changed."""
    before = scopes_of(permission, role, dept)
    grants = with_cell(POLICY.permissions[permission].grants, role, dept, scope)
    if meaning(scopes_in(grants, role, dept), dept) == meaning(before, dept):
        return False
    put(permission, grants)
    noticed = any(cell_faults(MUTANT, permission, line_number(permission), role, dept))
    CHANGED[permission] = POLICY.permissions[permission]
    return not noticed


@cache
def line_number(permission: str) -> int:
    return line_of(permission).number


def every_cell() -> list[tuple[str, str, str | None, policy.Scope]]:
    return [
        (permission, role, dept, scope)
        for permission in sorted(POLICY.permissions)
        for role, dept in CELLS
        for scope in policy.SCOPES
    ]


def test_cells_turned_at_random_are_noticed() -> None:
    chosen = random.Random(5).sample(every_cell(), SAMPLED)
    assert [cell for cell in chosen if survives_cell(*cell)] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_cell_turned_is_noticed() -> None:
    assert [cell for cell in every_cell() if survives_cell(*cell)] == []


def grant_mutants(grants: Grants) -> Iterator[Grants]:
    """One whole grant removed, widened, narrowed, or given another scope or role."""
    for number, grant in enumerate(grants):
        before, after = grants[:number], grants[number + 1 :]
        yield before + after
        changed = [dataclasses.replace(grant, scope=scope) for scope in policy.SCOPES]
        changed += [dataclasses.replace(grant, role=role) for role in ROLES]
        if grant.departments is None:
            changed += [dataclasses.replace(grant, departments=frozenset({"ee"}))]
        else:
            changed += [dataclasses.replace(grant, departments=None)]
        yield from ((*before, one, *after) for one in changed if one != grant)


def cells_of(roles: set[str]) -> list[tuple[str, str | None]]:
    """The cells a change of these roles' grants can touch; of the public's, every one."""
    return CELLS if policy.PUBLIC in roles else [cell for cell in CELLS if cell[0] in roles]


def is_same(permission: str, grants: Grants, cells: list[tuple[str, str | None]]) -> bool:
    return all(
        meaning(scopes_in(grants, role, dept), dept) == meaning(scopes_of(permission, role, dept), dept)
        for role, dept in cells
    )


def survives(permission: str, grants: Grants) -> bool:
    """Whether nobody notices these grants in the place of the known ones, though they are not the same."""
    line, known = line_of(permission), POLICY.permissions[permission].grants
    cells = cells_of({grant.role for grant in set(known) ^ set(grants)})
    put(permission, grants)
    noticed = any(public_faults(MUTANT, permission, line)) or any(
        fault for cell in cells for fault in cell_faults(MUTANT, permission, line.number, *cell)
    )
    CHANGED[permission] = POLICY.permissions[permission]
    return not noticed and not is_same(permission, grants, cells)


def test_a_grant_removed_widened_narrowed_or_moved_is_noticed() -> None:
    mutants = [
        (permission, grants)
        for permission in sorted(POLICY.permissions)
        for grants in grant_mutants(POLICY.permissions[permission].grants)
    ]
    assert [mutant for mutant in mutants if survives(*mutant)] == []
    assert len(mutants) > 10_000


def test_a_right_given_to_the_public_is_noticed() -> None:
    given = [
        (permission, (*POLICY.permissions[permission].grants, PermissionGrant(policy.PUBLIC, None, scope)))
        for permission in sorted(POLICY.permissions)
        for scope in policy.SCOPES
    ]
    assert [mutant for mutant in given if survives(*mutant)] == []


def test_a_route_with_another_permission_is_noticed_by_the_table_or_by_its_own_guard() -> None:
    """Where two permissions grant the same cells, the guard in the code still names which one it asks for."""
    guards = {
        (service, found.method, shape(found.path)): found.permissions
        for service in SERVICES
        for found in routes_of(application(service))
    }
    gives = {
        name: [
            rows_within(scopes, dept, region)
            for role, dept in CELLS
            for scopes in [scopes_given(POLICY, name, role, dept)]
            for region in REGIONS
        ]
        for name in POLICY.permissions
    }
    lines = {line.number: line for line in LINES}
    says = {
        number: [expected(number, *cell, region) for cell in CELLS for region in REGIONS] for number in lines
    }
    noticed = {
        (name, number): gives[name] != says[number] or any(public_faults(POLICY, name, line))
        for name in gives
        for number, line in lines.items()
    }
    survivors, swaps = [], 0
    for line in LINES:
        known = POLICY.route(line.service, line.method, line.sample)
        guard = guards.get((line.service, line.method, line.shape), ())
        for permission in POLICY.permissions.keys() - {known and known.permission}:
            swaps += 1
            if not noticed[permission, line.number] and (not guard or permission in guard):
                survivors.append((line.name, permission))
    assert swaps == len(LINES) * (len(POLICY.permissions) - 1)
    assert [name for name in survivors if "/parked" not in name[0]] == []


def test_a_route_that_is_open_moved_or_lost_is_noticed() -> None:
    survivors = []
    for number, route in enumerate(POLICY.routes):
        line = next((one for one in LINES if (one.service, one.method, one.path) == route_key(route)), None)
        if line is None:
            continue
        for changed in (
            (dataclasses.replace(route, permission=None),),
            (dataclasses.replace(route, through_edge=not route.through_edge),),
            (dataclasses.replace(route, service="nothing"),),
            (),
        ):
            routes = (*POLICY.routes[:number], *changed, *POLICY.routes[number + 1 :])
            if not any(route_faults(dataclasses.replace(POLICY, routes=routes), line)):
                survivors.append((line.name, changed))
    assert survivors == []

"""Every route × role × department × inside and outside: the outcome is the one written by hand."""

import dataclasses
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import policy
import pytest
import yaml
from policy import Permission, PermissionGrant, Policy, Principal, Row
from standards.regions import is_within

TABLE: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "policy_matrix.yaml").read_text(), Loader=yaml.CSafeLoader
)
POLICY = policy.load()
REGIONS = ("131000", "131002", "131100")
USCC, OTHER = "91131000MA00000001", "91131000MA00000002"
DEPARTMENTS = [None, *TABLE["government"], *TABLE["organisations"]]
GROUPS = {
    "*": DEPARTMENTS,
    "government": TABLE["government"],
    "organisations": TABLE["organisations"],
}
ROLES = TABLE["roles"]

within = cache(is_within)


def sample_rows(dept: str | None) -> dict[str, Row]:
    own = {"owner_dept": dept, "owner_uscc": USCC}
    other = {"owner_dept": "another", "owner_uscc": OTHER}
    return {
        "city": Row("131000", **other),
        "county": Row("131002", **other),
        "neighbour": Row("131100", **other),
        "mine": Row("131000", **own),
        "elsewhere": Row("131100", **own),
        "addressed": Row("131100", **other, addressed_to=f"{dept}@131000"),
        "published": Row("131100", **other, is_published=True),
    }


def principal(role: str, dept: str | None, region: str) -> Principal:
    uscc = USCC if dept in TABLE["organisations"] else None
    return Principal("7", dept=dept, region=region, roles=frozenset({role}), uscc=uscc, token_id="j")


def reached(policy_: Policy, permission: str, who: Principal) -> frozenset[str]:
    decision = policy_.decide(permission, who)
    rows = sample_rows(who.dept)
    return frozenset(name for name, row in rows.items() if policy.reaches(decision, who, row, within))


def holders(entry: dict[str, Any], word: str) -> Iterator[tuple[frozenset[str | None], frozenset[str]]]:
    lines = entry.get(word, [])
    for line in [lines] if isinstance(lines, str) else lines:
        if line == "everybody":
            yield frozenset(DEPARTMENTS), frozenset(ROLES)
            continue
        left, _, right = line.partition("/")
        departments: set[str | None] = set()
        for name in left.split():
            groups = {
                "*": DEPARTMENTS,
                "government": TABLE["government"],
                "organisations": TABLE["organisations"],
            }
            departments |= set(groups.get(name, [name]))
        yield frozenset(departments), frozenset(right.split())


def expected(entry: dict[str, Any], role: str, dept: str | None, region: str) -> frozenset[str]:
    rows: set[str] = set()
    for word in TABLE["reach"]:
        for departments, roles in holders(entry, word):
            nobodys = dept is None and word in {"own", "addressed"}
            if dept in departments and role in roles and not nobodys:
                organisation = word == "own" and dept in TABLE["organisations"]
                meaning = "own of an organisation" if organisation else word
                rows |= set(TABLE["reach"][meaning][int(region)])
    return frozenset(rows)


def lines() -> Iterator[tuple[str, bool, dict[str, Any]]]:
    for section, through_edge in (("matrix", True), ("inside", False)):
        for entry in TABLE[section]:
            for route in entry["routes"]:
                yield route, through_edge, entry


LINES = list(lines())


def name_of(route: policy.Route) -> str:
    return f"{route.service} {route.method} {route.path}"


def permission_of(name: str) -> str:
    found = next((route for route in POLICY.routes if name_of(route) == name), None)
    assert found is not None, f"{name} is not in the policy"
    assert found.permission is not None, f"{name} is open"
    return found.permission


@cache
def reach_table(permission: str) -> dict[tuple[str, str | None, str], frozenset[str]]:
    cells = itertools.product(ROLES, DEPARTMENTS, REGIONS)
    return {cell: reached(POLICY, permission, principal(*cell)) for cell in cells}


@pytest.mark.parametrize(("name", "through_edge", "entry"), LINES, ids=[name for name, _, _ in LINES])
def test_a_route_is_reached_as_far_as_written_by_hand(name, through_edge, entry) -> None:
    found = reach_table(permission_of(name))
    wrong = {
        cell: (sorted(found[cell]), sorted(expected(entry, *cell)))
        for cell in found
        if found[cell] != expected(entry, *cell)
    }
    assert not wrong
    public = "published" in entry
    seen = reached(POLICY, permission_of(name), policy.ANONYMOUS)
    assert seen == (frozenset({"published"}) if public else frozenset())
    route = next(route for route in POLICY.routes if name_of(route) == name)
    assert route.through_edge == through_edge


def test_every_route_of_the_policy_is_in_the_table_and_the_other_way_round() -> None:
    written = {name for name, _, _ in LINES}
    for service in ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway"):
        written |= {f"{service} {line}" for line in TABLE["open"]}
    written |= {f"gateway {line}" for line in TABLE["open of the gateway"]}
    assert {name_of(route) for route in POLICY.routes} == written


def test_the_table_names_every_role_and_department_of_the_policy() -> None:
    assert set(ROLES) | {"public"} == set(POLICY.roles)
    assert set(DEPARTMENTS) - {None} == set(POLICY.departments)


def mutations(permission: Permission) -> Iterator[tuple[PermissionGrant, ...]]:
    """The grants of a permission with one cell changed."""
    grants = permission.grants
    for number, grant in enumerate(grants):
        before, after = grants[:number], grants[number + 1 :]
        yield before + after
        for scope in policy.SCOPES:
            if scope != grant.scope:
                yield (*before, dataclasses.replace(grant, scope=scope), *after)
        if grant.departments is None:
            if grant.role != policy.PUBLIC:
                yield (*before, dataclasses.replace(grant, departments=frozenset({"ee"})), *after)
        else:
            yield (*before, dataclasses.replace(grant, departments=grant.departments | {"police"}), *after)
            for dept in sorted(grant.departments)[:3]:
                fewer = grant.departments - {dept}
                yield (*before, dataclasses.replace(grant, departments=fewer), *after)
    for role in ("auditor", "qc.signatory", "platform.admin", "data.read"):
        yield (*grants, PermissionGrant(role, None, "region"))


def is_noticed(permission: str, grants: tuple[PermissionGrant, ...], entry: dict[str, Any]) -> bool:
    changed = dataclasses.replace(POLICY.permissions[permission], grants=grants)
    mutant = dataclasses.replace(POLICY, permissions=POLICY.permissions | {permission: changed})
    if (reached(mutant, permission, policy.ANONYMOUS) != frozenset()) != ("published" in entry):
        return True
    cells = itertools.product(ROLES, DEPARTMENTS, ("131000", "131100"))
    return any(reached(mutant, permission, principal(*cell)) != expected(entry, *cell) for cell in cells)


def widest(scopes: set[str]) -> frozenset[str]:
    if "any" in scopes:
        return frozenset({"any"})
    return frozenset(scopes - {"own"}) if "region" in scopes else frozenset(scopes)


def is_same_right(permission: Permission, grants: tuple[PermissionGrant, ...]) -> bool:
    """A change that changes nothing: the same cells are granted by another line."""

    def cells(of: tuple[PermissionGrant, ...]) -> dict[tuple[str, str | None], frozenset[str]]:
        found: dict[tuple[str, str | None], set[str]] = {}
        for grant in of:
            for dept in DEPARTMENTS if grant.departments is None else grant.departments:
                found.setdefault((grant.role, dept), set()).add(grant.scope)
        return {
            cell: frozenset(
                {"any"} if "any" in scopes else scopes - ({"own"} if "region" in scopes else set())
            )
            for cell, scopes in found.items()
        }

    return cells(permission.grants) == cells(grants)


@pytest.mark.parametrize("permission", sorted(POLICY.permissions))
def test_one_changed_cell_of_the_policy_is_noticed(permission) -> None:
    entry = next(entry for name, _, entry in LINES if permission_of(name) == permission)
    known = POLICY.permissions[permission]
    for grants in mutations(known):
        assert is_same_right(known, grants) or is_noticed(permission, grants, entry), grants

"""How far a policy really reaches: its own judgement on sample rows, beside what was written by hand."""

import itertools
from collections.abc import Iterator
from functools import cache

import policy
from hand_table import DEPARTMENTS, ROLES, TABLE, Line, expected
from policy import Policy, Principal, Row, Scope
from standards.regions import is_within

REGIONS = ("131000", "131002", "131100")
USCC, OTHER = "91131000MA00000001", "91131000MA00000002"
CELLS = list(itertools.product(ROLES, DEPARTMENTS))

within = cache(is_within)


@cache
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
        "team": Row("131100", **other, is_on_team=True),
    }


@cache
def principal(role: str, dept: str | None, region: str) -> Principal:
    uscc = USCC if dept in TABLE["organisations"] else None
    return Principal("7", dept=dept, region=region, roles=frozenset({role}), uscc=uscc, token_id="j")


@cache
def rows_within(scopes: frozenset[Scope], dept: str | None, region: str) -> frozenset[str]:
    """The sample rows that these scopes give; which role has them is no matter."""
    decision, who = policy.Decision(bool(scopes), scopes, ""), principal("", dept, region)
    return frozenset(
        name for name, row in sample_rows(dept).items() if policy.reaches(decision, who, row, within)
    )


def scopes_given(policy_: Policy, permission: str, role: str, dept: str | None) -> frozenset[Scope]:
    """The policy's own decision; it looks at no region."""
    return policy_.decide(permission, principal(role, dept, REGIONS[0])).scopes


def cell_faults(policy_: Policy, permission: str, number: int, role: str, dept: str | None) -> Iterator[str]:
    """Where one cell of a permission reaches otherwise than entry `number` says."""
    scopes = scopes_given(policy_, permission, role, dept)
    for region in REGIONS:
        found, written = rows_within(scopes, dept, region), expected(number, role, dept, region)
        if found != written:
            yield f"{role} of {dept} in {region} reaches {sorted(found)}, written is {sorted(written)}"


def reaches_as_public(policy_: Policy, permission: str) -> frozenset[str]:
    decision = policy_.decide(permission, policy.ANONYMOUS)
    rows = sample_rows(None)
    return frozenset(
        name for name, row in rows.items() if policy.reaches(decision, policy.ANONYMOUS, row, within)
    )


def public_faults(policy_: Policy, permission: str, line: Line) -> Iterator[str]:
    found = reaches_as_public(policy_, permission)
    if found != (frozenset({"published"}) if line.is_public else frozenset()):
        yield f"anonymous reaches {sorted(found)}"


def permission_faults(policy_: Policy, permission: str, line: Line) -> Iterator[str]:
    """Every cell of a permission beside the line that a route with it has."""
    yield from public_faults(policy_, permission, line)
    for role, dept in CELLS:
        yield from cell_faults(policy_, permission, line.number, role, dept)


def route_faults(policy_: Policy, line: Line) -> Iterator[str]:
    """What the policy says of a route otherwise than its line; the cells of its permission aside."""
    route = policy_.route(line.service, line.method, line.sample)
    if route is None:
        yield "no such route in the policy"
    elif (route.path, route.through_edge) != (line.path, not line.is_inside):
        yield f"is {route.path}, through the edge: {route.through_edge}"
    elif route.permission is None:
        yield "is open"

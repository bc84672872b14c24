"""Reading `policy.yaml`, and showing it as a table.

Promises: a file that names an unknown role, department, scope or permission is refused with every error at
once; two routes that would match the same request are refused too. Leaves judging to `evaluation`.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from policy.certificates import Certificates, certificate_errors, certificate_table, certificates_of
from policy.crossing import Crossing, crossing_errors, crossing_of, crossing_table
from policy.evaluation import Policy
from policy.model import PUBLIC, SCOPES, Permission, PermissionGrant, Route
from policy.records import Records, record_errors, records_of
from policy.separation import Separation, separation_errors, separation_of, separation_table

EVERYWHERE = "every service"
OPEN = "open"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


class PolicyError(ValueError):
    """The policy file contradicts itself; the message lists every contradiction."""


@cache
def load() -> Policy:
    """The policy packaged with this version of the platform."""
    return parse(files("policy").joinpath("policy.yaml").read_text(encoding="utf-8"))


def parse(text: str) -> Policy:
    """A policy from the text of one file. Raises PolicyError."""
    raw = yaml.load(text, Loader=yaml.CSafeLoader)
    routes = tuple(_routes(raw))
    permissions = {name: _permission(name, entry, raw) for name, entry in raw["permissions"].items()}
    records = records_of(raw["record"]) if "record" in raw else Records()
    errors = [*_permission_errors(permissions, raw), *_route_errors(routes, permissions)]
    errors += record_errors(records, permissions, raw["departments"])
    separation = separation_of(raw["separation"]) if "separation" in raw else Separation()
    certificates = certificates_of(raw["certificates"]) if "certificates" in raw else Certificates()
    crossing = crossing_of(raw["cross_region"]) if "cross_region" in raw else Crossing()
    granted = {name: {grant.role for grant in one.grants} for name, one in permissions.items()}
    regional = [name for name, one in permissions.items() if any(g.scope == "region" for g in one.grants)]
    errors += [*separation_errors(separation), *certificate_errors(certificates, granted)]
    errors += crossing_errors(crossing, regional, records.purposes)
    if errors:
        raise PolicyError("\n".join(errors))
    return Policy(
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        valid_from=str(raw["valid_from"]),
        permissions=permissions,
        routes=routes,
        roles=raw["roles"],
        departments=raw["departments"],
        records=records,
        separation=separation,
        certificates=certificates,
        crossing=crossing,
    )


def _permission(name: str, entry: dict[str, Any], raw: dict[str, Any]) -> Permission:
    grants = tuple(
        PermissionGrant(role, _departments(grant["departments"], raw), grant["scope"])
        for grant in entry["grants"]
        for role in grant["roles"]
    )
    return Permission(name, entry["zh"], entry["en"], grants, entry["source"])


def _departments(text: str | list[str], raw: dict[str, Any]) -> frozenset[str] | None:
    if text == "any":
        return None
    if isinstance(text, str):
        return frozenset(slug for slug, entry in raw["departments"].items() if entry["kind"] == text)
    return frozenset(text)


def _routes(raw: dict[str, Any]) -> Iterator[Route]:
    for section, through_edge in (("routes", True), ("inside", False)):
        for owner, entries in raw[section].items():
            services = raw["services"] if owner == EVERYWHERE else [owner]
            for line, permission in entries.items():
                method, _, path = line.partition(" ")
                for service in services:
                    needed = None if permission == OPEN else permission
                    yield Route(service, method, path, needed, through_edge)


def _permission_errors(permissions: dict[str, Permission], raw: dict[str, Any]) -> Iterator[str]:
    for name, permission in permissions.items():
        if not permission.grants:
            yield f"{name}: nobody is granted it"
        for grant in permission.grants:
            if grant.role not in raw["roles"]:
                yield f"{name}: unknown role {grant.role}"
            if grant.scope not in SCOPES:
                yield f"{name}: unknown scope {grant.scope}"
            if grant.departments is not None and not grant.departments:
                yield f"{name}: no department of that kind"
            for slug in sorted((grant.departments or frozenset()) - set(raw["departments"])):
                yield f"{name}: unknown department {slug}"
            if grant.role == PUBLIC and (grant.departments is not None or grant.scope != "published"):
                yield f"{name}: the public is granted what is published, whatever the department"


def _route_errors(routes: tuple[Route, ...], permissions: dict[str, Permission]) -> Iterator[str]:
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    for route in routes:
        where = f"{route.service}: {route.method} {route.path}"
        if route.permission is not None and route.permission not in permissions:
            yield f"{where}: unknown permission {route.permission}"
        if route.method not in METHODS or not route.path.startswith("/"):
            yield f"{where}: not a method and a path"
        if route.permission is None and route.through_edge:
            yield f"{where}: open routes are not reachable through the edge"
        shape = tuple("{}" if part.startswith("{") else part for part in route.path.split("/"))
        key = (route.service, route.method, shape)
        if key in seen:
            yield f"{where}: listed twice"
        seen.add(key)
    used = {route.permission for route in routes}
    yield from (f"{name}: no route needs it" for name in permissions if name not in used)


def table(policy: Policy | None = None) -> str:
    """The policy as Markdown: one line per permission and grant, with the routes that need it."""
    policy = policy or load()
    lines = [
        f"Policy `{policy.version}`, in force from {policy.valid_from}.",
        "",
        "| permission | 权限 | routes | role | departments | scope | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for permission in policy.permissions.values():
        needing = dict.fromkeys(
            f"`{route.method} {route.path}`" for route in policy.routes if route.permission == permission.name
        )
        head = f"| **{permission.name}** {permission.en} | {permission.zh} | {' '.join(needing)} "
        for (departments, scope), roles in _merged(permission).items():
            lines.append(f"{head}| {' '.join(roles)} | {departments} | {scope} | {permission.source} |")
            head = "| | | "
    for section in (
        separation_table(policy.separation),
        certificate_table(policy.certificates),
        crossing_table(policy.crossing),
        _record_table(policy.records),
    ):
        lines += ["", *section]
    return "\n".join(lines) + "\n"


def _record_table(records: Records) -> Iterator[str]:
    """What is on record, as a second table."""
    yield "## On record 留痕"
    yield ""
    yield "| rule | from | until | what | source |"
    yield "|---|---|---|---|---|"
    for line in records.lines:
        values = " · ".join(f"{name}: {value}" for name, value in line.shown)
        yield f"| {line.rule} | {line.valid_from} | {line.valid_to or ''} | {values} | {line.source} |"
    yield ""
    yield "| purpose (`X-Purpose`) | 目的 | | needs a case (`X-Case`) |"
    yield "|---|---|---|---|"
    for code, purpose in records.purposes.items():
        yield f"| `{code}` | {purpose.zh} | {purpose.en} | {'yes 是' if purpose.needs_case else ''} |"


def _merged(permission: Permission) -> dict[tuple[str, str], list[str]]:
    """The roles of a permission by departments and scope."""
    found: dict[tuple[str, str], list[str]] = {}
    for grant in permission.grants:
        departments = "any" if grant.departments is None else " ".join(sorted(grant.departments))
        found.setdefault((departments, grant.scope), []).append(grant.role)
    return found

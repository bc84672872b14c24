"""Judging by the policy: which route is this, may this principal, is this row within reach.

Promises: pure, and denies whatever is not granted: an unknown route, permission, role, department or scope,
a row without the field its scope asks for. Regions are compared only by the `within` handed in (the dated
parent table), never by prefix: 131000's prefix would also match 131100. Leaves HTTP answers to `kit.auth`.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from urllib.parse import unquote

from policy.certificates import Certificates, Lacking
from policy.crossing import Crossing
from policy.model import (
    PUBLIC,
    Decision,
    Permission,
    PermissionGrant,
    Principal,
    Route,
    Row,
    Scope,
    Within,
)
from policy.records import Records
from policy.separation import Separation


@dataclass(frozen=True)
class Policy:
    """The whole policy, as read from one file. `version` is a digest of that file."""

    version: str
    valid_from: str
    permissions: dict[str, Permission]
    routes: tuple[Route, ...]
    roles: dict[str, dict[str, str]]
    departments: dict[str, dict[str, str]]
    records: Records = field(default_factory=Records)
    separation: Separation = field(default_factory=Separation)
    certificates: Certificates = field(default_factory=Certificates)
    crossing: Crossing = field(default_factory=Crossing)

    @cached_property
    def _index(self) -> dict[tuple[str, str, int], list[tuple[tuple[str, ...], Route]]]:
        index: dict[tuple[str, str, int], list[tuple[tuple[str, ...], Route]]] = {}
        for route in self.routes:
            parts = tuple(route.path.strip("/").split("/"))
            index.setdefault((route.service, route.method, len(parts)), []).append((parts, route))
        for found in index.values():
            found.sort(key=lambda entry: [part.startswith("{") for part in entry[0]])
        return index

    def route(self, service: str, method: str, path: str) -> Route | None:
        """The route a request addresses, None when there is no such route.

        `path` is as the service sees it, still percent-encoded, without the query; HEAD counts as GET. A path
        that two readers could read differently (`..`, `//`, `%2F`, a backslash, control characters) is none.

        Worked example: `route("cases", "POST", "/leads/7/file")` is `POST /leads/{id}/file`.
        """
        segments = _segments(path)
        if segments is None:
            return None
        key = (service, "GET" if method == "HEAD" else method, len(segments))
        for template, route in self._index.get(key, ()):
            if all(t.startswith("{") or t == s for t, s in zip(template, segments, strict=True)):
                return route
        return None

    def decide(self, permission: str, principal: Principal) -> Decision:
        """Whether `principal` holds `permission` (`resource:action`), and how far.

        Worked example: case.officer of ee.enf holds `leads:file` with scope `region`; of water, not at all.
        """
        known = self.permissions.get(permission)
        if known is None:
            return Decision(False, frozenset(), "unknown-permission")
        held = [grant for grant in known.grants if grant.role in principal.roles or grant.role == PUBLIC]
        if not held:
            return Decision(False, frozenset(), "role-not-granted")
        fitting = [grant for grant in held if _is_of(principal.dept, grant)]
        if not fitting:
            return Decision(False, frozenset(), "department-not-granted")
        return Decision(True, frozenset(grant.scope for grant in fitting), "granted")

    def lacking(self, permission: str, principal: Principal, on: date) -> Lacking | None:
        """What a holder of `permission` lacks of the certificate that it needs on a legal day, if anything.

        Worked example: `cases:confirm-fraud` by a case.officer whose certificate ended yesterday is expired.
        """
        by = {
            grant.role
            for grant in self.permissions[permission].grants
            if grant.role in principal.roles and _is_of(principal.dept, grant)
        }
        number, until = principal.certificate, principal.certificate_until
        return self.certificates.lacking(permission, by, number, until, on)


def _is_of(dept: str | None, grant: PermissionGrant) -> bool:
    return grant.departments is None or dept in grant.departments


# What reads the same to everybody, percent-encoding and dots at the beginning of a segment aside.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~:@,+-][A-Za-z0-9._~:@,+-]*)+")


def _segments(path: str) -> list[str] | None:
    if _PLAIN.fullmatch(path):
        return path[1:].split("/")
    if not path.startswith("/"):
        return None
    segments = [unquote(part) for part in path[1:].split("/")]
    if any(part in {"", ".", ".."} or _is_ambiguous(part) for part in segments):
        return None
    return segments


def _is_ambiguous(segment: str) -> bool:
    return any(c in "/\\%?#" or not c.isprintable() or c == "\ufffd" for c in segment)


def in_scope(scope: Scope, principal: Principal, row: Row, within: Within) -> bool:
    """Whether `row` is within reach of `principal` under one scope. A missing field is never within reach.

    any: every row · published: what is public · team: the asker is on the row's special-case team ·
    region: the row's region lies in the principal's region (counties of a city included) · addressed:
    addressed to this department of this region · own: the same organisation (USCC), or the same department
    within the principal's region.

    Worked example: scope `region`, principal of 131000: a row of 131002 is within reach, of 131100 not.
    """
    if scope == "any":
        return True
    if scope == "published":
        return row.is_published
    if scope == "addressed":
        mine = f"{principal.dept}@{principal.region}"
        return None not in (principal.dept, principal.region) and row.addressed_to == mine
    if scope == "team":
        return row.is_on_team
    inside = None not in (row.region, principal.region) and within(row.region or "", principal.region or "")
    if scope == "region":
        return inside
    if scope == "own":
        same_organisation = principal.uscc is not None and row.owner_uscc == principal.uscc
        same_department = principal.dept is not None and row.owner_dept == principal.dept
        return same_organisation or (inside and same_department)
    return False


def reaches(decision: Decision, principal: Principal, row: Row, within: Within) -> bool:
    """Whether an allowed decision reaches `row` under any of its scopes, or in a granted region."""
    if not decision.allowed:
        return False
    if row.region is not None and any(within(row.region, region) for region in decision.added):
        return True
    return any(in_scope(scope, principal, row, within) for scope in decision.scopes)

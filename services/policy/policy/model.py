"""The words of the policy: principal, permission, route, decision, row.

Promises: immutable values without behaviour beyond their own fields. Leaves reading `policy.yaml` to `source`
and judging to `evaluation`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Scope = Literal["any", "region", "addressed", "own", "team", "published"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Within = Callable[[str, str], bool]
PUBLIC = "public"


@dataclass(frozen=True)
class Principal:
    """Who asks: a person, a department system or a service of ours, as the token says.

    `region` is a GB/T 2260 code, `dept` a department slug, `uscc` the organisation a unit, agency or operator
    belongs to; `expires_at` is the token's `exp` in unix seconds; `certificate` and `certificate_until` are
    number and last day (ISO 8601) of the enforcement certificate. Everybody also has the role `public`.
    """

    subject: str
    name: str = ""
    dept: str | None = None
    region: str | None = None
    roles: frozenset[str] = frozenset()
    org_type: str | None = None
    uscc: str | None = None
    client: str | None = None
    token_id: str | None = None
    expires_at: int = 0
    certificate: str | None = None
    certificate_until: str | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.token_id is None and self.subject == ANONYMOUS.subject

    @property
    def text(self) -> str:
        """The short form used in records: `ee.enf/case.officer@131000`."""
        if self.is_anonymous:
            return self.subject
        roles = "+".join(sorted(self.roles - {PUBLIC})) or PUBLIC
        return f"{self.dept or self.client or '-'}/{roles}@{self.region or '-'}"


def principal_of(claims: dict[str, Any]) -> Principal:
    """The principal of verified token claims, as the realm writes them. Raises ValueError.

    Worked example: `{"sub": "7", "dept": "ee", "realm_access": {"roles": ["data.read"]}, "exp": 1, …}`.
    """
    names = ("sub", "preferred_username", "azp", "jti", "dept", "region", "org_type", "uscc")
    of_officers = ("officer_cert_no", "officer_cert_expiry")
    text = {name: claims.get(name) or None for name in (*names, *of_officers)}
    access = claims.get("realm_access") or {}
    roles = access.get("roles", []) if isinstance(access, dict) else None
    if not isinstance(roles, list) or not _are_texts([*roles, *filter(None, text.values())]):
        raise ValueError("a claim is not of the expected type")
    return Principal(
        subject=text["sub"] or "",
        name=text["preferred_username"] or text["azp"] or "",
        dept=text["dept"],
        region=text["region"],
        roles=frozenset(roles),
        org_type=text["org_type"],
        uscc=text["uscc"],
        client=text["azp"],
        token_id=text["jti"] or text["sub"],
        expires_at=int(claims["exp"]),
        certificate=text["officer_cert_no"],
        certificate_until=text["officer_cert_expiry"],
    )


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


ANONYMOUS = Principal(subject="anonymous", name="anonymous", roles=frozenset({PUBLIC}))


@dataclass(frozen=True)
class PermissionGrant:
    """One cell of the table: holders of `role` in `departments` (None = whichever) may, as far as `scope`."""

    role: str
    departments: frozenset[str] | None
    scope: Scope


@dataclass(frozen=True)
class Permission:
    """`resource:action`, its names for people, its grants and where the rule comes from."""

    name: str
    zh: str
    en: str
    grants: tuple[PermissionGrant, ...]
    source: str


@dataclass(frozen=True)
class Route:
    """A method and path template of a service. `permission` None means open to whoever can reach it."""

    service: str
    method: str
    path: str
    permission: str | None
    through_edge: bool


@dataclass(frozen=True)
class RegionGrant:
    """`subject` may use `permissions` also in `regions` (and below), from `begins` until before `ends`.

    Instants in unix seconds.
    """

    id: str
    subject: str
    regions: tuple[str, ...]
    permissions: frozenset[str]
    begins: float
    ends: float


@dataclass(frozen=True)
class Decision:
    """Whether a principal holds a permission, how far, and why. A row within any of the scopes counts.

    `beyond` are the cross-region grants that add their regions to the scope `region`.
    """

    allowed: bool
    scopes: frozenset[Scope]
    reason: str
    beyond: tuple[RegionGrant, ...] = ()

    @property
    def added(self) -> tuple[str, ...]:
        """The regions that cross-region grants add to one's own."""
        return tuple(region for one in self.beyond for region in one.regions if "region" in self.scopes)

    @property
    def scope(self) -> Scope | None:
        """The widest of the scopes, for display."""
        return next((scope for scope in SCOPES if scope in self.scopes), None)


@dataclass(frozen=True)
class Row:
    """What the policy needs to know of one row. `addressed_to` reads `dept@region`, e.g. `police@131000`;
    `is_on_team`: the asker belongs to the special-case team of the row now.
    """

    region: str | None = None
    owner_dept: str | None = None
    owner_uscc: str | None = None
    addressed_to: str | None = None
    is_published: bool = False
    is_on_team: bool = False

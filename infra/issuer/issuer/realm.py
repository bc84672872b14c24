"""The realm: a Keycloak export, read as far as the embedded issuer needs it.

Promises: users, clients, roles, groups and protocol mappers mean here what they mean in Keycloak; a mapper
this issuer does not know is refused at the start rather than ignored. Leaves secrets to `credentials`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Claims = dict[str, Any]


class RealmError(ValueError):
    """The realm file cannot be used; the message says where."""


@dataclass(frozen=True)
class User:
    id: str
    username: str
    full_name: str
    attributes: dict[str, str]
    roles: tuple[str, ...]
    is_enabled: bool = True


@dataclass(frozen=True)
class Mapper:
    """A protocol mapper: what it puts where. `places` are `access`, `id`, `userinfo`."""

    kind: str
    config: dict[str, str]
    places: frozenset[str]


@dataclass(frozen=True)
class Client:
    id: str
    is_public: bool
    is_enabled: bool
    has_password_grant: bool
    has_code_flow: bool
    redirect_uris: frozenset[str]
    logout_uris: frozenset[str]
    needs_pkce: bool
    service_account: User | None
    jwks: str | None
    scope: str
    mappers: tuple[Mapper, ...]


@dataclass(frozen=True)
class Lifetimes:
    """Seconds."""

    access_token: int
    code: int
    login: int
    idle_session: int
    longest_session: int


@dataclass(frozen=True)
class BruteForce:
    """After `failures` wrong passwords a user waits `wait` seconds, longer each time."""

    failures: int
    wait: int
    longest_wait: int
    forgotten_after: int


@dataclass(frozen=True)
class Realm:
    name: str
    lifetimes: Lifetimes
    brute_force: BruteForce
    users: dict[str, User]
    clients: dict[str, Client] = field(default_factory=dict)


def load(path: Path) -> Realm:
    """The realm of a Keycloak export file. Raises RealmError."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return _realm(raw)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RealmError(f"{path}: {error!r}") from error


def _realm(raw: dict[str, Any]) -> Realm:
    groups = {path: entry for group in raw["groups"] for path, entry in _flat(group)}
    people = [_user(entry, groups) for entry in raw["users"]]
    accounts = {
        entry["serviceAccountClientId"]: user
        for entry, user in zip(raw["users"], people, strict=True)
        if entry.get("serviceAccountClientId")
    }
    scopes = {scope["name"]: scope for scope in raw["clientScopes"]}
    clients = [_client(entry, scopes, accounts) for entry in raw["clients"]]
    return Realm(
        name=raw["realm"],
        lifetimes=Lifetimes(
            raw["accessTokenLifespan"],
            raw["accessCodeLifespan"],
            raw["accessCodeLifespanLogin"],
            raw["ssoSessionIdleTimeout"],
            raw["ssoSessionMaxLifespan"],
        ),
        brute_force=BruteForce(
            raw["failureFactor"],
            raw["waitIncrementSeconds"],
            raw["maxFailureWaitSeconds"],
            raw["maxDeltaTimeSeconds"],
        ),
        users={user.username.lower(): user for user in people if user not in accounts.values()},
        clients={client.id: client for client in clients},
    )


def _flat(group: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(group["path"], group)]
    for inner in group.get("subGroups", []):
        found += _flat(inner)
    return found


def _user(entry: dict[str, Any], groups: dict[str, dict[str, Any]]) -> User:
    roles: dict[str, None] = dict.fromkeys(entry.get("realmRoles", []))
    attributes: dict[str, str] = {}
    for path in entry.get("groups", []):
        for depth in range(2, len(path.split("/")) + 1):
            group = groups["/".join(path.split("/")[:depth])]
            attributes |= {name: values[0] for name, values in group.get("attributes", {}).items()}
            roles |= dict.fromkeys(group.get("realmRoles", []))
    attributes |= {name: values[0] for name, values in entry.get("attributes", {}).items()}
    names = [entry[name] for name in ("firstName", "lastName") if entry.get(name)]
    return User(
        entry["id"], entry["username"], " ".join(names), attributes, tuple(roles), entry.get("enabled", True)
    )


def _client(entry: dict[str, Any], scopes: dict[str, dict[str, Any]], accounts: dict[str, User]) -> Client:
    own = [scopes[name] for name in entry["defaultClientScopes"]]
    mappers = [mapper for scope in own for mapper in scope.get("protocolMappers", [])]
    attributes = entry.get("attributes", {})
    shown = [scope["name"] for scope in own if scope["attributes"]["include.in.token.scope"] == "true"]
    return Client(
        id=entry["clientId"],
        is_public=entry["publicClient"],
        is_enabled=entry["enabled"],
        has_password_grant=entry["directAccessGrantsEnabled"],
        has_code_flow=entry["standardFlowEnabled"],
        redirect_uris=frozenset(entry["redirectUris"]),
        logout_uris=frozenset(filter(None, attributes.get("post.logout.redirect.uris", "").split("##"))),
        needs_pkce=entry["publicClient"] or attributes.get("pkce.code.challenge.method") == "S256",
        service_account=accounts.get(entry["clientId"]) if entry["serviceAccountsEnabled"] else None,
        jwks=attributes.get("jwks.string") if entry["clientAuthenticatorType"] == "client-jwt" else None,
        scope=" ".join(shown),
        mappers=tuple(_mapper(mapper) for mapper in [*mappers, *entry.get("protocolMappers", [])]),
    )


def _mapper(entry: dict[str, Any]) -> Mapper:
    kind, config = entry["protocolMapper"], entry["config"]
    if kind not in MAPPERS:
        raise ValueError(f"unknown protocol mapper {kind}")
    places = {place for place in ("access", "id", "userinfo") if config.get(f"{place}.token.claim") == "true"}
    return Mapper(kind, config, frozenset(places))


def mapped_claims(client: Client, user: User, place: str, session: dict[str, int]) -> Claims:
    """The claims that the client's mappers put into one place (`access`, `id` or `userinfo`)."""
    claims: Claims = {}
    for mapper in client.mappers:
        if place in mapper.places:
            for name, value in MAPPERS[mapper.kind](mapper.config, user, session).items():
                _put(claims, name, value)
    return claims


def _put(claims: Claims, name: str, value: Any) -> None:
    """Dots nest, as in Keycloak: `realm_access.roles`. One audience is a text, several are a list."""
    if value is None:
        return
    if name == "aud":
        there = claims.get("aud")
        claims["aud"] = value if there is None else [*([there] if isinstance(there, str) else there), value]
        return
    *parents, last = name.split(".")
    for parent in parents:
        claims = claims.setdefault(parent, {})
    claims[last] = value


def _attribute(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    wanted = config["user.attribute"]
    return {config["claim.name"]: user.username if wanted == "username" else user.attributes.get(wanted)}


def _session_note(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    return {config["claim.name"]: session.get(config["user.session.note"])}


def _audience(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    return {"aud": config["included.custom.audience"]}


def _realm_roles(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    return {config["claim.name"]: list(user.roles)}


def _sub(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    return {"sub": user.id}


def _full_name(config: dict[str, str], user: User, session: dict[str, int]) -> Claims:
    return {"name": user.full_name or None}


MAPPERS = {
    "oidc-usermodel-attribute-mapper": _attribute,
    "oidc-usersessionmodel-note-mapper": _session_note,
    "oidc-audience-mapper": _audience,
    "oidc-usermodel-realm-role-mapper": _realm_roles,
    "oidc-sub-mapper": _sub,
    "oidc-full-name-mapper": _full_name,
}

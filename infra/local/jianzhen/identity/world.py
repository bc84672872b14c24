"""A realm as comparable facts, whether it comes from the realm file or from a running Keycloak.

Promises: pure; ids, secrets and what Keycloak adds of itself are left out; sets are sorted lists, so that
equal realms give equal facts. Leaves reading a server to `keycloak`.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from jianzhen.state import Refused

Facts = dict[str, Any]
# In the order in which they may be created: a user needs its groups and roles, a client its scopes.
KINDS = ("realm", "profile", "role", "scope", "group", "client", "user")
PARTS = {"id", "realm", "roles", "groups", "clientScopes", "clients", "users", "components"}
PROFILE = ("org.keycloak.userprofile.UserProfileProvider", "kc.user.profile.config")
CLIENT_LISTS = ("redirectUris", "webOrigins", "defaultClientScopes", "optionalClientScopes")
ACCOUNT = "service-account-"
OWN_FIELDS = {"username", "email", "firstName", "lastName"}

Key = tuple[str, str]


@dataclass(frozen=True)
class World:
    """Facts by (kind, name). Groups are named by path, users and service accounts by user name."""

    name: str
    things: dict[Key, Facts] = field(default_factory=dict)


def wanted(realm: Facts) -> World:
    """The facts of a realm file (a Keycloak export). Raises Refused for a file that is none.

    Worked example: the group `/gov/131000/ee` gives `things["group", "/gov/131000/ee"] == {"attributes":
    {"dept_slug": ["ee"]}}`.
    """
    try:
        return World(realm["realm"], _things(realm))
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise Refused(f"the realm file is no Keycloak realm: {error!r} is missing or wrong") from error


def _things(realm: Facts) -> dict[Key, Facts]:
    settings = {name: value for name, value in realm.items() if name not in PARTS}
    things: dict[Key, Facts] = {("realm", realm["realm"]): _sorted(settings)}
    provider, setting = PROFILE
    for component in realm.get("components", {}).get(provider, []):
        things["profile", "user profile"] = profile_facts(json.loads(component["config"][setting][0]))
    things |= {("role", role["name"]): role_facts(role) for role in realm["roles"]["realm"]}
    things |= {("scope", scope["name"]): scope_facts(scope) for scope in realm["clientScopes"]}
    for group in realm["groups"]:
        things |= group_facts(group)
    things |= {("client", client["clientId"]): client_facts(client) for client in realm["clients"]}
    for user in realm["users"]:
        things["user", user["username"].lower()] = user_facts(user, user["realmRoles"], user["groups"])
    return things


def exact(world: World) -> World:
    """Users and groups with every attribute that the profile knows, those they lack as an empty list.

    An attribute becomes a claim, and a claim is a right: one that somebody added by hand must show.
    """
    profile = world.things.get(("profile", "user profile"), {"attributes": {}})
    none = {name: list[str]() for name in profile["attributes"] if name not in OWN_FIELDS}
    return World(
        world.name,
        {
            (kind, name): facts | {"attributes": none | facts["attributes"]}
            if kind in {"user", "group"}
            else facts
            for (kind, name), facts in world.things.items()
        },
    )


def profile_facts(profile: Facts) -> Facts:
    """Attributes by name: Keycloak keeps their order, nobody depends on it."""
    return profile | {"attributes": {one["name"]: one for one in profile["attributes"]}}


def role_facts(role: Facts) -> Facts:
    return {"description": role.get("description", "")}


def _mappers(owner: Facts) -> Facts:
    return {
        one["name"]: {"protocolMapper": one["protocolMapper"], "config": one["config"]}
        for one in owner.get("protocolMappers", [])
    }


def scope_facts(scope: Facts) -> Facts:
    told = {name: scope.get(name, "") for name in ("description", "protocol")}
    return told | {"attributes": scope.get("attributes", {}), "protocolMappers": _mappers(scope)}


def group_facts(group: Facts) -> dict[Key, Facts]:
    """The group and those below it."""
    found: dict[Key, Facts] = {("group", group["path"]): {"attributes": group.get("attributes") or {}}}
    for below in group.get("subGroups", []):
        found |= group_facts(below)
    return found


def client_facts(client: Facts) -> Facts:
    told = {name: value for name, value in client.items() if name not in {"id", "clientId", "secret"}}
    return _sorted(told) | {"protocolMappers": _mappers(client)}


def user_facts(user: Facts, roles: list[str], groups: list[str]) -> Facts:
    """Passwords and what a user has done are no facts of the realm."""
    told = {name: user.get(name) or "" for name in ("firstName", "lastName")}
    rights = {"realmRoles": sorted(roles), "groups": sorted(groups)}
    return told | rights | {"enabled": user["enabled"], "attributes": user.get("attributes") or {}}


def _sorted(facts: Facts) -> Facts:
    return {
        name: sorted(value)
        if isinstance(value, list) and all(isinstance(one, str) for one in value)
        else value
        for name, value in facts.items()
    }

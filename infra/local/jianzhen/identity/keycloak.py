"""A running Keycloak, read as facts and changed step by step through its admin API.

Promises: every page of every list is read; a step that Keycloak refuses ends the run with the step's name,
and the next run goes on from there; passwords and secrets are sent, never shown. Leaves what differs to
`plan`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from keycloak.exceptions import (
    KeycloakAuthenticationError,
    KeycloakConnectionError,
    KeycloakError,
    KeycloakGetError,
)

from jianzhen.identity import world as facts_of
from jianzhen.identity.plan import Step
from jianzhen.identity.world import ACCOUNT, Facts, Key, World
from jianzhen.state import Refused

UNREACHABLE = 3
WHOLE = {"briefRepresentation": "false"}


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Keycloak's refusals as one plain sentence."""
    try:
        yield
    except KeycloakConnectionError as error:
        raise Refused(f"{doing}: Keycloak does not answer ({error})", UNREACHABLE) from error
    except KeycloakAuthenticationError as error:
        raise Refused(
            f"{doing}: Keycloak does not know this administrator, or the password is wrong"
        ) from error
    except KeycloakError as error:
        body = error.response_body or b""
        why = body.decode(errors="replace")[:300] or str(error)
        raise Refused(f"{doing}: Keycloak says {error.response_code}: {why}") from error


def _mappers(step: Step) -> dict[str, Facts]:
    return {
        name: one | {"name": name, "protocol": "openid-connect"}
        for name, one in step.facts["protocolMappers"].items()
    }


class Server:
    """One realm of one Keycloak, seen by an administrator of the realm `master`."""

    def __init__(self, url: str, realm: str, user: str, password: str) -> None:
        self.realm = realm
        connection = KeycloakOpenIDConnection(
            server_url=url,
            username=user,
            password=password,
            realm_name=realm,
            user_realm_name="master",
            timeout=60,
        )
        self._admin = KeycloakAdmin(connection=connection)
        self._ids: dict[Key, str] = {}

    def world(self) -> World | None:
        """The realm as it is, None when there is none. Raises Refused."""
        with told("reading the realm"):
            try:
                settings = self._admin.get_realm(self.realm)
            except KeycloakGetError as error:
                if error.response_code == 404:
                    return None
                raise
            return World(self.realm, dict(self._things(settings)))

    def _things(self, settings: Facts) -> Iterator[tuple[Key, Facts]]:
        admin = self._admin
        names = ("defaultDefaultClientScopes", "defaultOptionalClientScopes")
        lists = (admin.get_default_default_client_scopes(), admin.get_default_optional_client_scopes())
        settings |= {
            name: sorted(one["name"] for one in found) for name, found in zip(names, lists, strict=True)
        }
        settings["supportedLocales"] = sorted(settings.get("supportedLocales", []))
        yield ("realm", self.realm), settings
        yield ("profile", "user profile"), facts_of.profile_facts(admin.get_realm_users_profile())
        roles = admin.get_realm_roles()
        for role in roles:
            self._ids["role", role["name"]] = role["id"]
            yield ("role", role["name"]), facts_of.role_facts(role)
        for scope in admin.get_client_scopes():
            self._ids["scope", scope["name"]] = scope["id"]
            yield ("scope", scope["name"]), facts_of.scope_facts(scope)
        groups = dict(self._groups(admin.get_groups(WHOLE)))
        yield from ((("group", path), facts) for path, facts in groups.items())
        clients = admin.get_clients()
        for client in clients:
            self._ids["client", client["clientId"]] = client["id"]
            yield ("client", client["clientId"]), facts_of.client_facts(client)
        yield from self._users(roles, list(groups), clients)

    def _groups(self, found: list[Facts]) -> Iterator[tuple[str, Facts]]:
        for group in found:
            self._ids["group", group["path"]] = group["id"]
            yield group["path"], {"attributes": group.get("attributes") or {}}
            if group.get("subGroupCount", 1):
                yield from self._groups(self._admin.get_group_children(group["id"], WHOLE))

    def _users(
        self, roles: list[Facts], groups: list[str], clients: list[Facts]
    ) -> Iterator[tuple[Key, Facts]]:
        """By role and by group instead of by user: a city has thousands of users and some thirty roles."""
        admin = self._admin
        users = {user["id"]: user for user in admin.get_users(WHOLE)}
        for client in clients:
            if client.get("serviceAccountsEnabled"):
                user = admin.get_client_service_account_user(client["id"])
                users[user["id"]] = user
        rights: dict[str, tuple[list[str], list[str]]] = {user: ([], []) for user in users}
        for role in roles:
            for member in admin.get_realm_role_members(role["name"]):
                rights[member["id"]][0].append(role["name"])
        for path in groups:
            for member in admin.get_group_members(self._ids["group", path]):
                rights[member["id"]][1].append(path)
        for identity, user in users.items():
            self._ids["user", user["username"]] = identity
            yield ("user", user["username"]), facts_of.user_facts(user, *rights[identity])

    def create_realm(self, realm: Facts) -> None:
        """The whole realm file at once: all of it or nothing."""
        with told(f"creating the realm {self.realm}"):
            self._admin.create_realm(realm)

    def take(self, step: Step) -> None:
        """One step of a plan. Raises Refused with what Keycloak said."""
        with told(f"{step.do} {step.kind} {step.name}"):
            if step.do == "disable":
                self._disable(step)
            elif step.do in {"create", "update"}:
                getattr(self, f"_{step.kind}")(step)

    def _disable(self, step: Step) -> None:
        change = self._admin.update_client if step.kind == "client" else self._admin.update_user
        change(self._ids[step.kind, step.name], {"enabled": False})

    def _realm(self, step: Step) -> None:
        lists = {"defaultDefaultClientScopes", "defaultOptionalClientScopes"}
        self._admin.update_realm(
            self.realm, {name: value for name, value in step.facts.items() if name not in lists}
        )
        for one in step.differences:
            if one.path in lists:
                kind = one.path.removeprefix("default").removesuffix("ClientScopes").lower()
                add = getattr(self._admin, f"add_default_{kind}_client_scope")
                drop = getattr(self._admin, f"delete_default_{kind}_client_scope")
                self._level(one.found, one.wanted, "scope", add, drop)

    def _level(self, found: Any, wanted: Any, kind: str, add: Any, drop: Any) -> None:
        """Adds what lacks and drops what is too much, each by its id."""
        have, want = set(found or ()), set(wanted or ())
        for name in sorted(want - have):
            add(self._ids[kind, name])
        for name in sorted(have - want):
            drop(self._ids[kind, name])

    def _profile(self, step: Step) -> None:
        profile = self._admin.get_realm_users_profile()
        merged = {one["name"]: one for one in profile["attributes"]} | step.facts["attributes"]
        self._admin.update_realm_users_profile(profile | step.facts | {"attributes": list(merged.values())})

    def _role(self, step: Step) -> None:
        body = step.facts | {"name": step.name}
        if step.do == "create":
            self._admin.create_realm_role(body)
            self._ids["role", step.name] = self._admin.get_realm_role(step.name)["id"]
        else:
            self._admin.update_realm_role(step.name, body)

    def _scope(self, step: Step) -> None:
        told_of = {name: value for name, value in step.facts.items() if name != "protocolMappers"}
        mappers = _mappers(step)
        if step.do == "create":
            body = told_of | {"name": step.name, "protocolMappers": list(mappers.values())}
            self._ids["scope", step.name] = self._admin.create_client_scope(body)
            return
        identity = self._ids["scope", step.name]
        self._admin.update_client_scope(identity, told_of | {"name": step.name})
        there = {one["name"]: one["id"] for one in self._admin.get_mappers_from_client_scope(identity)}
        for name in sorted(there.keys() - mappers.keys()):
            self._admin.delete_mapper_from_client_scope(identity, there[name])
        for name, mapper in mappers.items():
            if name in there:
                body = mapper | {"id": there[name]}
                self._admin.update_mapper_in_client_scope(identity, there[name], body)
            else:
                self._admin.add_mapper_to_client_scope(identity, mapper)

    def _group(self, step: Step) -> None:
        above, _, name = step.name.rpartition("/")
        body = step.facts | {"name": name}
        if step.do == "create":
            parent = self._ids["group", above] if above else None
            self._ids["group", step.name] = str(self._admin.create_group(body, parent=parent))
        else:
            self._admin.update_group(self._ids["group", step.name], body)

    def _client(self, step: Step) -> None:
        mappers = _mappers(step)
        body = step.facts | {"clientId": step.name, "protocolMappers": list(mappers.values())}
        if step.do == "create":
            self._ids["client", step.name] = self._admin.create_client(body)
            return
        identity, admin = self._ids["client", step.name], self._admin
        admin.update_client(identity, body)
        for mapper in admin.get_mappers_from_client(identity):
            if mapper["name"] not in mappers:
                admin.remove_client_mapper(identity, mapper["id"])
        for one in step.differences:
            if one.path in {"defaultClientScopes", "optionalClientScopes"}:
                kind = one.path.removesuffix("ClientScopes")
                add, drop = (
                    getattr(admin, f"{verb}_client_{kind}_client_scope") for verb in ("add", "delete")
                )
                self._level(
                    one.found,
                    one.wanted,
                    "scope",
                    lambda scope, add=add: add(identity, scope, {}),
                    lambda scope, drop=drop: drop(identity, scope),
                )

    def _user(self, step: Step) -> None:
        rights = {"realmRoles", "groups"}
        body = {name: value for name, value in step.facts.items() if name not in rights}
        body["username"] = step.name
        if step.do == "create" and not step.name.startswith(ACCOUNT):
            self._ids["user", step.name] = self._admin.create_user(body)
        else:
            if step.name not in {name for kind, name in self._ids if kind == "user"}:
                client = self._ids["client", step.name.removeprefix(ACCOUNT)]
                self._ids["user", step.name] = self._admin.get_client_service_account_user(client)["id"]
            self._admin.update_user(self._ids["user", step.name], body)
        self._grant(self._ids["user", step.name], step.facts)

    def _grant(self, user: str, facts: Facts) -> None:
        """Roles and groups are asked again here: Keycloak gives every new user a role of its own accord."""
        admin = self._admin
        have = {role["name"]: role for role in admin.get_realm_roles_of_user(user)}
        want = set(facts["realmRoles"])
        if lacking := [admin.get_realm_role(name) for name in sorted(want - have.keys())]:
            admin.assign_realm_roles(user, lacking)
        if excess := [have[name] for name in sorted(have.keys() - want)]:
            admin.delete_realm_roles_of_user(user, excess)
        self._level(
            [group["path"] for group in admin.get_user_groups(user)],
            facts["groups"],
            "group",
            lambda group: admin.group_user_add(user, group),
            lambda group: admin.group_user_remove(user, group),
        )

    def set_secrets(self, secrets: dict[str, dict[str, str]]) -> list[str]:
        """Gives clients their secrets and users without a password theirs; names who got one."""
        changed = []
        for client, secret in secrets.get("clients", {}).items():
            identity = self._ids.get(("client", client))
            with told(f"the secret of {client}"):
                if identity and self._admin.get_client_secrets(identity).get("value") != secret:
                    self._admin.update_client(identity, {"clientId": client, "secret": secret})
                    changed.append(client)
        for user, password in secrets.get("users", {}).items():
            identity = self._ids.get(("user", user.lower()))
            with told(f"the password of {user}"):
                if identity and not self._admin.get_credentials(identity):
                    self._admin.set_user_password(identity, password, temporary=False)
                    changed.append(user)
        return changed

"""The realm file: what it grants exists in the policy, it carries no secret, and Keycloak could import it."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import policy

PATH = Path(__file__).parents[2] / "infra" / "keycloak" / "realm.json"
REALM: dict[str, Any] = json.loads(PATH.read_text())
POLICY = policy.load()
PEOPLE = [user for user in REALM["users"] if "serviceAccountClientId" not in user]


def groups(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for group in found:
        yield group
        yield from groups(group["subGroups"])


def one(user: dict[str, Any], name: str) -> str | None:
    values = user["attributes"].get(name, [None])
    assert len(values) == 1
    found: str | None = values[0]
    return found


def test_roles_and_departments_are_those_of_the_policy() -> None:
    assert {role["name"] for role in REALM["roles"]["realm"]} == set(POLICY.roles) - {policy.PUBLIC}
    for user in REALM["users"]:
        assert set(user["realmRoles"]) <= set(POLICY.roles)
        assert one(user, "dept_slug") in {None, *POLICY.departments}


def test_a_person_is_named_by_department_role_and_region() -> None:
    for user in PEOPLE:
        if user["username"] == "platform.admin":
            continue
        dept, _, rest = user["username"].partition("/")
        role, _, region = rest.partition("@")
        assert (dept, region) == (one(user, "dept_slug"), one(user, "region_code"))
        assert len(user["realmRoles"]) == 1
        assert role in {user["realmRoles"][0], "procurement"}
        assert user["groups"] == [f"/gov/{region}/{dept.replace('.', '/')}"]


def test_groups_exist_and_say_the_same_as_their_members() -> None:
    paths = {group["path"]: group for group in groups(REALM["groups"])}
    for path, group in paths.items():
        assert path.rpartition("/")[2] == group["name"]
    for user in REALM["users"]:
        for path in user["groups"]:
            assert paths[path]["attributes"]["dept_slug"] == [one(user, "dept_slug")]


def test_every_service_has_a_confidential_client_with_the_service_role() -> None:
    clients = {client["clientId"]: client for client in REALM["clients"]}
    accounts = {u["serviceAccountClientId"]: u for u in REALM["users"] if "serviceAccountClientId" in u}
    for service in ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway"):
        client = clients[f"svc-{service}"]
        assert (client["publicClient"], client["serviceAccountsEnabled"]) == (False, True)
        assert accounts[f"svc-{service}"]["realmRoles"] == ["platform.service"]
    for name, client in clients.items():
        assert client["serviceAccountsEnabled"] == (name in accounts)
        assert not client["implicitFlowEnabled"]
        if client["standardFlowEnabled"]:
            assert client["attributes"]["pkce.code.challenge.method"] == "S256"
        assert not any("*" in uri for uri in client["redirectUris"])


def test_nobody_but_the_services_holds_the_service_role() -> None:
    for user in REALM["users"]:
        if "platform.service" in user["realmRoles"]:
            assert user["serviceAccountClientId"].startswith("svc-")


def test_the_file_is_importable_and_carries_no_secret() -> None:
    text = PATH.read_text()
    assert not re.search(r'"(secret|credentials|privateKey|certificate|value)":', text)
    ids = re.findall(r'"id": "([0-9a-f-]{36})"', text)
    assert len(ids) == len(set(ids))
    assert all(uuid.UUID(found) for found in ids)
    scopes = {scope["name"] for scope in REALM["clientScopes"]}
    for client in REALM["clients"]:
        assert set(client["defaultClientScopes"]) <= scopes
    config = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"][0]["config"]
    declared = {entry["name"] for entry in json.loads(config["kc.user.profile.config"][0])["attributes"]}
    for user in REALM["users"]:
        assert set(user["attributes"]) <= declared


def test_logins_are_guarded_and_refresh_tokens_are_used_once() -> None:
    assert REALM["bruteForceProtected"]
    assert REALM["failureFactor"] <= 5
    assert (REALM["revokeRefreshToken"], REALM["refreshTokenMaxReuse"]) == (True, 0)
    assert REALM["accessTokenLifespan"] <= 900
    assert not REALM["registrationAllowed"]

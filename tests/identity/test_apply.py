"""`jianzhen identity apply` and a real Keycloak: creates, mends, shows drift, adds people, deletes nobody."""

import base64
import json

import httpx
import pytest
from issuers import KEYED, Issuer, Keycloak
from jianzhen.verbs import sandbox
from jianzhen_client import Secret

pytestmark = pytest.mark.slow
OFFICER = "ee.enf/case.officer@131000"
ROSTER = """\
username,client,dept,region,roles,name,officer_cert_no,officer_cert_expiry,uscc
zhang.san,,ee.enf,131000,case.officer,张三,ZF-131000-0099,2029-06-30,
li.si,,tax,131081,data.read,李四,,,
,sys-met-131000,met,131000,data.submit,气象局系统,,,
wang.wu,,agency,131000,data.submit,王五,,,91131000MA00000018
"""


def named(steps):
    return {(step["do"], step["kind"], step["name"]) for step in steps}


def test_a_second_run_changes_nothing(keycloak: Keycloak, filled: Issuer) -> None:
    assert keycloak.steps("--dry-run") == []
    assert keycloak.apply("--dry-run").returncode == 0


def test_what_somebody_changed_by_hand_is_shown_and_mended(keycloak: Keycloak, filled: Issuer) -> None:
    admin = keycloak.admin()
    officer = admin.get_user_id(OFFICER)
    assert officer is not None
    admin.update_user(officer, {"attributes": {"dept_slug": ["ee"], "uscc": ["91131000MA00000018"]}})
    admin.assign_realm_roles(officer, [admin.get_realm_role("auditor")])
    admin.update_realm("jianzhen", {"accessTokenLifespan": 3600, "bruteForceProtected": False})
    admin.delete_realm_role("reward.payer")
    scope = next(one for one in admin.get_client_scopes() if one["name"] == "jianzhen")
    mappers = {one["name"]: one for one in scope["protocolMappers"]}
    admin.delete_mapper_from_client_scope(scope["id"], mappers["region"]["id"])
    forged = {"claim.name": "uscc", "claim.value": "91131000MA00000018", "access.token.claim": "true"}
    hard = {"name": "forged", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper"}
    admin.add_mapper_to_client_scope(scope["id"], hard | {"config": forged | {"jsonType.label": "String"}})
    admin.update_client(admin.get_client_id("desk"), {"redirectUris": ["https://evil.example/*"]})
    admin.delete_group(admin.get_group_by_path("/gov/131000/water")["id"])
    admin.delete_client(admin.get_client_id("sys-water-131000"))

    done = keycloak.apply("--dry-run")
    assert done.returncode == 1
    assert "accessTokenLifespan: 3600 -> 900" in done.stdout
    shown = keycloak.steps("--dry-run")
    assert named(shown) == {
        ("update", "realm", "jianzhen"),
        ("create", "role", "reward.payer"),
        ("update", "scope", "jianzhen"),
        ("create", "group", "/gov/131000/water"),
        ("update", "client", "desk"),
        ("create", "client", "sys-water-131000"),
        ("update", "user", OFFICER),
        ("create", "user", "service-account-sys-water-131000"),
        ("update", "user", "water/data.submit@131000"),
        ("update", "user", f"service-account-{KEYED}"),
    }
    paths = {one["path"] for step in shown for one in step["differences"]}
    assert {"protocolMappers.forged", "protocolMappers.region", "attributes.uscc", "realmRoles"} <= paths
    assert keycloak.apply().returncode == 0
    assert keycloak.steps("--dry-run") == []


def test_one_row_makes_an_officer_a_system_and_their_departments(
    keycloak: Keycloak, filled: Issuer, tmp_path
):
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER, encoding="utf-8-sig")
    done = keycloak.apply("--people", str(roster))
    assert done.returncode == 0, done.stderr
    assert keycloak.steps("--dry-run", "--people", str(roster)) == []
    admin = keycloak.admin()
    account = admin.get_client_service_account_user(admin.get_client_id("sys-met-131000"))
    assert [role["name"] for role in admin.get_realm_roles_of_user(account["id"])] == ["data.submit"]
    clerk = admin.get_user_id("li.si")
    assert [group["path"] for group in admin.get_user_groups(clerk)] == ["/gov/131081/tax"]

    # Who left the roster is told; with --prune the name is barred, and what was done keeps its author.
    extra = {("extra", "user", name) for name in ("zhang.san", "li.si", "wang.wu")}
    assert extra <= named(keycloak.steps("--dry-run"))
    assert keycloak.apply("--prune").returncode == 0
    assert admin.get_user(clerk)["enabled"] is False
    assert keycloak.apply("--people", str(roster)).returncode == 0
    assert admin.get_user(clerk)["enabled"] is True
    assert keycloak.apply("--prune").returncode == 0


def test_a_wrong_password_and_a_keycloak_that_is_away_are_said_plainly(keycloak: Keycloak) -> None:
    wrong = Keycloak(keycloak.base, "wrong", keycloak.realm).apply()
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "password is wrong" in wrong.stderr
    away = Keycloak("http://127.0.0.1:9", keycloak.password, keycloak.realm).apply()
    assert (away.returncode, "does not answer" in away.stderr) == (3, True)


def test_a_system_that_joins_is_known_to_keycloak(
    keycloak: Keycloak, filled: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD", keycloak.password)
    before = named(keycloak.steps("--dry-run"))
    row = {"client": "sys-joined", "dept": "health", "region": "131000", "roles": "data.submit", "name": "j"}
    secret = sandbox._known_in_keycloak(keycloak.base, "admin", row)
    with httpx.Client(base_url=keycloak.base, timeout=30) as http:
        token = Secret("sys-joined", secret).token(http)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["dept"], claims["region"]) == ("health", "131000")
    assert "data.submit" in claims["realm_access"]["roles"]
    # The services' keys, and whatever else the realm has of its own, are as they were.
    assert named(keycloak.steps("--dry-run")) - before == {
        ("extra", "client", "sys-joined"),
        ("extra", "group", "/gov/131000/health"),
    }

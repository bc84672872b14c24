"""What is wanted of a realm, what differs, and rosters, without any Keycloak."""

import copy
import json
from pathlib import Path

import policy
import pytest
from issuer.realm import load
from jianzhen.identity import files, people, proof
from jianzhen.identity.files import level_of
from jianzhen.identity.plan import steps
from jianzhen.identity.world import World, exact, wanted
from jianzhen.state import ROOT, Refused
from joserfc.jwk import ECKey

REALM = json.loads((ROOT / "infra/keycloak/realm.json").read_text(encoding="utf-8"))
POLICY = policy.load()
LEVELS = {code: level_of(code) for code in ("131000", "131081", "131002")}
HEAD = "username,client,dept,region,roles,uscc,officer_cert_expiry\n"


def with_rows(rows: str, head: str = HEAD) -> World:
    roles = set(POLICY.roles) - {policy.PUBLIC}
    return people.added(wanted(REALM), head + rows, dict(POLICY.departments), roles, LEVELS)


def test_an_equal_realm_needs_no_step_and_an_absent_one_is_created() -> None:
    world = wanted(REALM)
    assert steps(world, wanted(copy.deepcopy(REALM))) == []
    assert [(step.do, step.kind) for step in steps(world, None)] == [("create", "realm")]


@pytest.mark.parametrize("kind", ["role", "scope", "group", "client", "user"])
def test_whatever_lacks_is_created_and_whatever_differs_is_updated(kind: str) -> None:
    world = wanted(REALM)
    for key in [key for key in world.things if key[0] == kind]:
        lacking = World(world.name, {k: v for k, v in world.things.items() if k != key})
        assert [(step.do, step.kind, step.name) for step in steps(world, lacking)] == [("create", *key)]
        other = World(world.name, world.things | {key: dict.fromkeys(world.things[key], "other")})
        assert [(step.do, step.name) for step in steps(world, other)] == [("update", key[1])]


def test_an_attribute_added_by_hand_shows() -> None:
    found = copy.deepcopy(REALM)
    found["users"][0]["attributes"]["uscc"] = ["91131000MA00000018"]
    found["groups"][0]["attributes"]["region_code"] = ["100000"]
    shown = steps(exact(wanted(REALM)), wanted(found))
    assert {(step.kind, one.path) for step in shown for one in step.differences} == {
        ("user", "attributes.uscc"),
        ("group", "attributes.region_code"),
    }


def test_who_is_not_wanted_is_told_and_disabled_only_when_asked() -> None:
    world = wanted(REALM)
    stranger = {"enabled": True, "attributes": {}, "realmRoles": ["auditor"], "groups": []}
    found = World(
        world.name, world.things | {("user", "stranger"): stranger, ("client", "account"): stranger}
    )
    assert [(step.do, step.name) for step in steps(world, found)] == [("extra", "stranger")]
    assert [(step.do, step.name) for step in steps(world, found, prune=True)] == [("disable", "stranger")]


def test_a_row_brings_its_groups_in_the_order_in_which_they_can_be_made() -> None:
    made = steps(with_rows("li.si,,ee.mon,131081,qc.analyst data.read,,\n"), wanted(REALM))
    assert [(step.kind, step.name) for step in made] == [
        ("group", "/gov/131081"),
        ("group", "/gov/131081/ee"),
        ("group", "/gov/131081/ee/mon"),
        ("user", "li.si"),
    ]
    facts = made[-1].facts
    assert facts["realmRoles"] == ["data.read", "qc.analyst"]
    assert facts["attributes"]["level"] == ["county"]
    assert facts["attributes"]["org_type"] == ["gov"]


def test_a_row_with_a_client_is_a_system() -> None:
    made = steps(with_rows(",sys-tax,tax,131000,data.submit,,\n"), wanted(REALM))
    assert ("client", "sys-tax") in {(step.kind, step.name) for step in made}
    assert made[-1].name == "service-account-sys-tax"


def test_a_system_with_a_key_needs_no_secret_and_its_key_is_made_once(tmp_path) -> None:
    path = tmp_path / "met.pem"
    public = proof.make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="never overwritten"):
        proof.make(path)
    head = "username,client,dept,region,roles,public_key\n"
    facts = with_rows(f",sys-met,met,131000,data.submit,{public}\n", head).things["client", "sys-met"]
    assert facts["clientAuthenticatorType"] == "client-jwt"
    (known,) = json.loads(facts["attributes"]["jwks.string"])["keys"]
    assert "d" not in known
    assert proof.one_line(ECKey.import_key(known)) == public
    for row in (f"a,,met,131000,data.submit,{public}\n", ",sys-met,met,131000,data.submit,AAAA\n"):
        with pytest.raises(Refused, match="public_key"):
            with_rows(row, head)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,b,ee,131000,data.read,,\n", "line 2: give either"),
        (",,ee,131000,data.read,,\n", "line 2: give either"),
        ("a,,nobody,131000,data.read,,\n", "'nobody' is not in the policy"),
        ("a,,ee,999999,data.read,,\n", "region '999999'"),
        ("a,,ee,131000,king,,\n", "role 'king'"),
        ("a,,ee,131000,public,,\n", "role 'public'"),
        ("a,,ee,131000,,,\n", "roles is empty"),
        ("a,,unit,131000,data.submit,,\n", "needs the organisation's uscc"),
        ("a,,ee,131000,data.read,,30.6.2029\n", "Invalid isoformat"),
        ("a,,ee,131000,data.read,,,x\n", "more cells than columns"),
        ("ok,,ee,131000,data.read,,\nb,,ee,131000,king,,\n", "line 3"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_line(rows: str, said: str) -> None:
    with pytest.raises(Refused, match="roster, line") as refused:
        with_rows(rows)
    assert said in str(refused.value)


def test_columns_that_lack_or_that_nobody_knows_are_named() -> None:
    with pytest.raises(Refused, match="lacks the column region"):
        with_rows("", "username,dept,roles\n")
    with pytest.raises(Refused, match="unknown columns password"):
        with_rows("", HEAD.strip() + ",password\n")


def test_a_file_that_is_no_realm_is_refused() -> None:
    with pytest.raises(Refused, match="no Keycloak realm"):
        wanted({"realm": "x"})


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("100000", "nation"),
        ("130000", "province"),
        ("131000", "city"),
        ("131002", "county"),
        ("131002001", "township"),
    ],
)
def test_the_level_of_a_region_is_read_off_its_code(code: str, level: str) -> None:
    assert level_of(code) == level


def test_a_roster_becomes_a_realm_that_the_embedded_issuer_reads(tmp_path: Path) -> None:
    row = {"client": "sys-a", "dept": "ee.mon", "region": "131081", "roles": "data.submit", "name": "a"}
    text = files.roster_of(
        files.roster_of("", row), {**row, "client": "sys-b", "public_key": proof.make(tmp_path / "k")}
    )
    assert files.roster_of(text, row).count("sys-a") == 1
    path = tmp_path / "realm.json"
    told = files.exported(REALM, files.with_rows(wanted(REALM), text))
    path.write_text(json.dumps(told), encoding="utf-8")
    realm = load(path)
    account = realm.clients["sys-a"].service_account
    assert account is not None
    assert account.attributes["dept_slug"] == "ee.mon"
    assert account.attributes["region_code"] == "131081"
    assert account.roles == ("data.submit",)
    assert realm.clients["sys-a"].jwks is None and realm.clients["sys-b"].jwks is not None
    assert steps(exact(wanted(told)), exact(wanted(told))) == []
    # What the file had is as it was.
    assert {key: wanted(told).things[key] for key in wanted(REALM).things} == wanted(REALM).things

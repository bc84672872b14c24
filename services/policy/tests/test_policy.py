"""The policy: unknown is refused, regions follow the parent table, the file cannot contradict itself."""

from datetime import date

import policy
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from policy import ANONYMOUS, Principal, Row, in_scope

PARENTS = {"131002": "131000", "131003": "131000", "131102": "131100", "131000": "130000", "131100": "130000"}
REGIONS = sorted({*PARENTS, *PARENTS.values()})
POLICY = policy.load()


def within(child: str, ancestor: str) -> bool:
    return child == ancestor or (child in PARENTS and within(PARENTS[child], ancestor))


def who(
    role: str, dept: str | None = None, region: str | None = "131000", uscc: str | None = None
) -> Principal:
    return Principal("7", dept=dept, region=region, roles=frozenset({role}), uscc=uscc, token_id="j")


@pytest.mark.parametrize(
    ("permission", "principal", "scope"),
    [
        ("observations:submit", who("data.submit", "ee.mon"), "own"),
        ("observations:submit", who("data.submit", "unit", uscc="U"), "own"),
        ("observations:submit", who("case.officer", "ee.enf"), None),
        ("leads:decide", who("case.officer", "ee.enf"), "region"),
        ("leads:decide", who("case.officer", "water"), None),
        ("leads:decide", who("case.officer"), None),
        ("cases:decide", who("case.approver", "ee"), "region"),
        ("cases:decide", who("case.officer", "ee.enf"), None),
        ("cases:review", who("case.approver", "ee"), None),
        ("suspicions:read", who("data.submit", "unit", uscc="U"), None),
        ("listings:read", ANONYMOUS, "published"),
        ("listings:read", who("credit.editor", "ndrc"), "region"),
        ("listings:read", who("case.officer", "ee.enf"), "published"),
        ("procurement-check:read", who("credit.reader", "finance"), "published"),
        ("parked:replay", who("platform.admin"), "any"),
        ("observations:read", who("platform.admin"), None),
        ("raw:read", who("platform.service"), None),
        ("audit:read", who("auditor", "ee"), "any"),
        ("audit:read", who("platform.admin"), None),
        ("releases:approve", who("publish.editor", "ee"), None),
        ("no:such", who("platform.admin"), None),
        ("leads:read", ANONYMOUS, None),
    ],
)
def test_a_permission_is_held_by_whom_the_table_names(permission, principal, scope) -> None:
    decision = POLICY.decide(permission, principal)
    assert (decision.allowed, decision.scope) == (scope is not None, scope)


@given(st.text(), st.sampled_from(sorted(POLICY.roles)), st.sampled_from(sorted(POLICY.departments)))
def test_an_unknown_permission_is_refused(permission, role, dept) -> None:
    if permission not in POLICY.permissions:
        assert not POLICY.decide(permission, who(role, dept)).allowed


@given(st.sampled_from(sorted(POLICY.permissions)), st.text(), st.text())
def test_an_unknown_role_holds_no_more_than_the_public(permission, role, dept) -> None:
    if role not in POLICY.roles:
        assert POLICY.decide(permission, who(role, dept)) == POLICY.decide(permission, ANONYMOUS)


@given(st.sampled_from(sorted(POLICY.permissions)))
def test_the_public_never_reaches_further_than_what_is_published(permission) -> None:
    assert POLICY.decide(permission, ANONYMOUS).scope in {None, "published"}


@given(st.sampled_from(REGIONS), st.sampled_from(REGIONS))
def test_region_scope_is_the_closure_of_the_parent_table(mine, theirs) -> None:
    reached = in_scope("region", who("case.officer", "ee.enf", mine), Row(region=theirs), within)
    chain = [theirs]
    while chain[-1] in PARENTS:
        chain.append(PARENTS[chain[-1]])
    assert reached == (mine in chain)


def test_a_city_does_not_see_its_neighbour_whose_code_shares_the_prefix() -> None:
    city, county = who("case.officer", "ee.enf", "131000"), who("case.officer", "ee.enf", "131002")
    assert in_scope("region", city, Row(region="131002"), within)
    assert not in_scope("region", city, Row(region="131100"), within)
    assert not in_scope("region", city, Row(region="131102"), within)
    assert not in_scope("region", city, Row(region="130000"), within)
    assert [r for r in REGIONS if in_scope("region", county, Row(region=r), within)] == ["131002"]


@pytest.mark.parametrize(
    ("scope", "principal", "row", "expected"),
    [
        ("own", who("x", "unit", uscc="U"), Row(region="131100", owner_uscc="U"), True),
        ("own", who("x", "unit", uscc="U"), Row(region="131000", owner_uscc="V"), False),
        ("own", who("x", "unit"), Row(region="131000", owner_uscc=None), False),
        ("own", who("x", "water"), Row(region="131002", owner_dept="water"), True),
        ("own", who("x", "water"), Row(region="131100", owner_dept="water"), False),
        ("own", who("x", "water"), Row(region="131000", owner_dept="ee.mon"), False),
        ("own", who("x"), Row(region="131000"), False),
        ("addressed", who("x", "police"), Row(region="131100", addressed_to="police@131000"), True),
        ("addressed", who("x", "police"), Row(region="131000", addressed_to="police@131100"), False),
        ("addressed", who("x", None, None), Row(addressed_to="None@None"), False),
        ("published", ANONYMOUS, Row(region="131000", is_published=True), True),
        ("published", who("x", "ee"), Row(region="131000"), False),
        ("any", who("x"), Row(), True),
        ("region", who("x", "ee", None), Row(region="131000"), False),
        ("region", who("x", "ee"), Row(), False),
        ("elsewhere", who("x", "ee"), Row(region="131000"), False),
    ],
)
def test_a_row_is_reached_only_by_the_field_its_scope_asks_for(scope, principal, row, expected) -> None:
    assert in_scope(scope, principal, row, within) is expected


@pytest.mark.parametrize(
    ("service", "method", "path", "template"),
    [
        ("cases", "POST", "/leads/7/file", "/leads/{id}/file"),
        ("cases", "HEAD", "/leads", "/leads"),
        ("ingest", "GET", "/sites/131000-A01", "/sites/{code}"),
        ("ingest", "GET", "/sites/%E6%96%87", "/sites/{code}"),
        ("cases", "DELETE", "/leads/7", None),
        ("cases", "GET", "/leads/", None),
        ("cases", "GET", "/leads//file", None),
        ("cases", "GET", "/leads/../cases", None),
        ("cases", "GET", "/leads/%2e%2e", None),
        ("cases", "GET", "/leads/7%2ffile", None),
        ("cases", "GET", "/leads/7%00", None),
        ("cases", "GET", "/leads/7\\..", None),
        ("cases", "GET", "/leads/%ff", None),
        ("cases", "GET", "leads", None),
        ("cases", "GET", "", None),
        ("other", "GET", "/leads", None),
        ("credit", "GET", "/leads", None),
    ],
)
def test_a_path_is_a_listed_route_or_none(service, method, path, template) -> None:
    route = POLICY.route(service, method, path)
    assert (route.path if route else None) == template


@given(st.text())
def test_no_text_as_a_path_raises_or_reaches_two_segments_with_one(path) -> None:
    route = POLICY.route("ingest", "GET", "/sites/" + path)
    assert route is None or (route.path == "/sites/{code}" and "/" not in path)


def broken(change) -> str:
    raw = yaml.load(MINIMAL, Loader=yaml.CSafeLoader)
    change(raw)
    return yaml.safe_dump(raw, allow_unicode=True)


MINIMAL = """
valid_from: 2026-01-01
services: [a]
departments: {ee: {kind: government, zh: 局, en: Bureau}}
roles: {public: {zh: 公众, en: Public}, r: {zh: 角, en: Role}}
permissions:
  x:read: {zh: 读, en: Read, source: s, grants: [{roles: [r], departments: [ee], scope: own}]}
routes: {a: {GET /x: "x:read"}}
inside: {every service: {GET /livez: open}}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw["permissions"]["x:read"]["grants"][0].update(roles=["q"]), "unknown role q"),
        (lambda raw: raw["permissions"]["x:read"]["grants"][0].update(scope="all"), "unknown scope all"),
        (lambda raw: raw["permissions"]["x:read"]["grants"][0].update(departments=["q"]), "department q"),
        (lambda raw: raw["permissions"]["x:read"]["grants"][0].update(departments="club"), "of that kind"),
        (lambda raw: raw["permissions"]["x:read"]["grants"][0].update(roles=["public"]), "the public"),
        (lambda raw: raw["permissions"]["x:read"].update(grants=[]), "nobody is granted"),
        (lambda raw: raw["routes"]["a"].update({"GET /y": "y:read"}), "unknown permission y:read"),
        (lambda raw: raw["routes"]["a"].update({"GET /y": "open"}), "open routes"),
        (lambda raw: raw["routes"]["a"].update({"FETCH /y": "x:read"}), "not a method"),
        (lambda raw: raw["inside"]["every service"].update({"GET /x": "x:read"}), "listed twice"),
        (lambda raw: raw["routes"]["a"].clear(), "no route needs it"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change, said) -> None:
    policy.parse(MINIMAL)
    with pytest.raises(policy.PolicyError, match=said):
        policy.parse(broken(change))


def test_a_change_of_one_cell_is_a_new_version() -> None:
    assert policy.parse(MINIMAL).version != policy.parse(MINIMAL.replace("own", "region")).version


def test_everything_is_named_in_both_languages_and_dated() -> None:
    assert date.fromisoformat(POLICY.valid_from)
    named = [{"zh": p.zh, "en": p.en, "source": p.source} for p in POLICY.permissions.values()]
    for entry in [*named, *POLICY.roles.values(), *POLICY.departments.values()]:
        assert all(entry.values())
        assert any("\u4e00" <= c <= "\u9fff" for c in entry["zh"])


def test_the_table_shows_every_permission_and_route() -> None:
    shown = policy.table()
    for permission in POLICY.permissions:
        assert f"**{permission}**" in shown
    for route in POLICY.routes:
        assert route.permission is None or f"`{route.method} {route.path}`" in shown

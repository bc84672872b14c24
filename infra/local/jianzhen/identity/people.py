"""A roster: one row makes an officer, or a department's system, part of the realm.

Promises: pure; a row that names a department, role or region nobody knows is refused with its line, and
then no row counts; groups that a row needs are added. Columns: `username,dept,region,roles` and, where
they apply,
`client,uscc,name,name_en,officer_cert_no,officer_cert_expiry,post_cert_no,banned_until,enabled`. A row
with `client` is a system that logs in by itself; its `username` stays empty, and `public_key` (base64 of
its DER, as in a PEM file without the first and last line; two of them apart by a blank while the key is
changed) makes it prove itself by that key instead of a secret.
"""

import csv
import json
from collections.abc import Container, Iterator
from datetime import date
from textwrap import wrap
from typing import Any

from jianzhen.identity.world import ACCOUNT, Facts, Key, World
from jianzhen.state import Refused

NEEDED = ("username", "dept", "region", "roles")
KEY_CLIENT = {"use.jwks.string": "true", "token.endpoint.auth.signing.alg": "ES256"}
ATTRIBUTES = ("uscc", "officer_cert_no", "officer_cert_expiry", "post_cert_no", "banned_until")
DATES = ("officer_cert_expiry", "banned_until")
KNOWN = {*NEEDED, *ATTRIBUTES, "client", "public_key", "name", "name_en", "enabled"}
SYSTEM: Facts = {
    "enabled": True,
    "protocol": "openid-connect",
    "publicClient": False,
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": True,
    "fullScopeAllowed": True,
    "defaultClientScopes": ["basic", "jianzhen", "profile", "roles"],
    "protocolMappers": {},
}


def added(
    world: World, text: str, departments: dict[str, Any], roles: Container[str], levels: dict[str, str]
) -> World:
    """The realm with the rows of a roster in it. Raises Refused with line, column and what would be right.

    `departments` are those of the policy, `levels` the level of each known region by its code.
    Worked example: `zhang.san,ee.enf,131000,case.officer` adds the user `zhang.san` to `/gov/131000/ee/enf`.
    """
    reader = csv.DictReader(text.lstrip("\ufeff").splitlines())
    columns = set(reader.fieldnames or ())
    if missing := [name for name in NEEDED if name not in columns]:
        raise Refused(f"the roster lacks the column {', '.join(missing)}; needed are {', '.join(NEEDED)}")
    if unknown := sorted(columns - KNOWN):
        raise Refused(
            f"the roster has unknown columns {', '.join(unknown)}; known are {', '.join(sorted(KNOWN))}"
        )
    things = dict(world.things)
    for row in reader:
        cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        try:
            things |= dict(_things(cells, None in row, departments, roles, levels))
        except ValueError as error:
            raise Refused(f"roster, line {reader.line_num}: {error}") from None
    return World(world.name, things)


def _things(
    row: dict[str, str],
    is_longer: bool,
    departments: dict[str, Any],
    roles: Container[str],
    levels: dict[str, str],
) -> Iterator[tuple[Key, Facts]]:
    _check(row, is_longer, departments, roles, levels)
    is_organisation = departments[row["dept"]]["kind"] == "organisation"
    own = {"region_code": [row["region"]], "level": [levels[row["region"]]], "dept_slug": [row["dept"]]}
    attributes = own | {"org_type": [row["dept"] if is_organisation else "gov"]}
    attributes |= {name: [row[name]] for name in ATTRIBUTES if row.get(name)}
    path, groups = _groups(row, is_organisation, levels)
    yield from groups
    enabled = row.get("enabled", "").lower() not in {"no", "false", "0", "否"}
    username = row["username"]
    if row.get("client"):
        username = ACCOUNT + row["client"]
        said = {"name": row.get("name", ""), "enabled": enabled} | proof_of(row.get("public_key", ""))
        yield ("client", row["client"]), SYSTEM | said
    facts = {"firstName": row.get("name", ""), "lastName": row.get("name_en", ""), "enabled": enabled}
    rights = {"realmRoles": sorted(row["roles"].split()), "groups": [path]}
    if row.get("client"):
        facts = {"enabled": enabled}
    yield ("user", username.lower()), facts | rights | {"attributes": attributes}


def _check(
    row: dict[str, str],
    is_longer: bool,
    departments: dict[str, Any],
    roles: Container[str],
    levels: dict[str, str],
) -> None:
    if is_longer:
        raise ValueError("more cells than columns; put a text with commas in quotes")
    if bool(row["username"]) == bool(row.get("client")):
        raise ValueError("give either a username (a person) or a client (a system)")
    if row.get("public_key") and not row.get("client"):
        raise ValueError("a public_key is of a client, not of a person")
    if row["dept"] not in departments:
        raise ValueError(f"dept {row['dept']!r} is not in the policy")
    if departments[row["dept"]]["kind"] == "organisation" and not row.get("uscc"):
        raise ValueError(f"a row of {row['dept']} needs the organisation's uscc")
    if row["region"] not in levels:
        raise ValueError(f"region {row['region']!r} is not in the table of regions")
    _check_roles(row["roles"].split(), roles)
    for name in DATES:
        if row.get(name):
            date.fromisoformat(row[name])


def proof_of(public_key: str) -> Facts:
    """How a system proves itself; two keys apart by a blank are both good, while one is changed.

    Raises ValueError for what is no public key on the curve P-256.
    """
    if not public_key:
        return {"clientAuthenticatorType": "client-secret"}
    keys = json.dumps({"keys": [_jwk(one) for one in public_key.split()]}, sort_keys=True)
    return {"clientAuthenticatorType": "client-jwt", "attributes": KEY_CLIENT | {"jwks.string": keys}}


def _jwk(public_key: str) -> Facts:
    from joserfc.errors import JoseError  # a library most commands do without
    from joserfc.jwk import ECKey

    lines = "\n".join(wrap(public_key, 64))
    pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    try:
        key = ECKey.import_key(pem)
        if key.is_private or key.curve_name != "P-256":
            raise ValueError("not on P-256")
        return dict(key.as_dict(private=False)) | {"kid": key.thumbprint(), "use": "sig", "alg": "ES256"}
    except (JoseError, ValueError, TypeError) as error:
        raise ValueError(f"public_key is no public key on P-256: {error}") from error


def _check_roles(named: list[str], roles: Container[str]) -> None:
    if not named:
        raise ValueError("roles is empty; separate several by blanks")
    for role in named:
        if role not in roles:
            raise ValueError(f"role {role!r} is not in the policy")


def _groups(
    row: dict[str, str], is_organisation: bool, levels: dict[str, str]
) -> tuple[str, list[tuple[Key, Facts]]]:
    """The path of a row's group, and every group on the way to it."""
    kind, region = ("org", row["dept"]) if is_organisation else ("gov", row["region"])
    if is_organisation:
        said: list[Facts] = [{}, {"org_type": [row["dept"]], "dept_slug": [row["dept"]]}]
        names = [kind, row["dept"]]
    else:
        said = [{"org_type": ["gov"]}, {"region_code": [region], "level": [levels[region]]}]
        names = [kind, region]
        parts = row["dept"].split(".")
        names += parts
        said += [{"dept_slug": [".".join(parts[: depth + 1])]} for depth in range(len(parts))]
    paths = ["/" + "/".join(names[: depth + 1]) for depth in range(len(names))]
    things = [(("group", path), {"attributes": facts}) for path, facts in zip(paths, said, strict=True)]
    return paths[-1], things

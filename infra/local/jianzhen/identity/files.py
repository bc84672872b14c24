"""The realm file and rosters on disk, and the realm of a local run: the file and the rows that joined here.

Promises: `renew` leaves the same bytes for the same input; a row that cannot be is refused before anything is
written. Leaves what a row means to `people`, and Keycloak to `keycloak`.
"""

import csv
import io
import json
import uuid
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import policy
from standards import regions
from standards.tables import rows

from jianzhen.identity import people
from jianzhen.identity.world import ACCOUNT, Facts, World, exact, wanted
from jianzhen.state import ROOT, Refused, State

REALM = ROOT / "infra/keycloak/realm.json"
COLUMNS = ("username", "client", "dept", "region", "roles", "name", "uscc", "public_key")


def json_of(path: Path) -> Facts:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"{path}: a JSON object is expected")
    return found


def with_people(world: World, path: Path) -> World:
    """The realm and the rows of a roster."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}; the roster must be UTF-8") from error
    return with_rows(world, text)


def with_rows(world: World, text: str) -> World:
    rules = policy.load()
    levels = {row["code"]: level_of(row["code"]) for row in rows("regions")}
    return people.added(world, text, dict(rules.departments), set(rules.roles) - {policy.PUBLIC}, levels)


def of_rows(text: str) -> World:
    """What the rows of a roster need of the platform's realm, in full, and nothing else of it.

    Worked example: a system's row gives its client, its account and the groups above it; made equal to this,
    a realm keeps the keys and people that others put into it.
    """
    realm = wanted(json_of(REALM))
    whole, mine = exact(with_rows(realm, text)).things, with_rows(World(realm.name, {}), text).things
    return World(realm.name, {place: whole[place] for place in mine})


def with_keys(world: World, keys: Mapping[str, str]) -> World:
    """The realm in which these clients prove themselves by keys; `keys` as in a roster's `public_key`."""
    if unknown := sorted(name for name in keys if ("client", name) not in world.things):
        raise Refused(f"the realm has no client {', '.join(unknown)}")
    told = {("client", name): world.things["client", name] for name in keys}
    try:
        proved = {
            place: facts | _proof(facts, keys[place[1]]) | {"protocolMappers": facts["protocolMappers"]}
            for place, facts in told.items()
        }
    except ValueError as error:
        raise Refused(str(error)) from None
    return World(world.name, world.things | proved)


def _proof(client: Facts, public_keys: str) -> Facts:
    if not public_keys:
        return {}
    proof = people.proof_of(public_keys)
    return proof | {"attributes": client.get("attributes", {}) | proof["attributes"]}


def level_of(region: str) -> str:
    """The level of a region by GB/T 2260, whose codes end in 0000 for provinces and in 00 for cities."""
    if region == regions.NATION:
        return "nation"
    if len(region) > 6:
        return "township"
    return "province" if region.endswith("0000") else "city" if region.endswith("00") else "county"


def roster_of(text: str, row: dict[str, str]) -> str:
    """The roster with this system's row in it, once, the last one."""
    kept = [one for one in csv.DictReader(text.splitlines()) if one["client"] != row["client"]]
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*kept, row])
    return out.getvalue()


def local_roster(state: State) -> Path:
    return state.home / "roster.csv"


def realm_file(state: State) -> Path:
    """What the embedded issuer of a run reads."""
    return state.home / "realm.json"


def renew(state: State, text: str | None = None, keys: Mapping[str, str] | None = None) -> Path:
    """The issuer's realm made anew from the realm file and the roster, or from `text` as its new content.

    `keys` are the public keys of the services' clients (`with_keys`).
    """
    raw, roster = json_of(REALM), local_roster(state)
    if text is None:
        text = roster.read_text(encoding="utf-8") if roster.exists() else ""
    told = exported(raw, with_rows(wanted(raw), text)) if text else raw
    told["clients"] = [one | _proof(one, (keys or {}).get(one["clientId"], "")) for one in told["clients"]]
    if text:
        _replace(roster, text)
    _replace(realm_file(state), json.dumps(told, ensure_ascii=False, indent=1))
    return realm_file(state)


def _replace(path: Path, text: str) -> None:
    """At once, and only where something changes: who reads it looks at its time."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def exported(raw: Facts, world: World) -> Facts:
    """The realm file with what it lacks of `world`, as a Keycloak export has it."""
    told, known = deepcopy(raw), wanted(raw).things
    for (kind, name), facts in world.things.items():
        if (kind, name) in known:
            continue
        if kind == "group":
            _add_group(told, name, facts)
        elif kind == "client":
            told["clients"].append(_of(kind, name) | {"clientId": name} | _client(facts))
        elif kind == "user":
            told["users"].append(_of(kind, name) | {"username": name} | _account(name) | facts)
    return told


def _of(kind: str, name: str) -> Facts:
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}:{name}"))}


def _client(facts: Facts) -> Facts:
    lists: Facts = {"redirectUris": [], "webOrigins": [], "optionalClientScopes": [], "attributes": {}}
    return lists | facts | {"protocolMappers": []}


def _account(username: str) -> Facts:
    return {"serviceAccountClientId": username.removeprefix(ACCOUNT)} if username.startswith(ACCOUNT) else {}


def _add_group(told: Facts, path: str, facts: Facts) -> None:
    above, _, name = path.rpartition("/")
    siblings: list[Any] = told["groups"]
    for depth in range(2, len(above.split("/")) + 1):
        wanted_path = "/".join(above.split("/")[:depth])
        siblings = next(one for one in siblings if one["path"] == wanted_path).setdefault("subGroups", [])
    siblings.append(
        _of("group", path) | {"name": name, "path": path, "realmRoles": [], "subGroups": []} | facts
    )

"""What differs between the realm that is wanted and the one that is found, and what is to be done about it.

Promises: pure; what gives rights (roles, groups, attributes, protocol mappers) is compared exactly, of the
rest only what the file names; no role, group, system or person is ever deleted: whom the file does not know
is told, and with `prune` disabled, so that what they did keeps its author.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from jianzhen.identity.world import ACCOUNT, KINDS, Facts, World

BUILT_IN = {
    "client": {
        "account",
        "account-console",
        "admin-cli",
        "broker",
        "realm-management",
        "security-admin-console",
    },
    "role": {"offline_access", "uma_authorization"},
}
Do = Literal["create", "update", "extra", "disable"]


@dataclass(frozen=True)
class Difference:
    """One fact, by its path within the thing: `attributes.region_code`."""

    path: str
    found: Any
    wanted: Any


@dataclass(frozen=True)
class Step:
    """What to do with one thing. `extra` is told only."""

    do: Do
    kind: str
    name: str
    facts: Facts
    differences: tuple[Difference, ...] = ()


def steps(wanted: World, found: World | None, *, prune: bool = False) -> list[Step]:
    """In the order in which they must be taken; empty when nothing differs.

    Worked example: an officer whose certificate was renewed gives one `update` of kind `user` with the
    difference `attributes.officer_cert_expiry`.
    """
    if found is None:
        return [Step("create", "realm", wanted.name, {})]
    taken = []
    for kind in KINDS:
        for name, facts in _of(wanted, kind):
            there = found.things.get((kind, name))
            if there is None:
                taken.append(Step("create", kind, name, facts))
            elif differing := tuple(differences(there, facts)):
                taken.append(Step("update", kind, name, facts, differing))
    return taken + list(_extras(wanted, found, prune))


def differences(found: Any, wanted: Any, path: str = "") -> Iterator[Difference]:
    """Facts of `wanted` that `found` has otherwise or not at all."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        # A mapper that somebody added by hand puts a claim into tokens.
        added = set(found) - set(wanted) if path == "protocolMappers" else set()
        for name in [*wanted, *sorted(added)]:
            yield from differences(found.get(name), wanted.get(name), f"{path}.{name}" if path else name)
    elif found != wanted and not (_is_void(found) and _is_void(wanted)):
        yield Difference(path, found, wanted)


def _is_void(value: Any) -> bool:
    """Keycloak leaves empty lists, texts and maps out of its answers."""
    return value is None or value in ("", [], {})


def _of(world: World, kind: str) -> Iterator[tuple[str, Facts]]:
    """Outer groups come before inner ones."""
    for (other, name), facts in sorted(world.things.items()):
        if other == kind:
            yield name, facts


def _extras(wanted: World, found: World, prune: bool) -> Iterator[Step]:
    for kind in ("role", "group", "client", "user"):
        for name, facts in _of(found, kind):
            if (kind, name) in wanted.things or name in BUILT_IN.get(kind, ()):
                continue
            if kind == "role" and name.startswith("default-roles-"):
                continue
            # Its client is told; the account goes with it.
            if kind == "user" and name.startswith(ACCOUNT):
                continue
            can_disable = kind in {"client", "user"} and facts["enabled"]
            yield Step("disable" if prune and can_disable else "extra", kind, name, facts)

"""Tokens that were called back before their end: the gateway keeps the list, every service follows it.

Promises: a token issued before the moment of a revocation that names its subject, session or client, or all
of them, is refused by every service within 30 s; while the gateway is away the last list holds. Leaves who
may revoke to the gateway.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

FOLLOW_SECONDS = 10.0
# No token lives longer (kit.auth refuses one), so an older revocation has nothing left to refuse.
LONGEST_LIFE_SECONDS = 86_400
Names = tuple[tuple[str, str], ...]


class Revocation(msgspec.Struct):
    """Tokens of `value` (a subject, session or client id; `-` for `all`) issued before `not_before` are void.

    `not_before` is in unix seconds, like a token's `iat`.
    """

    kind: str
    value: str
    not_before: float


def names_of(claims: Mapping[str, Any]) -> Names:
    """The names by which a token may be called back.

    Worked example: `{"sub": "7", "azp": "desk"}` is `(("all", "-"), ("subject", "7"), ("client", "desk"))`.
    """
    named = {"subject": claims.get("sub"), "session": claims.get("sid"), "client": claims.get("azp")}
    return (("all", "-"), *((kind, str(value)) for kind, value in named.items() if value))


class Revocations:
    """The list as this process knows it."""

    def __init__(self) -> None:
        # What was read before one was added does not know it.
        self._before, self.added = dict[tuple[str, str], float](), 0

    def replace(self, found: list[Revocation]) -> bool:
        """Takes a list over whole; True when it changed."""
        before: dict[tuple[str, str], float] = {}
        for one in sorted(found, key=lambda one: one.not_before):
            before[one.kind, one.value] = one.not_before
        changed, self._before = before != self._before, before
        return changed

    def add(self, kind: str, value: str, not_before: float) -> None:
        """One more, until the list is taken over again."""
        self.added += 1
        self._before[kind, value] = max(not_before, self._before.get((kind, value), 0.0))

    def hits(self, names: Names, issued_at: float) -> bool:
        """Whether a token of these names, issued then, was called back."""
        return any(issued_at < self._before.get(name, 0.0) for name in names) if self._before else False

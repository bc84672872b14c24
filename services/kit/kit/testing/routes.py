"""Which routes an application really has, and what each asks for: so that none is left unguarded.

Promises: sees routes however they were included. Leaves what they should ask for to the policy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from policy import Policy

from kit.manners import guards_of


@dataclass(frozen=True)
class Found:
    """A route as registered. `permissions` are those of its guards, outermost first."""

    method: str
    path: str
    permissions: tuple[str, ...]


def routes_of(app: FastAPI) -> Iterator[Found]:
    """Every route of the application, one for each method; HEAD and OPTIONS aside."""
    for context in iter_route_contexts(app.routes):
        route: Any = context
        dependant = getattr(route, "dependant", None)
        asked = tuple(guard.permission for guard in guards_of(dependant)) if dependant is not None else ()
        for method in sorted(set(route.methods or ()) - {"HEAD", "OPTIONS"}):
            yield Found(method, str(route.path), asked)


def unguarded_routes(app: FastAPI, policy: Policy, service: str) -> list[str]:
    """Routes that ask for nothing, or for another permission than the policy says, with the reason."""
    wrong = []
    for found in routes_of(app):
        sample = found.path.replace("{", "").replace("}", "")
        known = policy.route(service, found.method, sample)
        where = f"{service} {found.method} {found.path}"
        if known is None:
            wrong.append(f"{where}: not in the policy")
        elif found.permissions != ((known.permission,) if known.permission else ()):
            wrong.append(f"{where}: guarded by {found.permissions}, the policy says {known.permission}")
    return wrong

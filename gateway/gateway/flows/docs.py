"""One view of the interfaces of all services: their OpenAPI, as reached through the edge, with who may call.

Promises: only what the edge lets through is shown; a service that does not answer is shown as such, and asked
again the next time. Leaves the look to `api.docs`.
"""

import asyncio
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
from kit.tls import roots
from policy import Permission, Policy

FRESH_SECONDS = 30.0
OWN = "gateway"


@dataclass(frozen=True)
class Operation:
    """One route of one service, as a reader sees it."""

    method: str
    path: str
    permission: Permission


@dataclass(frozen=True)
class Chapter:
    """A service. `document` is None while it does not answer; its routes are known from the policy."""

    service: str
    operations: tuple[Operation, ...]
    document: dict[str, Any] | None


class Library:
    """Fetches and keeps the documents. `services` maps a name to a base URL; `own` gives the gateway's."""

    def __init__(
        self, policy: Policy, services: dict[str, str], own: Callable[[], dict[str, Any]] = dict
    ) -> None:
        self._policy, self._services, self._own = policy, services, own
        self._client = httpx.AsyncClient(timeout=3, verify=roots())
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    async def chapters(self) -> list[Chapter]:
        return list(await asyncio.gather(*(self._chapter(name) for name in (*self._services, OWN))))

    async def document(self, service: str) -> dict[str, Any] | None:
        """The OpenAPI document of a service as the edge shows it; None when it is unknown or away."""
        if service == OWN and (own := self._own()):
            return as_seen(self._policy, OWN, own)
        if service not in self._services:
            return None
        kept = self._kept.get(service)
        if kept is None or time.monotonic() - kept[0] > FRESH_SECONDS:
            try:
                answer = await self._client.get(f"{self._services[service]}/openapi.json")
                kept = time.monotonic(), as_seen(self._policy, service, answer.raise_for_status().json())
            except (httpx.HTTPError, ValueError, KeyError):
                return None
            self._kept[service] = kept
        return kept[1]

    async def close(self) -> None:
        await self._client.aclose()

    async def _chapter(self, service: str) -> Chapter:
        document = await self.document(service)
        operations = tuple(
            Operation(
                route.method,
                f"/api/{service}{route.path}",
                self._policy.permissions[route.permission],
            )
            for route in self._policy.routes
            if route.service == service and route.through_edge and route.permission is not None
        )
        return Chapter(service, operations, document)


def as_seen(policy: Policy, service: str, document: dict[str, Any]) -> dict[str, Any]:
    """A service's OpenAPI document with what the edge lets through, with the right of each operation."""
    seen = deepcopy(document)
    seen["servers"] = [{"url": f"/api/{service}"}]
    seen["paths"] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            route = policy.route(service, method.upper(), path.replace("{", "").replace("}", ""))
            if route is not None and route.through_edge:
                entry = operation | {"x-permission": route.permission}
                seen["paths"].setdefault(path, {})[method] = entry
    return seen

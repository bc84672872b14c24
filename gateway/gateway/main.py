"""The authorizer: asked by the edge about every request; owns the audit. Wiring only."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.auth import ServiceTokens
from kit.settings import load
from standards.regions import is_within

from gateway.api import audit, authorize, docs, grants, revocations, usage
from gateway.flows.docs import Library
from gateway.flows.gate import Gate, Limits
from gateway.flows.ledger import Ledger
from gateway.flows.receipts import Receipts
from gateway.flows.usage import Holdings
from gateway.jobs import JOBS
from gateway.rules.edge import Limit
from gateway.settings import Settings


def limits_of(settings: Settings) -> Limits:
    """One replica's share of the limits."""
    share = 1 / settings.replicas
    client = Limit("client", settings.client_rate * share, settings.client_burst)
    return Limits(client, Limit("anonymous", settings.anonymous_rate * share, settings.anonymous_burst))


async def open_gate(app: FastAPI) -> Callable[[], Awaitable[None]]:
    state, services = app.state, app.state.settings.services
    state.ledger = ledger = Ledger.kept(state.database, state.settings.spool)
    state.gate = Gate(state.policy, state.verifier, limits_of(state.settings), ledger)
    state.library = Library(state.policy, services, app.openapi)
    state.holdings = Holdings(services.get("ingest"))
    state.receipts = Receipts(services.get("evidence"), ServiceTokens(state.settings))
    ledger.start()

    async def close() -> None:
        await ledger.stop()
        for opened in (state.library, state.holdings, state.receipts):
            await opened.close()

    return close


def build(settings: Settings) -> FastAPI:
    routers = [each.router for each in (authorize, audit, docs, grants, revocations, usage)]
    title = "Jianzhen gateway 网关"
    parts = Parts("gateway", title, is_within, routers=routers, jobs=JOBS, on_start=[open_gate])
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()

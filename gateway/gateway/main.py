"""The authorizer: asked by the edge about every request; owns the audit. Wiring only."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from kit.app import Job, Parts, create_app, serve
from kit.revocation import FOLLOW_SECONDS
from kit.settings import load

from gateway.api import audit, authorize, docs, revocations
from gateway.flows.docs import Library
from gateway.flows.gate import Gate, Limits
from gateway.flows.ledger import Ledger
from gateway.flows.revoking import follow
from gateway.rules import Limit
from gateway.settings import Settings


def limits_of(settings: Settings) -> Limits:
    """One replica's share of the limits."""
    share = 1 / settings.replicas
    client = Limit("client", settings.client_rate * share, settings.client_burst)
    return Limits(client, Limit("anonymous", settings.anonymous_rate * share, settings.anonymous_burst))


async def open_gate(app: FastAPI) -> Callable[[], Awaitable[None]]:
    state, ledger = app.state, Ledger(app.state.database)
    state.gate = Gate(state.policy, state.verifier, limits_of(state.settings), ledger)
    state.library = Library(state.policy, state.settings.services, app.openapi)
    ledger.start()

    async def close() -> None:
        await ledger.stop()
        await state.library.close()

    return close


def build(settings: Settings) -> FastAPI:
    """No row of it has a region, so no region is within another here."""
    parts = Parts(
        name="gateway",
        title="Jianzhen gateway 网关",
        within=lambda region, ancestor: False,
        routers=[authorize.router, audit.router, docs.router, revocations.router],
        jobs=[Job("revocations", FOLLOW_SECONDS, follow)],
        on_start=[open_gate],
        has_outbox=False,
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()

"""One way to make a service: problems, auth, telemetry, database, outbox relay, consumers and jobs, wired.

Promises: /livez says the process runs; /readyz says database and bus are reachable and relay and consumers
run; a stop finishes the transactions in hand. Leaves to each service its routers, flows and rules.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog
import uvicorn
from contracts.envelope import Event
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from policy import load as load_policy
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kit import auth, bus, db, described, manners, outbox, parking, problems, relay, telemetry
from kit.deadline import BodyDeadline
from kit.link import ended
from kit.peers import Peers
from kit.revocation import FOLLOW_SECONDS
from kit.settings import Rotating, ServiceSettings

# Longer than the edge keeps a connection idle (60 s, gateway/Caddyfile): else a service that is busy when its
# own limit passes closes a connection under a request that has arrived, and the edge cannot repeat a POST.
KEEP_ALIVE_SECONDS = 90

log = structlog.get_logger()

Handler = Callable[..., Awaitable[None]]
Start = Callable[[FastAPI], Awaitable[Callable[[], Awaitable[None]] | None]]


@dataclass(frozen=True)
class Job:
    """A flow on a clock: `run(app)` every `seconds`, one run at a time, a failure is logged and not fatal."""

    name: str
    seconds: float
    run: Callable[[FastAPI], Awaitable[None]]


@dataclass(frozen=True)
class Parts:
    """What a service brings. `within(child, ancestor)` is the region closure of `standards.regions`,
    `regions` are the codes there are; a reader sees rows of no other.

    `readiness` are names of checks and what is told in zh and en while one fails, None while it holds.
    `on_start(app)` may return a coroutine function that is called at the end (used for the TCP receiver);
    `before_bus(app)` is the same, before anything is heard or published.
    """

    name: str
    title: str
    within: Callable[[str, str], bool]
    routers: Sequence[APIRouter] = ()
    consumers: Sequence[tuple[type[Event], Handler]] = ()
    jobs: Sequence[Job] = ()
    before_bus: Sequence[Start] = ()
    on_start: Sequence[Start] = ()
    readiness: Mapping[str, Callable[[], str | None]] = field(default_factory=dict)
    has_outbox: bool = True
    backoff: Sequence[float] = field(default=(0.2, 1, 5, 15))
    regions: frozenset[str] = frozenset()


async def _clockwork(app: FastAPI, job: Job) -> None:
    while True:
        try:
            await job.run(app)
        except Exception as error:
            log.warning("job_failed", job=job.name, error=repr(error))
        await asyncio.sleep(job.seconds)


def _health(app: FastAPI, readiness: Mapping[str, Callable[[], str | None]]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        checks = {"database": await app.state.database.is_reachable()}
        if app.state.bus is not None:
            checks["bus"] = app.state.bus.healthy
        reasons = {name: told for name, check in readiness.items() if (told := check()) is not None}
        checks |= {name: name not in reasons for name in readiness}
        ready = all(checks.values())
        answer = {"ready": ready, "checks": checks} | ({"reasons": reasons} if reasons else {})
        return JSONResponse(answer, status_code=200 if ready else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _start_bus(app: FastAPI, settings: ServiceSettings, parts: Parts, stack: AsyncExitStack) -> None:
    app.state.bus = None
    if not (parts.has_outbox or parts.consumers):
        return
    tokens = auth.ServiceTokens(settings)
    stack.push_async_callback(tokens.close)
    carrier = bus.Bus(settings, parts.name, app.state.database, tokens=tokens, backoff=parts.backoff)
    for event, handler in parts.consumers:
        carrier.consume(event, handler)
    app.state.bus = carrier
    await stack.enter_async_context(carrier.running())
    if parts.has_outbox:
        committed, kept = app.state.database.committed, settings.outbox_days
        sender = relay.Relay(Rotating(settings, "writer_url"), parts.name, carrier.link, committed, kept)
        await stack.enter_async_context(sender.running())


def _following(app: FastAPI, settings: ServiceSettings, stack: AsyncExitStack) -> list[Job]:
    """Revoked tokens and cross-region grants are asked of the gateway, which is among the peers of every
    service but itself.
    """
    if "gateway" not in settings.peers:
        return []
    tokens = auth.ServiceTokens(settings)
    gateway = Peers(settings.peers, tokens)
    stack.push_async_callback(tokens.close)
    stack.push_async_callback(gateway.close)

    async def follow(app: FastAPI) -> None:
        app.state.verifier.revocations.replace(await gateway.revocations())

    async def follow_grants(app: FastAPI) -> None:
        app.state.verifier.grants.replace(await gateway.region_grants())

    return [Job("revocations", FOLLOW_SECONDS, follow), Job("grants", FOLLOW_SECONDS, follow_grants)]


async def _begin(app: FastAPI, starts: Sequence[Start], stack: AsyncExitStack) -> None:
    for start in starts:
        stop = await start(app)
        if stop is not None:
            stack.push_async_callback(stop)


def create_app(settings: ServiceSettings, parts: Parts) -> FastAPI:
    """The FastAPI application of a service, ready for `serve`."""
    telemetry.configure(
        parts.name, level=settings.log_level, endpoint=settings.otlp_endpoint, ratio=settings.trace_ratio
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await app.state.database.check_durability()
            await _begin(app, parts.before_bus, stack)
            await _start_bus(app, settings, parts, stack)
            await _begin(app, parts.on_start, stack)
            jobs = [*parts.jobs, *_following(app, settings, stack)]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_clockwork(app, job), name=job.name) for job in jobs]
                yield
                await ended(*tasks, patience=5)
        await app.state.verifier.close()
        await app.state.database.close()

    app = FastAPI(
        title=parts.title,
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # FastAPI's own spans and metrics would double ours: 37 % of the CPU of a small request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.service, app.state.within, app.state.regions = parts.name, parts.within, parts.regions
    app.state.policy = load_policy()
    app.state.verifier = auth.Verifier(settings)
    app.state.database = db.Database(
        Rotating(settings, "writer_url"), Rotating(settings, "reader_url"), settings.pool_size
    )
    problems.install(app)
    manners.install(app)
    app.add_middleware(BodyDeadline, seconds=settings.body_seconds)
    app.add_middleware(telemetry.TraceMiddleware, service=parts.name)
    own = [outbox.router] * parts.has_outbox + [parking.router] * bool(parts.consumers)
    for router in [_health(app, parts.readiness), *parts.routers, *own]:
        # As they are, not included: FastAPI analyses an included route anew for each app, 15 ms a route.
        app.router.routes.extend(router.routes)
    described.describe(app)
    return app


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Runs the service until SIGTERM; requests in hand are finished first."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=20,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )

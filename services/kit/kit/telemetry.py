"""Logs, traces and metrics: set up once per process.

Promises: every request and message runs inside a trace context (sampled or not), so a trace id can always be
told; logs are JSON lines with that id, on stderr (stdout is for data). Leaves to the collector what happens
to exported spans.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("http_requests_total", "Requests answered", ["service", "method", "route", "status"])
SECONDS = Histogram("http_request_seconds", "Time to answer", ["service", "route"])
# Nobody sends baggage, which the propagator of the default looks for, too.
W3C = TraceContextTextMapPropagator()
# Made once, before its provider: OpenTelemetry looks for a deprecation to warn of whenever it makes one.
TRACER = trace.get_tracer("jianzhen")


def _add_trace(_: object, __: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        fields["trace_id"] = f"{current.trace_id:032x}"
    return fields


def configure(service: str, *, level: str, endpoint: str | None, ratio: float) -> None:
    """Sets the process's logger and tracer. Call once, before the application is made."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)))
    if endpoint:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    trace.set_tracer_provider(provider)


def traceparent() -> str:
    """The current context as a W3C header value; a fresh, unsampled one outside any trace."""
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    if "traceparent" not in carrier:
        with TRACER.start_as_current_span("detached"):
            W3C.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def continued(parent: str, name: str) -> Iterator[None]:
    """Runs the body as a span that continues `parent` (a traceparent value, possibly empty)."""
    token = context.attach(W3C.extract({"traceparent": parent}))
    try:
        with TRACER.start_as_current_span(name):
            yield
    finally:
        context.detach(token)


class TraceMiddleware:
    """Continues the caller's trace, counts and times requests by route template.

    Pure ASGI and without receive/send spans: a span per body chunk cost a third of the throughput.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        started = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"trace-id", scope["trace_id"].encode())]
            await send(message)

        with continued(parent, f"{scope['method']} {scope['path']}"):
            # Told in every answer, also to an exception, which is made outside this span.
            scope["trace_id"] = f"{trace.get_current_span().get_span_context().trace_id:032x}"
            try:
                await self.app(scope, receive, watched)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(self.service, scope["method"], route, str(status)).inc()
                SECONDS.labels(self.service, route).observe(time.perf_counter() - started)

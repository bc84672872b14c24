"""The public interface of every service as OpenAPI, made from the applications without starting them.

Promises: the same documents as `/docs/openapi/{service}.json` of a running platform, by the same function.
"""

import importlib
import logging
from typing import Any

import policy
from gateway.flows.docs import as_seen

Document = dict[str, Any]
NOWHERE = {
    "environment": "local",
    "port": 1,
    "writer_url": "postgresql://writer@127.0.0.1:1/none",
    "reader_url": "postgresql://reader@127.0.0.1:1/none",
    "nats_url": "nats://127.0.0.1:1",
    "nats_user": "none",
    "nats_seed": "none",
    "issuer": "http://127.0.0.1:1/realms/jianzhen",
    "jwks_url": "http://127.0.0.1:1/certs",
    "token_url": "http://127.0.0.1:1/token",
    "client_id": "none",
    "client_secret": "none",
}
OWN = {"evidence": {"key": "A" * 43 + "=", "store": "/nowhere"}}
SERVICES = ("ingest", "qc", "cases", "credit", "publish", "evidence", "gateway")


def documents() -> dict[str, Document]:
    """By service, what the edge lets through."""
    # Each application sets the one tracer of a process; only one of them ever runs in it.
    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)
    rules = policy.load()
    return {service: as_seen(rules, service, _whole(service)) for service in SERVICES}


def _whole(service: str) -> Document:
    main = importlib.import_module(f"{service}.main")
    settings = importlib.import_module(f"{service}.settings").Settings(**NOWHERE, **OWN.get(service, {}))
    make = main.build if hasattr(main, "build") else main.application
    document: Document = make(settings).openapi()
    return document

"""Each service as its `main` wires it, told addresses where nobody listens: nothing opens until it starts."""

import importlib
from typing import Any

from fastapi import FastAPI

NOWHERE: dict[str, Any] = {
    "environment": "local",
    "port": 1,
    "writer_url": "postgresql://writer@127.0.0.1:1/none",
    "reader_url": "postgresql://reader@127.0.0.1:1/none",
    "nats_url": "nats://127.0.0.1:1",
    "nats_user": "none",
    "nats_seed": "none",
    "issuer": "http://127.0.0.1:8080/realms/jianzhen",
    "jwks_url": "http://127.0.0.1:1/certs",
    "token_url": "http://127.0.0.1:1/token",
    "client_id": "none",
    "client_secret": "none",
}
OWN = {"evidence": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "store": "/nowhere"}}


def application(service: str, **told: Any) -> FastAPI:
    """The application of a service; `told` goes before what it would be told here."""
    main: Any = importlib.import_module(f"{service}.main")
    settings = importlib.import_module(f"{service}.settings").Settings(
        **NOWHERE | OWN.get(service, {}) | told
    )
    makers = [getattr(main, name) for name in ("build", "make", "application") if hasattr(main, name)]
    made: FastAPI = makers[0](settings)
    return made

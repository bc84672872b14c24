"""The service `credit` running on real servers, and tokens of its people signed by a real key set."""

import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from credit.main import build
from credit.settings import Settings
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from kit.servers import NatsServer
from kit.testing.databases import FreshDatabase
from kit.testing.plugin import ClientFor, ServiceDatabase

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

ISSUER = "http://127.0.0.1:8080/realms/jianzhen"
TokenFor = Callable[..., dict[str, str]]


class Keys(BaseHTTPRequestHandler):
    """Answers the public keys."""

    published: bytes

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self.published)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="session")
def signing() -> Iterator[tuple[RSAKey, str]]:
    """A signing key, and the address where its public half is published."""
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    Keys.published = json.dumps(KeySet([key]).as_dict(private=False)).encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield key, f"http://127.0.0.1:{server.server_port}/certs"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def token_for(signing: tuple[RSAKey, str]) -> TokenFor:
    """`token_for("ndrc/credit.editor@131000")`: the Authorization header; claims may be overridden."""

    def make(as_: str, **claims: Any) -> dict[str, str]:
        dept, _, rest = as_.partition("/")
        role, _, region = rest.partition("@")
        now = int(time.time())
        body = {
            "iss": ISSUER,
            "aud": ["jianzhen"],
            "sub": as_,
            "typ": "Bearer",
            "jti": as_,
            "iat": now,
            "exp": now + 300,
            "dept": dept,
            "region": region,
            "realm_access": {"roles": [role]},
            **claims,
        }
        token = jwt.encode({"alg": "RS256", "kid": signing[0].kid}, body, signing[0])
        return {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture
async def database(service_database: ServiceDatabase) -> FreshDatabase:
    return await service_database("credit")


@pytest.fixture
async def client(
    database: FreshDatabase, fresh_streams: NatsServer, signing: tuple[RSAKey, str], client_for: ClientFor
) -> AsyncIterator[httpx.AsyncClient]:
    """The service with all its doors open."""
    settings = Settings.model_validate(
        {
            "port": 1,
            "writer_url": database.writer_url,
            "reader_url": database.reader_url,
            "nats_url": fresh_streams.url,
            "nats_user": "",
            "nats_password": "",
            "issuer": ISSUER,
            "jwks_url": signing[1],
            "token_url": signing[1],
            "client_id": "svc-credit",
            "client_secret": "not-used",
            "log_level": "ERROR",
        }
    )
    async with client_for(build(settings)) as made:
        yield made

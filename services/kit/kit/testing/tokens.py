"""Tokens for tests: a key of this worker's own and the address where services fetch its public half.

Promises: real signatures, verified over real HTTP; any claim can be set, or left out with None. Use:
`tokens.bearer("ee.enf/case.officer@131000")` are the headers of that principal, `**tokens.settings` the part
of a service's settings that makes it trust this issuer.
"""

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ISSUER = "http://127.0.0.1:8080/realms/jianzhen"


class Tokens:
    """An issuer that gives any token a test asks for."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        tokens = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(dict(KeySet([tokens.key]).as_dict(private=False)))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", "0")))
                access = tokens.mint("-/platform.service@-")
                self._answer({"access_token": access, "expires_in": 300, "token_type": "Bearer"})

            def _answer(self, body: dict[str, Any]) -> None:
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "issuer": ISSUER,
            "jwks_url": f"{self.url}/certs",
            "token_url": f"{self.url}/token",
            "client_id": "svc-test",
            "client_secret": "test-secret",
        }

    def mint(self, as_: str, **claims: Any) -> str:
        """A token of `dept/role@region` (several roles with `+`, `-` for none); None drops a claim.

        An officer has a certificate unless told otherwise.
        """
        dept, _, rest = as_.partition("/")
        roles, _, region = rest.partition("@")
        now = int(time.time())
        is_officer = "case.officer" in roles.split("+")
        full = {
            **{"iss": ISSUER, "aud": ["jianzhen"], "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, as_))},
            **{"iat": now, "nbf": now, "exp": now + 300, "jti": str(uuid.uuid4()), "typ": "Bearer"},
            **{"azp": "jianzhen-cli", "preferred_username": as_, "org_type": "gov"},
            **{"dept": dept, "region": region, "realm_access": {"roles": roles.split("+")}},
            **(
                {"officer_cert_no": f"ZF-{region}-9", "officer_cert_expiry": "2099-12-31"}
                if is_officer
                else {}
            ),
            **claims,
        }
        kept = {name: value for name, value in full.items() if value not in (None, "-")}
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid}
        return jwt.encode(header, kept, self.key, algorithms=["RS256"])

    def bearer(self, as_: str, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.mint(as_, **claims)}"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

"""The running platform as a client sees it: its public address, tokens of the demo principals, an HTTP
client.

Promises: talks to the edge only, as a department's system would. JIANZHEN_URL names a platform elsewhere
(then JIANZHEN_TOKEN is the token); without it, the run in `.state`. Leaves what is asked for to its
callers.
"""

import json
import os
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from jianzhen.state import Refused, State

TOKEN_PATH = "/realms/jianzhen/protocol/openid-connect/token"  # noqa: S105
CLI = "jianzhen-cli"


@dataclass
class Platform:
    """`token("ee.mon/data.submit@131000")`, `client("sys-ee-mon-131000").get("/api/qc/alarms")`."""

    edge: str
    hj212: tuple[str, int]
    secrets: dict[str, dict[str, str]]
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    @classmethod
    def here(cls) -> "Platform":
        """Refused with exit code 3 when nothing has been started here."""
        if url := os.environ.get("JIANZHEN_URL"):
            host = httpx.URL(url).host
            return cls(url.rstrip("/"), (host, 21200), {"users": {}, "clients": {}})
        state = State.here()
        ports, identity = state.ports(), state.home / "secrets" / "identity.json"
        if "edge" not in ports or not identity.exists():
            raise Refused(
                "the platform has not been started here: run `make up`, or name one by JIANZHEN_URL", 3
            )
        return cls(
            f"http://127.0.0.1:{ports['edge']}",
            ("127.0.0.1", ports["hj212"]),
            json.loads(identity.read_text()),
        )

    def principals(self) -> list[str]:
        """Whom this run can be: people as `dept/role@region`, systems as their client's name."""
        return [
            *self.secrets["users"],
            *(name for name in self.secrets["clients"] if name.startswith("sys-")),
        ]

    def token(self, principal: str) -> str:
        """An access token, asked for once and again shortly before its end."""
        if given := os.environ.get("JIANZHEN_TOKEN"):
            return given
        kept, until = self._tokens.get(principal, ("", 0.0))
        if time.time() > until:
            answer = self._ask(self._grant(principal))
            kept, until = answer["access_token"], time.time() + answer["expires_in"] * 0.8
            self._tokens[principal] = kept, until
        return kept

    def token_by_key(self, client: str, key: Path) -> str:
        """An access token for a system that proves itself by its own key (private_key_jwt)."""
        from jianzhen.identity import proof  # every other command does without its library

        asked = proof.form(client, key, f"{self.edge}{TOKEN_PATH.partition('/protocol/')[0]}")
        return str(self._ask(asked)["access_token"])

    def _grant(self, principal: str) -> dict[str, str]:
        if password := self.secrets["users"].get(principal):
            return {"grant_type": "password", "client_id": CLI, "username": principal, "password": password}
        if secret := self.secrets["clients"].get(principal):
            return {"grant_type": "client_credentials", "client_id": principal, "client_secret": secret}
        known = "\n  ".join(self.principals())
        raise Refused(f"nobody here is called {principal}; there are:\n  {known}")

    def _ask(self, grant: dict[str, str]) -> dict[str, Any]:
        try:
            answer = httpx.post(self.edge + TOKEN_PATH, data=grant, timeout=20, trust_env=False)
        except httpx.TransportError as error:
            raise Refused(
                f"the platform does not answer at {self.edge} ({error}): `jianzhen status`", 3
            ) from None
        if answer.status_code >= 500:
            raise Refused(f"the issuer does not answer at {self.edge} ({answer.status_code})", 3)
        if answer.status_code != 200:
            raise Refused(f"the issuer refuses: {answer.text}")
        return dict(answer.json())

    def client(self, principal: str | None = None, seconds: float = 30.0) -> httpx.Client:
        """An HTTP client at the edge, as `principal` or as nobody (public)."""
        auth = Bearer(self, principal) if principal or os.environ.get("JIANZHEN_TOKEN") else None
        return httpx.Client(base_url=self.edge, auth=auth, timeout=seconds, trust_env=False)


class Bearer(httpx.Auth):
    """Puts a fresh token on every request."""

    def __init__(self, platform: Platform, principal: str | None) -> None:
        self.platform, self.principal = platform, principal or ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.platform.token(self.principal)}"
        yield request

"""Who asks: a token at hand, a system's secret, or a system's own key.

Promises: a token is asked for once and renewed before it ends, by one thread at a time; a private key is read
and never sent. Leaves the sending to `transport`.
"""

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx

from jianzhen_client.problems import problem_of

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 30
# A token is renewed when this part of its life has passed.
RENEWED_AT = 0.8
REALM = "/realms/jianzhen"


class Credentials(Protocol):
    """Anything that gives an access token; `refused` is one that was answered by a 401."""

    def token(self, http: httpx.Client, refused: str = "") -> str: ...


class Token:
    """A token at hand, or a function that gives one."""

    def __init__(self, given: str | Callable[[], str]) -> None:
        self._given = given

    def token(self, http: httpx.Client, refused: str = "") -> str:
        return self._given if isinstance(self._given, str) else self._given()


class _Granted:
    """A system's token by client credentials. `issuer` is only needed where it is not the platform's."""

    def __init__(self, client_id: str, issuer: str | None = None) -> None:
        self.client_id, self._issuer = client_id, issuer
        self._lock, self._kept, self._until = threading.Lock(), "", 0.0

    def token(self, http: httpx.Client, refused: str = "") -> str:
        """Raises Problem when the issuer refuses, httpx.TransportError when it is not reached."""
        with self._lock:
            if self._kept == refused or time.monotonic() >= self._until:
                self._ask(http)
            return self._kept

    def _ask(self, http: httpx.Client) -> None:
        issuer = self._issuer or str(http.base_url).rstrip("/") + REALM
        asked = {"grant_type": "client_credentials", "client_id": self.client_id} | self._proof(issuer)
        begun = time.monotonic()
        answer = http.post(f"{issuer}/protocol/openid-connect/token", data=asked)
        if answer.status_code != 200:
            raise problem_of(answer)
        told = answer.json()
        self._kept, self._until = told["access_token"], begun + told["expires_in"] * RENEWED_AT

    def _proof(self, issuer: str) -> dict[str, str]:
        raise NotImplementedError


class Secret(_Granted):
    """A system that proves itself by a secret. Worked example: `Secret("sys-met-131000", "…")`."""

    def __init__(self, client_id: str, secret: str, issuer: str | None = None) -> None:
        super().__init__(client_id, issuer)
        self._secret = secret

    def _proof(self, issuer: str) -> dict[str, str]:
        return {"client_secret": self._secret}


class Key(_Granted):
    """A system that proves itself by its own key (private_key_jwt, RFC 7523); needs `jianzhen-client[key]`.

    `path` is the file that `jianzhen identity key` made: P-256, PEM. Worked example:
    `Key("sys-met-131000", "met.pem")`.
    """

    def __init__(self, client_id: str, path: str | Path, issuer: str | None = None) -> None:
        super().__init__(client_id, issuer)
        from joserfc.jwk import ECKey

        self._key = ECKey.import_key(Path(path).read_bytes())

    def _proof(self, issuer: str) -> dict[str, str]:
        from joserfc import jwt

        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": issuer, "jti": str(uuid.uuid4())}
        times = {"iat": now, "exp": now + ASSERTION_SECONDS}
        header = {"alg": "ES256", "kid": self._key.thumbprint()}
        signed = jwt.encode(header, claims | times, self._key, algorithms=["ES256"])
        return {"client_assertion_type": ASSERTION, "client_assertion": signed}

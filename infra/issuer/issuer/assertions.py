"""Clients that prove themselves by a key: private_key_jwt (OpenID Connect Core §9, RFC 7523).

Promises: an assertion is good once, for this issuer alone, for a minute at most, and only signed by a key
that the realm holds of this client. Leaves what a client may then do to `api`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from issuer.realm import Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["ES256", "RS256", "PS256"]
LONGEST_LIFE_SECONDS = 60
LEEWAY_SECONDS = 5
SEEN_LIMIT = 20_000


def claimed(assertion: str) -> str:
    """The client that an assertion says it is of, not yet believed; empty when it says nothing."""
    try:
        return str(json.loads(jws.extract_compact(assertion.encode()).payload)["sub"])
    except (JoseError, ValueError, KeyError, TypeError):
        return ""


@dataclass
class Assertions:
    """`audiences` are the names of this issuer: itself and its token endpoint. `now` in unix seconds."""

    audiences: frozenset[str]
    now: Callable[[], float]
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)

    def is_good(self, client: Client, assertion: str) -> bool:
        """Whether the client signed this, for us, just now, and for the first time."""
        claims = self._signed(client, assertion)
        if claims is None or not self._is_meant(client, claims):
            return False
        return self._is_first(client.id, str(claims["jti"]), float(claims["exp"]))

    def _signed(self, client: Client, assertion: str) -> dict[str, Any] | None:
        if client.jwks is None:
            return None
        try:
            keys = KeySet.import_key_set(json.loads(client.jwks))
            if jws.extract_compact(assertion.encode()).headers().get("alg") not in ALGORITHMS:
                return None
            return jwt.decode(assertion, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, KeyError, TypeError):
            return None

    def _is_meant(self, client: Client, claims: dict[str, Any]) -> bool:
        times = [claims.get("exp"), claims.get("nbf", 0), claims.get("iat", 0)]
        if not all(isinstance(time, int | float) for time in times) or not claims.get("jti"):
            return False
        end, begin, issued = (float(time) for time in times)
        now = self.now()
        is_ours = (claims.get("iss"), claims.get("sub")) == (client.id, client.id)
        latest = now + LONGEST_LIFE_SECONDS + LEEWAY_SECONDS
        is_timely = max(begin, issued) - LEEWAY_SECONDS <= now < end <= latest
        return is_ours and is_timely and claims.get("aud") in self.audiences

    def _is_first(self, client: str, name: str, until: float) -> bool:
        now = self.now()
        if len(self._seen) >= SEEN_LIMIT:
            self._seen = {key: end for key, end in self._seen.items() if end > now}
        # Full of living ones: better to refuse than to take one twice.
        if (client, name) in self._seen or len(self._seen) >= SEEN_LIMIT:
            return False
        self._seen[client, name] = until
        return True

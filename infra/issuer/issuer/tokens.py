"""Access, identity and refresh tokens, shaped as Keycloak shapes them.

Promises: claims come from the realm's protocol mappers; `typ` tells access (`Bearer`) from identity (`ID`)
tokens; refresh tokens are opaque. Leaves who gets one to `api`.
"""

import hashlib
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from issuer.keys import Keyring
from issuer.realm import Client, Realm, User, mapped_claims
from issuer.sessions import Session, Sessions


@dataclass(frozen=True)
class Mint:
    """Makes and reads tokens for one realm. `now` is a clock in unix seconds."""

    issuer: str
    realm: Realm
    keyring: Keyring
    sessions: Sessions
    now: Callable[[], float]

    def answer(self, session: Session, *, nonce: str | None = None) -> dict[str, Any]:
        """The token answer of a person's session."""
        access = self._access(session.user, session.client, session)
        refresh, lifetime = self.sessions.refresh_for(session)
        body = self._body(access, session.scope) | {
            "refresh_token": refresh,
            "refresh_expires_in": lifetime,
            "session_state": session.id,
        }
        if "openid" in session.scope.split():
            body["id_token"] = self._identity(session, access, nonce)
        return body

    def service_answer(self, client: Client, user: User) -> dict[str, Any]:
        """The token answer of a client acting for itself: no refresh token, no session."""
        return self._body(self._access(user, client, None), client.scope) | {"refresh_expires_in": 0}

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token that is good now and whose session has not ended."""
        try:
            key = self.keyring.find(jws.extract_compact(token.encode()).headers().get("kid"))
            if key is None:
                return None
            claims = jwt.decode(token, key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        is_good = claims.get("typ") == "Bearer" and claims["exp"] > self.now()
        return claims if is_good and not self.sessions.has_ended(claims.get("sid")) else None

    def _body(self, access: str, scope: str) -> dict[str, Any]:
        return {
            "access_token": access,
            "expires_in": self.realm.lifetimes.access_token,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": scope,
        }

    def _access(self, user: User, client: Client, session: Session | None) -> str:
        notes = {"AUTH_TIME": session.auth_time} if session else {}
        claims = self._times() | {
            "jti": str(uuid.uuid4()),
            "iss": self.issuer,
            "typ": "Bearer",
            "azp": client.id,
            "acr": "1",
            "scope": session.scope if session else client.scope,
        }
        if session is not None:
            claims["sid"] = session.id
        else:
            claims["client_id"] = client.id
        return self._sign(claims | mapped_claims(client, user, "access", notes))

    def _identity(self, session: Session, access: str, nonce: str | None) -> str:
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = self._times() | {
            "jti": str(uuid.uuid4()),
            "iss": self.issuer,
            "aud": session.client.id,
            "sub": session.user.id,
            "typ": "ID",
            "azp": session.client.id,
            "sid": session.id,
            "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        notes = {"AUTH_TIME": session.auth_time}
        return self._sign(claims | mapped_claims(session.client, session.user, "id", notes))

    def _times(self) -> dict[str, Any]:
        now = int(self.now())
        return {"exp": now + self.realm.lifetimes.access_token, "iat": now, "nbf": now}

    def _sign(self, claims: dict[str, Any]) -> str:
        key = self.keyring.signing
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["RS256"])

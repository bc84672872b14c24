"""Who is asking, and may they: every service verifies the token itself and asks the policy.

Promises: a token counts only with a good signature of a current key (RS256, ES256), our issuer, our audience
and within its time; rotated keys are picked up, unknown key ids cannot make us hammer the issuer, an issuer
that is away does not stop tokens whose key is known. Without a token one is `anonymous`, role `public`.
Leaves to `policy` what is granted, and to each service which rows it reads.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Request
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from policy import (
    ANONYMOUS,
    Decision,
    Policy,
    Principal,
    Reach,
    RegionGrants,
    Row,
    Scope,
    Within,
    day_at,
    principal_of,
    reach_of,
    reaches,
)
from sqlalchemy import ColumnElement, and_, false, or_, true

from kit.problems import Fault, Forbidden, Unauthorized, Unavailable
from kit.revocation import LONGEST_LIFE_SECONDS, Names, Revocations, names_of
from kit.settings import Rotating, ServiceSettings
from kit.tls import roots

ALGORITHMS = ["RS256", "ES256"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LEEWAY_SECONDS = 5
LONGEST_TOKEN = 8192
CACHED_TOKENS = 20_000
KEYS_FRESH_SECONDS = 300.0
REFETCH_SECONDS = 3.0
REFETCH_BURST = 3
Key = RSAKey | ECKey


REFUSALS = {
    "token-missing": "This needs a token 需要登录",
    "token-malformed": "Expected Authorization: Bearer <signed token> 令牌格式错误",
    "token-algorithm": "Only a JWT signed with RS256 or ES256 is accepted 签名算法不被接受",
    "token-key-unknown": "The issuer does not know the signing key 签名密钥未知",
    "token-signature": "The token does not verify 令牌签名无效",
    "token-expired": "The token has expired 令牌已过期",
    "token-revoked": "The token was called back; sign in again 令牌已被撤销，请重新登录",
    "token-too-long": "A token may live a day at most 令牌有效期不得超过一天",
}


def refuse(slug: str) -> Unauthorized:
    """A 401 with the WWW-Authenticate header of RFC 6750."""
    error = "" if slug == "token-missing" else f', error="invalid_token", error_description="{slug}"'
    detail = REFUSALS.get(slug, "A claim of the token is not acceptable 令牌声明不符")
    return Unauthorized(slug, detail, headers={"WWW-Authenticate": f'Bearer realm="jianzhen"{error}'})


class Keys:
    """The issuer's public keys by key id. Fetches are rare: a token bucket of three, one more every 3 s."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = url, client
        self._keys: dict[str, Key] = {}
        self._fetched_at = self._failed_at = float("-inf")
        self._credit, self._credited_at = float(REFETCH_BURST), time.monotonic()
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    def current(self, kid: str) -> Key | None:
        """The key as known now; keys older than five minutes are renewed behind the caller's back."""
        is_old = time.monotonic() - self._fetched_at > KEYS_FRESH_SECONDS
        if is_old and self._keys and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._refetch(None))
        return self._keys.get(kid)

    async def get(self, kid: str) -> Key | None:
        """The key, None when the issuer does not know it. Raises Unavailable while that cannot be told."""
        if self.current(kid) is None:
            await self._refetch(kid)
        if kid not in self._keys and (not self._keys or self._failed_at > self._fetched_at):
            raise Unavailable("keys-unavailable", "The issuer's keys cannot be fetched 无法取得公钥")
        return self._keys.get(kid)

    async def _refetch(self, kid: str | None) -> None:
        asked_at = time.monotonic()
        async with self._lock:
            now = time.monotonic()
            refill = (now - self._credited_at) / REFETCH_SECONDS
            self._credit, self._credited_at = min(REFETCH_BURST, self._credit + refill), now
            is_answered = kid in self._keys or max(self._fetched_at, self._failed_at) >= asked_at
            if is_answered or self._credit < 1:
                return
            self._credit -= 1
            try:
                answer = (await self._client.get(self._url)).raise_for_status().json()
                signing = [key for key in answer["keys"] if key.get("use") != "enc"]
                found = KeySet.import_key_set({"keys": signing}).keys
            except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError):
                self._failed_at = time.monotonic()
            else:
                self._keys = {key.kid: key for key in found if isinstance(key, Key) and key.kid}
                self._fetched_at = now

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])


@dataclass(frozen=True)
class _Verified:
    """What is remembered of a token whose signature was good."""

    principal: Principal
    kid: str
    names: Names
    issued_at: float


class Verifier:
    """Turns an Authorization header into a Principal. What verified once is remembered until its `exp`."""

    def __init__(self, settings: ServiceSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=3, verify=roots())
        self._keys = Keys(settings.jwks_url, self._client)
        self._seen: dict[bytes, _Verified] = {}
        self.revocations, self.grants = Revocations(), RegionGrants()
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            typ={"essential": True, "value": "Bearer"},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def principal(self, authorization: str | None) -> Principal:
        """The principal of a request. Raises Unauthorized, or Unavailable while no key can be had."""
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
            raise refuse("token-malformed")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._seen.get(digest)
        if known is None or self._keys.current(known.kid) is None:
            if len(self._seen) >= CACHED_TOKENS:
                self._seen.clear()
            known = self._seen[digest] = await self._verify(token)
        if known.principal.expires_at + LEEWAY_SECONDS <= self._clock():
            raise refuse("token-expired")
        if self.revocations.hits(known.names, known.issued_at):
            raise refuse("token-revoked")
        return known.principal

    def holding(self, policy: Policy, permission: str, who: Principal, decision: Decision) -> Decision:
        """An allowed decision as it holds this second: with cross-region grants, or Forbidden for want of a
        valid certificate.
        """
        now = self._clock()
        lacking = policy.lacking(permission, who, day_at(now))
        if lacking is not None:
            fault = Fault(where="token", rule=lacking.rule, what=lacking.what, mend=lacking.mend)
            raise Forbidden(lacking.slug, lacking.what, permission=permission, errors=[fault])
        return policy.crossing.extend(decision, permission, self.grants.of(who.subject), now)

    async def _verify(self, token: str) -> "_Verified":
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise refuse("token-malformed") from error
        kid, typ = header.get("kid"), str(header.get("typ", "JWT")).lower()
        # No extension is known here, so none can be critical (RFC 7515 §4.1.11), nor an empty list.
        is_ours = header.get("alg") in ALGORITHMS and typ in {"jwt", "at+jwt"} and "crit" not in header
        if not is_ours or not isinstance(kid, str):
            raise refuse("token-algorithm")
        key = await self._keys.get(kid)
        if key is None:
            raise refuse("token-key-unknown")
        try:
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
            issued_at = float(claims.get("iat") or 0)
            if claims["exp"] - issued_at > LONGEST_LIFE_SECONDS:
                raise refuse("token-too-long")
            return _Verified(principal_of(claims), kid, names_of(claims), issued_at)
        except ExpiredTokenError as error:
            raise refuse("token-expired") from error
        except ClaimError as error:
            claim = error.claim.split(",")[0]
            raise refuse(f"token-wrong-{claim}") from error
        except (JoseError, ValueError) as error:
            raise refuse("token-signature") from error

    async def close(self) -> None:
        await self._keys.close()
        await self._client.aclose()


@dataclass(frozen=True)
class Grant:
    """A permission as this principal holds it. `scope` is the widest of `decision.scopes`."""

    principal: Principal
    permission: str
    decision: Decision
    within: Within

    @property
    def scope(self) -> Scope | None:
        return self.decision.scope

    def reach(self, known: frozenset[str] = frozenset()) -> Reach:
        """What a reader's transaction is told: `database.reader(who, reach=grant.reach(regions.CODES))`."""
        return reach_of(self.decision, self.principal, self.within, known, self.permission)

    def covers(self, row: Row) -> bool:
        return reaches(self.decision, self.principal, row, self.within)

    def require(
        self,
        *,
        region: str | None = None,
        owner_dept: str | None = None,
        owner_uscc: str | None = None,
        addressed_to: str | None = None,
        is_published: bool = False,
        is_on_team: bool = False,
    ) -> None:
        """Raises Forbidden unless the row is within reach, as in `grant.require(region="131002")`."""
        if not self.covers(Row(region, owner_dept, owner_uscc, addressed_to, is_published, is_on_team)):
            detail = f"{self.permission} does not reach this row for {self.principal.text} 超出权限范围"
            raise Forbidden("out-of-scope", detail, permission=self.permission)

    def clause(self, known: Iterable[str], **columns: Any) -> ColumnElement[bool]:
        """The same judgement as a WHERE clause. `known` region codes; columns as the arguments of `require`.

        Worked example: `select(Site).where(grant.clause(CODES, region=Site.region, owner_uscc=Site.uscc))`.
        """
        who, mine, no = self.principal, self.principal.region, false()

        def of(regions: Iterable[str | None]) -> ColumnElement[bool]:
            inner = [code for code in known if any(home and self.within(code, home) for home in regions)]
            return columns["region"].in_(inner) if "region" in columns else no

        def same(column: str, value: str | None) -> ColumnElement[bool]:
            return columns[column] == value if value and column in columns else no

        reached: dict[Scope, ColumnElement[bool]] = {
            "any": true(),
            "region": of((mine, *self.decision.added)),
            "addressed": same("addressed_to", who.dept and mine and f"{who.dept}@{mine}"),
            "own": or_(same("owner_uscc", who.uscc), and_(of((mine,)), same("owner_dept", who.dept))),
            "team": columns.get("is_on_team", no),
            "published": columns.get("is_published", no),
        }
        return or_(no, *(reached[scope] for scope in sorted(self.decision.scopes)))


def authorization_of(request: Request) -> str | None:
    """The Authorization header of a request. Raises Unauthorized for two, of which readers differ."""
    told = request.headers.getlist("authorization")
    if len(told) > 1:
        raise refuse("token-malformed")
    return told[0] if told else None


class Guard(SecurityBase):
    """The dependency behind `allow`; also tells OpenAPI that the route takes a bearer token."""

    def __init__(self, permission: str) -> None:
        self.permission, self.scheme_name = permission, "bearer"
        self.model = BearerModel()

    async def __call__(self, request: Request) -> Grant:
        state = request.app.state
        who: Principal = await state.verifier.principal(authorization_of(request))
        request.state.principal = who
        decision: Decision = state.policy.decide(self.permission, who)
        if decision.allowed:
            decision = state.verifier.holding(state.policy, self.permission, who, decision)
            return Grant(who, self.permission, decision, state.within)
        if who.is_anonymous:
            raise refuse("token-missing")
        detail = f"{who.text} does not hold {self.permission} 无此权限"
        raise Forbidden("not-permitted", detail, permission=self.permission, reason=decision.reason)


def allow(resource: str, action: str) -> Guard:
    """A FastAPI dependency giving the Grant: `grant: Annotated[Grant, Depends(allow("leads", "read"))]`."""
    return Guard(f"{resource}:{action}")


class ServiceTokens:
    """This service's own token (client credentials), asked for again shortly before it expires."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings, self._lock = settings, asyncio.Lock()
        self._keys = Rotating(settings, "client_key")
        self._client = httpx.AsyncClient(timeout=5, verify=roots())
        self._token, self._renew_at = "", 0.0

    async def headers(self) -> dict[str, str]:
        """The Authorization header. Raises Unavailable while the issuer gives no token."""
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                await self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self) -> None:
        try:
            answer = await self._client.post(self._settings.token_url, data=self._proof())
            body = answer.raise_for_status().json()
            self._token, lifetime = body["access_token"], float(body["expires_in"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise Unavailable("no-service-token", "The issuer gave this service no token") from error
        self._renew_at = time.monotonic() + max(1.0, lifetime - 30)

    def _proof(self) -> dict[str, str]:
        """What a request for a token says: proved by the key (RFC 7523), else by the secret."""
        me = self._settings.client_id
        asked = {"grant_type": "client_credentials", "client_id": me}
        if not (pem := self._keys()[0]):
            return asked | {"client_secret": self._settings.client_secret.get_secret_value()}
        key, now = ECKey.import_key(pem), int(time.time())
        claims = {"iss": me, "sub": me, "aud": self._settings.issuer, "iat": now, "exp": now + 30}
        header = {"alg": "ES256", "kid": key.thumbprint()}
        signed = jwt.encode(header, claims | {"jti": uuid.uuid4().hex}, key, algorithms=["ES256"])
        return asked | {"client_assertion_type": ASSERTION, "client_assertion": signed}

    async def close(self) -> None:
        await self._client.aclose()

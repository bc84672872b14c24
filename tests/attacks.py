"""What somebody without rights may present: tokens changed in every known way, and headers that pretend.

Each attack is the headers and the query of a request. `without_token` leave the Authorization header out or
unusable in form of a token; `with_token` carry one that must never verify.
"""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey
from kit.testing.tokens import Tokens

WHO = "ee.enf/case.officer+data.read+data.submit+qc.reviewer+platform.admin+platform.service+auditor@131000"


@dataclass(frozen=True)
class Attack:
    name: str
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""


def lasting(tokens: Tokens, who: str = WHO, **claims: Any) -> str:
    """A token that outlives a slow test: what is refused is not refused for its age."""
    return tokens.mint(who, **{"exp": int(time.time()) + 7200} | claims)


def encoded(value: bytes | dict[str, Any]) -> str:
    content = json.dumps(value).encode() if isinstance(value, dict) else value
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def hmac_token(header: dict[str, Any], payload: str, secret: bytes, alg: str = "sha256") -> str:
    body = f"{encoded(header)}.{payload}"
    return f"{body}.{encoded(hmac.new(secret, body.encode(), alg).digest())}"


def rsa_token(header: dict[str, Any], payload: str, key: RSAKey) -> str:
    private: Any = serialization.load_pem_private_key(key.as_pem(private=True), None)
    body = f"{encoded(header)}.{payload}"
    return f"{body}.{encoded(private.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def without_token(tokens: Tokens) -> list[Attack]:
    """Nobody; a good token where none is looked for; what an edge might set for a service that trusts it."""
    good = lasting(tokens)
    basic = base64.b64encode(f"officer:{good}".encode()).decode()
    pretended = (
        *(("X-Request-Id", "01932c07-0000-7000-8000-000000000000"), ("X-Forwarded-For", "127.0.0.1")),
        *(
            (name, "ee.enf/case.officer@131000")
            for name in ("X-Forwarded-User", "X-Remote-User", "Remote-User")
        ),
        *((name, "ee.enf/case.officer@131000") for name in ("X-User", "X-Principal", "X-Auth-Request-User")),
        *(("X-Subject", "7"), ("X-Dept", "ee.enf"), ("X-Region", "131000"), ("X-Roles", "case.officer")),
        *(
            ("X-Scope", "any"),
            ("RateLimit", "client"),
            ("X-Original-URL", "/livez"),
            ("X-Rewrite-URL", "/livez"),
        ),
        *((name, f"Bearer {good}") for name in ("X-Authorization", "X-Forwarded-Authorization")),
        *((name, f"Bearer {good}") for name in ("Proxy-Authorization", "X-Original-Authorization")),
        *((name, good) for name in ("X-Forwarded-Access-Token", "X-Access-Token", "X-Auth-Token")),
    )
    asked = f"access_token={good}&token={good}&authorization=Bearer%20{good}"
    return [
        Attack("anonymous"),
        Attack("headers of an edge, no token", pretended),
        Attack("token in the query", query=asked),
        Attack("token in a cookie", (("Cookie", f"access_token={good}; Authorization=Bearer {good}"),)),
        Attack("token as a password", (("Authorization", f"Basic {basic}"),)),
        Attack("token without its scheme", (("Authorization", good),)),
        Attack("empty token", (("Authorization", "Bearer "),)),
        Attack("endless token", (("Authorization", "Bearer " + good + "A" * 9000),)),
    ]


def changed_claims(tokens: Tokens, other: Tokens) -> dict[str, str]:
    now = int(time.time())
    return {
        "expired": lasting(tokens, WHO, exp=now - 60),
        "expired long ago": lasting(tokens, WHO, exp=1_700_000_000, iat=1_699_999_000, nbf=1_699_999_000),
        "not yet valid": lasting(tokens, WHO, nbf=now + 7000),
        "without expiry": lasting(tokens, WHO, exp=None),
        "expiry that is a text": lasting(tokens, WHO, exp=str(now + 300)),
        "expiry that never comes": lasting(tokens, WHO, exp=float("inf")),
        "expiry that is no number": lasting(tokens, WHO, exp=float("nan")),
        "issue that is a text": lasting(tokens, WHO, iat="yesterday"),
        "start that is a list": lasting(tokens, WHO, nbf=[now]),
        "living for years": lasting(tokens, WHO, exp=now + 10**8),
        "wrong audience": lasting(tokens, WHO, aud=["account"]),
        "without audience": lasting(tokens, WHO, aud=None),
        "wrong issuer": lasting(tokens, WHO, iss="http://127.0.0.1:8080/realms/other"),
        "without issuer": lasting(tokens, WHO, iss=None),
        "without subject": lasting(tokens, WHO, sub=None),
        "identity token": lasting(tokens, WHO, typ="ID"),
        "refresh token": lasting(tokens, WHO, typ="Refresh"),
        "roles that are a text": lasting(tokens, WHO, realm_access={"roles": "platform.admin"}),
        "another issuer's own": lasting(other),
        "another issuer's own, under its name": lasting(other, WHO, iss=other.url),
    }


def changed_signatures(tokens: Tokens, bait: str) -> dict[str, str]:
    """`bait` is an address where nobody may ever ask for a key."""
    genuine, stranger = tokens.key, RSAKey.generate_key(2048)
    good = lasting(tokens)
    head, payload, signature = good.split(".")
    plain: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": genuine.kid}
    pem, der = genuine.as_pem(private=False), genuine.as_der(private=False)
    jwk = json.dumps(genuine.as_dict(private=False)).encode()
    own = stranger.as_dict(private=False)
    admin = encoded(json.loads(base64.urlsafe_b64decode(payload + "==")) | {"sub": "root"})
    none = {name: plain | {"alg": name} for name in ("none", "None", "NONE", "nOnE")}
    hs = plain | {"alg": "HS256"}
    return {
        "forged": rsa_token(plain, payload, stranger),
        "changed payload": f"{head}.{admin}.{signature}",
        "cut signature": good[:-4],
        "no signature": f"{head}.{payload}.",
        "two parts": f"{head}.{payload}",
        "five parts": f"{head}.{payload}.{signature}.{payload}.{signature}",
        **{f"unsigned, alg {name}": f"{encoded(header)}.{payload}." for name, header in none.items()},
        "unsigned with a signature": f"{encoded(none['none'])}.{payload}.{signature}",
        "without alg": rsa_token({"typ": "JWT", "kid": genuine.kid}, payload, genuine),
        "alg that is a list": rsa_token(plain | {"alg": ["RS256"]}, payload, genuine),
        "key confusion, PEM": hmac_token(hs, payload, pem),
        "key confusion, PEM without its last line": hmac_token(hs, payload, pem.rstrip(b"\n")),
        "key confusion, DER": hmac_token(hs, payload, der),
        "key confusion, JWK": hmac_token(hs, payload, jwk),
        "key confusion, HS512": hmac_token(plain | {"alg": "HS512"}, payload, pem, "sha512"),
        "key confusion under RS256": hmac_token(plain, payload, pem),
        "empty secret": hmac_token(hs | {"kid": "../../../../dev/null"}, payload, b""),
        "kid of nobody": rsa_token(plain | {"kid": stranger.thumbprint()}, payload, stranger),
        "kid that asks a database": rsa_token(plain | {"kid": "' OR '1'='1"}, payload, stranger),
        "kid that is no text": rsa_token(plain | {"kid": [genuine.kid]}, payload, genuine),
        "no kid": rsa_token({"alg": "RS256", "typ": "JWT"}, payload, genuine),
        "key in the header": rsa_token(plain | {"jwk": own}, payload, stranger),
        "key in the header alone": rsa_token({"alg": "RS256", "typ": "JWT", "jwk": own}, payload, stranger),
        "key at an address": rsa_token(plain | {"jku": bait}, payload, stranger),
        "key at an address alone": rsa_token(plain | {"kid": "evil", "jku": bait}, payload, stranger),
        "certificate at an address": rsa_token(plain | {"kid": "evil", "x5u": bait}, payload, stranger),
        "certificate in the header": rsa_token(plain | {"x5c": [encoded(der)]}, payload, stranger),
        "critical extension unknown": rsa_token(plain | {"crit": ["exp2"], "exp2": 1}, payload, genuine),
        "critical extension absent": rsa_token(plain | {"crit": ["exp2"]}, payload, genuine),
        "critical list empty": rsa_token(plain | {"crit": []}, payload, genuine),
        "payload as it is": rsa_token(plain | {"b64": False, "crit": ["b64"]}, payload, genuine),
        "another type": rsa_token(plain | {"typ": "logout+jwt"}, payload, genuine),
        "payload that is no object": rsa_token(plain, encoded(b"[]"), genuine),
        "payload that is no JSON": rsa_token(plain, encoded(b"{"), genuine),
        "header that is no object": f"{encoded(b'7')}.{payload}.{signature}",
        "header that is no JSON": f"{encoded(b'{')}.{payload}.{signature}",
        "hash of the key": hmac_token(hs, payload, hashlib.sha256(pem).digest()),
        "nothing of a token": "x",
    }


def with_token(tokens: Tokens, other: Tokens, bait: str) -> list[Attack]:
    made = changed_claims(tokens, other) | changed_signatures(tokens, bait)
    one = [Attack(name, (("Authorization", f"Bearer {token}"),)) for name, token in made.items()]
    # Both are good: of two readers each may believe another one.
    good = (("Authorization", f"Bearer {lasting(tokens)}"), ("Authorization", f"Bearer {lasting(tokens)}"))
    return [*one, Attack("two tokens", good)]

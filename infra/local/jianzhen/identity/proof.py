"""A system's own key: made on its machine, shown as one line for the roster, used to ask for tokens.

Promises: the private key stays in its file, for its owner only; an assertion lives for half a minute and
is used once. Leaves the registration to the roster.
"""

import os
import time
import uuid
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from jianzhen.state import Refused

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_SECONDS = 30


def make(path: Path) -> str:
    """A new private key in a file, its public half as one line. Raises Refused where a file is already."""
    key = ECKey.generate_key("P-256")
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; a key is never overwritten") from error
    with file:
        file.write(key.as_pem(private=True))
    return one_line(key)


def public(path: Path) -> str:
    """The public half of the key in a file, which is made where there is none. Raises Refused."""
    if not path.exists():
        return make(path)
    return one_line(_key(path))


def one_line(key: ECKey) -> str:
    """The public key as a roster wants it."""
    return "".join(line for line in key.as_pem(private=False).decode().splitlines() if "-----" not in line)


def form(client: str, path: Path, issuer: str) -> dict[str, str]:
    """What a token request of this client says (RFC 7523 §2.2). Raises Refused for a file without such a key.

    Worked example: `form("sys-met-131000", Path("met.pem"), "https://…/realms/jianzhen")`.
    """
    return form_of(client, _key(path), issuer)


def form_of(client: str, key: ECKey, issuer: str) -> dict[str, str]:
    """The same with a key in hand."""
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + LIFE_SECONDS}
    header = {"alg": "ES256", "kid": key.thumbprint()}
    signed = jwt.encode(header, claims | {"jti": str(uuid.uuid4())}, key, algorithms=["ES256"])
    asked = {"grant_type": "client_credentials", "client_id": client}
    return asked | {"client_assertion_type": TYPE, "client_assertion": signed}


def _key(path: Path) -> ECKey:
    try:
        return ECKey.import_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"{path}: {error}") from error

"""Nkeys of users of the bus: a service keeps a seed, nats-server knows the public key alone.

Promises: no secret crosses the wire (the server's nonce is signed) or stands in the server's configuration.
Own code, as the library of this name comes without wheels, so that its build could not be pinned by hashes;
the form is that of github.com/nats-io/nkeys: base32 of prefix, 32 bytes of Ed25519 and their CRC-16/XMODEM.

Worked example: the public key of `SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU` is
`UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L`.
"""

import base64
import binascii
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED, _USER = b"\x95\x00", b"\xa0"  # they read SU and U


def _written(prefix: bytes, raw: bytes) -> str:
    told = prefix + raw
    whole = told + binascii.crc_hqx(told, 0).to_bytes(2, "little")
    return base64.b32encode(whole).decode().rstrip("=")


def new_seed() -> str:
    """`SU…`, 58 characters, for a new user."""
    return _written(_SEED, secrets.token_bytes(32))


def _key(seed: str) -> Ed25519PrivateKey:
    with_padding = seed + "=" * (-len(seed) % 8)
    try:
        raw = base64.b32decode(with_padding)[2:-2]
        is_good = _written(_SEED, raw) == seed
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("this is no seed of a user (SU…, 58 characters) or it was mistyped")
    return Ed25519PrivateKey.from_private_bytes(raw)


def public(seed: str) -> str:
    """`U…`, 56 characters: what the server's configuration says. Raises ValueError for what is no seed."""
    return _written(_USER, _key(seed).public_key().public_bytes_raw())


def signed(seed: str, nonce: str) -> bytes:
    """The answer to a server's nonce, base64. Raises ValueError as `public` does."""
    return base64.b64encode(_key(seed).sign(nonce.encode()))

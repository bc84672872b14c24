"""Ed25519 for signed notes (C2SP signed-note, algorithm 1): the one place where a private key is used.

Promises: a signer and a verifier in the form `tlog.note` takes; a wrong key is a BadNote, a wrong signature
False, never another error. Leaves to others: where seeds are kept, and cosignatures (`tlog.cosignature`).
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tlog.note import ED25519, BadNote, Key, Sign, Verify, checked_name

SEED_SIZE = PUBLIC_SIZE = 32


def public_of(private_seed: bytes) -> bytes:
    """The 32 bytes of the public key that belongs to a seed of 32 bytes. BadNote for another length."""
    return _private(private_seed).public_key().public_bytes_raw()


def signer(private_seed: bytes, name: str) -> tuple[Key, Sign]:
    """The key under `name` and what signs with it, for `note.sign`.

    >>> key, sign = signer(bytes(32), "log.example")
    >>> len(sign(b"text"))
    64
    """
    private = _private(private_seed)
    return Key(checked_name(name), private.public_key().public_bytes_raw()), private.sign


def verifier(key: Key) -> Verify:
    """What checks signatures of `key` over a note's text. BadNote unless it is an Ed25519 key."""
    if key.kind != ED25519:
        raise BadNote(f"{key.name} is no key of a note's signer")
    return raw_verifier(key.public)


def raw_verifier(public: bytes) -> Verify:
    """What checks plain Ed25519 signatures of a public key of 32 bytes. BadNote if it is none."""
    try:
        loaded = Ed25519PublicKey.from_public_bytes(public)
    except ValueError as wrong:
        raise BadNote("an Ed25519 key has 32 bytes") from wrong

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            loaded.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _private(seed: bytes) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(seed)
    except ValueError as wrong:
        raise BadNote("an Ed25519 seed has 32 bytes") from wrong

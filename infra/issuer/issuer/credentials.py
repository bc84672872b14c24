"""Passwords of people and secrets of clients: made at the first start, never in the repository.

Promises: the secrets file is 0600 and gets random values for whoever lacks one; passwords are held as scrypt
hashes; an unknown user costs as much time as a known one; too many wrong passwords lock a user for a while,
with the same answer as a wrong password. Leaves the HTTP answers to `api`.
"""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from issuer.realm import BruteForce, Client, Realm, User

SCRYPT = {"n": 2**14, "r": 8, "p": 1}
HASHES_AT_ONCE = 2


def ensure(path: Path, realm: Realm) -> dict[str, dict[str, str]]:
    """The secrets file as `{"users": {…}, "clients": {…}}`, completed with random values and written back."""
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    users, clients = dict(known.get("users", {})), dict(known.get("clients", {}))
    for user in realm.users.values():
        users.setdefault(user.username, secrets.token_urlsafe(18))
    for client in realm.clients.values():
        if not client.is_public and client.jwks is None:
            clients.setdefault(client.id, secrets.token_urlsafe(32))
    found = {"users": users, "clients": clients}
    if found != known:
        write_private(path, json.dumps(found, indent=2, ensure_ascii=False))
    return found


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


@dataclass
class Failures:
    """Wrong passwords of one user."""

    count: int = 0
    last_at: float = 0.0
    locked_until: float = 0.0


class Credentials:
    """Who may log in. `now` is a clock in unix seconds."""

    def __init__(
        self,
        realm: Realm,
        found: dict[str, dict[str, str]],
        now: Callable[[], float],
        failures: dict[str, Failures] | None = None,
    ) -> None:
        self._realm, self._now = realm, now
        self._plain = {name.lower(): password for name, password in found["users"].items()}
        self._hashes: dict[str, tuple[bytes, bytes]] = {}
        self._clients = {
            name: hashlib.sha256(text.encode()).digest() for name, text in found["clients"].items()
        }
        self.failures: dict[str, Failures] = {} if failures is None else failures
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody = (secrets.token_bytes(16), secrets.token_bytes(64))

    async def check(self, username: str, password: str) -> User | None:
        """The user, None for a wrong password, an unknown or disabled user, or one who must wait."""
        name = username.lower()
        user = self._realm.users.get(name)
        salt, expected = await self._hash_of(name) if user is not None else self._nobody
        is_right = hmac.compare_digest(await self._scrypt(password, salt), expected)
        if user is None:
            return None
        failures = self.failures.setdefault(name, Failures())
        if self._now() < failures.locked_until:
            return None
        if not is_right or not user.is_enabled:
            self._count(failures)
            return None
        self.failures.pop(name, None)
        return user

    def is_client(self, client: Client, secret: str) -> bool:
        """Whether this is the secret of a confidential client; False for a public one."""
        expected = self._clients.get(client.id)
        given = hashlib.sha256(secret.encode()).digest()
        return not client.is_public and expected is not None and hmac.compare_digest(given, expected)

    async def _hash_of(self, name: str) -> tuple[bytes, bytes]:
        if name not in self._hashes:
            salt = secrets.token_bytes(16)
            fresh = salt, await self._scrypt(self._plain[name], salt)
            self._hashes.setdefault(name, fresh)
            self._plain.pop(name, None)
        return self._hashes[name]

    async def _scrypt(self, password: str, salt: bytes) -> bytes:
        async with self._hashing:
            return await asyncio.to_thread(hashlib.scrypt, password.encode(), salt=salt, **SCRYPT)

    def _count(self, failures: Failures) -> None:
        rule: BruteForce = self._realm.brute_force
        now = self._now()
        if now - failures.last_at > rule.forgotten_after:
            failures.count = 0
        failures.count, failures.last_at = failures.count + 1, now
        if failures.count >= rule.failures:
            rounds = failures.count - rule.failures + 1
            failures.locked_until = now + min(rule.longest_wait, rule.wait * rounds)

"""What the issuer remembers between two requests: login attempts, authorization codes, sessions.

Promises: a code and a refresh token work once; presenting one a second time ends the session it came from;
everything expires, and each kind is bounded. Kept in memory: after a restart people log in again, while
access tokens already given stay good.
"""

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from issuer.realm import Client, Lifetimes, User

LIMIT = 20_000


class Expiring(Protocol):
    @property
    def expires_at(self) -> float: ...


T = TypeVar("T", bound=Expiring)


class Shelf(Generic[T]):
    """Things by a secret handle, of which only the digest is kept, until they expire."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._things: dict[bytes, T] = {}

    def put(self, thing: T) -> str:
        if len(self._things) >= LIMIT:
            self._things = {key: kept for key, kept in self._things.items() if kept.expires_at > self._now()}
        if len(self._things) >= LIMIT:
            del self._things[next(iter(self._things))]
        handle = secrets.token_urlsafe(32)
        self._things[_digest(handle)] = thing
        return handle

    def get(self, handle: str) -> T | None:
        thing = self._things.get(_digest(handle))
        return thing if thing is not None and thing.expires_at > self._now() else None

    def drop(self, handle: str) -> None:
        self._things.pop(_digest(handle), None)


def _digest(handle: str) -> bytes:
    return hashlib.sha256(handle.encode()).digest()


@dataclass
class Session:
    """A user at a client. `ended` makes every code and refresh token of it useless."""

    user: User
    client: Client
    scope: str
    auth_time: int
    longest_until: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: bool = False


@dataclass
class Refresh:
    session: Session
    expires_at: float
    is_used: bool = False


@dataclass(frozen=True)
class LoginAsked:
    """An authorization request that waits for a password; `browser` is the cookie it is bound to."""

    client: Client
    redirect_uri: str
    scope: str
    state: str | None
    nonce: str | None
    challenge: str | None
    browser: str
    expires_at: float


@dataclass
class Code:
    session: Session
    asked: LoginAsked
    expires_at: float
    is_used: bool = False


class Sessions:
    """The three shelves and the rules between them."""

    def __init__(self, lifetimes: Lifetimes, now: Callable[[], float]) -> None:
        self._lifetimes, self._now = lifetimes, now
        self.logins: Shelf[LoginAsked] = Shelf(now)
        self._codes: Shelf[Code] = Shelf(now)
        self._refreshes: Shelf[Refresh] = Shelf(now)
        self._ended: dict[str, float] = {}

    @property
    def login_expires_at(self) -> float:
        return self._now() + self._lifetimes.login

    def open(self, user: User, client: Client, scope: str) -> Session:
        now = self._now()
        return Session(user, client, scope, int(now), now + self._lifetimes.longest_session)

    def code_for(self, asked: LoginAsked, user: User) -> str:
        session = self.open(user, asked.client, asked.scope)
        return self._codes.put(Code(session, asked, self._now() + self._lifetimes.code))

    def take_code(self, handle: str) -> Code | None:
        """The code, once. A second time ends the session that the first use began."""
        code = self._codes.get(handle)
        if code is None:
            return None
        if code.is_used:
            self.end(code.session)
            return None
        code.is_used = True
        return code

    def refresh_for(self, session: Session) -> tuple[str, int]:
        """A refresh token and its lifetime in seconds."""
        until = min(self._now() + self._lifetimes.idle_session, session.longest_until)
        return self._refreshes.put(Refresh(session, until)), int(until - self._now())

    def take_refresh(self, handle: str, client: Client) -> Session | None:
        """The session, once per token. A token seen before is stolen or repeated: its session ends."""
        found = self._refreshes.get(handle)
        if found is None or found.session.client.id != client.id or found.session.ended:
            return None
        if found.is_used:
            self.end(found.session)
            return None
        found.is_used = True
        return found.session

    def find_refresh(self, handle: str) -> Session | None:
        found = self._refreshes.get(handle)
        return None if found is None or found.is_used or found.session.ended else found.session

    def end(self, session: Session) -> None:
        session.ended = True
        now = self._now()
        self._ended = {sid: until for sid, until in self._ended.items() if until > now}
        self._ended[session.id] = now + self._lifetimes.access_token

    def has_ended(self, session_id: object) -> bool:
        return session_id in self._ended

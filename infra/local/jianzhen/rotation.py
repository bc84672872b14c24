"""Secrets of a running platform are changed without a pause: old and new are good together, then new alone.

Promises: every stage may be taken again, so a rotation that was cut short anywhere goes on from its files;
nothing is refused that a service may present at that moment; nothing secret is printed. Leaves to `slots`
which secret is which, to `handing` what services read, and to services to take up what they are handed.

The order, for every service chosen: successors are made and handed to services as passwords to come -> bus
and issuer take both -> PostgreSQL takes the new ones -> the new ones are in use -> services have moved -> the
old ones are good for nothing.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import httpx
from joserfc.jwk import ECKey
from kit import nkeys
from kit.roles import LOGINS
from kit.settings import FRESH_SECONDS

from jianzhen import accounts, handing, slots
from jianzhen.identity import files, proof
from jianzhen.plan import OIDC, Plan
from jianzhen.state import DATABASES, Refused, State, password

# Services look at their files every second; the bus once more after that.
MOVED_SECONDS = 4 * FRESH_SECONDS
RELOADED_SECONDS = 20.0
ENDED_SECONDS = 30.0
SESSIONS = """
SELECT count(*) FILTER (WHERE state = 'idle' AND pg_terminate_backend(pid)), count(*) FROM pg_stat_activity
WHERE usename = ANY($1::text[]) AND backend_start < to_timestamp($2)
"""


@dataclass(frozen=True)
class Secret:
    """One secret of one owner: `kind` is database, bus or client."""

    kind: str
    owner: str
    name: str


def secrets_of(owner: str) -> list[Secret]:
    """What is rotated for a service, or for the bus's `operator`.

    Worked example: `qc` has `qc_migrator`, `qc_writer`, `qc_reader`, `nkey_qc` and `client_qc`.
    """
    if owner == accounts.OPERATOR:
        return [Secret("bus", owner, f"nkey_{owner}")]
    roles = [Secret("database", owner, f"{owner}_{role}") for role in LOGINS]
    return [*roles, Secret("bus", owner, f"nkey_{owner}"), Secret("client", owner, f"client_{owner}")]


def owners(asked: str) -> list[str]:
    """Whom `SERVICE|all` means. Raises Refused."""
    known = [*DATABASES, accounts.OPERATOR]
    if asked == "all":
        return known
    if asked not in known:
        raise Refused(f"{asked} has no secrets here; there are {', '.join(known)} and all")
    return [asked]


class Rotation:
    """`Rotation(plan, owners).run(say)`; `say` is told each stage before it is taken."""

    def __init__(self, plan: Plan, of: Sequence[str]) -> None:
        self.plan, self.state = plan, plan.state
        self.owners = list(of)
        self.secrets = [secret for owner in of for secret in secrets_of(owner)]

    def stages(self) -> list[tuple[str, Callable[[], None]]]:
        """Name and work of every stage, in order; each may be taken again."""
        return [
            ("announce: successors are made, services are handed the passwords to come", self.announce),
            ("admit: the bus and the issuer take old and new", self.admit),
            ("change: PostgreSQL takes the new passwords", self.change),
            ("promote: services are handed the new secrets", self.promote),
            ("move: services come back with them", self.move),
            ("withdraw: the old ones are good for nothing", self.withdraw),
        ]

    def run(self, say: Callable[[str], None]) -> None:
        """Every stage; raises Refused when one fails, and the next call goes on."""
        if not under_way(self.state):
            self._forget()
            write_journal(self.state, self.owners)
        for told, work in self.stages():
            say(told)
            work()
        # From here on a new call is a new rotation.
        journal(self.state).unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        for secret in self.secrets:
            slots.forget(self.state, secret.name)

    def _of(self, kind: str) -> list[Secret]:
        return [secret for secret in self.secrets if secret.kind == kind]

    def _services(self) -> list[str]:
        return [owner for owner in self.owners if owner != accounts.OPERATOR]

    def announce(self) -> None:
        for secret in self.secrets:
            slots.announce(self.state, secret.name, partial(self._successor, secret))
        self._hand_out()

    def _successor(self, secret: Secret) -> str:
        if secret.kind == "client":
            return handing.new_key()
        if secret.kind == "bus":
            return nkeys.new_seed()
        return password()

    def admit(self) -> None:
        self._tell_bus()
        self._tell_issuer()
        # No service may still believe that there is one password alone.
        time.sleep(2 * FRESH_SECONDS)

    def _hand_out(self) -> None:
        for service in self._services():
            handing.hand_out(self.plan, service)

    def _tell_issuer(self) -> None:
        """The embedded issuer reads its realm again when the file has changed; each good key gets a token."""
        files.renew(self.state, keys=handing.service_keys(self.state))
        url = f"{self.plan.inside('issuer')}/realms/jianzhen{OIDC}/token"
        with httpx.Client(timeout=20, trust_env=False) as client:
            for secret in self._of("client"):
                for pem in slots.good(self.state, secret.name):
                    form = proof.form_of(f"svc-{secret.owner}", ECKey.import_key(pem), self.plan.realm)
                    _admitted(client, url, form)

    def _tell_bus(self) -> None:
        handing.write_nats_conf(self.plan)
        self.plan.nats.pidfile.signal(signal.SIGHUP)
        names = [secret.name for secret in self._of("bus")]
        good = [seed for name in names for seed in slots.good(self.state, name)]
        bad = [seed for name in names if (seed := slots.past(self.state, name))]
        _until_reloaded(self.plan.nats.port, good, bad)

    def change(self) -> None:
        asyncio.run(self._change())

    async def _change(self) -> None:
        connection = await asyncpg.connect(self.plan.postgres.superuser_url(), timeout=10)
        try:
            # A verifier instead of the password: statements are logged, and kept by pg_stat_statements.
            for secret in self._of("database"):
                verifier = scram_verifier(slots.good(self.state, secret.name)[0])
                await connection.execute(f"ALTER ROLE \"{secret.name}\" PASSWORD '{verifier}'")
        finally:
            await connection.close()

    def promote(self) -> None:
        for secret in self.secrets:
            slots.promote(self.state, secret.name)
        self._hand_out()

    def move(self) -> None:
        time.sleep(MOVED_SECONDS)
        promoted = max((slots.promoted_at(self.state, one.name) for one in self.secrets), default=0.0)
        asyncio.run(self._end_sessions(promoted))

    async def _end_sessions(self, before: float) -> None:
        """What was opened by an old password ends when it is idle: services use it for nothing new."""
        roles = [secret.name for secret in self._of("database")]
        connection = await asyncpg.connect(self.plan.postgres.superuser_url(), timeout=10)
        deadline = time.monotonic() + ENDED_SECONDS
        try:
            while roles:
                ended, there = await connection.fetchrow(SESSIONS, roles, before)
                if ended == there:
                    return
                if time.monotonic() > deadline:
                    raise Refused(f"{there} sessions of old passwords still work: say it again later", 3)
                await asyncio.sleep(0.2)
        finally:
            await connection.close()

    def withdraw(self) -> None:
        """What is good now is what is not old: the old ones are put aside, then bus and issuer are told."""
        for secret in self.secrets:
            slots.retire(self.state, secret.name)
        self._tell_bus()
        self._tell_issuer()


def _admitted(client: httpx.Client, url: str, form: dict[str, str]) -> None:
    try:
        answer = client.post(url, data=form)
    except httpx.TransportError as error:
        raise Refused(f"the issuer does not answer ({error}): say it again when it does", 3) from None
    if answer.status_code != httpx.codes.OK:
        raise Refused(f"the issuer does not take the key of {form['client_id']}: {answer.text}", 3)


def _until_reloaded(port: int, good: Sequence[str], bad: Sequence[str]) -> None:
    """Until the bus has read its configuration: each seed of `good` gets in and none of `bad`."""
    deadline = time.monotonic() + RELOADED_SECONDS
    for seed, is_good in [*((one, True) for one in good), *((one, False) for one in bad)]:
        while bus_admits(port, seed) != is_good:
            if time.monotonic() > deadline:
                key = nkeys.public(seed)
                raise Refused(f"the bus has not taken up {key}: is it running? Say it again", 3)
            time.sleep(0.1)


def bus_admits(port: int, seed: str) -> bool:
    """Whether nats-server on this machine lets a user in, by two lines of its protocol."""
    told: dict[str, object] = {"verbose": False, "pedantic": False, "lang": "python", "version": "0"}
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line, line.makefile("rwb") as file:
            nonce = json.loads(file.readline().partition(b" ")[2])["nonce"]  # of INFO
            told |= {"nkey": nkeys.public(seed), "sig": nkeys.signed(seed, nonce).decode()}
            file.write(f"CONNECT {json.dumps(told)}\r\nPING\r\n".encode())
            file.flush()
            return file.readline().startswith(b"PONG")
    except OSError:
        return False


def journal(state: State) -> Path:
    """Names whose secrets are being rotated; absent when nothing is under way."""
    return state.home / "secrets" / "rotation.json"


def write_journal(state: State, of: Sequence[str]) -> None:
    slots.write_private(journal(state), json.dumps({"owners": list(of)}))


def under_way(state: State) -> list[str]:
    """Whom a rotation that was cut short was for."""
    try:
        return list(json.loads(journal(state).read_text())["owners"])
    except FileNotFoundError:
        return []


def scram_verifier(word: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803), so that the password itself is in no statement."""
    salt, rounds = os.urandom(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", word.encode(), salt, rounds)
    client, server = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    stored = hashlib.sha256(client).digest()
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{parts[0]}${parts[1]}:{parts[2]}"

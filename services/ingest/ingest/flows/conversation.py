"""The conversation with data loggers: hears what they answer, sends what they are asked, minds the time.

Promises: hearing never waits; what was heard is applied in order, also after the database was away; each
instance speaks only over connections of its own, and finds its open exchanges again after a restart.
Leaves the meaning of answers to `hearing`, what to ask to `commands`, `greeting` and `pulling`.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from kit.db import Database
from kit.problems import Unavailable
from prometheus_client import Counter

from ingest.flows import greeting, sending
from ingest.flows.catalog import Catalog
from ingest.flows.commands import terms_now
from ingest.flows.frames import Arrival
from ingest.flows.hearing import Answer, Outcome, settle
from ingest.flows.roster import Roster
from ingest.queries import commands, passwords
from ingest.rules.commands import catalogue
from ingest.rules.exchange import ENDED, kind_of
from ingest.rules.frames import Frame, parameters_of
from ingest.rules.refusals import printable
from ingest.rules.registry import NO_MANNERS, Device

log = structlog.get_logger()
ENDS = Counter("ingest_commands_ended_total", "Commands to devices, by how they ended", ["state"])
TICK_SECONDS = 0.5
_RELOAD_SECONDS = 5.0
_REST_SECONDS = 1.0
_MOST_HEARD = 5000


class Open(msgspec.Struct):
    """An exchange in hand. Data may straggle in until `until` (monotonic; None while it is open)."""

    command: UUID
    answers: frozenset[str]
    begin: str
    end: str
    is_history: bool
    until: float | None = None


class Conversation:
    """One per process; `heard`, `was_asked` and `ended` are called by the reception and the connections."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database, self._catalog = database, catalog
        self.roster = Roster(terms_now().drift_frames)
        self.holder = secrets.token_hex(4)
        self._open: dict[str, list[Open]] = {}
        self._inbox: list[Answer] = []
        self._arrived: set[str] = set()
        self._asks_time: set[str] = set()
        self._passwords: dict[str, bool] = {}
        self._wake = asyncio.Event()
        self._reload_at = 0.0

    def heard(self, arrival: Arrival, device: Device) -> None:
        """A committed frame of a registered device. Never fails: its receipt waits behind this."""
        try:
            self._take(arrival, device)
        except Exception as error:
            log.exception("ingest.frame_unheard", mn=device.mn, exc_info=error)

    def _take(self, arrival: Arrival, device: Device) -> None:
        is_new = self.roster.note(arrival, device)
        manners = self._catalog.current.manners.get(device.mn, NO_MANNERS)
        if is_new and manners.accepts_commands:
            self._arrived.add(device.mn)
            self._wake.set()
        if arrival.is_repeat:
            return
        frame, cn = arrival.frame, arrival.frame.fields.get("CN", "")
        answer = self._answer(frame, device.mn, cn)
        if answer is not None:
            self._inbox.append(answer)
            self._wake.set()
        elif cn == "1013":
            self._asks_time.add(device.mn)
            self._wake.set()
        if device.pending is not None:
            self._compare(frame, device)

    def ended(self, peer: Any) -> None:
        """A connection was lost."""
        self.roster.forget(peer)

    def wake(self) -> None:
        """Something new waits to be sent."""
        self._wake.set()

    def was_asked(self, frame: Frame, device: Device) -> bool:
        """Whether these values were recalled by a history command: then they are back-fill."""
        if device.mn not in self._open:
            return False
        found = self._exchange(frame, device.mn, frame.fields.get("CN", ""))
        return found is not None and found.is_history

    def _answer(self, frame: Frame, mn: str, cn: str) -> Answer | None:
        kind = kind_of(cn)
        if kind is not None:
            what, field = kind
            text = parameters_of(frame.segment).get(field, "") if field else ""
            code = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
            return Answer(mn, what, qn=frame.fields.get("QN", ""), code=code)
        exchange = self._exchange(frame, mn, cn) if mn in self._open else None
        if exchange is None:
            return None
        return Answer(mn, "data", command=exchange.command, pairs=_kept(frame))

    def _exchange(self, frame: Frame, mn: str, cn: str) -> Open | None:
        """The exchange that a data frame belongs to: the newest, if stragglers are still expected."""
        for exchange in reversed(self._open.get(mn, ())):
            if cn not in exchange.answers:
                continue
            at = parameters_of(frame.segment).get("DataTime", "") if exchange.is_history else ""
            if not exchange.is_history or exchange.begin <= at <= exchange.end:
                return exchange
        return None

    def _compare(self, frame: Frame, device: Device) -> None:
        """Which of two passwords the device uses, where that is open."""
        assert device.pending is not None
        used = hashlib.sha256(frame.fields.get("PW", "").encode()).digest()
        if used == device.pending.password_sha256:
            self._passwords[device.mn] = True
            self._wake.set()
        elif device.pending.is_overdue:
            self._passwords[device.mn] = False
            self._wake.set()

    async def run(self) -> None:
        """Converse until cancelled."""
        while True:
            # Not wait_for: in Python 3.11 it may swallow a cancellation when it is woken at the same moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.turn()
            except Unavailable as error:
                log.warning("ingest.conversation_waits", error=error.detail)
                await asyncio.sleep(_REST_SECONDS)
            except Exception as error:
                log.exception("ingest.conversation_failed", exc_info=error)
                await asyncio.sleep(_REST_SECONDS)

    async def turn(self) -> None:
        """One round: hear, resolve passwords, greet, send again, send."""
        await self.reload()
        await self._hear()
        await self._resolve_passwords()
        await self._greet()
        terms = terms_now()
        letters, outcomes = await self._write(
            lambda connection: sending.look_after(connection, self.roster, self.holder, terms)
        )
        self._after(outcomes)
        taken = await self._write(lambda connection: sending.take(connection, self.roster, self.holder))
        await self._post([*letters, *taken])
        if len(taken) == sending.MOST_AT_ONCE:
            self._wake.set()

    async def _hear(self) -> None:
        """Apply what was heard. Kept while the store is away; what no retry mends is logged and dropped."""
        while self._inbox:
            batch, self._inbox = self._inbox[:_MOST_HEARD], self._inbox[_MOST_HEARD:]
            try:
                outcomes = await self._write(lambda connection: settle(connection, batch))  # noqa: B023
            except Unavailable:
                self._inbox = batch + self._inbox
                raise
            self._after(outcomes)

    async def _write(self, act: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        async with self._database.telemetry() as connection:
            return await act(connection)

    async def reload(self) -> None:
        """Know the exchanges that another instance, or this one before a restart, has begun."""
        now = time.monotonic()
        if now < self._reload_at:
            return
        rows = await self._write(commands.under_way)
        kept = {mn: [one for one in many if one.until and one.until > now] for mn, many in self._open.items()}
        self._open = {mn: many for mn, many in kept.items() if many}
        for row in rows:
            self._remember(row)
        self._reload_at = now + _RELOAD_SECONDS

    def _remember(self, row: Any) -> None:
        command = catalogue()[row["name"]]
        parameters = dict(row["parameters"])
        answers = frozenset(str(cn) for cn in command.answers)
        known = self._open.setdefault(row["mn"], [])
        if answers and all(one.command != row["id"] for one in known):
            begin, end = parameters.get("BeginTime", ""), parameters.get("EndTime", "")
            is_history = bool(begin) and command.name.startswith("recall")
            known.append(Open(row["id"], answers, begin, end, is_history))

    def _after(self, outcomes: list[Outcome]) -> None:
        until = time.monotonic() + terms_now().straggler_seconds
        for outcome in outcomes:
            if outcome.secret is not None:
                self.roster.learn_password(outcome.row["mn"], outcome.secret)
            if not outcome.has_ended:
                continue
            state, mn = outcome.exchange.state, outcome.row["mn"]
            ENDS.labels(state).inc()
            log.info("ingest.command_ended", command=str(outcome.row["id"]), mn=mn, state=state)
            for exchange in self._open.get(mn, ()):
                if exchange.command == outcome.row["id"]:
                    exchange.until = until if state in ENDED else None
            self._wake.set()

    async def _post(self, letters: list[sending.Letter]) -> None:
        """Committed as sent: now they go out. A new password or key counts before it is told."""
        if any(letter.row["name"] in ("set-password", "set-key") for letter in letters):
            await self._catalog.refresh()
        for letter in letters:
            self._remember(letter.row)
            if not self.roster.say(letter.mn, letter.data):
                log.info("ingest.command_unsendable", command=str(letter.row["id"]), mn=letter.mn)

    async def _resolve_passwords(self) -> None:
        for mn, is_new in list(self._passwords.items()):
            act = passwords.confirm if is_new else passwords.drop
            command = await self._write(lambda connection: act(connection, mn))  # noqa: B023
            if command is not None:
                step = "password-in-use" if is_new else "password-unchanged"
                await self._write(lambda connection: commands.note(connection, [(command, step, "{}")]))  # noqa: B023
            self._passwords.pop(mn, None)
            await self._catalog.refresh()

    async def _greet(self) -> None:
        """First contact (§6.7), and the clock for those that ask for it (1013)."""
        registry = self._catalog.current
        for mn in list(self._arrived):
            if mn in registry.devices and registry.manners.get(mn, NO_MANNERS).greets:
                known = self.roster.known[mn]
                contact = (known.heard_at, known.address)
                await self._write(lambda connection: greeting.greet(connection, registry, mn, contact))  # noqa: B023
            self._arrived.discard(mn)
        for mn in list(self._asks_time):
            if mn in registry.devices:
                await self._write(lambda connection: greeting.set_clock(connection, registry, mn))  # noqa: B023
            self._asks_time.discard(mn)


def _kept(frame: Frame) -> tuple[tuple[str, str], ...]:
    """Its pairs as a database can keep them: one that could not would cost every answer of the turn."""
    return tuple((printable(name), printable(value)) for name, value in frame.segment.pairs[:40])

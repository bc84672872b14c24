"""Commands on their way out: taken, sent, sent again, given up.

Promises: a command is committed as sent before its first byte leaves, so that a crash in between means one
resend and never a forgotten exchange; one command at a time to one device. Leaves sockets to the roster.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ingest.flows.hearing import Outcome, end, exchange_of, saved
from ingest.flows.roster import Roster
from ingest.queries import commands, passwords
from ingest.rules.commands import catalogue, frame, stamp
from ingest.rules.exchange import ENDED, Exchange, wait_over
from ingest.rules.terms import Terms

MOST_AT_ONCE = 200
_HEX_KEY = 32


class Letter(msgspec.Struct, frozen=True):
    """A frame to write once the transaction is committed."""

    row: Any
    mn: str
    data: bytes


async def take(connection: asyncpg.Connection, roster: Roster, holder: str) -> list[Letter]:
    """The next command of each device that is connected here."""
    here = roster.connected(await commands.waiting(connection))
    if not here:
        return []
    letters, rows, steps = [], [], []
    for row in await commands.take(connection, here, MOST_AT_ONCE):
        now = datetime.now(UTC)
        qn = row["qn"] or stamp(now)
        sent = msgspec.structs.replace(exchange_of(row), state="sent", attempts=1)
        rows.append(saved(row, sent, seconds=float(row["answer_seconds"]), qn=qn, holder=holder))
        steps.append((row["id"], "sent", _json({"qn": qn, "instance": holder})))
        letters.append(await _letter(connection, roster, row, qn))
    await commands.save(connection, rows)
    await commands.note(connection, steps)
    return letters


async def _letter(connection: asyncpg.Connection, roster: Roster, row: Any, qn: str) -> Letter:
    """The frame; a new password or key is expected from the device from now on."""
    command = catalogue()[row["name"]]
    parameters: dict[str, str] = dict(row["parameters"])
    secret = await commands.secret_of(connection, row["id"])
    if secret is not None:
        parameters[command.parameters[0]] = secret
        if command.name == "set-password":
            digest = hashlib.sha256(secret.encode()).digest()
            await passwords.expect(connection, row["mn"], row["id"], digest)
        elif command.name == "set-key":
            key = bytes.fromhex(secret) if len(secret) == _HEX_KEY else secret.encode()
            await passwords.add_key(connection, row["mn"], row["id"], key)
    return Letter(row, row["mn"], frame(command, parameters, roster.line(row["mn"]), qn, datetime.now(UTC)))


async def look_after(
    connection: asyncpg.Connection, roster: Roster, holder: str, terms: Terms
) -> tuple[list[Letter], list[Outcome]]:
    """Commands whose waiting time is over: to send again, and those that have ended."""
    letters: list[Letter] = []
    outcomes: list[Outcome] = []
    rows: list[tuple[Any, ...]] = []
    steps: list[tuple[UUID, str, str]] = []
    here = roster.connected(await commands.late(connection))
    for row in await commands.overdue(connection, here, terms.orphan_seconds):
        before = exchange_of(row)
        after = wait_over(before, catalogue()[row["name"]], row["resends"])
        if not roster.has(row["mn"]) and before.state == "sent":
            after = Exchange("requested")
            steps.append((row["id"], "requested", _json({"why": "connection lost 连接中断"})))
        elif after.state == "sent":
            letters.append(await _letter(connection, roster, row, row["qn"]))
            steps.append((row["id"], "sent-again", _json({"attempt": after.attempts, "instance": holder})))
        else:
            steps.append((row["id"], after.state, _json({"packets": after.packets, "was": before.state})))
            outcomes.append(Outcome(row, after, True))
        rows.append(saved(row, after, seconds=float(row["answer_seconds"]), holder=holder))
    for row in await commands.expired(connection):
        after = Exchange("timed-out", row["attempts"], row["packets"])
        rows.append(saved(row, after))
        steps.append((row["id"], "timed-out", _json({"why": "never connected in time 期限内未能发送"})))
        outcomes.append(Outcome(row, after, True))
    await commands.save(connection, rows)
    await commands.note(connection, steps)
    return letters, [await end(connection, one) for one in outcomes if one.exchange.state in ENDED]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

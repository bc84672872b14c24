"""What a device answers to a command: states, progress, results, and what follows when a command ends.

Promises: an answer is matched by its QN, data by their command code and time; an answer that decides nothing
is noted as late and changes nothing; a new password counts in the register after the device's success only.
Leaves receiving to `conversation`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ingest.queries import commands, gaps, passwords
from ingest.rules.commands import catalogue
from ingest.rules.exchange import ENDED, EXE_RTN, QN_RTN, Exchange, Heard, hear

_MOST_RESULTS = 60


class Answer(msgspec.Struct, frozen=True):
    """One frame that belongs to a command: by `qn` (9011, 9012, 9013) or by `command` (data)."""

    mn: str
    what: Heard
    qn: str | None = None
    command: UUID | None = None
    code: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """A command after its answers; `has_ended` now."""

    row: Any
    exchange: Exchange
    has_ended: bool
    secret: str | None = None


def exchange_of(row: Any) -> Exchange:
    return Exchange(row["state"], row["attempts"], row["packets"], row["qn_rtn"], row["exe_rtn"])


def saved(row: Any, exchange: Exchange, *, seconds: float | None = None, **other: Any) -> tuple[Any, ...]:
    """The row in the order of `commands.SAVE`."""
    result = other.get("result", row["result"])
    return (
        row["id"], exchange.state, exchange.attempts, exchange.packets, exchange.qn_rtn, exchange.exe_rtn,
        other.get("qn", row["qn"]), other.get("holder", row["holder"]),
        msgspec.json.encode(result).decode(), seconds,
    )  # fmt: skip


async def settle(connection: asyncpg.Connection, answers: Sequence[Answer]) -> list[Outcome]:
    """Apply the answers in the order in which they came; answers to nobody's question are left alone."""
    exchanges = [(one.mn, one.qn) for one in answers if one.qn is not None]
    ids = [one.command for one in answers if one.command is not None]
    rows = await commands.named(connection, exchanges, ids)
    outcomes: list[Outcome] = []
    steps: list[tuple[UUID, str, str]] = []
    changed: list[tuple[Any, ...]] = []
    for row in rows:
        mine = [
            one for one in answers if one.command == row["id"] or (one.mn, one.qn) == (row["mn"], row["qn"])
        ]
        before = now = exchange_of(row)
        results: list[Any] = list(row["result"])
        for answer in mine:
            after = hear(now, catalogue()[row["name"]], answer.what, answer.code)
            step = _step(now, after, answer)
            if step is not None:
                steps.append((row["id"], *step))
            if answer.what == "data" and len(results) < _MOST_RESULTS and row["origin"] != "pull-back":
                results.append(dict(answer.pairs))
            now = after
        seconds = float(row["execution_seconds"]) if now.is_open and now != before else None
        changed.append(saved(row, now, seconds=seconds, result=results))
        outcomes.append(Outcome(row, now, now.state in ENDED and before.state not in ENDED))
    await commands.save(connection, changed)
    await commands.note(connection, steps)
    return [await end(connection, one) for one in outcomes]


def _step(before: Exchange, after: Exchange, answer: Answer) -> tuple[str, str] | None:
    """The line in the command's history; packets are counted and not listed."""
    texts = QN_RTN if answer.what == "accepted" else EXE_RTN
    zh, en = texts.get(answer.code or 0, ("", ""))
    detail = {"code": answer.code, "zh": zh, "en": en} if answer.code is not None else {}
    if after.state != before.state:
        return after.state, msgspec.json.encode(detail).decode()
    if answer.what != "data" and after is before:
        return "late-answer", msgspec.json.encode({"answer": answer.what, **detail}).decode()
    return None


async def end(connection: asyncpg.Connection, outcome: Outcome) -> Outcome:
    """What follows when a command has ended, or when a late answer says how it ended."""
    row, exchange = outcome.row, outcome.exchange
    secret = None
    if row["name"] == "set-password":
        if exchange.state == "done" and outcome.has_ended:
            secret = await commands.secret_of(connection, row["id"])
            await passwords.confirm(connection, row["mn"])
        elif exchange.state in ("refused", "failed") and outcome.has_ended:
            await passwords.drop(connection, row["mn"])
        elif outcome.has_ended:
            await passwords.leave_open(connection, row["mn"])
    if outcome.has_ended and row["gap"] is not None and exchange.state == "done":
        await gaps.look_again(connection, row["gap"])
    if outcome.has_ended:
        await commands.drop_secrets(connection, [row["id"]])
    return msgspec.structs.replace(outcome, secret=secret)

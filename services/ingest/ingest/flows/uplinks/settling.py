"""What is written when parcels are sent and when they are answered.

Promises: an answer is settled once, with its receipt, in one transaction; what the other side refuses for
good is parked with its words; of a batch accepted in part the refused values are parked alone. Leaves sending
to `sending`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from kit.db import Database
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.queries import uplinks as queries
from ingest.queries.uplinks import New, Parcel
from ingest.rules.uplinks.answers import Answer
from ingest.rules.uplinks.cutting import Cut, Head, body_of
from ingest.rules.uplinks.dated import Forwarding, pause_after

Answered = Sequence[tuple[Parcel, Answer]]
_STATES = {"acknowledged": "acknowledged", "refused": "parked"}


class Circuit(msgspec.Struct, frozen=True):
    """How the link stands after a turn; `wait_seconds` until the next attempt."""

    is_open: bool
    failures: int
    wait_seconds: float
    error: str


def circuit_after(answered: Answered, failures: int, chance: float, limits: Forwarding) -> Circuit:
    """Open if nothing was answered and something failed; any answer of the other side closes it."""
    failed = [answer for _, answer in answered if answer.outcome == "failed"]
    error = failed[0].text if failed else ""
    asked = max((answer.wait_seconds for answer in failed), default=0.0)
    if not failed or len(failed) < len(answered) or all(answer.is_own for answer in failed):
        return Circuit(False, 0, asked, error)
    return Circuit(True, failures + 1, max(asked, pause_after(failures + 1, chance, limits)), error)


async def settle(
    database: Database, link: str, answered: Answered, circuit: Circuit, now: datetime, limits: Forwarding
) -> None:
    """Write down what a turn brought."""
    async with database.writer() as session:
        # The state first, as everywhere: whoever queues or renews takes the same lock before the parcels.
        await _note_circuit(session, link, circuit, now, is_answered=_is_answered(answered))
        last_ok = await _last_ok(session, link)
        settled, failed = [], []
        for parcel, answer in answered:
            if answer.outcome != "failed":
                settled.append((parcel, answer))
            elif _is_worn(parcel, answer, last_ok, limits.tries_of_one):
                settled.append((parcel, Answer("refused", f"given up: {answer.text}")))
            else:
                failed.append((parcel, answer))
        await _note_answers(session, link, settled, now)
        await _note_failures(session, failed, now)


def _kept(words: str) -> str:
    """The other side's words as a database can keep them."""
    return words.replace("\x00", "")[:500]


def _is_answered(answered: Answered) -> bool:
    return any(answer.outcome != "failed" for _, answer in answered)


async def _note_circuit(
    session: AsyncSession, link: str, circuit: Circuit, now: datetime, *, is_answered: bool
) -> None:
    await session.execute(
        text(
            "UPDATE uplink_states SET circuit = :circuit, failures = :failures, last_error = :error, "
            "changed_at = CASE WHEN circuit = :circuit THEN changed_at ELSE :now END, "
            "next_try_at = :next, last_ok_at = CASE WHEN :ok THEN :now ELSE last_ok_at END WHERE link = :link"
        ),
        {
            "circuit": "open" if circuit.is_open else "closed",
            "failures": circuit.failures,
            "error": _kept(circuit.error),
            "now": now,
            "next": now + timedelta(seconds=circuit.wait_seconds) if circuit.wait_seconds else None,
            "ok": is_answered,
            "link": link,
        },
    )


async def _last_ok(session: AsyncSession, link: str) -> datetime | None:
    found = await session.execute(
        text("SELECT last_ok_at FROM uplink_states WHERE link = :link"), {"link": link}
    )
    last: datetime | None = found.scalar()
    return last


async def _note_failures(session: AsyncSession, failed: Answered, now: datetime) -> None:
    """They wait on, with the reason."""
    rows = [{"id": parcel.id, "reason": _kept(answer.text), "now": now} for parcel, answer in failed]
    if rows:
        await session.execute(text(queries.NOTE), rows)


async def _note_answers(session: AsyncSession, link: str, answered: Answered, now: datetime) -> None:
    rows = [
        (parcel, _STATES[answer.outcome], _reason(answer), answer.outcome, _kept(answer.text))
        for parcel, answer in answered
    ]
    done = await queries.settle(session, link, now, rows)
    parked = {parcel.day for parcel, answer in answered if answer.outcome == "refused"}
    if parked:
        await queries.touch(session, link, now, parked)
    for parcel, answer in answered:
        if answer.refused_rows and parcel.id in done:
            await _split(session, link, parcel, answer.refused_rows, now)


def _reason(answer: Answer) -> str:
    return "" if answer.outcome == "acknowledged" else _kept(answer.text)


def _is_worn(parcel: Parcel, answer: Answer, last_ok: datetime | None, most: int) -> bool:
    """It failed so often, by itself, while others passed: no further attempt will help."""
    is_often = answer.is_own and parcel.attempts + 1 >= most
    return is_often and last_ok is not None and parcel.sent_at is not None and last_ok >= parcel.sent_at


async def _split(
    session: AsyncSession, link: str, parcel: Parcel, refused: dict[int, str], now: datetime
) -> None:
    """The refused values of a batch leave it and are parked, one parcel for each reason."""
    body = msgspec.json.decode(parcel.body)
    rows = body["data"]
    reasons = {at: reason for at, reason in refused.items() if 0 <= at < len(rows)}
    kept = [row for at, row in enumerate(rows) if at not in reasons]
    remaining = Cut(_head(parcel, body["source"]), kept)
    await session.execute(
        text("UPDATE uplink_parcels SET body = :body, size = :size WHERE id = :id"),
        {"body": body_of(remaining), "size": len(kept), "id": parcel.id},
    )
    cuts = {reason: Cut(remaining.head) for reason in reasons.values()}
    for at, reason in sorted(reasons.items()):
        cuts[reason].rows.append(tuple(rows[at]))
    base = await queries.numbers(session, link, now, len(cuts))
    news = [New(cut, base + at, "parked", _kept(reason)) for at, (reason, cut) in enumerate(cuts.items())]
    await queries.queue(session, link, now, news)


def _head(parcel: Parcel, source: str) -> Head:
    return msgspec.convert(
        {
            "key": parcel.key,
            "kind": parcel.kind,
            "mode": parcel.mode,
            "source": source,
            "path": parcel.path,
            "day": parcel.day,
            "element": parcel.element,
        },
        Head,
    )


async def renew(session: AsyncSession, link: str, ids: Sequence[int], now: datetime) -> int:
    """Send these again under new names, on purpose: what was parked, or what the other side lost."""
    if not ids:
        return 0
    base = await queries.numbers(session, link, now, len(ids))
    asked = {"link": link, "ids": list(ids), "base": base - 1}
    done = (await session.execute(text(queries.RENEW), asked)).all()
    await queries.touch(session, link, now, {row.day for row in done})
    return len(done)

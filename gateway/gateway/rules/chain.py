"""The chain that makes a change of the audit visible: each event's digest covers the one before it.

A chain belongs to one process of the authorizer: its events are numbered 1, 2, … without gaps. A *seal* says
where a chain stood; its content is canonical JSON, whose leaf is in the public evidence log.
Promises: pure. Leaves storing to `flows.ledger`, the log to `evidence`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

BEGINNING = bytes(32)


def canonical(fields: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no blanks; instants in UTC with microseconds; the same for ever.

    What is None is left out, so that a column added later changes no older event.
    """
    told = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(
        told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the digest of an event covers, from its row or from the row's JSON."""
    fields = {name: value for name, value in row.items() if name not in ("id", "digest")}
    if isinstance(fields["at"], str):
        fields["at"] = datetime.fromisoformat(fields["at"])
    return fields


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return str(value)


def link(before: bytes, fields: Mapping[str, Any]) -> bytes:
    """The digest of an event that follows the digest `before`."""
    return hashlib.sha256(before + canonical(fields)).digest()


def content(chain: str, number: int, digest: bytes) -> bytes:
    """What a seal says: this chain had this many events, and this was the digest of the last."""
    return canonical({"chain": chain, "digest": digest.hex(), "number": number})


@dataclass(frozen=True)
class Event:
    """An event as stored: its place, the fields under its digest, and the digest."""

    chain: str
    number: int
    fields: Mapping[str, Any]
    digest: bytes


@dataclass(frozen=True)
class Seal:
    """A seal as stored; `is_in_log` is whether the evidence log holds its leaf, None where nobody asked."""

    id: str
    chain: str
    number: int
    digest: bytes
    is_in_log: bool | None = None


@dataclass(frozen=True)
class Fault:
    """`changed` or `missing` events, a `seal` that the events contradict, or a seal without its `leaf`."""

    kind: str
    chain: str
    number: int


def faults(events: Iterable[Event], seals: Iterable[Seal]) -> Iterator[Fault]:
    """Everything that does not fit together, per chain in the order of its events."""
    chains: dict[str, dict[int, Event]] = {}
    for event in events:
        chains.setdefault(event.chain, {})[event.number] = event
    by_chain: dict[str, list[Seal]] = {}
    for seal in seals:
        by_chain.setdefault(seal.chain, []).append(seal)
    for chain in sorted({*chains, *by_chain}):
        known = chains.get(chain, {})
        yield from _broken(chain, known)
        for seal in sorted(by_chain.get(chain, []), key=lambda one: one.number):
            last = known.get(seal.number)
            if last is None:
                yield Fault("missing", chain, seal.number)
            elif last.digest != seal.digest:
                yield Fault("seal", chain, seal.number)
            if seal.is_in_log is False:
                yield Fault("leaf", chain, seal.number)


def _broken(chain: str, known: Mapping[int, Event]) -> Iterator[Fault]:
    before = BEGINNING
    for number in range(1, max(known, default=0) + 1):
        event = known.get(number)
        if event is None:
            yield Fault("missing", chain, number)
            before = b""
            continue
        if before and link(before, event.fields) != event.digest:
            yield Fault("changed", chain, number)
        before = event.digest

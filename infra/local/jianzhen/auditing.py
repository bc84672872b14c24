"""`jianzhen log audit`: the gateway's audit against its own chains, its seals, and their leaves in the log.

Promises: names every event that was changed or is gone, every seal that events contradict, and every leaf of
a seal that is gone. Reads only what an auditor may read. Leaves the digests to `gateway.rules.chain`.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.rules import chain
from tlog.receipts import entry_of, record_of

TEXTS = {
    "changed": ("审计记录已被改动", "an event was changed: its digest is another"),
    "missing": ("审计记录缺失", "an event is gone"),
    "seal": ("审计记录与其封印不符", "the events are not those that were sealed"),
    "leaf": ("封印未入存证日志或已被改动", "the evidence log does not hold this seal as it stands"),
    "deleted": ("日志中有封印的条目,但封印已不存在", "the log holds the leaf of a seal that is gone"),
}


def entry(seal: dict[str, Any]) -> str:
    """The leaf of a seal as it stands now."""
    said = chain.content(seal["chain"], seal["number"], bytes.fromhex(seal["digest"]))
    sealed_at = datetime.fromisoformat(seal["sealed_at"])
    record = record_of(UUID(seal["id"]), hashlib.sha256(said).digest(), sealed_at)
    return entry_of(base64.b64decode(seal["nonce"]), record.bytes).hex()


def faults(
    seals: Iterable[dict[str, Any]],
    events: Iterable[dict[str, Any]],
    leaves: Iterable[dict[str, Any]],
    settled: datetime,
) -> Iterator[dict[str, Any]]:
    """What does not fit, as lists of the platform tell it. A seal after `settled` may be on its way still."""
    known = {leaf["ref"]: leaf["entry"] for leaf in leaves if leaf["subject"] == "audit"}
    told = []
    for seal in seals:
        is_there = known.pop(seal["id"], None) == entry(seal)
        is_young = datetime.fromisoformat(seal["sealed_at"]) > settled
        is_in_log = is_there or (None if is_young else False)
        told.append(
            chain.Seal(seal["id"], seal["chain"], seal["number"], bytes.fromhex(seal["digest"]), is_in_log)
        )
    rows = [
        chain.Event(row["chain"], row["number"], chain.fields_of(row), bytes.fromhex(row["digest"]))
        for row in events
        if row["chain"] is not None
    ]
    for fault in chain.faults(rows, told):
        yield {"kind": fault.kind, "chain": fault.chain, "number": fault.number}
    for ref in known:
        yield {"kind": "deleted", "seal": ref}


def line(fault: dict[str, Any]) -> str:
    """One fault as a person reads it."""
    zh, en = TEXTS[fault["kind"]]
    where = f"seal {fault['seal']}" if "seal" in fault else f"{fault['chain']} #{fault['number']}"
    return f"{where}: {en} {zh}"

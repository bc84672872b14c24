"""Receipts: what a sender keeps to prove, years later and offline, that its bytes are in the log.

A submission's *record* is canonical JSON of its id, the SHA-256 of its raw bytes and the instant of receipt.
Its *entry* in the log is SHA-256(nonce ‖ record), so that the public log reveals nothing; the receipt holds
the nonce. Promises: strict and bounded parsing; `verify_receipt` fails for a change of any byte that matters.
Leaves to others: drawing nonces, and asking the log for proofs.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tlog import cosignature, note
from tlog.merkle import leaf_hash, verify_inclusion
from tlog.note import BadNote, Checkpoint, Key

FORMAT = "jianzhen-receipt/1"
NONCE_SIZE = 16
MOST_BYTES, MOST_STEPS = 64 * 1024, 63
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MEMBERS = {
    "format": str, "log": str, "submission": str, "sha256": str, "received_at": str, "nonce": str,
    "index": int, "checkpoint": str, "proof": list,
}  # fmt: skip


class BadReceipt(ValueError):
    """The receipt does not hold; `reason` is one word: form, raw, checkpoint, log, quorum or proof."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """What is recorded of a submission: its id, the SHA-256 of its raw bytes, the instant of receipt."""

    submission: str
    sha256: str
    received_at: str

    @property
    def bytes(self) -> bytes:
        """Canonical JSON: UTF-8, sorted keys, no blanks; the same for ever."""
        members = {"received_at": self.received_at, "sha256": self.sha256, "submission": self.submission}
        return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def record_of(submission: UUID, sha256: bytes, received_at: datetime) -> Record:
    """The record of a submission; `received_at` must know its zone and is written in UTC with microseconds.

    >>> record_of(UUID(int=1), bytes(32), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)).received_at
    '2026-01-02T03:04:05.000000Z'
    """
    if received_at.tzinfo is None:
        raise BadReceipt("form", "the instant of receipt has no zone")
    instant = received_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return _checked(Record(str(submission), sha256.hex(), instant))


def entry_of(nonce: bytes, record: bytes) -> bytes:
    """The 32 bytes that the log holds for a record: SHA-256(nonce ‖ record). BadReceipt for another nonce."""
    if len(nonce) != NONCE_SIZE:
        raise BadReceipt("form", f"a nonce has {NONCE_SIZE} bytes")
    return hashlib.sha256(nonce + record).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A record, its nonce and place in the log, and the proof to a checkpoint, signed and cosigned."""

    log: str
    record: Record
    nonce: bytes
    index: int
    checkpoint: str
    proof: tuple[bytes, ...]

    @property
    def entry(self) -> bytes:
        """The 32 bytes that stand in the log at `index`."""
        return entry_of(self.nonce, self.record.bytes)

    def to_json(self) -> str:
        """The receipt as it is handed out: JSON with sorted keys, indented, ended by a line feed."""
        members = {
            "format": FORMAT, "log": self.log, "submission": self.record.submission, "index": self.index,
            "sha256": self.record.sha256, "received_at": self.record.received_at,
            "nonce": note.encode_base64(self.nonce), "checkpoint": self.checkpoint,
            "proof": [note.encode_base64(step) for step in self.proof],
        }  # fmt: skip
        return json.dumps(members, sort_keys=True, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Receipt":
        """The receipt of a JSON text. BadReceipt (form) unless it is written in the one right way."""
        members = _members(text)
        try:
            record = Record(members["submission"], members["sha256"], members["received_at"])
            receipt = cls(
                members["log"], _checked(record), note.decode_base64(members["nonce"]), members["index"],
                members["checkpoint"], tuple(map(note.decode_hash, members["proof"])),
            )  # fmt: skip
        except BadNote as wrong:
            raise BadReceipt("form", f"not a receipt: {wrong}") from wrong
        if len(receipt.nonce) != NONCE_SIZE or not 0 <= receipt.index < note.MOST:
            raise BadReceipt("form", "not a receipt: the nonce or the index is out of range")
        return receipt


def verify_receipt(
    receipt: Receipt, log_key: Key, witness_keys: Iterable[Key], quorum: int, raw: bytes | None = None
) -> tuple[Checkpoint, list[str]]:
    """The checkpoint the receipt leads to and who cosigned it. BadReceipt if anything is wrong.

    With `raw`, also that these are the bytes that were received.
    """
    if raw is not None and hashlib.sha256(raw).hexdigest() != receipt.record.sha256:
        raise BadReceipt("raw", "the raw bytes are not those that were received: their SHA-256 differs")
    if receipt.log != log_key.name:
        raise BadReceipt("log", "the receipt is of another log")
    checkpoint, names = vouched(receipt.checkpoint, log_key, witness_keys, quorum)
    leaf = leaf_hash(receipt.entry)
    if not verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.proof, checkpoint.root):
        raise BadReceipt("proof", "the proof does not lead from the record to the checkpoint's root")
    return checkpoint, names


def vouched(
    signed: str, log_key: Key, witness_keys: Iterable[Key], quorum: int
) -> tuple[Checkpoint, list[str]]:
    """The checkpoint of a note that the log signed and enough witnesses cosigned, and their names.

    BadReceipt: `checkpoint` if the log did not sign it so, `log` if it is of another, `quorum` if too few.
    """
    try:
        cosignature.quorum(signed, log_key, (), 0)
        checkpoint = note.parse_checkpoint(note.split(signed)[0])
    except BadNote as wrong:
        raise BadReceipt("checkpoint", f"the checkpoint does not hold: {wrong}") from wrong
    if checkpoint.origin != log_key.name:
        raise BadReceipt("log", "the checkpoint is of another log")
    try:
        return checkpoint, cosignature.quorum(signed, log_key, witness_keys, quorum)
    except BadNote as wrong:
        raise BadReceipt("quorum", f"the witnesses do not vouch for the checkpoint: {wrong}") from wrong


def _checked(record: Record) -> Record:
    try:
        datetime.fromisoformat(record.received_at)
    except ValueError as wrong:
        raise BadReceipt("form", "the instant of receipt does not exist") from wrong
    fields = ((_UUID, record.submission), (_HEX, record.sha256), (_INSTANT, record.received_at))
    if not all(pattern.fullmatch(value) for pattern, value in fields):
        raise BadReceipt("form", "not a record: an id, a SHA-256 or an instant is not written as it must be")
    return record


def _members(text: str | bytes) -> dict[str, Any]:
    """The members by name, each of its type: strings, one integer, and a bounded list of strings."""
    if len(text) > MOST_BYTES:
        raise BadReceipt("form", "not a receipt: too long")
    try:
        members: dict[str, Any] = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as wrong:
        raise BadReceipt("form", f"not a receipt: not JSON: {wrong}") from wrong
    if not isinstance(members, dict) or {name: type(value) for name, value in members.items()} != _MEMBERS:
        raise BadReceipt("form", "not a receipt: other members than those of the format")
    proof = members["proof"]
    if members["format"] != FORMAT or len(proof) > MOST_STEPS or any(type(step) is not str for step in proof):
        raise BadReceipt("form", f"not a receipt of the format {FORMAT}")
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members

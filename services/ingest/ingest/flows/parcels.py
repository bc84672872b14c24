"""What travels through a flow: a submission on its way in, and what became of it."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from contracts.ingest import Mode

from ingest.rules.device_facts import Fact
from ingest.rules.judge import Judged
from ingest.rules.refusals import Refusal
from ingest.rules.registry import Channel
from ingest.rules.rows import Layout

NONCE_BYTES = 16


class Finding(msgspec.Struct, frozen=True):
    """Something a supervisor should see."""

    kind: str
    site: str | None
    region_path: tuple[str, ...]
    uscc: str | None
    detail: dict[str, Any]


class Packet(msgspec.Struct, frozen=True):
    """Packet `pno` of `pnum` of one message; `data_time` in microseconds since 1970 UTC."""

    command: str
    data_time: int
    pnum: int
    pno: int


class Parcel(msgspec.Struct):
    """One submission on its way in. `declared` is a mode the sender named; else values are live or late.

    `information`, `identities` and `packet` are what a logger says beside values: (command, its time, fact),
    (part, value), and its place in a message of several packets.
    `nonce` salts the leaf in the evidence log: without it nobody can tell from the leaf what was sent.
    """

    id: UUID
    channel: str
    principal: str
    received_at: datetime
    raw: bytes
    sha256: bytes
    trace_id: str
    dept: str | None = None
    region: str | None = None
    region_path: tuple[str, ...] = ()
    uscc: str | None = None
    source: str | None = None
    device: str | None = None
    address: str | None = None
    site: str | None = None
    declared: Mode | None = None
    content_encoding: str = "identity"
    idempotency_key: str | None = None
    notes: str = ""
    nonce: bytes = msgspec.field(default_factory=lambda: secrets.token_bytes(NONCE_BYTES))
    judged: Judged | None = None
    layout: Layout | None = None
    refused: list[Refusal] = msgspec.field(default_factory=list)
    findings: list[Finding] = msgspec.field(default_factory=list)
    information: list[tuple[str, datetime | None, Fact]] = msgspec.field(default_factory=list)
    identities: list[tuple[str, str]] = msgspec.field(default_factory=list)
    packet: Packet | None = None


class Later(msgspec.Struct, frozen=True):
    """A value for an instant that already had one."""

    row: int
    channel: Channel
    start: int
    first_value: float | None
    later_value: float | None
    decimals: int
    flag: str


class Stored(msgspec.Struct):
    """What became of one parcel."""

    accepted: int = 0
    repeated: list[int] = msgspec.field(default_factory=list)
    revised: list[Later] = msgspec.field(default_factory=list)

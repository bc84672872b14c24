"""What a frame becomes on its way to the store: its parcel, its notes, its place in a message of packets.

Promises: no state, nothing looked up beyond the registry in hand; a registered device's frame and an unknown
sender's become parcels of the same form. Leaves whether it is taken to `rules.admission`, values to
`rules.readings`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

# The driver's own kind of uuid: written and read as text at a fraction of the cost of the library's.
from asyncpg.pgproto.pgproto import UUID
from uuid_utils import uuid7

from ingest.flows.parcels import Packet, Parcel
from ingest.rules.device_facts import said_at
from ingest.rules.frames import Frame
from ingest.rules.limits import Limits
from ingest.rules.refusals import printable
from ingest.rules.registry import Device, Registry

_MOST_NOTED = 1000


class Peer(Protocol):
    """A connection that can be spoken to. `say` is False when it has ended."""

    def say(self, data: bytes) -> bool: ...


class Arrival(msgspec.Struct):
    """A frame off the wire. `is_taken` once it is committed; `reply` is the receipt it asked for.

    `certificate` is the subject of the client certificate, where the connection had one; `is_repeat` says
    that the same bytes were committed before. A frame whose CP was encrypted stands here in clear once a key
    has opened it; its `raw` stays as received. `peer` is the connection it came over. `mark` tells the same
    message from another: its digest, and from where and with which certificate it came.
    """

    frame: Frame
    address: str
    received_at: datetime
    certificate: str | None = None
    mn: str = ""
    digest: bytes = b""
    mark: bytes = b""
    is_taken: bool = False
    is_repeat: bool = False
    reply: bytes | None = None
    peer: Peer | None = None


def sender_of(frame: Frame) -> str:
    """The MN as it can be kept: printable, at most 64 characters."""
    mn: str = frame.fields.get("MN", "")[:64]
    return mn if mn.isprintable() else mn.encode("unicode_escape").decode()[:64]


def parcel_of(
    arrival: Arrival, device: Device | None, registry: Registry, trace_id: str, nonce: bytes
) -> Parcel:
    """The submission a frame makes, whether it is taken or refused."""
    mn = arrival.mn
    site = registry.sites.get(device.site) if device is not None else None
    return Parcel(
        id=UUID(uuid7().bytes),
        channel="hj212",
        principal=f"device {mn}",
        received_at=arrival.received_at,
        raw=arrival.frame.raw,
        sha256=arrival.digest,
        trace_id=trace_id,
        dept=site.dept if site else None,
        region=site.region if site else None,
        region_path=site.region_path if site else (),
        uscc=site.uscc if site else None,
        source=device.source if device else None,
        device=mn,
        address=arrival.address,
        notes=_joined(_frame_notes(arrival.frame)),
        site=device.site if device else None,
        nonce=nonce,
    )


def _frame_notes(frame: Frame) -> Sequence[str]:
    return frame.notes if frame.verdict == "annex" else (*frame.notes, f"crc {frame.verdict}")


def _joined(notes: Sequence[str]) -> str:
    return printable("; ".join(notes))[:_MOST_NOTED] if notes else ""


def add_notes(parcel: Parcel, notes: Sequence[str]) -> None:
    """What else was tolerated."""
    if notes:
        parcel.notes = _joined([parcel.notes, *notes] if parcel.notes else notes)


def packet_of(frame: Frame, limits: Limits) -> Packet | str | None:
    """The frame's place in its message, a note where PNUM and PNO name none, None for a whole message.

    Worked example: `Flag=7;PNUM=2;PNO=1` with a DataTime is packet 1 of 2 (HJ 212-2017 App. C.47).
    """
    fields = frame.fields
    if "PNUM" not in fields:
        return None
    pnum, pno = (_count(fields.get(name, "")) for name in ("PNUM", "PNO"))
    if pnum is None or pno is None or not 1 <= pno <= pnum or pnum > limits.packets_at_most:
        return f"PNUM {fields['PNUM'][:8]!r} and PNO {fields.get('PNO', '')[:8]!r} are no packet's"
    when = said_at(frame.segment.pairs)
    if when is None or when < 0:
        return "a packet without DataTime belongs to no message"
    return None if pnum == 1 else Packet(fields["CN"], when, pnum, pno)


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None

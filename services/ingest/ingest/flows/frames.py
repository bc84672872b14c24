"""Frames of data loggers: who sends, what it means, committed together, then answered.

Promises: nothing is answered before the commit; a frame with a wrong CRC, MN or password is not answered at
all and kept within the flood rule. A sound frame whose values are refused is answered: it is committed, and
sending it again would change nothing. Bytes already committed are answered without being stored again.
Leaves sockets to `receiver`, values to `rules.readings`.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec
from uuid_utils.compat import uuid7

from ingest.flows.catalog import Catalog
from ingest.flows.parcels import Finding, Parcel
from ingest.flows.store import Store
from ingest.rules.flood import FloodGate
from ingest.rules.frames import MAX_SEGMENT, Frame
from ingest.rules.grammar import wants_answer
from ingest.rules.hj212_build import answer
from ingest.rules.limits import Limits, limits_on
from ingest.rules.readings import PERIODS, WHOLE_FRAME, Plan, is_backfill, make_plan, read_values
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.registry import Device, Registry
from ingest.rules.times import CHINA, micros

_SEEN = 200_000
_PLANS = 20_000
_FOUND_OUT = frozenset({"wrong-password", "wrong-address"})
_VARIANTS = ("modbus", "modbus-swapped")


class Peer(Protocol):
    """A connection that can be spoken to. `say` is False when it has ended."""

    def say(self, data: bytes) -> bool: ...


class Arrival(msgspec.Struct):
    """A frame off the wire. `is_taken` once it is committed; `reply` is the receipt it asked for.

    `certificate` is the subject of the client certificate, where the connection had one; `is_repeat` says
    that the same bytes were committed before; `peer` is the connection it came over.
    """

    frame: Frame
    address: str
    received_at: datetime
    certificate: str | None = None
    digest: bytes = b""
    is_taken: bool = False
    is_repeat: bool = False
    reply: bytes | None = None
    peer: Peer | None = None


Heard = Callable[[Arrival, Device], None]
Asked = Callable[[Frame, Device], bool]


class Reception:
    """Takes frames in; one per process. Remembers committed frames, plans and floods.

    `heard` is told of every taken frame of a registered device, repeats too, once it is committed and before
    its receipt is written. It must not wait. `was_asked` says whether values were recalled by a command.
    """

    def __init__(self, catalog: Catalog, store: Store, flood: FloodGate, heard: Heard | None = None) -> None:
        self._catalog, self._store, self._flood, self.heard = catalog, store, flood, heard
        self.was_asked: Asked | None = None
        self._seen: OrderedDict[bytes, bytes | None] = OrderedDict()
        self._plans: dict[tuple[object, ...], Plan] = {}

    async def take(self, arrivals: Sequence[Arrival]) -> None:
        """Commit the frames and set their replies. Raises Unavailable, and then no reply is set."""
        registry = self._catalog.current
        if any(_sender(arrival.frame) not in registry.devices for arrival in arrivals):
            registry = await self._catalog.refresh()
        parcels: list[Parcel] = []
        replies: dict[bytes, bytes | None] = {}
        for arrival in arrivals:
            self._sort(arrival, registry, parcels, replies)
        if parcels:
            await self._store.accept(parcels)
        self._seen.update(replies)
        for arrival in arrivals:
            arrival.is_taken = arrival.digest in self._seen
            arrival.reply = self._seen.get(arrival.digest)
            device = registry.devices.get(_sender(arrival.frame)) if arrival.is_taken else None
            if self.heard is not None and device is not None:
                self.heard(arrival, device)
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)

    def _sort(
        self,
        arrival: Arrival,
        registry: Registry,
        parcels: list[Parcel],
        replies: dict[bytes, bytes | None],
    ) -> None:
        """Put the frame with those to commit, unless it was seen already or is only counted."""
        digest = arrival.digest = hashlib.sha256(arrival.frame.raw).digest()
        if digest in self._seen or digest in replies:
            self._flood.count(_sender(arrival.frame), "resend", _day(arrival)).counted += 1
            arrival.is_repeat = True
            return
        parcel, reply = self._open(arrival, registry)
        if parcel is None:
            return
        parcels.append(parcel)
        if not parcel.refused or parcel.judged is not None:
            replies[digest] = reply

    def _open(self, arrival: Arrival, registry: Registry) -> tuple[Parcel | None, bytes | None]:
        """The parcel to commit (None: only counted) and the reply to give after the commit."""
        frame = arrival.frame
        limits = limits_on(_day(arrival))
        device = registry.devices.get(_sender(frame))
        wrong = _objection(frame, device, arrival.address)
        parcel = _parcel(arrival, device, registry)
        if wrong is not None:
            return (parcel if self._keeps_refused(parcel, wrong, arrival, limits) else None), None
        assert device is not None
        self._read(parcel, frame, device, registry, limits)
        return parcel, answer(frame.fields) if wants_answer(frame.fields) else None

    def _keeps_refused(self, parcel: Parcel, wrong: Flaw, arrival: Arrival, limits: Limits) -> bool:
        # A flooder can invent an MN for every frame, but not an address.
        sender = parcel.device if wrong.rule in _FOUND_OUT and parcel.device else arrival.address
        most = limits.kept_refusals_per_day
        if not self._flood.keeps(sender, wrong.rule, _day(arrival), most):
            return False
        parcel.refused = [wrong.at(WHOLE_FRAME)]
        if wrong.rule in _FOUND_OUT:
            detail = {"device": parcel.device, "address": arrival.address}
            parcel.findings.append(Finding(wrong.rule, parcel.site, parcel.region_path, parcel.uscc, detail))
        return True

    def _read(self, parcel: Parcel, frame: Frame, device: Device, registry: Registry, limits: Limits) -> None:
        command = frame.fields["CN"]
        if command not in PERIODS:
            parcel.notes = "; ".join(filter(None, (parcel.notes, f"CN {command[:8]!r} kept")))
            return
        names = tuple(name for name, _ in frame.segment.pairs)
        system = frame.fields.get("ST")
        key = (registry.version, device.mn, command, system, names)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[key] = make_plan(names, PERIODS[command], system, device, registry)
        judged = read_values(frame, plan, device, micros(parcel.received_at), limits)
        parcel.judged = judged
        if is_backfill(frame) or (self.was_asked is not None and self.was_asked(frame, device)):
            parcel.declared = "backfill"
        day, most = parcel.received_at.astimezone(CHINA).date(), limits.kept_refusals_per_day
        for wrong in judged.refused:
            if self._flood.keeps(device.mn, f"{wrong.rule} {wrong.where}", day, most):
                parcel.refused.append(wrong)


def _objection(frame: Frame, device: Device | None, address: str) -> Flaw | None:
    """Why a frame is not taken, if it is not."""
    accepted = {"annex", *(_VARIANTS if device is not None and device.accepts_modbus_crc else ())}
    if frame.verdict not in accepted:
        return flaw("CRC", "crc-wrong", f"{frame.verdict} {frame.crc_sent} ≠ {frame.crc_expected}")
    if frame.declared is None or any(problem.startswith("length") for problem in frame.problems):
        return flaw("length", "frame-broken", f"{frame.declared} ≠ {frame.actual}")
    if frame.segment.problems:
        return flaw("CP", "frame-broken", "; ".join(frame.segment.problems))
    if device is None:
        return flaw("MN", "unknown-device", _sender(frame))
    if device.password_sha256 is not None:
        given = hashlib.sha256(frame.fields.get("PW", "").encode()).digest()
        if not device.takes_password(given):
            return flaw("PW", "wrong-password", device.mn)
    if device.addresses and address not in device.addresses:
        return flaw("address", "wrong-address", f"{device.mn}: {address}")
    if frame.actual > MAX_SEGMENT and not device.accepts_long_segments:
        return flaw("length", "frame-broken", f"{frame.actual} > {MAX_SEGMENT}")
    return None


def _parcel(arrival: Arrival, device: Device | None, registry: Registry) -> Parcel:
    frame, mn = arrival.frame, _sender(arrival.frame)
    site = registry.sites.get(device.site) if device else None
    notes = [*frame.segment.notes, *([f"crc {frame.verdict}"] if frame.verdict in _VARIANTS else [])]
    return Parcel(
        id=uuid7(),
        channel="hj212",
        principal=f"device {mn}",
        received_at=arrival.received_at,
        raw=frame.raw,
        sha256=arrival.digest,
        trace_id=secrets.token_hex(16),
        dept=site.dept if site else None,
        region=site.region if site else None,
        region_path=site.region_path if site else (),
        uscc=site.uscc if site else None,
        source=device.source if device else None,
        device=mn,
        address=arrival.address,
        notes="; ".join(notes),
        site=device.site if device else None,
    )


def _sender(frame: Frame) -> str:
    """The MN as it can be kept: printable, at most 64 characters."""
    mn = str(frame.fields.get("MN", ""))[:64]
    return mn if mn.isprintable() else mn.encode("unicode_escape").decode()[:64]


def _day(arrival: Arrival) -> date:
    return arrival.received_at.astimezone(CHINA).date()

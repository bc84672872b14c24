"""Frames of data loggers: who sends, what it means, committed together, then answered.

Promises: nothing is answered before the commit; a frame with a wrong CRC, MN, password, address or system is
kept within the flood rule and not answered, unless its device's policy has it told why. A sound frame whose
values are refused is answered: it is committed, and sending it again would change nothing (docs/adr/0011).
Bytes already committed are answered without being stored again. Leaves sockets to `receiver`, values to
`rules.readings`, statements of devices to `flows.devices`.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec
import numpy as np
from kit.db import Database

from ingest.flows.catalog import Catalog
from ingest.flows.devices import Identities, load_identities, note_facts, note_identity
from ingest.flows.opening import Arrival, add_notes, packet_of, parcel_of, sender_of
from ingest.flows.parcels import NONCE_BYTES, Finding, Packet, Parcel
from ingest.flows.recorded import MODES, Values
from ingest.flows.store import NO_VALUES, Store
from ingest.rules.admission import objection, return_code
from ingest.rules.device_facts import extra_facts, facts_of, said_at, serials_of
from ingest.rules.flood import FloodGate
from ingest.rules.frames import Frame, decipher
from ingest.rules.grammar import flag_of, wants_answer
from ingest.rules.hj212_build import answer, refusal
from ingest.rules.limits import Limits, limits_on
from ingest.rules.readings import WHOLE_FRAME, Plan, Read, Reading, make_plan, read_group
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.registry import Device, Registry
from ingest.rules.targets import Everything, everything
from ingest.rules.times import CHINA, micros
from ingest.rules.upload_commands import upload, uploads

__all__ = ["Arrival", "Heard", "Reception"]
FAILED = "frame-failed"
_SEEN = 200_000
_PLANS = 20_000
_LONG = 2048
_FOUND_OUT = frozenset({"wrong-password", "wrong-address", "wrong-certificate", "wrong-system"})
_WITH_SERIALS = frozenset(one.cn for one in uploads().values() if one.kind == "serials")
_BACKFILL = MODES.index("backfill")
_UNSEEN = b"unseen"
Heard = Callable[[Arrival, Device], None]
Asked = Callable[[Frame, Device], bool]


class Group(msgspec.Struct):
    """What a group of arrivals becomes; nothing of it counts before the commit."""

    registry: Registry
    limits: Limits
    day: date
    traces: str
    nonces: bytes
    parcels: list[Parcel] = msgspec.field(default_factory=list)
    readings: list[Reading] = msgspec.field(default_factory=list)
    read_by: list[int] = msgspec.field(default_factory=list)
    doubtful: list[tuple[int, Frame, Device]] = msgspec.field(default_factory=list)
    replies: dict[bytes, bytes | None] = msgspec.field(default_factory=dict)
    refusals: list[tuple[Arrival, bytes]] = msgspec.field(default_factory=list)
    identities: Identities = msgspec.field(default_factory=dict)


class Reception:
    """Takes frames in; one per process. Remembers committed frames, plans, floods, and who devices are.

    `heard` is told of every taken frame of a registered device, repeats too, once it is committed and before
    its receipt is written. It must not wait. `was_asked` says whether values were recalled by a command.
    """

    def __init__(
        self, catalog: Catalog, store: Store, flood: FloodGate, database: Database, heard: Heard | None = None
    ) -> None:
        self._catalog, self._store, self._flood, self._database = catalog, store, flood, database
        self.heard = heard
        self.was_asked: Asked | None = None
        self._seen: OrderedDict[bytes, bytes | None] = OrderedDict()
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._identities: Identities = {}
        self._series: tuple[Registry, Everything] | None = None

    async def take(self, arrivals: Sequence[Arrival]) -> None:
        """Commit the frames and set their replies. Raises Unavailable, and then no reply is set."""
        registry = await self._catalog.fresh()
        for arrival in arrivals:
            arrival.mn = sender_of(arrival.frame)
        if any(arrival.mn not in registry.devices for arrival in arrivals):
            registry = await self._catalog.refresh()
        await self._recall(arrivals, registry)
        day = arrivals[0].received_at.astimezone(CHINA).date()
        traces, nonces = os.urandom(16 * len(arrivals)).hex(), os.urandom(NONCE_BYTES * len(arrivals))
        group = Group(registry, limits_on(day), day, traces, nonces)
        for number, arrival in enumerate(arrivals):
            self._sort(arrival, number, group)
        if group.doubtful:
            await self._look_again(group)
        if group.parcels:
            read = read_group(group.readings, group.limits)
            self._judge(read, group)
            await self._store.accept(group.parcels, values=self._values(read, group))
        self._identities.update(group.identities)
        self._settle(arrivals, group)

    async def keep_failed(self, arrival: Arrival, why: Exception) -> None:
        """Keep a frame that no commit takes, unanswered, within the flood rule. Raises what fails again."""
        registry = self._catalog.current
        day = arrival.received_at.astimezone(CHINA).date()
        arrival.digest = hashlib.sha256(arrival.frame.raw).digest()
        device = registry.devices.get(arrival.mn)
        sender = device.mn if device is not None else arrival.address
        if not self._flood.keeps(sender, FAILED, day, limits_on(day).kept_refusals_per_day):
            return
        parcel = parcel_of(arrival, device, registry, os.urandom(16).hex(), os.urandom(NONCE_BYTES))
        parcel.refused = [flaw("frame", FAILED, type(why).__name__).at(WHOLE_FRAME)]
        await self._store.accept([parcel], values=NO_VALUES)

    async def _recall(self, arrivals: Sequence[Arrival], registry: Registry) -> None:
        """Know who the devices were; a hardware number anew, since another instance may have noted it."""
        known = self._identities
        wanted = {
            arrival.mn
            for arrival in arrivals
            if (arrival.mn not in known or arrival.frame.segment.fields.get("CN") in _WITH_SERIALS)
            and arrival.mn in registry.devices
        }
        if wanted:
            self._identities.update(await load_identities(self._database, sorted(wanted)))

    def _settle(self, arrivals: Sequence[Arrival], group: Group) -> None:
        """The commit is done: remember it, set the replies, tell who listens."""
        self._seen.update(group.replies)
        for arrival, told in group.refusals:
            arrival.reply = told
        devices, heard = group.registry.devices, self.heard
        for arrival in arrivals:
            reply = self._seen.get(arrival.mark, _UNSEEN)
            if reply is _UNSEEN:
                continue
            arrival.is_taken, arrival.reply = True, reply
            device = devices.get(arrival.mn)
            if heard is not None and device is not None:
                heard(arrival, device)
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)

    def _sort(self, arrival: Arrival, number: int, group: Group) -> None:
        """Put the frame with those to commit, unless it was seen already or is only counted."""
        arrival.digest = hashlib.sha256(arrival.frame.raw).digest()
        arrival.mark = mark = _mark(arrival)
        if mark in self._seen or mark in group.replies:
            self._flood.count(arrival.mn, "resend", group.day).counted += 1
            arrival.is_repeat = True
            return
        device = group.registry.devices.get(arrival.mn)
        if arrival.frame.segment.cipher and device is not None:
            arrival.frame = decipher(arrival.frame, device.keys) or arrival.frame
        trace = group.traces[32 * number : 32 * number + 32]
        nonce = group.nonces[NONCE_BYTES * number : NONCE_BYTES * (number + 1)]
        parcel = parcel_of(arrival, device, group.registry, trace, nonce)
        wrong = objection(arrival.frame, device, arrival.address, arrival.certificate)
        if wrong is not None:
            self._refuse(arrival, device, parcel, wrong, group)
            return
        assert device is not None
        self._open(arrival, device, parcel, group)
        group.parcels.append(parcel)
        fields = arrival.frame.fields
        group.replies[mark] = answer(fields) if wants_answer(fields) and _is_asked(fields) else None

    def _refuse(
        self, arrival: Arrival, device: Device | None, parcel: Parcel, wrong: Flaw, group: Group
    ) -> None:
        fields = arrival.frame.fields
        is_told = device.answers_refusals if device else arrival.address in group.registry.answered
        if is_told and _is_asked(fields) and (flag_of(fields) is None or wants_answer(fields)):
            code = return_code(wrong.rule)
            group.refusals.append((arrival, refusal(fields, code)))
            add_notes(parcel, [f"told QnRtn={code}"])
        # A flooder can invent an MN for every frame, but not an address.
        sender = parcel.device if wrong.rule in _FOUND_OUT and parcel.device else arrival.address
        if not self._flood.keeps(sender, wrong.rule, group.day, group.limits.kept_refusals_per_day):
            return
        parcel.refused = [wrong.at(WHOLE_FRAME)]
        if wrong.rule in _FOUND_OUT:
            before = list(device.addresses) if device and wrong.rule == "wrong-address" else None
            detail = {"device": parcel.device, "address": arrival.address, "before": before}
            if wrong.rule == "wrong-certificate" and device:
                detail |= {"before": device.certificate, "after": arrival.certificate}
            elif before is not None:
                detail |= {"after": arrival.address}
            parcel.findings.append(Finding(wrong.rule, parcel.site, parcel.region_path, parcel.uscc, detail))
        group.parcels.append(parcel)

    def _open(self, arrival: Arrival, device: Device, parcel: Parcel, group: Group) -> None:
        """What a taken frame says: values, statements, who the device is, its place in a message."""
        frame = arrival.frame
        told = upload(frame.fields["CN"])
        known = group.identities.get(device.mn) or self._identities.get(device.mn, {})
        who = {} if known.get("address") == arrival.address else {"address": arrival.address}
        if arrival.certificate is not None:
            who["certificate"] = arrival.certificate
        if told.kind == "values":
            self._plan_reading(arrival, device, parcel, told.period, group)
        elif told.kind in ("information", "serials", "notice", "unknown"):
            pairs = frame.segment.pairs
            facts = list(facts_of(pairs))
            note_facts(parcel, told.cn, facts, said_at(pairs))
            if told.kind == "serials":
                who |= serials_of(facts)
        elif told.kind == "bulk":
            add_notes(parcel, [f"CN {told.cn} is kept as raw bytes"])
        if told.kind == "unknown":
            add_notes(parcel, [f"CN {told.cn[:8]!r} is in no edition of HJ 212"])
        packet = packet_of(frame, group.limits)
        if isinstance(packet, Packet):
            parcel.packet = packet
        elif packet is not None:
            add_notes(parcel, [packet])
        if who:
            self._identify(device, parcel, known, who, group)

    def _identify(
        self, device: Device, parcel: Parcel, known: Mapping[str, str], who: Mapping[str, str], group: Group
    ) -> None:
        limits = group.limits

        def keeps(kind: str) -> bool:
            is_address = kind == "address-changed"
            most = limits.address_changes_per_day if is_address else limits.kept_refusals_per_day
            return self._flood.keeps(device.mn, kind, group.day, most)

        changed = note_identity(parcel, known, who, keeps)
        if changed:
            group.identities[device.mn] = {**known, **changed}

    def _plan_reading(
        self, arrival: Arrival, device: Device, parcel: Parcel, period: str, group: Group
    ) -> None:
        frame, segment = arrival.frame, arrival.frame.segment
        plan, is_new = self._plan(frame, period, device, group.registry)
        if is_new and any(found.rule == "unknown-series" for _, found in plan.flaws):
            group.doubtful.append((len(group.readings), frame, device))
        if plan.notes or plan.groups != segment.groups:
            mixed = [] if plan.groups == segment.groups else ["; and , do not separate factors and fields"]
            add_notes(parcel, [*plan.notes, *mixed])
        if plan.extras:
            pairs = segment.pairs
            note_facts(parcel, frame.fields["CN"], extra_facts(pairs, plan.extras), said_at(pairs))
        is_recalled = self.was_asked is not None and self.was_asked(frame, device)
        if is_recalled or frame.fields.get("RF") == "1":
            parcel.declared = "backfill"
        group.readings.append(Reading(plan, segment.values, micros(arrival.received_at)))
        group.read_by.append(len(group.parcels))

    def _plan(self, frame: Frame, period: str, device: Device, registry: Registry) -> tuple[Plan, bool]:
        """What to do with a frame of these names, and whether that was found out, and noted, only now."""
        names, system = frame.segment.names, frame.fields.get("ST")
        key = (registry.version, device.mn, frame.fields["CN"], system, names)
        known = self._plans.get(key)
        if known is not None:
            return known, False
        plan, is_kept = make_plan(names, period, system, device, registry), frame.actual <= _LONG
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        if is_kept:
            self._plans[key] = plan
        return plan, is_kept

    async def _look_again(self, group: Group) -> None:
        """A series may be registered since the registry was read: asked once for each form of a frame."""
        registry = await self._catalog.refresh()
        if registry is group.registry:
            return
        group.registry = registry
        for number, frame, device in group.doubtful:
            reading, parcel = group.readings[number], group.parcels[group.read_by[number]]
            before = reading.plan
            reading.plan, _ = self._plan(frame, before.period, device, registry)
            add_notes(parcel, [note for note in reading.plan.notes if note not in before.notes])

    def _judge(self, read: Read, group: Group) -> None:
        """Put down what was refused of each frame, within the flood rule, and what nobody could use."""
        most = group.limits.kept_refusals_per_day
        for number, marks in read.odd.items():
            parcel = group.parcels[group.read_by[number]]
            add_notes(parcel, [f"data marks {sorted(marks)} are not in HJ 212 table 8"])
        if not read.refused:
            return
        accepted = np.bincount(read.columns.reading, minlength=len(group.readings))
        for number, refused in read.refused.items():
            parcel = group.parcels[group.read_by[number]]
            mn = parcel.device or ""
            for wrong in refused:
                if self._flood.keeps(mn, f"{wrong.rule} {wrong.where}", group.day, most):
                    parcel.refused.append(wrong)
            if not accepted[number] and self._flood.keeps(mn, "nothing-accepted", group.day, 1):
                detail = {"device": mn, "rules": sorted({wrong.rule for wrong in refused})}
                found = Finding("nothing-accepted", parcel.site, parcel.region_path, parcel.uscc, detail)
                parcel.findings.append(found)

    def _values(self, read: Read, group: Group) -> Values:
        """The columns of a group as the store wants them."""
        columns = read.columns
        if not len(columns.ids):
            return NO_VALUES
        if self._series is None or self._series[0] is not group.registry:
            self._series = (group.registry, everything(group.registry))
        channels, facts = self._series[1]
        at = np.searchsorted(facts.ids, columns.ids)
        parcel = np.array(group.read_by, dtype=np.int32)[columns.reading]
        mode = columns.is_late.astype(np.int16)
        resent = [number for number, one in enumerate(group.parcels) if one.declared is not None]
        if resent:
            mode[np.isin(parcel, resent)] = _BACKFILL
        first = (at, columns.start, columns.value, columns.decimals, columns.flag)
        return Values(channels, facts, *first, mode, parcel, columns.row)


def _mark(arrival: Arrival) -> bytes:
    """The same bytes from elsewhere, or shown with another certificate, are not the same message."""
    return b"%b%b%b" % (arrival.digest, arrival.address.encode(), (arrival.certificate or "").encode())


def _is_asked(fields: Mapping[str, str]) -> bool:
    """Receipts are never answered: two systems would go on for ever."""
    return upload(fields.get("CN", "")).kind != "reply"

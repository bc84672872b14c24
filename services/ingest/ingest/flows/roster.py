"""Who is connected here, how each device is addressed, and when it was last heard.

Promises: a device is known by a connection once a frame of it was accepted there, never by a repeat of old
bytes; the password is the one it sent itself and is kept in memory only. Leaves storage to `watch`.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from ingest.flows.opening import Arrival, Peer
from ingest.rules.commands import Line
from ingest.rules.grammar import flag_of
from ingest.rules.registry import Device
from ingest.rules.watching import QN_DIGITS, drift_of

_GAPS = 16
_ANSWERS = frozenset({"9011", "9012", "9013", "9014"})


class Known:
    """A device that was heard here. `clocks` are its newest QN, each with the time of receipt."""

    __slots__ = (
        "address",
        "certificate",
        "clocks",
        "heard_at",
        "intervals",
        "password",
        "peers",
        "system",
        "version",
    )

    def __init__(self, heard_at: datetime, frames: int) -> None:
        self.peers: list[Peer] = []
        self.password, self.system, self.version = "", "", 1
        self.heard_at, self.address = heard_at, ""
        self.certificate: str | None = None
        self.intervals: deque[float] = deque(maxlen=_GAPS)
        self.clocks: deque[tuple[str, datetime]] = deque(maxlen=frames)

    @property
    def drifts(self) -> list[float]:
        """QN minus receipt, seconds: looked at rarely, so it is not reckoned for every frame."""
        found = [drift_of(qn, received_at) for qn, received_at in self.clocks]
        return [drift for drift in found if drift is not None]


class Roster:
    """One per process. `frames` are those over which a clock is measured."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self.known: dict[str, Known] = {}
        self.fresh: set[str] = set()
        self._spoken_for: dict[Peer, set[str]] = {}

    def note(self, arrival: Arrival, device: Device) -> bool:
        """Remember that the device was heard; True when this connection is a new one for it."""
        known = self.known.get(device.mn)
        if known is None:
            known = self.known[device.mn] = Known(arrival.received_at, self._frames)
        else:
            known.intervals.append((arrival.received_at - known.heard_at).total_seconds())
            known.heard_at = max(known.heard_at, arrival.received_at)
        known.address, known.certificate = arrival.address, arrival.certificate
        self.fresh.add(device.mn)
        if arrival.is_repeat or arrival.peer is None:
            return False
        self._learn(known, arrival)
        if arrival.peer in known.peers:
            return False
        known.peers.append(arrival.peer)
        self._spoken_for.setdefault(arrival.peer, set()).add(device.mn)
        return True

    def _learn(self, known: Known, arrival: Arrival) -> None:
        fields = arrival.frame.fields
        flag = flag_of(fields)
        known.version = flag >> 2 if flag is not None else 0
        known.password = fields.get("PW", "")
        if fields.get("CN") in _ANSWERS:
            return
        known.system = fields.get("ST", known.system)
        number = fields.get("QN", "")
        if len(number) == QN_DIGITS and number.isdigit():
            known.clocks.append((number, arrival.received_at))

    def forget(self, peer: Peer) -> None:
        """The connection has ended."""
        for mn in self._spoken_for.pop(peer, ()):
            known = self.known.get(mn)
            if known is not None and peer in known.peers:
                known.peers.remove(peer)

    def has(self, mn: str) -> bool:
        """Whether the device is connected here."""
        known = self.known.get(mn)
        return known is not None and bool(known.peers)

    def connected(self, mns: Iterable[str]) -> list[str]:
        """Those of `mns` that are connected here."""
        return [mn for mn in mns if self.has(mn)]

    def line(self, mn: str) -> Line:
        """How to address a device that is known here."""
        known = self.known[mn]
        return Line(mn, known.system or "91", known.password, known.version)

    def learn_password(self, mn: str, password: str) -> None:
        """The device was told a new one and said that it uses it."""
        if mn in self.known:
            self.known[mn].password = password

    def say(self, mn: str, data: bytes) -> bool:
        """Write to the connection on which the device was heard last; False if there is none."""
        known = self.known.get(mn)
        return known is not None and any(peer.say(data) for peer in reversed(known.peers))

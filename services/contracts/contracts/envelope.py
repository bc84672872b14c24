"""What every event shares: its class, its name on the wire, and the limits of the bus.

Promises: an event class `AlarmRaised` of producer `qc` travels as type `qc.alarm_raised.v1` on subject
`qc.alarm_raised.v1.<lane>` in stream `QC`. Leaves to `kit` how it travels, and to the producers what it says.
"""

import re
import zlib
from typing import ClassVar

import msgspec

TELEMETRY_LANES = 16
MAX_EVENT_BYTES = 256 * 1024


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that has happened. Unknown fields are ignored, so an added optional field breaks nobody."""

    PRODUCER: ClassVar[str]
    VERSION: ClassVar[int] = 1
    LANES: ClassVar[int] = 1


def event_name(cls: type[Event]) -> str:
    """The snake-case name: `AlarmRaised` → `alarm_raised`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def event_type(cls: type[Event]) -> str:
    """The CloudEvents type: `qc.alarm_raised.v1`."""
    return f"{cls.PRODUCER}.{event_name(cls)}.v{cls.VERSION}"


def subject(cls: type[Event], lane: str) -> str:
    """The NATS subject of one lane: `ingest.recorded.v1.07`."""
    return f"{event_type(cls)}.{lane}"


def lane_of(cls: type[Event], key: str) -> str:
    """The lane of a partition key: `00` for decisions, a stable hash of the station for telemetry.

    Worked example: `lane_of(Recorded, "131000-A01")` is always the same of `00` … `15`, on every machine.
    """
    return f"{zlib.crc32(key.encode()) % cls.LANES:02d}"

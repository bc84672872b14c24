"""What the rules need to know of the registry: sites, channels, devices, as plain values.

Promises: immutable; a channel is a series together with what only its sender needs. Leaves loading and
refreshing to `flows`.
"""

import hmac
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

import msgspec
from contracts.ingest import SeriesRef


class SeriesKey(NamedTuple):
    """The natural key of a series."""

    site: str
    factor: str
    statistic: str
    basis: str
    period: str
    source: str

    def __str__(self) -> str:
        site, factor, statistic, basis, period, source = self
        return f"{site}/{factor}/{statistic}-{basis}-{period}/{source}"


class Channel(msgspec.Struct, frozen=True, gc=False):
    """A registered series. `sent_unit` holds where its source names none; `encoded` is `ref` as JSON."""

    ref: SeriesRef
    sent_unit: str
    period_seconds: int
    lane: str
    encoded: bytes = b""


class Site(msgspec.Struct, frozen=True, gc=False):
    """Who answers for a station or outlet."""

    code: str
    region: str
    dept: str | None
    uscc: str | None
    region_path: tuple[str, ...] = ()
    kind: str = "station"


class Device(msgspec.Struct, frozen=True):
    """A data logger. Policies say what is tolerated; what is tolerated is recorded all the same.

    `systems` are the ST it may send and `addresses` where it may call from, empty for any; `certificate` is
    the subject of its client certificate; `keys` open its encrypted CP, the newest first.
    """

    mn: str
    site: str
    source: str
    password_sha256: bytes | None
    label: Literal["start", "end"] = "start"
    addresses: tuple[str, ...] = ()
    accepts_modbus_crc: bool = False
    accepts_long_segments: bool = True
    accepts_absent_crc: bool = False
    answers_refusals: bool = False
    systems: tuple[str, ...] = ()
    certificate: str | None = None
    keys: tuple[bytes, ...] = ()
    pending: "Pending | None" = None

    def takes_password(self, sha256: bytes) -> bool:
        """Whether this is the device's password, or one it was told to use and may use already."""
        if self.password_sha256 is None or hmac.compare_digest(sha256, self.password_sha256):
            return True
        return self.pending is not None and hmac.compare_digest(sha256, self.pending.password_sha256)


class Pending(msgspec.Struct, frozen=True):
    """A password change under way. `is_overdue`: the command has ended, and nobody knows with what."""

    password_sha256: bytes
    is_overdue: bool


class Manners(msgspec.Struct, frozen=True):
    """How a device is dealt with; None leaves it to the dated terms. `frame_interval` in seconds."""

    accepts_commands: bool = False
    greets: bool = False
    pulls_back: bool = False
    answer_seconds: int | None = None
    resends: int | None = None
    realtime_interval: int | None = None
    minute_interval: int | None = None
    streams_realtime: bool | None = None
    streams_status: bool | None = None
    frame_interval: int | None = None


NO_MANNERS = Manners()


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where a value goes, and from which unit it must be converted (None: as it is)."""

    channel: Channel
    unit: str | None


class Registry(msgspec.Struct, frozen=True):
    """The registry as of one version and day.

    `targets` remembers what senders' keys meant in it, `batches` what whole columns of keys meant.
    `answered` are the addresses of devices that are told of refusals: from there an unknown MN is told, too.
    """

    version: int
    sites: Mapping[str, Site]
    channels: Mapping[SeriesKey, Channel]
    by_id: Mapping[int, Channel]
    devices: Mapping[str, Device]
    manners: Mapping[str, Manners] = msgspec.field(default_factory=dict)
    day: date | None = None
    targets: dict[tuple[str, tuple[Any, ...]], Target] = msgspec.field(default_factory=dict)
    batches: dict[object, Any] = msgspec.field(default_factory=dict)
    answered: frozenset[str] = frozenset()


EMPTY = Registry(-1, {}, {}, {}, {})

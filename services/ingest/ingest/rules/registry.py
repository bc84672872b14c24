"""What the rules need to know of the registry: sites, channels, devices, as plain values.

Promises: immutable; a channel is a series together with what only its sender needs. Leaves loading and
refreshing to `flows`.
"""

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


class Device(msgspec.Struct, frozen=True):
    """A data logger. Policies say what is tolerated; what is tolerated is recorded all the same."""

    mn: str
    site: str
    source: str
    password_sha256: bytes | None
    label: Literal["start", "end"] = "start"
    addresses: tuple[str, ...] = ()
    accepts_modbus_crc: bool = False
    accepts_long_segments: bool = True


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where a value goes, and from which unit it must be converted (None: as it is)."""

    channel: Channel
    unit: str | None


class Registry(msgspec.Struct, frozen=True):
    """The registry as of one version and day. `targets` remembers what senders' keys meant in it."""

    version: int
    sites: Mapping[str, Site]
    channels: Mapping[SeriesKey, Channel]
    by_id: Mapping[int, Channel]
    devices: Mapping[str, Device]
    day: date | None = None
    targets: dict[tuple[str, tuple[Any, ...]], Target] = msgspec.field(default_factory=dict)


EMPTY = Registry(-1, {}, {}, {}, {})

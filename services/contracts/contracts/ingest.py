"""Events of `ingest`: what was received and committed. Values travel as columns, one event per lane."""

from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import TELEMETRY_LANES, Event

SiteKind = Literal["station", "outlet"]
Mode = Literal["live", "late", "backfill", "historical"]


class SeriesRef(msgspec.Struct, frozen=True, kw_only=True):
    """A series as registered when the value was committed, so that a consumer needs no second question.

    `unit` is UCUM; `low`/`high` is the measuring range, `permit_limit` the outlet's limit, all in `unit`;
    `resolution` is the last reported digit; `uscc` is who answers for the data (unit or station operator).
    """

    id: int
    site: str
    site_kind: SiteKind
    region: str
    element: str
    factor: str
    statistic: Literal["rtd", "avg", "min", "max", "cou"]
    basis: Literal["raw", "converted"]
    period: Literal["rtd", "min", "hour", "day"]
    source: str
    unit: str
    decimals: int
    name_zh: str = ""
    name_en: str = ""
    low: float | None = None
    high: float | None = None
    detection_limit: float | None = None
    resolution: float | None = None
    permit_limit: float | None = None
    uscc: str | None = None
    organisation_zh: str | None = None
    organisation_en: str | None = None


class Recorded(Event, frozen=True, kw_only=True):
    """Observations that are committed. Columns of equal length; `value` None is a declared gap.

    `at[i]` indexes `series`, `by[i]` indexes `submissions`; `ts_ms` is the instant, or the start of the
    period, in UTC milliseconds; `flag` is the HJ 212 data mark as sent (empty where the source has none).
    """

    PRODUCER: ClassVar[str] = "ingest"
    LANES: ClassVar[int] = TELEMETRY_LANES

    submissions: list[str]
    traces: list[str]
    modes: list[Mode]
    received_at_ms: int
    series: list[SeriesRef]
    at: list[int]
    by: list[int]
    ts_ms: list[int]
    value: list[float | None]
    decimals: list[int]
    flag: list[str]


class Revised(Event, frozen=True, kw_only=True):
    """A later, different value for an instant already recorded: kept, a finding, never an overwrite."""

    PRODUCER: ClassVar[str] = "ingest"
    LANES: ClassVar[int] = TELEMETRY_LANES

    submission: str
    series: SeriesRef
    ts_ms: int
    first_value: float | None
    later_value: float | None
    received_at_ms: int


class SiteRegistered(Event, frozen=True, kw_only=True):
    """A station or outlet as it now stands in the registry; a later event for the same code replaces it."""

    PRODUCER: ClassVar[str] = "ingest"

    code: str
    kind: SiteKind
    element: str
    region: str
    name_zh: str
    name_en: str
    longitude: float | None = None
    latitude: float | None = None
    uscc: str | None = None
    organisation_zh: str | None = None
    organisation_en: str | None = None
    is_assessed: bool = False


class RegistryChanged(Event, frozen=True, kw_only=True):
    """An object or record of the registry as it stands now; `change` numbers changes and is its version.

    `kind` is organisations, sites, devices, series or a kind of record; `after` carries no secret and is
    None above 64 KB: then it is read under its `code`. Digests are sha256 of the JSON, none before the first.
    """

    PRODUCER: ClassVar[str] = "ingest"

    kind: str
    code: str
    change: int
    changed_at_ms: int
    after_sha256: str
    before_sha256: str | None = None
    region: str | None = None
    dept: str | None = None
    uscc: str | None = None
    after: dict[str, Any] | None = None


class FindingRaised(Event, frozen=True, kw_only=True):
    """Something about a point or unit that a supervisor must see, not tied to one value.

    `finding` is its slug (unauthorised-entry, run-missing, camera-offline …), `record` what it was found in.
    """

    PRODUCER: ClassVar[str] = "ingest"

    finding: str
    id: str
    message_zh: str = ""
    message_en: str = ""
    found_at_ms: int
    region: str | None = None
    site: str | None = None
    uscc: str | None = None
    record: str | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)

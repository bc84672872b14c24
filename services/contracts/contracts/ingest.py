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


class DeviceSilenced(Event, frozen=True, kw_only=True):
    """A data logger was not heard for too long. Said once, and once more as `is_alarm` after a day.

    `interval_seconds` is within which a frame was due, as agreed, registered or observed. `is_key_unit`: the
    unit stands in the key-unit list of the year in which this was noticed.
    """

    PRODUCER: ClassVar[str] = "ingest"

    mn: str
    site: str
    site_kind: SiteKind = "station"
    region: str
    uscc: str | None = None
    heard_at_ms: int
    interval_seconds: float
    noticed_at_ms: int
    is_alarm: bool = False
    is_key_unit: bool = False


class DeviceResumed(Event, frozen=True, kw_only=True):
    """A silent data logger was heard again."""

    PRODUCER: ClassVar[str] = "ingest"

    mn: str
    site: str
    region: str
    uscc: str | None = None
    silent_since_ms: int
    heard_at_ms: int


class GapNoticed(Event, frozen=True, kw_only=True):
    """Periods from `from_ms` up to, not including, `to_ms` that running series of a device lack.

    `missing` counts values; a gap that grows afterwards is not said again.
    """

    PRODUCER: ClassVar[str] = "ingest"

    gap: str
    mn: str
    site: str
    region: str
    uscc: str | None = None
    period: Literal["min", "hour", "day"]
    from_ms: int
    to_ms: int
    series: list[int]
    missing: int


class GapFilled(Event, frozen=True, kw_only=True):
    """Everything a gap lacked is recorded, be it sent late or pulled back."""

    PRODUCER: ClassVar[str] = "ingest"

    gap: str
    mn: str
    site: str
    region: str
    uscc: str | None = None
    period: Literal["min", "hour", "day"]
    from_ms: int
    to_ms: int
    filled_at_ms: int


class LatenessNoticed(Event, frozen=True, kw_only=True):
    """Values of one place that came later after the end of their period than allowed, first of their instant.

    `late` counts them, `series` names at most 1,000; `from_ms` and `to_ms` are the first and last `ts_ms`.
    `allowed_seconds` is the rule in force on the day of receipt; `longest_seconds` the longest delay found.
    Values sent as back-fill or historical, repeats and revisions are not late. `mn` is None without a logger.
    """

    PRODUCER: ClassVar[str] = "ingest"

    submissions: list[str]
    mn: str | None = None
    site: str
    region: str
    uscc: str | None = None
    source: str
    period: Literal["rtd", "min", "hour", "day"]
    from_ms: int
    to_ms: int
    series: list[int]
    late: int
    allowed_seconds: int
    longest_seconds: int
    received_at_ms: int


class LeafRequested(Event, frozen=True, kw_only=True):
    """Submissions, refused ones too, that ask for a leaf in the evidence log. Columns of equal length.

    `leaves` are hex of sha256(nonce ‖ record), the record being canonical JSON of `submission` (an id of
    `submissions`), the sha256 of its raw bytes, and `received_at`: the log learns nothing from them.
    """

    PRODUCER: ClassVar[str] = "ingest"

    subject: Literal["submission"]
    submissions: list[str]
    leaves: list[str]
    received_at_ms: list[int]


class ReconciliationFailed(Event, frozen=True, kw_only=True):
    """What a link sent on a day and what the other side holds differ, also after sending again.

    Counts are values: `missing` were acknowledged and are not held, `parked` were refused for good, `waiting`
    are not acknowledged. `held` is None where the other side cannot be asked, or lacks nothing.
    """

    PRODUCER: ClassVar[str] = "ingest"

    link: str
    name_zh: str
    name_en: str
    peer: str
    region: str
    day: str
    sent: int
    acknowledged: int
    missing: int
    parked: int
    waiting: int
    held: int | None = None


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


class CheckEnded(Event, frozen=True, kw_only=True):
    """What became of a remote check that `qc` ordered.

    `state` is that of the command (done, refused, failed, timed-out, cancelled), or unsendable: then no
    logger of the site takes commands and `command` is None. `result` are the data the logger sent.
    """

    PRODUCER: ClassVar[str] = "ingest"

    order_id: str
    site: str
    region: str
    uscc: str | None = None
    mn: str | None = None
    command: str | None = None
    state: Literal["done", "refused", "failed", "timed-out", "cancelled", "unsendable"]
    result: list[Any] = msgspec.field(default_factory=list)
    message_zh: str = ""
    message_en: str = ""
    ended_at_ms: int

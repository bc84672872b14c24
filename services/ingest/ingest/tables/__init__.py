"""Tables of `ingest`: the registry, and what was received.

Promises: what was received can be inserted and never changed by a runtime role (see the migration's grants).
Leaves to `queries` how rows are read, and to `flows` when they are written.
"""

from ingest.tables.conversations import (
    CheckCommand,
    CommandRow,
    CommandSecret,
    CommandStep,
    DeviceContact,
    DeviceManners,
    GapMark,
    GapRow,
    PendingPassword,
)
from ingest.tables.declared import Base
from ingest.tables.devices import DeviceIdentity, DeviceInformation, DeviceKey, PacketGroup
from ingest.tables.evidence import (
    FloodCount,
    IdempotentAnswer,
    IngestFinding,
    LatestValue,
    Observation,
    RawBytes,
    RefusedRow,
    Revision,
    Submission,
)
from ingest.tables.files import Upload, UploadBatch, UploadPart
from ingest.tables.records import PlanRun, RegistryRecord, SaidOnce, VideoReport
from ingest.tables.registry import DeviceRow, Organisation, RegistryChange, SeriesRow, SiteRow
from ingest.tables.uplinks import (
    SubmissionHop,
    UplinkDay,
    UplinkParcel,
    UplinkReceipt,
    UplinkReconciliation,
    UplinkRow,
    UplinkSecret,
    UplinkState,
)

__all__ = [
    "Base",
    "CheckCommand",
    "CommandRow",
    "CommandSecret",
    "CommandStep",
    "DeviceContact",
    "DeviceIdentity",
    "DeviceInformation",
    "DeviceKey",
    "DeviceManners",
    "DeviceRow",
    "FloodCount",
    "GapMark",
    "GapRow",
    "IdempotentAnswer",
    "IngestFinding",
    "LatestValue",
    "Observation",
    "Organisation",
    "PacketGroup",
    "PendingPassword",
    "PlanRun",
    "RawBytes",
    "RefusedRow",
    "RegistryChange",
    "RegistryRecord",
    "Revision",
    "SaidOnce",
    "SeriesRow",
    "SiteRow",
    "Submission",
    "SubmissionHop",
    "UplinkDay",
    "UplinkParcel",
    "UplinkReceipt",
    "UplinkReconciliation",
    "UplinkRow",
    "UplinkSecret",
    "UplinkState",
    "Upload",
    "UploadBatch",
    "UploadPart",
    "VideoReport",
]

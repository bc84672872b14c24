"""Tables of `ingest`: the registry, and what was received.

Promises: what was received can be inserted and never changed by a runtime role (see the migration's grants).
Leaves to `queries` how rows are read, and to `flows` when they are written.
"""

from ingest.tables.declared import Base
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
from ingest.tables.records import PlanRun, RegistryRecord, SaidOnce, VideoReport
from ingest.tables.registry import DeviceRow, Organisation, RegistryChange, SeriesRow, SiteRow

__all__ = [
    "Base",
    "DeviceRow",
    "FloodCount",
    "IdempotentAnswer",
    "IngestFinding",
    "LatestValue",
    "Observation",
    "Organisation",
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
    "VideoReport",
]

"""A leaf of the evidence log for every submission that is kept, refused ones too.

Promises: what is said of a submission reveals nothing: SHA-256 over its nonce and its record. Leaves format
and verification to `tlog.receipts`, the log to `evidence`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from contracts.ingest import LeafRequested

from ingest.flows.parcels import Parcel

# About 125 bytes a leaf: an event stays well below its limit of 256 KB.
LEAVES_AN_EVENT = 1500


def leaf_of(submission: UUID, sha256: bytes, received_at: datetime, nonce: bytes) -> bytes:
    """The entry of a submission: `tlog.receipts.entry_of` of its record, without what checks its input."""
    at = received_at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    record = f'{{"received_at":"{at}","sha256":"{sha256.hex()}","submission":"{submission}"}}'
    return hashlib.sha256(nonce + record.encode()).digest()


def leaf_events(parcels: Sequence[Parcel]) -> Iterator[tuple[str, LeafRequested]]:
    """(key, event) for all parcels of a transaction; nearly always one."""
    for at in range(0, len(parcels), LEAVES_AN_EVENT):
        some = parcels[at : at + LEAVES_AN_EVENT]
        event = LeafRequested(
            subject="submission",
            submissions=[str(parcel.id) for parcel in some],
            leaves=[leaf_of(one.id, one.sha256, one.received_at, one.nonce).hex() for one in some],
            received_at_ms=[int(parcel.received_at.timestamp() * 1000) for parcel in some],
        )
        yield event.submissions[0], event

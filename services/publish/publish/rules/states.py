"""The states merged projections are in: fraud cases and listings. Any order of events ends the same."""

from datetime import datetime


def is_falsification_effective(
    confirmed_at: datetime | None, withdrawn_at: datetime | None, annulled_at: datetime | None
) -> bool:
    """Whether the case's window counts: confirmed, never annulled, and not withdrawn since.

    A withdrawal stops the effect at once; confirming the same case again afterwards restores it. An
    annulment is final (行政处罚法 Art. 48). Worked example: confirmed 10:00, withdrawn 11:00 → no;
    confirmed again 12:00 → yes.
    """
    if confirmed_at is None or annulled_at is not None:
        return False
    return withdrawn_at is None or withdrawn_at < confirmed_at


def listing_status(
    listed_at: datetime | None, suspended_at: datetime | None, removed_at: datetime | None
) -> str | None:
    """`listed`, `suspended`, `removed`, or None while only a tombstone is known."""
    if listed_at is None:
        return None
    if removed_at is not None:
        return "removed"
    return "suspended" if suspended_at is not None and suspended_at >= listed_at else "listed"

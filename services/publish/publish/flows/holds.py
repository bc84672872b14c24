"""Figures that `qc` holds: withheld until an analyst decides, then used or kept out.

Promises: placing and decision are one row, into which every event merges with its own time, whatever comes
first; every change touches the hours of the window, in the same transaction. Leaves to `rules.figures` what
the public reads.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.qc import HoldDecided, HoldPlaced
from sqlalchemy.ext.asyncio import AsyncSession

from publish.flows.projections import merge
from publish.queries import figures
from publish.tables import Hold


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def withhold(session: AsyncSession, event: HoldPlaced, traces: Sequence[str]) -> None:
    """The figures of the window wait; the window of a later event replaces that of an earlier one."""
    row = {
        "hold_id": event.hold_id,
        "kind": event.kind,
        "site": event.site,
        "region": event.region,
        "uscc": event.uscc,
        "factor": event.factor,
        "from_at": _at(event.from_ms),
        "to_at": _at(event.to_ms),
        "due_at": _at(event.due_at_ms),
        "reason_zh": event.reason_zh,
        "reason_en": event.reason_en,
        "source_clause": event.source_clause,
        "placed_at": _at(event.placed_at_ms),
    }
    await _merge(session, row, "placed_at", traces)


async def follow_decision(session: AsyncSession, event: HoldDecided, traces: Sequence[str]) -> None:
    """The figures are used, kept out, or no longer in question."""
    row = {
        "hold_id": event.hold_id,
        "site": event.site,
        "region": event.region,
        "uscc": event.uscc,
        "decision": event.decision,
        "released": list(event.released),
        "released_tests": event.tests,
        "decision_reason": event.reason,
        "decided_at": _at(event.decided_at_ms),
    }
    await _merge(session, row, "decided_at", traces)


async def _merge(session: AsyncSession, row: dict[str, Any], newest: str, traces: Sequence[str]) -> None:
    """No verdict may commit unseen in between; the hours of the window are touched as it stands now."""
    await figures.hold_verdicts(session)
    await merge(session, Hold, "hold_id", row, newest)
    await figures.touch_hold(session, row["hold_id"], traces)

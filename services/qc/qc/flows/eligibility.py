"""Which hours of a site may be evidence, computed when asked from what is known now.

Promises: every hour of every hourly series of the site has an answer, an hour without a value too; the same
knowledge gives the same answer. Leaves the conditions to `qc.rules.custody.eligibility`, the instruments to
the registers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.ingest import SeriesRef
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.custody.who import milliseconds
from qc.flows.explaining import series_key
from qc.queries import hours as stored
from qc.queries import proofs
from qc.queries.registers import instruments_at, is_assessed
from qc.rules.custody.eligibility import Eligibility, Hour, Surroundings, eligibility
from qc.rules.custody.law import CONDITIONS, reasons_on
from qc.rules.registers.state import instrument_state
from qc.rules.validity.dated import legal_day
from qc.rules.validity.marks import mark_rules

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Page:
    """Which hours are asked: [start, end) in UTC milliseconds; `after` is the last (hour, series) given."""

    start_ms: int
    end_ms: int
    after: tuple[int, int] | None
    limit: int


async def eligibility_of(
    session: AsyncSession, refs: Sequence[SeriesRef], page: Page, edition: str
) -> tuple[list[dict[str, Any]], str | None]:
    """The hours of these hourly series, by hour and series; the second is the cursor of the next page."""
    wanted = _wanted([ref.id for ref in refs], page)
    if not wanted:
        return [], None
    span = (_instant(wanted[0][0]), _instant(wanted[-1][0] + 1))
    known = await stored.known_hours(session, [ref.id for ref in refs], *span)
    since = await stored.unwitnessed_since(session)
    site = refs[0].site
    instruments, assessed = await instruments_at(session, site), await is_assessed(session, site)
    against = await proofs.rejected(session, [ref.id for ref in refs], *span)
    of, marks = {ref.id: ref for ref in refs}, mark_rules().edition(edition)
    items = []
    for ts, series in wanted:
        hour = known.get((ts, series), Hour(ts, None, "", 9, None, False))
        state = instrument_state(instruments, of[series].factor, ts, is_assessed=assessed)
        rejected = [
            (milliseconds(one.from_at), milliseconds(one.to_at)) for one in against if one.series_id == series
        ]
        around = Surroundings(reasons_on(legal_day(ts)), marks, rejected, since)
        items.append(_shown(of[series], hour, eligibility(hour, state, around)))
    more = len(wanted) == page.limit
    return items, f"{wanted[-1][0]}.{wanted[-1][1]}" if more else None


def _wanted(series: Sequence[int], page: Page) -> list[tuple[int, int]]:
    """The (hour, series) of a page, in order."""
    first = -(-page.start_ms // HOUR_MS) * HOUR_MS
    at = max(first, page.after[0]) if page.after else first
    found: list[tuple[int, int]] = []
    while at < page.end_ms and len(found) < page.limit and series:
        found += [(at, one) for one in sorted(series) if page.after is None or (at, one) > page.after]
        at += HOUR_MS
    return found[: page.limit]


def _shown(ref: SeriesRef, hour: Hour, told: Eligibility) -> dict[str, Any]:
    return {
        "ts": _instant(hour.ts_ms).isoformat(),
        "series": ref.id,
        "key": series_key(ref),
        "value": hour.value,
        "mark": hour.flag or None,
        "code": hour.code,
        "is_eligible": told.is_eligible,
        **{f"is_{condition}": told.holds(condition) for condition in CONDITIONS},
        "reasons": [
            {
                "condition": one.condition,
                "reason": one.reason,
                "zh": one.zh,
                "en": one.en,
                "source": one.source,
            }
            for one in told.against
        ],
    }


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)

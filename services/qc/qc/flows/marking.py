"""The audit of a series' data marks: how much is marked as what, and which marks other figures contradict.

Promises: nothing is corrected; the marks are the unit's statements. Leaves the counting to
`qc.rules.validity.audit`.
"""

from typing import Any

import numpy as np
from contracts.ingest import SeriesRef
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.explaining import series_key
from qc.queries import reading
from qc.queries.binary import driver
from qc.queries.columns import stretches
from qc.rules.falsify.panel import HOUR_MS
from qc.rules.outcome import Ints
from qc.rules.validity.audit import contradictions, shares
from qc.rules.validity.family import family_of, medium_of
from qc.rules.validity.marks import Edition, mark_rules, rolled_up
from qc.rules.validity.rows import Rows, aligned
from qc.rules.validity.told import figure, iso

SAYS = {
    "runs_while_stopped": (
        "标记为停运，同期流量大于零",
        "marked out of operation while the flow is above zero",
        "生态环境监测条例 Art. 25(5)",
    ),
    "normal_without_value": ("标记为正常而无数值", "marked normal without a value", "HJ 212-2017 table 8"),
    "normal_over_abnormal": (
        "小时标记为正常，其分钟标记汇总后为异常",
        "the hour is marked normal, its minutes roll up to abnormal",
        "HJ 212-2017 appendix C notes 16-18",
    ),
    "abnormal_over_normal": (
        "小时标记为异常，其分钟标记汇总后为正常",
        "the hour is marked abnormal, its minutes roll up to normal",
        "HJ 212-2017 appendix C notes 16-18",
    ),
}


async def marks_of(
    session: AsyncSession, ref: SeriesRef, window: tuple[int, int], edition: str, page: tuple[int, int]
) -> dict[str, Any]:
    """Shares of marks in [start, end) (UTC milliseconds) and contradictions from `page[0]` on, `page[1]` at
    most.
    """
    family = family_of(ref, await reading.series_of_site(session, ref.site))
    flow = {"hour": family.flow_hours, "min": family.flow_minutes}.get(ref.period)
    minutes = family.minutes if ref.period == "hour" else None
    wanted = [one.id for one in (ref, flow, minutes) if one is not None]
    of = await stretches(await driver(session), wanted, *window)
    rows, rules = of[ref.id], mark_rules()
    spoken = rules.edition(edition)
    beside = np.full(len(rows.ts), np.nan)
    if flow is not None and flow.id != ref.id:
        beside = aligned(of[flow.id].ts, of[flow.id].value, rows.ts)
    rolled = _rolled(ref, rows, of[minutes.id], spoken) if minutes else np.zeros(len(rows.ts), dtype=np.int64)
    against = contradictions(rows.flag, rows.value, beside, rolled, spoken)
    found = np.flatnonzero(against.any & (rows.ts >= page[0]))
    names = {mark.letter: mark for mark in spoken.marks}
    items = [
        {
            "ts": iso(int(rows.ts[at])),
            "mark": letter(int(rows.flag[at])),
            "value": figure(rows.value[at]),
            "flow": figure(beside[at]),
            "minutes_mark": letter(int(rolled[at])),
            "contradictions": [
                {"kind": kind, "text_zh": zh, "text_en": en, "source": source}
                for kind, (zh, en, source) in SAYS.items()
                if getattr(against, kind)[at]
            ],
        }
        for at in found[: page[1]].tolist()
    ]
    told = [
        {
            "mark": letter(one.mark),
            "zh": names[chr(one.mark)].zh if chr(max(0, one.mark)) in names else None,
            "en": names[chr(one.mark)].en if chr(max(0, one.mark)) in names else None,
            "count": one.count,
            "share": figure(one.share),
            "longest_run": one.longest,
            "by_hour": one.by_hour.tolist(),
            "share_in_highest_tenth": figure(one.high),
        }
        for one in shares(rows.ts, rows.flag, rows.value)
    ]
    more = len(found) > page[1]
    shown = {"id": ref.id, "key": series_key(ref), "unit": ref.unit}
    answer = {"series": shown, "edition": spoken.id, "source": spoken.source, "rows": len(rows.ts)}
    return answer | {
        "marks": told,
        "contradictory": int(against.any.sum()),
        "items": items,
        "next": iso(int(rows.ts[found[page[1]]])) if more else None,
    }


def letter(mark: int) -> str | None:
    """A mark as text: None where there is none, "?" where it is no single letter."""
    return None if mark == 0 else "?" if mark < 0 else chr(mark)


def _rolled(ref: SeriesRef, rows: Rows, minutes: Rows, edition: Edition) -> Ints:
    """The mark each hour would carry by its minutes; 0 where none is known."""
    start = minutes.ts - minutes.ts % HOUR_MS
    at = np.searchsorted(rows.ts, start)
    inside = np.isin(start, rows.ts) & (minutes.flag != 0)
    rule = mark_rules().roll_up(medium_of(ref))
    return rolled_up(at[inside], minutes.flag[inside], len(rows.ts), rule, edition).mark

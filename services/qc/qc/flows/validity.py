"""Which hours, days, months, quarters and years of a series are valid, and what its own parts give for
them.

Promises: computed from what is known now, each time it is asked; nothing is approved, nothing is written.
Leaves the judgement to `qc.rules.validity`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from contracts.ingest import SeriesRef
from kit.problems import NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import milliseconds
from qc.flows.explaining import series_key
from qc.queries import reading
from qc.queries.binary import driver
from qc.queries.columns import good_minutes, known_span, stretches
from qc.rules.outcome import Ints
from qc.rules.validity.chain import UNKNOWN, Hours, judge_hours
from qc.rules.validity.family import family_of, profile_of
from qc.rules.validity.periods import Period, number_of, start_ms
from qc.rules.validity.rows import Known, Question, aligned
from qc.rules.validity.told import entries, iso

# A page never reads more than about a million minutes.
MOST: dict[Period, int] = {"hour": 1000, "day": 400, "month": 24, "quarter": 8, "year": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """Periods touching [start, end), begun at `now`, `limit` at most; zone of GB 3095; kind of plant (O2)."""

    period: Period
    start: datetime
    end: datetime
    limit: int
    now: datetime
    zone: Literal[1, 2] = 2
    plant: str | None = None


async def validity_of(session: AsyncSession, ref: SeriesRef, asked: Asked) -> dict[str, Any]:
    """A page of periods with validity, reasons, mean, recomputation and exceedance. Raises NotFound."""
    family = family_of(ref, await reading.series_of_site(session, ref.site))
    if family.hours is None:
        detail = f"No hours of {series_key(ref)} are known; days are made of hours 没有对应的小时数据序列"
        raise NotFound("hours-unknown", detail)
    span = await known_span(await driver(session), family.hours.id)
    number, following = paged(asked, span, MOST)
    question = Question(ref, family, asked.period, number, asked.zone, asked.plant)
    items = entries(question, await _load(session, question)) if len(number) else []
    hours = family.hours
    shown = {"id": hours.id, "key": series_key(hours), "unit": hours.unit}
    answer = {"series": shown, "profile": profile_of(hours), "period": asked.period}
    return answer | {"items": items, "next": following}


def paged(asked: Asked, span: tuple[int, int] | None, most: Mapping[Period, int]) -> tuple[Ints, str | None]:
    """The numbers of the periods on this page, and where the next page begins; none before the first row."""
    start, end = milliseconds(asked.start), milliseconds(asked.end)
    if span is not None:
        end = min(end, max(milliseconds(asked.now), span[1] + 1))
    if span is None or end <= max(start, span[0]):
        return np.zeros(0, dtype=np.int64), None
    first, last = number_of(asked.period, np.array([max(start, span[0]), end - 1])).tolist()
    after = first + min(asked.limit, most[asked.period])
    if after > last:
        return np.arange(first, last + 1), None
    return np.arange(first, after), iso(int(start_ms(asked.period, np.array([after]))[0]))


async def _load(session: AsyncSession, asked: Question) -> Known:
    begin, end = start_ms(asked.period, np.array([asked.number[0], asked.number[-1] + 1])).tolist()
    return await load(session, asked, begin, end)


async def load(session: AsyncSession, asked: Question, begin: int, end: int) -> Known:
    """The family's rows in [begin, end), UTC milliseconds; minutes as rows only for hours."""
    connection, family = await driver(session), asked.family
    wanted = [one.id for one in family.members if asked.period == "hour" or one.period != "min"]
    of = await stretches(connection, wanted, begin, end)
    rows = of[asked.hour_ref.id]
    minutes = np.full(len(rows.ts), float(UNKNOWN))
    if family.minutes is not None:
        hour, good = await good_minutes(connection, family.minutes.id, begin, end)
        minutes = np.nan_to_num(aligned(hour, good.astype(np.float64), rows.ts), nan=float(UNKNOWN))
    flow = np.full(len(rows.ts), np.nan)
    if family.flow_hours is not None:
        beside = of[family.flow_hours.id]
        flow = aligned(beside.ts, beside.value, rows.ts)
    hours = Hours(rows.ts, rows.value, rows.code, rows.flag, minutes.astype(np.int64), flow)
    return Known(hours, judge_hours(profile_of(asked.hour_ref), asked.hour_ref.factor, hours), of)

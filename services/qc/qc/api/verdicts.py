"""Verdicts over HTTP: the current ones, those of an earlier day, and why.

Promises: a verdict carries its code, its tests by name and the rules' version. Leaves explaining to the flow.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import NAMED
from kit.problems import Invalid

from qc.api.edge import Limit, moment, page, series_within
from qc.flows.explaining import explain_value, series_key
from qc.flows.setting import pack
from qc.queries import reading, registers
from qc.rules.pack import PERIOD_MS
from qc.rules.registers.state import instrument_state

router = APIRouter(tags=["verdicts"])
May = Annotated[Grant, Depends(allow("verdicts", "read"))]


@router.get("/verdicts", responses=NAMED)
async def list_verdicts(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    series: Annotated[str, Query(max_length=300, description="number or key of the series 数据序列")],
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    as_of: Annotated[str | None, Query(alias="asOf", max_length=40, description="as judged then")] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Values of one series in [from, to) with their verdicts, oldest first; `asOf` shows them as judged then.

    Without `from` the last 7 days before `to` (or before now). `instrument_flags` tell what the registers, as
    they stand now, hold against the instrument at that instant (`GET /instrument-state` says why).
    """
    ref = await series_within(session, grant, series)
    end = moment(to, "to") if to else datetime.now(UTC) + timedelta(days=1)
    start = moment(from_, "from") if from_ else end - timedelta(days=7)
    if cursor is not None:
        start = moment(cursor, "cursor") + timedelta(milliseconds=1)
    if end < start and cursor is None:
        raise Invalid("window-empty", "`to` lies before `from` 结束时间早于开始时间")
    known_at = moment(as_of, "asOf") if as_of else None
    found = await reading.verdicts(session, ref.id, start, end, known_at, limit)
    names = {rule.number: rule.id for rule in pack().rules}
    known = await registers.instruments_at(session, ref.site)
    assessed = await registers.is_assessed(session, ref.site)
    items = [
        {
            "ts": row.ts.isoformat(),
            "value": row.value,
            "decimals": row.decimals,
            "flag": row.flag,
            "code": row.code,
            "tests": [name for number, name in sorted(names.items()) if row.tests >> number & 1],
            "revision": row.revision,
            "rule_pack": row.version,
            "assessed_at": row.assessed_at.isoformat(),
            "instrument_flags": instrument_state(
                known, ref.factor, round(row.ts.timestamp() * 1000), is_assessed=assessed
            ).flags,
        }
        for row in found
    ]
    shown = {"id": ref.id, "key": series_key(ref), "unit": ref.unit, "period_ms": PERIOD_MS[ref.period]}
    return {"series": shown} | page(items, limit, "ts")


@router.get("/explain/{series}/{ts}")
async def explain(series: int, ts: str, grant: May, session: ReaderSession) -> dict[str, Any]:
    """Why a value has its verdict: every rule that spoke, with threshold, value, margin, version and clause.

    The rules are run again on what is known now; `agrees` says whether they give the stored verdict.
    """
    ref = await series_within(session, grant, str(series))
    return await explain_value(session, ref, moment(ts, "ts"))

"""Validity over HTTP: which periods of a series count, by which clause, and what its own parts give for
them.

Promises: there is no route that approves data; a verdict changes with the data only. Leaves the judgement
to the flow.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Fault, Invalid

from qc.api.edge import Limit, moment, series_within
from qc.flows.alarms import milliseconds
from qc.flows.emissions import emissions_of
from qc.flows.marking import marks_of
from qc.flows.validity import Asked, validity_of
from qc.flows.warning import Land, Look, warnings_of
from qc.rules.validity.conversion import conversion_rules
from qc.rules.validity.marks import mark_rules

router = APIRouter(tags=["validity"])
May = Annotated[Grant, Depends(allow("verdicts", "read"))]
MayAudit = Annotated[Grant, Depends(allow("suspicions", "read"))]
From = Annotated[str | None, Query(alias="from", max_length=40)]
To = Annotated[str | None, Query(max_length=40)]
Page = Annotated[str | None, Query(max_length=40, description="`next` of the page before 上一页的 next")]
Period = Literal["hour", "day", "month", "quarter", "year"]
EDITIONS = [edition.id for edition in mark_rules().editions]
PLANTS = sorted({entry.kind for entry in conversion_rules().reference_oxygen})


def window(from_: str | None, to: str | None, cursor: str | None, days: int) -> tuple[datetime, datetime]:
    """[from, to) of a query: without `to` until now, without `from` so many days; a cursor moves the
    beginning.
    """
    end = moment(to, "to") if to else datetime.now(UTC)
    start = moment(from_, "from") if from_ else end - timedelta(days=days)
    if cursor is not None:
        start = moment(cursor, "cursor")
    if end < start and cursor is None:
        raise Invalid("window-empty", "`to` lies before `from` 结束时间早于开始时间")
    return start, end


@router.get("/validity/{series}")
async def validity(  # noqa: PLR0913 - one parameter of the query each
    series: int,
    grant: May,
    session: ReaderSession,
    period: Period = "day",
    from_: From = None,
    to: To = None,
    zone: Annotated[Literal["1", "2"], Query(description="class of zone of GB 3095 功能区类别")] = "2",
    plant: Annotated[
        str | None, Query(max_length=40, description="kind of plant for 折算 (reference O2)")
    ] = None,
    limit: Limit = 100,
    cursor: Page = None,
) -> dict[str, Any]:
    """Periods of a series, oldest first: valid, invalid or without a clause; valid and due parts; every
    clause that is unmet and by how much; the mean of the valid parts; what the device reported beside what
    its parts give, and the limit.

    Without `from` the last 31 days before `to` (or before now).
    """
    ref = await series_within(session, grant, str(series))
    start, end = window(from_, to, cursor, 31)
    if plant is not None and plant not in PLANTS:
        fault: Fault = {"where": "plant", "rule": "conversion.yaml", "what": plant, "mend": ", ".join(PLANTS)}
        raise Invalid(
            "plant-unknown", "This kind of plant has no reference oxygen 该类设施无基准氧含量", errors=[fault]
        )
    asked = Asked(period, start, end, limit, datetime.now(UTC), 1 if zone == "1" else 2, plant)
    return await validity_of(session, ref, asked)


@router.get("/emissions/{series}")
async def emissions(  # noqa: PLR0913 - one parameter of the query each
    series: int,
    grant: May,
    session: ReaderSession,
    period: Literal["day", "month", "quarter", "year"] = "day",
    from_: From = None,
    to: To = None,
    limit: Limit = 100,
    cursor: Page = None,
) -> dict[str, Any]:
    """Masses (kg) of a series by period: made anew from concentration and flow, the sum the device
    reported, and what stands in for invalid hours (HJ 75) or days (HJ 356), shown apart.

    Without `from` the last 31 days before `to` (or before now).
    """
    ref = await series_within(session, grant, str(series))
    start, end = window(from_, to, cursor, 31)
    return await emissions_of(session, ref, Asked(period, start, end, limit, datetime.now(UTC)))


@router.get("/marks/{series}")
async def marks(  # noqa: PLR0913 - one parameter of the query each
    series: int,
    grant: MayAudit,
    session: ReaderSession,
    from_: From = None,
    to: To = None,
    edition: Annotated[
        str, Query(max_length=20, description="edition of HJ 212 the device speaks")
    ] = "hj212-2017",
    limit: Limit = 100,
    cursor: Page = None,
) -> dict[str, Any]:
    """The data marks of a series in [from, to): share and timing of each, and, page by page, the rows whose
    mark other figures contradict. At most 92 days; without `from` the last 31.
    """
    ref = await series_within(session, grant, str(series))
    if edition not in EDITIONS:
        fault: Fault = {
            "where": "edition",
            "rule": "marks.yaml",
            "what": edition,
            "mend": ", ".join(EDITIONS),
        }
        raise Invalid("edition-unknown", "There is no such edition of HJ 212 标准版本未知", errors=[fault])
    start, end = window(from_, to, None, 31)
    if end - start > timedelta(days=92):
        raise Invalid("window-long", "Marks are audited over at most 92 days 一次最多审核 92 天")
    at = milliseconds(moment(cursor, "cursor")) if cursor is not None else milliseconds(start)
    return await marks_of(session, ref, (milliseconds(start), milliseconds(end)), edition, (at, limit))


@router.get("/warnings/{series}")
async def warnings(  # noqa: PLR0913 - one parameter of the query each
    series: int,
    grant: May,
    session: ReaderSession,
    from_: From = None,
    to: To = None,
    land: Annotated[Land, Query(description="use of the land 用地类型")] = "farmland",
    ph: Annotated[float, Query(ge=0, le=14, description="pH of the soil 土壤 pH")] = 7.0,
    limit: Limit = 100,
    cursor: Page = None,
) -> dict[str, Any]:
    """Warnings of soil (above a risk value, rising below it, densified sampling) or radiation (dose rate),
    the newest `limit` results; soil looks back 20 years without `from`, radiation 31 days.
    """
    ref = await series_within(session, grant, str(series))
    start, end = window(from_, to, None, 20 * 366 if ref.element == "soil" else 31)
    begin = milliseconds(start)
    page = milliseconds(moment(cursor, "cursor")) if cursor is not None else begin
    return await warnings_of(session, ref, Look(begin, milliseconds(end), page, limit, land, ph))

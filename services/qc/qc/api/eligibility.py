"""Evidence eligibility over HTTP: per hour of a site, whether it may be evidence, and why not.

Promises: an hour that is not over has no answer; a page names the next one. Leaves the conditions to the
rules.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import NAMED
from kit.problems import Fault, Invalid, NotFound

from qc.api.edge import Limit
from qc.api.validity import EDITIONS, From, To, window
from qc.flows.custody.who import milliseconds
from qc.flows.eligibility import HOUR_MS, Page, eligibility_of
from qc.queries import reading

router = APIRouter(tags=["eligibility"])
May = Annotated[Grant, Depends(allow("eligibility", "read"))]


@router.get("/eligibility", responses=NAMED)
async def eligibility(  # noqa: PLR0913 - one parameter of the query each
    grant: May,
    session: ReaderSession,
    site: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]+$", description="site 点位")],
    from_: From = None,
    to: To = None,
    factor: Annotated[str | None, Query(max_length=40)] = None,
    edition: Annotated[
        str, Query(max_length=20, description="edition of HJ 212 the device speaks")
    ] = "hj212-2017",
    limit: Limit = 500,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,15}\.\d{1,19}$")] = None,
) -> dict[str, Any]:
    """Calibrated ∧ normal ∧ unbroken ∧ logged, for each hour of each hourly series in [from, to).

    Without `from` the last day before `to` (or before now).
    """
    if edition not in EDITIONS:
        fault = Fault(where="edition", rule="HJ 212", what=edition, mend=" | ".join(EDITIONS))
        raise Invalid("edition-unknown", "There is no such edition of HJ 212 标准版本未知", errors=[fault])
    known = await reading.series_of_site(session, site)
    if not known:
        raise NotFound("site-unknown", f"No value of site {site} is known here 点位未知")
    for ref in known:
        grant.require(region=ref.region, owner_uscc=ref.uscc)
    start, end = window(from_, to, None, 1)
    # An hour can be missing only once it is over.
    end = min(end, datetime.now(UTC) - timedelta(milliseconds=HOUR_MS - 1))
    after = None if cursor is None else (int(cursor.split(".")[0]), int(cursor.split(".")[1]))
    refs = [ref for ref in known if ref.period == "hour" and factor in (None, ref.factor)]
    page = Page(milliseconds(start), milliseconds(end), after, limit)
    items, following = await eligibility_of(session, refs, page, edition)
    return {"site": site, "edition": edition, "items": items, "next": following}

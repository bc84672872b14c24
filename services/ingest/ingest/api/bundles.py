"""The HTTP door to evidence bundles: one device, one period, one zip.

Promises: who may read the raw bytes of the device's site may have the bundle; it is streamed, and what cannot
be given is refused before it begins. Leaves the content to `flows.bundle`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import StreamingResponse
from kit.auth import ServiceTokens
from kit.problems import Invalid, NotFound, Unavailable
from kit.turns import whole_or_cut
from standards.calendar import legal_date

from ingest.api.edge import reach
from ingest.api.submissions import MayRaw
from ingest.flows import bundle
from ingest.flows.neighbours import Neighbours
from ingest.queries.bundle import Wanted
from ingest.rules.limits import limits_on
from ingest.rules.times import CHINA
from ingest.tables import DeviceRow, RegistryChange, SiteRow

router = APIRouter(tags=["evidence"])
From = Annotated[datetime, Query(alias="from", description="First instant 起始时刻")]
To = Annotated[datetime, Query(description="End, not included 结束时刻（不含）")]
EDGE = timedelta(days=1)
PATIENCE = 30


@router.get("/devices/{mn}/bundle", response_class=StreamingResponse)
async def show_bundle(mn: str, start: From, to: To, request: Request, grant: MayRaw) -> StreamingResponse:
    """Raw bytes, registry as of then, values, quality codes, receipts with proofs, manifest, README; a zip.

    Verify it with `python -m tlog verify bundle`. 404 unknown device, 413 too much for one bundle (ask for a
    shorter period), 503 while `qc` or `evidence` is away or another bundle is being made. One that cannot be
    finished is cut: a zip without its directory, on a connection without its end mark.
    """
    state, who = request.app.state, grant.principal
    wanted, now = _wanted(mn, start, to), datetime.now(UTC)
    # One at a time, as rows are in memory meanwhile; no session is held while other services are asked.
    async with _own_turn(state.bundling):
        async with state.database.question(who) as session:
            device = await session.get(DeviceRow, mn)
            site = await session.get(SiteRow, device.site) if device else None
            if site is None:
                raise NotFound("unknown-device", f"The device {mn} is not registered 设备未登记")
            grant.require(region=site.region, owner_dept=site.dept, owner_uscc=site.uscc)
            limits, seen = limits_on(legal_date(now)), reach(grant, RegistryChange)
            found = await bundle.collect(session, wanted, limits, seen)
        members = await bundle.describe(found, state.neighbours)
    asked = bundle.Asked(wanted, who, f"{who.text} {who.subject}", now)
    pieces = whole_or_cut(bundle.write(found.submissions, members, state.database, state.receipts, asked))
    name = f"evidence-{''.join(c for c in mn if c.isascii() and c.isalnum())}-{wanted.start:%Y%m%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@asynccontextmanager
async def _own_turn(bundling: asyncio.Semaphore) -> AsyncIterator[None]:
    """Raises Unavailable when others' bundles take longer than a person waits."""
    try:
        await asyncio.wait_for(bundling.acquire(), PATIENCE)
    except TimeoutError:
        detail = "Another bundle is being made 正在生成其他证据包，请稍后再试"
        raise Unavailable("bundles-busy", detail, retry_after=PATIENCE) from None
    try:
        yield
    finally:
        bundling.release()


def _wanted(mn: str, start: datetime, stop: datetime) -> Wanted:
    start, stop = (one if one.tzinfo else one.replace(tzinfo=CHINA) for one in (start, stop))
    # Ids are looked up by the millisecond: nothing was received before 1970.
    if not datetime.fromtimestamp(0, UTC) + EDGE <= start < stop <= datetime(9998, 1, 1, tzinfo=UTC):
        raise Invalid("window-empty", "`from` must lie before `to`, both after 1970 起止时间有误")
    return Wanted(mn, start, stop)


async def know_neighbours(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Makes what asks other services; returns how to stop."""
    settings = app.state.settings
    app.state.bundling = asyncio.Semaphore(1)
    app.state.neighbours = made = Neighbours(settings.peers, ServiceTokens(settings))
    return made.close

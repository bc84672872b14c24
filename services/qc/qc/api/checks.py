"""Remote checks over HTTP: order, follow; lists of points and the draw from them.

Promises: within the caller's region; a draw shows everything that is needed to recompute it. Leaves the
conversation with the logger to `ingest`.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from qc.api.acting import act
from qc.api.asked import DrawPoints, ListPoints, OrderCheck
from qc.api.edge import REGIONS, Cursor, Limit, page
from qc.api.views import draw_view, shown
from qc.api.writing import Write
from qc.flows import checks
from qc.flows.steps import Actor
from qc.queries import desk as stored
from qc.tables import KnownSeries
from qc.tables.desk import CheckDraw, CheckOrder

router = APIRouter(tags=["remote checks"])
MayRead = Annotated[Grant, Depends(allow("checks", "read"))]
MayOrder = Annotated[Grant, Depends(allow("checks", "order"))]


def _view(order: CheckOrder) -> dict[str, Any]:
    view = shown(order)
    return view | {"id": view.pop("order_id"), "check": view.pop("kind")}


def _draw(draw: CheckDraw) -> dict[str, Any]:
    view = draw_view(draw)
    return view | {"id": view.pop("draw_id")}


Point = tuple[str, str]


async def _points(session: AsyncSession, grant: Grant, wanted: Sequence[Point]) -> dict[Point, KnownSeries]:
    """Any series of each (site, factor), in one statement. Raises NotFound, Forbidden for the first amiss."""
    factor = KnownSeries.descriptor["factor"].astext
    rows = select(KnownSeries, factor).where(KnownSeries.site.in_({site for site, _ in wanted}))
    known = {(row.site, of): row for row, of in await session.execute(rows)}
    for site, of in wanted:
        if (site, of) not in known:
            raise NotFound("point-unknown", f"No value of {of} at {site} is known here 点位或因子未知")
        grant.require(region=known[site, of].region)
    return known


async def _point(session: AsyncSession, grant: Grant, site: str, factor: str) -> KnownSeries:
    """The same of one."""
    return (await _points(session, grant, [(site, factor)]))[site, factor]


def _order(known: KnownSeries, body: OrderCheck | DrawPoints, reason: str, factor: str) -> CheckOrder:
    return CheckOrder(
        kind=body.check, site=known.site, region=known.region, uscc=known.uscc, factor=factor, reason=reason
    )


@router.get("/check-orders")
async def list_orders(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Remote checks and what came of them, newest first."""
    reach = grant.clause(REGIONS, region=CheckOrder.region)
    rows = await stored.newest(session, CheckOrder.order_id, [reach], cursor, limit)
    return page([_view(row) for row in rows], limit, "id")


@router.get("/check-orders/{order_id}")
async def show_order(order_id: UUID, grant: MayRead, session: ReaderSession) -> dict[str, Any]:
    """One remote check and its result."""
    order = await session.get(CheckOrder, order_id)
    if order is None:
        raise NotFound("order-unknown", f"There is no order {order_id} 无此核查指令")
    grant.require(region=order.region)
    return _view(order)


@router.post("/check-orders", status_code=202)
async def order_check(body: OrderCheck, grant: MayOrder, write: Write) -> dict[str, Any]:
    """Order a remote check: 202 means that the order is committed, its state tells what came of it."""
    known = await _point(write.session, grant, body.site, body.factor)

    async def run(actor: Actor) -> dict[str, Any]:
        wanted = _order(known, body, body.reason, body.factor)
        wanted.mn, wanted.alarm_id = body.mn, body.alarm
        return _view(await checks.order(write.session, wanted, actor))

    return await act(write, body, grant, run)


@router.get("/check-draws")
async def list_draws(
    grant: MayRead, session: ReaderSession, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Lists of points and what was drawn from them, newest first."""
    reach = grant.clause(REGIONS, region=CheckDraw.region)
    rows = await stored.newest(session, CheckDraw.draw_id, [reach], cursor, limit)
    return page([_draw(row) for row in rows], limit, "id")


async def _known_draw(session: AsyncSession, grant: Grant, draw_id: UUID) -> CheckDraw:
    draw = await session.get(CheckDraw, draw_id)
    if draw is None:
        raise NotFound("draw-unknown", f"There is no draw {draw_id} 无此抽取")
    grant.require(region=draw.region)
    return draw


@router.get("/check-draws/{draw_id}")
async def show_draw(draw_id: UUID, grant: MayRead, session: ReaderSession) -> dict[str, Any]:
    """The list, its digest, the published value, what it drew, and the rule by which to recompute it."""
    return _draw(await _known_draw(session, grant, draw_id))


@router.post("/check-draws", status_code=201)
async def list_points(body: ListPoints, grant: MayOrder, write: Write) -> dict[str, Any]:
    """Fix a list of points before the value that draws from it is published."""
    if body.region not in REGIONS:
        raise Invalid("region-unknown", f"{body.region} is no region 行政区未知")
    grant.require(region=body.region)
    await _points(write.session, grant, checks.points(body.candidates))

    async def run(actor: Actor) -> dict[str, Any]:
        return _draw(checks.list_points(write.session, CheckDraw(**body.model_dump()), actor))

    return await act(write, body, grant, run)


@router.post("/check-draws/{draw_id}/draw")
async def draw_points(draw_id: UUID, body: DrawPoints, grant: MayOrder, write: Write) -> dict[str, Any]:
    """Draw by the published value, and order the check at every point drawn."""
    await _known_draw(write.session, grant, draw_id)

    async def run(actor: Actor) -> dict[str, Any]:
        drawn = await checks.draw_points(write.session, draw_id, actor, body.value, body.value_source)
        orders, points = [], checks.points(drawn.drawn)
        known = await _points(write.session, grant, points)
        for site, factor in points:
            wanted = _order(known[site, factor], body, drawn.purpose, factor)
            wanted.draw_id = draw_id
            orders.append(str((await checks.order(write.session, wanted, actor)).order_id))
        return _draw(drawn) | {"orders": orders}

    return await act(write, body, grant, run)

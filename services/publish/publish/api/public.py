"""What everybody may read, without a token: stations, curves, newest figures, releases with their lineage."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import allow
from kit.db import ReaderSession
from kit.problems import Invalid, NotFound
from pydantic import BaseModel, Field

from publish.api import examples
from publish.api.answers import Cursor, Lang, Limit, answer, cursor, position, raw
from publish.flows import ranking, views
from publish.queries import releases
from publish.rules.snapshot import LOCAL, local
from publish.tables import Release

router = APIRouter(prefix="/public", tags=["public"], dependencies=[Depends(allow("figures", "read"))])
LIVE_SECONDS = 30
RANKING_SECONDS = 300
HOUR = timedelta(hours=1)


@router.get("/stations", responses=examples.answers(examples.STATIONS))
async def stations(
    request: Request,
    session: ReaderSession,
    code: Annotated[str | None, Query(max_length=40, description="Only this station 仅此站点")] = None,
    lang: Lang = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Monitoring stations in code order, each with its newest hour (provisional: checked by rule only)."""
    items, after = await views.stations(session, cursor or "", limit, code)
    return answer(request, {"items": items, "next": after}, max_age=LIVE_SECONDS, lang=lang)


class CurveQuery(BaseModel):
    """Which hours of which factor: [from, to), or the last `hours` up to the newest. Naive: +08:00."""

    factor: str = Field(max_length=20, examples=["a34004"])
    from_at: datetime | None = Field(default=None, alias="from")
    to_at: datetime | None = Field(default=None, alias="to")
    hours: int = Field(default=24, ge=1, le=744)
    limit: int = Field(default=744, ge=1, le=1000)
    lang: Literal["zh", "en"] | None = None


@router.get("/stations/{code}/curve", responses=examples.answers(examples.CURVE))
async def curve(
    request: Request, session: ReaderSession, code: str, asked: Annotated[CurveQuery, Query()]
) -> Response:
    """Hourly means of one factor, left-out ones marked with the reason. `next` is the next `from`."""
    site = await views.station_factor(session, code, asked.factor)
    newest = views.default_range(await views.newest_hour(session, code), asked.hours)
    span = newest or (datetime.now(UTC) - asked.hours * HOUR, datetime.now(UTC))
    begin, end = aware(asked.from_at) or span[0], aware(asked.to_at) or span[1]
    if begin >= end:
        raise Invalid("empty-range", "`from` must be before `to` 起始时间须早于结束时间")
    cut = min(end, begin + asked.limit * HOUR)
    content = {
        "station": code,
        "name": {"zh": site.name_zh, "en": site.name_en},
        "region": site.region,
        "element": site.element,
        **await views.factor_column(session, code, asked.factor),
        "from": local(begin),
        "to": local(cut),
        "items": await views.curve(session, site, asked.factor, begin, cut),
        "next": local(cut) if cut < end else None,
    }
    return answer(request, content, max_age=LIVE_SECONDS, lang=asked.lang)


def aware(at: datetime | None) -> datetime | None:
    """A naive time is Beijing time (fixed +08:00). Raises Invalid at the ends of the calendar."""
    if at is not None and not MINYEAR < at.year < MAXYEAR:
        raise Invalid("not-an-instant", f"No figure is of the year {at.year} 时间超出范围")
    if at is None or at.tzinfo is not None:
        return at
    return at.replace(tzinfo=LOCAL)


@router.get("/latest", responses=examples.answers(examples.LATEST))
async def latest(
    request: Request,
    session: ReaderSession,
    region: Annotated[str | None, Query(pattern=r"^\d{6}$")] = None,
    lang: Lang = None,
) -> Response:
    """Per region the newest released figure with its level, primary pollutants and what was left out."""
    return answer(request, await views.latest(session, region), max_age=LIVE_SECONDS, lang=lang)


@router.get("/releases", responses=examples.answers(examples.RELEASES))
async def published(
    request: Request,
    session: ReaderSession,
    region: Annotated[str | None, Query(pattern=r"^\d{6}$")] = None,
    lang: Lang = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Published releases, newest hour first."""
    rows = await releases.published(session, region, position(cursor), limit + 1)
    content = {
        "items": [views.summary(release, version) for release, version in rows[:limit]],
        "next": _next(rows[limit - 1][0]) if len(rows) > limit else None,
    }
    return answer(request, content, max_age=LIVE_SECONDS, lang=lang)


def _next(last: Release) -> str:
    return cursor(last.from_at, last.id)


@router.get("/releases/{id}", responses=examples.answers(examples.RELEASE))
async def release(
    request: Request,
    session: ReaderSession,
    id: UUID,
    version: Annotated[int | None, Query(ge=1)] = None,
    form: Annotated[Literal["detail", "snapshot"], Query(alias="format")] = "detail",
    lang: Lang = None,
) -> Response:
    """One release: its versions with their reasons, its steps, the snapshot of `version` (else the newest).

    `format=snapshot` answers the exact canonical text of that version: its SHA-256 is the version's `sha256`.
    """
    if form == "detail":
        content = await views.release_detail(session, str(id), version)
        return answer(request, content, max_age=LIVE_SECONDS, lang=lang)
    for known in await releases.versions(session, str(id)):
        if version in (None, known.version):
            return raw(request, known.snapshot, max_age=LIVE_SECONDS)
    raise NotFound("release-unknown", f"Nothing is published under {id} 未找到该发布")


class RankingQuery(BaseModel):
    """Which month (+08:00), factor, level and province; `cursor` is the last region seen."""

    month: str = Field(max_length=7, examples=["2026-11"])
    factor: str = Field(default="a34004", max_length=20)
    level: Literal["prefecture", "county"] = "prefecture"
    region: str | None = Field(default=None, pattern=r"^\d{6}$")
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = Field(default=None, pattern=r"^\d{6}$")
    lang: Literal["zh", "en"] | None = None


@router.get("/rankings", responses=examples.answers(examples.RANKING))
async def rankings(
    request: Request, session: ReaderSession, asked: Annotated[RankingQuery, Query()]
) -> Response:
    """Regions by their month's mean of a factor, cleanest first; falsified days count as the law says."""
    content = await ranking.ranking(
        session, ranking.month_of(asked.month), asked.factor, asked.level, asked.region
    )
    items = content["items"]
    begin = next((at + 1 for at, one in enumerate(items) if one["region"] == asked.cursor), 0)
    shown = items[begin : begin + asked.limit]
    after = shown[-1]["region"] if begin + asked.limit < len(items) else None
    page = content | {"items": shown, "next": after}
    return answer(request, page, max_age=RANKING_SECONDS, lang=asked.lang)

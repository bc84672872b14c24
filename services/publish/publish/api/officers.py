"""What officers do: keep the catalogue, draft, approve, publish. Answers are the release as it now stands."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession, WriterSession
from kit.problems import Invalid
from pydantic import BaseModel, ConfigDict, Field
from standards import regions as places
from standards.tables import rows

from publish.api.answers import Cursor, Lang, Limit, answer, cursor, position
from publish.api.public import aware
from publish.flows import catalogue, evidence, views
from publish.flows import releases as flows
from publish.flows.duties import Actor
from publish.queries import releases
from publish.rules.snapshot import LOCAL, local, parse
from publish.tables import Release

router = APIRouter(tags=["releases"])
KNOWN_REGIONS = frozenset(row["code"] for row in rows("regions"))

Reads = Annotated[Grant, Depends(allow("releases", "read"))]
Drafts = Annotated[Grant, Depends(allow("releases", "draft"))]
Approves = Annotated[Grant, Depends(allow("releases", "approve"))]
Publishes = Annotated[Grant, Depends(allow("releases", "publish"))]
Keeps = Annotated[Grant, Depends(allow("catalogue", "write"))]


class DraftRequest(BaseModel):
    """Which hour of which item for which region; `from` is the start of the hour (naive = +08:00)."""

    model_config = ConfigDict(extra="forbid")
    item_code: str = Field(examples=["air.aqi.hourly"])
    region: str = Field(pattern=r"^\d{6}$", examples=["131000"])
    from_at: datetime = Field(alias="from", examples=["2026-11-21T08:00:00+08:00"])


class Approval(BaseModel):
    """The digest of the draft that was looked at; a draft that has changed since is not approved."""

    model_config = ConfigDict(extra="forbid")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


async def shown(session: ReaderSession, release: Release) -> dict[str, Any]:
    """A release for officers: status, draft content, versions and steps."""
    return {
        "id": release.id,
        "item_code": release.item_code,
        "region": release.region,
        "region_name": views.region_name(release.region),
        "from": local(release.from_at),
        "to": local(release.to_at),
        "status": release.status,
        "version": release.version,
        "drafted_by": release.drafted_by,
        "approved_by": release.approved_by,
        "sha256": release.draft_sha256,
        "draft": parse(release.draft) if release.draft else None,
        "versions": [
            {
                "version": version.version,
                "sha256": version.sha256,
                "published_at": local(version.published_at),
            }
            for version in await releases.versions(session, release.id)
        ],
        "steps": [views.step_of(step) for step in await releases.steps(session, release.id)],
    }


@router.get("/releases")
async def list_releases(
    grant: Reads,
    session: ReaderSession,
    status: Annotated[str | None, Query(pattern="^(draft|approved|published)$")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Releases of every status within one's region, newest hour first."""
    reach = grant.clause(KNOWN_REGIONS, region=Release.region)
    found = await releases.officer_list(session, reach, status, position(cursor), limit + 1)
    items = [
        {
            "id": release.id,
            "item_code": release.item_code,
            "region": release.region,
            "from": local(release.from_at),
            "to": local(release.to_at),
            "status": release.status,
            "version": release.version,
            "drafted_by": release.drafted_by,
            "approved_by": release.approved_by,
            "sha256": release.draft_sha256,
        }
        for release in found[:limit]
    ]
    return {"items": items, "next": _next(found[limit - 1]) if len(found) > limit else None}


def _next(last: Release) -> str:
    return cursor(last.from_at, last.id)


@router.get("/releases/{id}")
async def get_release(grant: Reads, session: ReaderSession, id: UUID) -> dict[str, Any]:
    """One release with its draft, versions and steps."""
    release = await flows.known(session, str(id))
    grant.require(region=release.region)
    return await shown(session, release)


@router.post("/releases", status_code=201)
async def draft_release(grant: Drafts, session: WriterSession, body: DraftRequest) -> dict[str, Any]:
    """Drafts one hour; the same hour again refreshes its draft (one release per item, region and hour)."""
    if places.get(body.region) is None:
        raise Invalid("unknown-region", f"{body.region} is no known region 行政区划代码未知")
    grant.require(region=body.region)
    from_at = aware(body.from_at)
    assert from_at is not None
    release = await flows.draft(
        session, body.item_code, body.region, from_at.astimezone(UTC), actor=_actor(grant), now=_now()
    )
    await session.flush()
    return await shown(session, release)


@router.post("/releases/{id}/approve")
async def approve_release(
    grant: Approves, session: WriterSession, id: UUID, body: Approval | None = None
) -> dict[str, Any]:
    """A second person approves the draft."""
    release = await flows.of_id(session, str(id))
    grant.require(region=release.region)
    seen = body.sha256 if body else None
    await flows.approve(session, release, actor=_actor(grant), now=_now(), sha256=seen)
    await session.flush()
    return await shown(session, release)


@router.post("/releases/{id}/publish")
async def publish_release(
    request: Request, grant: Publishes, session: WriterSession, id: UUID
) -> dict[str, Any]:
    """Publishes what was approved; not while the evidence log lacks its quorum of witnesses."""
    release = await flows.of_id(session, str(id))
    grant.require(region=release.region)
    if request.app.state.settings.halts_without_quorum:
        await evidence.require_quorum(session)
    await flows.publish(session, release, actor=_actor(grant), now=_now())
    await session.flush()
    return await shown(session, release)


@router.get("/catalogue", tags=["catalogue"], dependencies=[Depends(allow("catalogue", "read"))])
async def list_catalogue(request: Request, session: ReaderSession, lang: Lang = None) -> Response:
    """Everything that may be published, in force today."""
    items = await releases.items_in_force(session, _now().astimezone(LOCAL).date())
    content = {"items": [catalogue.shown(item) for item in items], "next": None}
    return answer(request, content, max_age=300, lang=lang)


@router.put("/catalogue/{code}", tags=["catalogue"])
async def put_catalogue_item(
    grant: Keeps, session: WriterSession, code: str, body: catalogue.CatalogueEntry
) -> dict[str, Any]:
    """Adds or replaces a catalogue item of one's region."""
    grant.require(region=body.region, owner_dept=body.owner_dept)
    held = await catalogue.held_by(session, code)
    if held is not None:
        grant.require(region=held)
    item = await catalogue.save(session, code, body, actor=grant.principal.text, now=_now())
    return catalogue.shown(item)


def _actor(grant: Grant) -> Actor:
    return Actor(grant.principal.text, grant.principal.subject)


def _now() -> datetime:
    return datetime.now(UTC)

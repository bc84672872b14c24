"""A release on its way: draft, approval, publication, and the corrections that follow by rule.

Promises: only what is in the catalogue is released, by two persons, from an immutable snapshot with its
lineage; what is approved is exactly what is published. After publication a changed figure (a new verdict, a
confirmed falsification, its withdrawal) makes a new version at the same place with its reason; older
versions stay visible.

Corrections need no new approval: 信息公开条例 Art. 6 wants false information put right promptly, at the
same place with notice, the method was approved with the release, and a person who had to agree could also
delay. Each correction is a step of the release, in the name of the rule.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from contracts.publish import ReleaseCorrected, ReleasePublished
from kit import telemetry
from kit.outbox import put
from kit.problems import Conflict, Invalid, NotFound
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from publish.flows import duties, evidence
from publish.flows.duties import BY_RULE, Actor, require_apart
from publish.flows.index import Subject, compose
from publish.queries import figures, releases
from publish.rules.diff import correction_reason
from publish.rules.figures import Text
from publish.rules.places import level_of
from publish.rules.snapshot import HOUR, LOCAL, Snapshot, canonical, digest, headline, parse
from publish.tables import CatalogueItem, Release, ReleaseStep, ReleaseVersion

NOTES: dict[str, Text] = {
    "drafted": {"zh": "起草", "en": "Drafted"},
    "refreshed": {"zh": "数据变化，重新生成稿件", "en": "Figures changed, draft made anew"},
    "approved": {"zh": "审批通过", "en": "Approved"},
    "published": {"zh": "发布", "en": "Published"},
}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _step(
    session: AsyncSession, release: Release, step: str, actor: Actor, now: datetime, note: Text | None = None
) -> None:
    said = note or NOTES[step]
    session.add(
        ReleaseStep(
            release_id=release.id,
            step=step,
            version=release.version,
            actor=actor.who,
            subject=actor.subject,
            sha256=release.draft_sha256,
            note_zh=said["zh"],
            note_en=said["en"],
            taken_at=now,
        )
    )


async def catalogue_item(session: AsyncSession, item_code: str, region: str, on: datetime) -> CatalogueItem:
    """The item, if it may be released for the region. Raises Invalid `not-in-catalogue`, `wrong-level`."""
    day = on.astimezone(LOCAL).date()
    items = {item.item_code: item for item in await releases.items_in_force(session, day)}
    if item_code not in items:
        raise Invalid("not-in-catalogue", f"{item_code} is not in the publication catalogue 不在发布目录内")
    item = items[item_code]
    if level_of(region, day) != item.level:
        raise Invalid(
            "wrong-level", f"{item_code} is issued at {item.level} level, {region} is not 发布层级不符"
        )
    return item


async def draft(
    session: AsyncSession, item_code: str, region: str, from_at: datetime, *, actor: Actor, now: datetime
) -> Release:
    """Drafts the release of one hour, or refreshes the draft there is; a published one is returned as it is.

    Raises Invalid (`hour-not-full`, `hour-not-over`, catalogue) and Conflict `nothing-to-release`.
    """
    if from_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) != from_at:
        raise Invalid("hour-not-full", "`from` must be the start of a full hour 起始时间须为整点")
    if now < from_at + HOUR:
        raise Invalid("hour-not-over", "The hour is not over 该小时尚未结束")
    item = await catalogue_item(session, item_code, region, from_at)
    content = await compose(session, item, Subject(region, from_at))
    if not content["lineage"]:
        raise Conflict("nothing-to-release", "No figure is known for that hour 该小时暂无数据")
    release = await releases.find(session, item_code, region, from_at)
    if release is None:
        return await _new_draft(session, item, Subject(region, from_at), content, actor=actor, now=now)
    if release.status != "published":
        _refresh(session, release, content, actor, now)
    return release


async def _new_draft(
    session: AsyncSession,
    item: CatalogueItem,
    subject: Subject,
    content: Snapshot,
    *,
    actor: Actor,
    now: datetime,
) -> Release:
    text = canonical(content)
    release = Release(
        id=str(uuid7()),
        item_code=item.item_code,
        region=subject.region,
        from_at=subject.from_at,
        to_at=subject.from_at + HOUR,
        status="draft",
        version=0,
        draft=text,
        draft_sha256=digest(text),
        drafted_by=actor.who,
    )
    session.add(release)
    await session.flush()
    _step(session, release, "drafted", actor, now)
    return release


def _refresh(session: AsyncSession, release: Release, content: Snapshot, actor: Actor, now: datetime) -> None:
    text = canonical(content)
    if digest(text) == release.draft_sha256:
        return
    release.draft, release.draft_sha256 = text, digest(text)
    release.status, release.approved_by, release.approved_sha256 = "draft", None, None
    _step(session, release, "refreshed", actor, now)


async def known(session: AsyncSession, release_id: str) -> Release:
    """The release, for reading. Raises NotFound."""
    release = await session.get(Release, release_id)
    if release is None:
        raise NotFound("release-unknown", f"No release has the id {release_id} 未找到该发布稿")
    return release


async def of_id(session: AsyncSession, release_id: str) -> Release:
    """The release, its row locked. Raises NotFound."""
    release = await releases.locked(session, release_id)
    if release is None:
        raise NotFound("release-unknown", f"No release has the id {release_id} 未找到该发布稿")
    return release


async def approve(
    session: AsyncSession, release: Release, *, actor: Actor, now: datetime, sha256: str | None = None
) -> Release:
    """A second person approves exactly the draft with this digest.

    Raises Conflict (`not-a-draft`, `draft-changed`) and Forbidden `separation-of-duties`.
    """
    if release.status != "draft":
        raise Conflict("not-a-draft", f"The release is {release.status} 当前状态不可审批")
    if sha256 is not None and sha256 != release.draft_sha256:
        raise Conflict("draft-changed", "The draft is not the one you saw 稿件已变化，请重新核对")
    require_apart(await releases.steps(session, release.id), duties.APPROVE, actor, now)
    release.status, release.approved_by = "approved", actor.who
    release.approved_sha256 = release.draft_sha256
    _step(session, release, "approved", actor, now)
    return release


async def publish(session: AsyncSession, release: Release, *, actor: Actor, now: datetime) -> Release:
    """Publishes what was approved, if the figures still say the same.

    Raises Conflict (`not-approved`, `draft-changed`), Forbidden `separation-of-duties` and Invalid when the
    item left the catalogue meanwhile. Drafted by rule, the release needs a publisher who is not its approver.
    """
    if release.status != "approved" or release.draft is None or release.approved_by is None:
        raise Conflict("not-approved", f"The release is {release.status} 未经审批，不得发布")
    act = duties.PUBLISH_AUTOMATIC if release.drafted_by == duties.RULE else duties.PUBLISH
    require_apart(await releases.steps(session, release.id), act, actor, now)
    item = await catalogue_item(session, release.item_code, release.region, release.from_at)
    content = await compose(session, item, Subject(release.region, release.from_at))
    if digest(canonical(content)) != release.approved_sha256:
        raise Conflict(
            "draft-changed", "Figures changed since the approval; approve again 数据已变化，请重新审批"
        )
    release.version += 1
    version = _add_version(session, release, release.draft, release.approved_by, now)
    _step(session, release, "published", actor, now)
    release.status, release.draft, release.draft_sha256 = "published", None, None
    event = ReleasePublished(
        release_id=release.id,
        item_code=release.item_code,
        region=release.region,
        from_ms=_ms(release.from_at),
        to_ms=_ms(release.to_at),
        version=version.version,
        sha256=version.sha256,
        approved_by=version.approved_by,
        published_at_ms=_ms(now),
    )
    sites = [station["site"] for station in content["stations"]]
    traces = await figures.traces_of(session, sites, release.from_at)
    await put(session, event, key=release.id, traces=[*traces, telemetry.traceparent()])
    await evidence.seal(session, version)
    return release


def _add_version(
    session: AsyncSession,
    release: Release,
    text: str,
    approved_by: str,
    now: datetime,
    reason: Text | None = None,
) -> ReleaseVersion:
    version = ReleaseVersion(
        release_id=release.id,
        version=release.version,
        snapshot=text,
        sha256=digest(text),
        headline=headline(parse(text)),
        approved_by=approved_by,
        reason_zh=reason["zh"] if reason else None,
        reason_en=reason["en"] if reason else None,
        published_at=now,
        nonce=evidence.fresh_nonce(),
    )
    session.add(version)
    return version


async def correct(
    session: AsyncSession, release: Release, content: Snapshot, *, now: datetime, traces: Sequence[str]
) -> bool:
    """Makes the next version if what the release says or rests on has changed; says so. The row is locked."""
    current = await releases.version(session, release.id, release.version)
    assert current is not None
    reason = correction_reason(parse(current.snapshot), content)
    if reason is None:
        return False
    release.version += 1
    version = _add_version(session, release, canonical(content), current.approved_by, now, reason)
    _step(session, release, "corrected", BY_RULE, now, reason)
    event = ReleaseCorrected(
        release_id=release.id,
        item_code=release.item_code,
        region=release.region,
        from_ms=_ms(release.from_at),
        to_ms=_ms(release.to_at),
        version=version.version,
        replaces_version=version.version - 1,
        reason_zh=reason["zh"],
        reason_en=reason["en"],
        sha256=version.sha256,
        published_at_ms=_ms(now),
    )
    await put(session, event, key=release.id, traces=traces or None)
    await evidence.seal(session, version)
    return True


async def follow(session: AsyncSession, release: Release, *, now: datetime, traces: Sequence[str]) -> None:
    """Brings one release in line with the figures: a draft is made anew, a published one is corrected."""
    current = await releases.version(session, release.id, release.version)
    pinned = parse(current.snapshot) if current else None
    item = await session.get(CatalogueItem, release.item_code)
    assert item is not None
    codes = [station["site"] for station in pinned["stations"]] if pinned else None
    content = await compose(session, item, Subject(release.region, release.from_at), codes)
    if pinned is None:
        _refresh(session, release, content, BY_RULE, now)
    else:
        await correct(session, release, content, now=now, traces=traces)


def due_hours(now: datetime, window_hours: int) -> list[datetime]:
    """The starts of the last full hours an item may be drafted for by the clock, newest first."""
    newest = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    return [newest - timedelta(hours=back) for back in range(window_hours)]

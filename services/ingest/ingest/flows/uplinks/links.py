"""Links as registered: who changed them is kept, passwords are kept apart and never shown.

Promises: writing the same again changes nothing; a new link begins at this moment, or with all that is still
in the outbox. Leaves to `api` who may.
"""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

import msgspec
from contracts.envelope import TELEMETRY_LANES, event_type
from contracts.ingest import Recorded, Revised
from kit.problems import Invalid, NotFound
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows.change import Change, Scope, shown
from ingest.flows.registry import region_path
from ingest.queries import uplinks as queries
from ingest.rules.uplinks.links import Link
from ingest.tables import UplinkRow, UplinkSecret, UplinkState

EVENTS = (event_type(Recorded), event_type(Revised))
LANES = [f"{lane:02d}" for lane in range(TELEMETRY_LANES)]
DEPTH = text(
    "SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, "
    "count(*) FILTER (WHERE state = 'parked') AS parked, "
    "min(queued_at) FILTER (WHERE state = 'waiting') AS oldest "
    "FROM uplink_parcels WHERE link = :link AND state IN ('waiting', 'parked')"
)
_NO_COLUMN = frozenset({"name_zh", "name_en"})
_WHERE_TO = ("kind", "address", "token_url", "client_id")


class Ready(msgspec.Struct, frozen=True):
    """A link with its secrets: for the forwarder alone."""

    link: Link
    secrets: Mapping[str, str]


def consumer_of(name: str) -> str:
    """Under which name the link's cursors stand."""
    return f"uplink:{name}"


async def save_link(
    change: Change, name: str, cells: Mapping[str, Any], secrets: Mapping[str, str], *, from_now: bool
) -> UplinkRow:
    """Register or change a link. `secrets` that are not named stay as they are. Raises Invalid."""
    for region in {cells["region"], *cells["regions"]}:
        region_path(region)
    if cells["kind"] == "hj212" and not cells["places"]:
        raise Invalid("no-places", "An HJ 212 link needs an MN for each site 须为每个点位指定 MN")
    session = change.session
    known = await session.get(UplinkRow, name)
    version = known.secrets_version if known else 0
    kept = await _secrets(session, name)
    if known is not None:
        _require_secrets(known, cells, kept.keys() - secrets.keys())
    is_new_secret = any(kept.get(key) != secret for key, secret in secrets.items())
    full = {"name": name, **cells, "secrets_version": version + is_new_secret}
    row, _ = await change.save(UplinkRow, name, full, Scope(region=cells["region"]))
    await session.flush()
    await _begin(session, name, change.now, from_now=from_now)
    for key, secret in secrets.items():
        wanted = insert(UplinkSecret).values(link=name, name=key, secret=secret)
        await session.execute(
            wanted.on_conflict_do_update(index_elements=["link", "name"], set_={"secret": secret})
        )
    return row


async def _secrets(session: AsyncSession, name: str) -> dict[str, str]:
    found = await session.execute(select(UplinkSecret).where(UplinkSecret.link == name))
    return {row.name: row.secret for row in found.scalars()}


def _require_secrets(known: UplinkRow, cells: Mapping[str, Any], unnamed: Set[str]) -> None:
    """What was entrusted to one address is not told to another by somebody who does not know it."""
    if all(getattr(known, name) == cells[name] for name in _WHERE_TO):
        return
    spoken = {f"PW:{site}" for site in cells["places"]} if cells["kind"] == "hj212" else {"bearer", "client"}
    if unnamed & spoken:
        detail = "The link goes elsewhere: give its secrets again 地址已变更，须重新提供口令或令牌"
        raise Invalid("secrets-again", detail)


async def _begin(session: AsyncSession, name: str, now: datetime, *, from_now: bool) -> None:
    state = {"link": name, "circuit": "closed", "failures": 0, "changed_at": now, "last_error": ""}
    rest = {"holder": "", "last_number": 0, "looped": 0}
    await session.execute(insert(UplinkState).values(**state, **rest).on_conflict_do_nothing())
    asked = {"consumer": consumer_of(name), "events": list(EVENTS), "lanes": LANES, "from_now": from_now}
    await session.execute(text(queries.BEGIN), asked)


async def link_of(session: AsyncSession, name: str) -> UplinkRow:
    """The link. Raises NotFound."""
    row = await session.get(UplinkRow, name)
    if row is None:
        raise NotFound("unknown-uplink", f"No link {name} 无此上行链路")
    return row


def as_link(row: UplinkRow) -> Link:
    """The row as the rules know it."""
    cells = {key: cell for key, cell in shown(row).items() if key not in _NO_COLUMN}
    return msgspec.convert(cells, Link)


async def load_links(session: AsyncSession) -> list[Ready]:
    """Every link that is on, with its secrets."""
    rows = (await session.scalars(select(UplinkRow).where(UplinkRow.is_on))).all()
    secrets: dict[str, dict[str, str]] = {}
    for one in await session.scalars(select(UplinkSecret)):
        secrets.setdefault(one.link, {})[one.name] = one.secret
    return [Ready(as_link(row), secrets.get(row.name, {})) for row in rows]

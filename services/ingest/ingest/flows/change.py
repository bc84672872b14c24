"""One change of the registry: who makes it is kept, it is numbered, and what it changed is said.

Promises: writing the same again changes nothing and says nothing; everything said is committed with the
change. Leaves to `api` who may, and to `registry` and `records` what is acceptable.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from contracts.envelope import Event
from contracts.ingest import FindingRaised, RegistryChanged
from kit import outbox
from kit.problems import Problem
from sqlalchemy import event, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession
from standards import regions
from uuid_utils.compat import uuid7

from ingest.queries import history
from ingest.rules.findings import named
from ingest.tables import Base, IngestFinding, RegistryChange, SaidOnce

T = TypeVar("T", bound=Base)
SECRET = frozenset({"password_sha256"})
SAID_WHOLE = 64 * 1024


class Committed:
    """How many transactions of this process changed the registry: copies in memory compare."""

    count = 0


def _committed(_: object) -> None:
    Committed.count += 1


class Scope(NamedTuple):
    """Whose a row is, as the policy asks."""

    region: str | None = None
    dept: str | None = None
    uscc: str | None = None
    counterpart: str | None = None
    recipients: tuple[str, ...] = ()
    is_published: bool = False

    def cells(self) -> dict[str, Any]:
        return self._asdict() | {"recipients": list(self.recipients)}


class Found(NamedTuple):
    """A finding to be raised. With `once`, the same key is raised a single time."""

    finding: str
    region: str | None
    site: str | None = None
    uscc: str | None = None
    record: str | None = None
    detail: Mapping[str, Any] = {}
    once: str | None = None


class Stale(Problem):
    """Somebody else changed it meanwhile."""

    status = 412
    title = "Changed meanwhile 已被他人修改"


class Unconditional(Problem):
    """An edit that does not say which version it edits."""

    status = 428
    title = "If-Match required 须带 If-Match"


class Change:
    """Who changes the registry, and when. Used as `async with`: at its end it says what was changed."""

    def __init__(self, session: AsyncSession, who: str, now: datetime) -> None:
        self.session, self.who, self.now = session, who, now
        self._made: list[tuple[RegistryChange, Scope]] = []
        self._found: list[FindingRaised] = []

    @property
    def count(self) -> int:
        """How many changes were made so far."""
        return len(self._made)

    async def __aenter__(self) -> "Change":
        """One at a time: whoever reads asks for the highest number, so numbers must commit in order."""
        await self.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('ingest.registry'), 0)"))
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            await self.say()

    async def say(self) -> None:
        """Write what was changed and found, and the events that tell it."""
        await self.session.flush()
        said: list[tuple[Event, str]] = [(_changed(one, scope), one.code) for one, scope in self._made]
        said += [(one, one.site or one.uscc or one.region or "-") for one in self._found]
        self._made, self._found = [], []
        raw = await (await self.session.connection()).get_raw_connection()
        await outbox.put_many(raw.driver_connection, [(event, key, ()) for event, key in said])

    async def save(
        self, table: type[T], key: Any, cells: Mapping[str, Any], scope: Scope, kind: str = ""
    ) -> tuple[T, bool]:
        """Insert or update the row with this primary key (its last part is the code); whether it changed."""
        row = await self.session.get(table, key)
        before = None if row is None else shown(row)
        if row is None:
            row = table(**cells)
            self.session.add(row)
        else:
            for name, value in cells.items():
                setattr(row, name, value)
        code = key if isinstance(key, str) else key[-1]
        return row, self.note(kind or table.__tablename__, code, before, row, scope)

    def note(self, kind: str, code: str, before: dict[str, Any] | None, row: Base, scope: Scope) -> bool:
        """Keep the change, if it is one."""
        after = shown(row)
        if before == after and not self.session.is_modified(row):
            return False
        self.keep(kind, code, before, after, scope)
        return True

    def keep(
        self, kind: str, code: str, before: dict[str, Any] | None, after: dict[str, Any], scope: Scope
    ) -> None:
        """Keep what was changed; it is said at the end."""
        made = RegistryChange(
            kind=kind,
            code=code,
            changed_at=self.now,
            changed_by=self.who,
            before=before,
            after=after,
            **scope.cells(),
        )
        self.session.add(made)
        if not self._made:
            event.listen(self.session.sync_session, "after_commit", _committed, once=True)
        self._made.append((made, scope))

    async def find(self, found: Found) -> bool:
        """Raise a finding; whether it was raised."""
        if found.once is not None:
            if await self.session.get(SaidOnce, found.once) is not None:
                return False
            self.session.add(SaidOnce(key=found.once, said_at=self.now))
        path = [found.region, *regions.ancestors(found.region)] if found.region else []
        detail = {"record": found.record, **found.detail} if found.record else dict(found.detail)
        row = IngestFinding(
            id=uuid7(),
            kind=found.finding,
            site=found.site,
            region_path=path,
            uscc=found.uscc,
            submission=None,
            found_at=self.now,
            detail=detail,
        )
        self.session.add(row)
        self._found.append(
            FindingRaised(
                finding=found.finding,
                id=str(row.id),
                message_zh=named(found.finding)[0],
                message_en=named(found.finding)[1],
                found_at_ms=int(self.now.timestamp() * 1000),
                region=found.region,
                site=found.site,
                uscc=found.uscc,
                record=found.record,
                detail=dict(found.detail),
            )
        )
        return True


def _changed(made: RegistryChange, scope: Scope) -> RegistryChanged:
    after = msgspec.json.encode(made.after)
    before = None if made.before is None else hashlib.sha256(msgspec.json.encode(made.before)).hexdigest()
    return RegistryChanged(
        kind=made.kind,
        code=made.code,
        change=made.id,
        changed_at_ms=int(made.changed_at.timestamp() * 1000),
        after_sha256=hashlib.sha256(after).hexdigest(),
        before_sha256=before,
        region=scope.region,
        dept=scope.dept,
        uscc=scope.uscc,
        after=made.after if len(after) <= SAID_WHOLE else None,
    )


def shown(row: Base) -> dict[str, Any]:
    """A row as plain values, secrets left out; dates as ISO 8601."""
    return plain({column.key: getattr(row, column.key) for column in inspect(type(row)).columns})


def plain(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The same of the cells of a row."""
    return {
        name: cell.isoformat() if isinstance(cell, date | datetime) else cell
        for name, cell in cells.items()
        if name not in SECRET and name != "id"
    }


async def match(session: AsyncSession, kind: str, code: str, asked: str | None, *, is_strict: bool) -> None:
    """Whether the edit is of the newest version. Raises Stale, or Unconditional if it must say which.

    `asked` is the If-Match header: `"<number of the last change>"`, or `*` for whichever there is.
    """
    known = await history.last_change(session, kind, code)
    if asked is None:
        if is_strict and known is not None:
            detail = f'{kind}/{code} stands at "{known}": send it as If-Match 请在 If-Match 中带上该版本号'
            raise Unconditional("if-match-missing", detail, version=known)
    elif known is None or (
        asked.strip() != "*" and asked.strip().removeprefix("W/").strip('"') != str(known)
    ):
        detail = f"{kind}/{code} stands at {known}, not at {asked}: read it again 请重新读取后再改"
        raise Stale("changed-meanwhile", detail, version=known)

"""Records taken through their steps: by whom, from which state, and what a step decides.

Promises: a step out of turn, by somebody it is not for, or without what it needs changes nothing; what it
decides is part of the transaction. Leaves to `effects` what a decision does to the rest of the registry, and
to `upkeep` the steps that time takes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from kit.auth import Grant
from kit.problems import Conflict, Forbidden, NotFound
from policy import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from ingest.flows import duties, effects
from ingest.flows.change import Change, Scope
from ingest.flows.records import Given, addressee
from ingest.flows.registry import refuse
from ingest.rules.kinds import Kind, Step, check
from ingest.rules.network import is_authority
from ingest.rules.times import CHINA
from ingest.tables import RegistryRecord, SiteRow


async def take_step(
    change: Change, grant: Grant, given: Given, step_name: str, said: Mapping[str, Any]
) -> RegistryRecord:
    """Take a record one step on; what the step decides takes effect in the same transaction."""
    kind, session = given.kind, change.session
    step = kind.steps.get(step_name)
    row = await session.get(RegistryRecord, (kind.name, given.code), with_for_update=True)
    # A step that time takes is nobody's.
    if step is None or step.late or row is None:
        raise NotFound(
            "unknown-record", f"No {kind.name}/{given.code}, or no step {step_name} 无此记录或步骤"
        )
    _require_reach(grant, row)
    if row.state not in step.came:
        detail = f"{given.code} is {row.state}; {step_name} wants {', '.join(step.came)} 当前状态不可执行"
        raise Conflict("step-out-of-turn", detail, state=row.state)
    await duties.require_another(change, kind, given.code, step_name, grant.principal)
    if step.side:
        _require_side(step, row, grant.principal)
    if step.authority:
        await _require_authority(session, row, grant.principal)
    done = check(_only(kind, step.needs), said)
    refuse(done.flaws)
    row = await move(change, row, step, done.values)
    await effects.after_step(change, row, step_name)
    return row


async def move(change: Change, row: RegistryRecord, step: Step, said: Mapping[str, Any]) -> RegistryRecord:
    """The record in the state the step leads to, with what was said and when it was taken."""
    stamped = {step.stamps: change.now.astimezone(CHINA).isoformat()} if step.stamps else {}
    cells: dict[str, Any] = {"body": {**row.body, **said, **stamped}, "state": step.to}
    if step.begins and row.valid_from is None:
        cells["valid_from"] = change.now.astimezone(CHINA).date()
    row, _ = await change.save(RegistryRecord, (row.kind, row.code), cells, _scope(row), row.kind)
    await change.session.flush()
    return row


def _scope(row: RegistryRecord) -> Scope:
    return Scope(row.region, row.dept, row.uscc, row.counterpart, tuple(row.recipients), row.is_published)


def _require_reach(grant: Grant, row: RegistryRecord) -> None:
    me = addressee(grant.principal)
    addressed = me if me in row.recipients else None
    grant.require(region=row.region, owner_dept=row.dept, owner_uscc=row.uscc, addressed_to=addressed)


def _require_side(step: Step, row: RegistryRecord, who: Principal) -> None:
    """Whether the step is for this department: the record names it in that field."""
    if addressee(who) not in row.body.get(step.side, []):
        detail = f"{step.en} is for {step.side} of {row.code} {step.zh}由该任务的相应单位办理"
        raise Forbidden("not-for-this-department", detail)


def _only(kind: Kind, fields: list[str]) -> Kind:
    needed = {name: msgspec.structs.replace(kind.fields[name], required=True) for name in fields}
    return msgspec.structs.replace(kind, fields=needed, order=[])


async def _require_authority(session: AsyncSession, row: RegistryRecord, who: Principal) -> None:
    site = await session.get(SiteRow, row.site)
    assert site is not None
    level = site.authority or site.level or "city"
    if not is_authority(who.region, site.region, level):
        detail = f"{site.code} is a {level} point; {who.region} is not its authority 不属于该站点的主管机关"
        raise Forbidden("not-the-authority", detail)

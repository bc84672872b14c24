"""Separation of duties on records of the registry: who entered does not decide, who analysed does not review.

Promises: which acts exclude each other is the policy's (`separation`; a record there is a kind here); the
refusal names the earlier act, its person and time, and the clause. Leaves the acts to `records` and
`proceedings`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import policy
from kit.problems import Fault, Forbidden
from policy import Done, Principal
from sqlalchemy import select

from ingest.flows.change import Change, Scope
from ingest.rules.kinds import Kind, Step
from ingest.rules.times import CHINA
from ingest.tables import RegistryChange, RegistryRecord

ENTER = "enter"


async def require_another(change: Change, kind: Kind, code: str, step: str, who: Principal) -> None:
    """Raises Forbidden where this person may not take the step, having entered or changed the record."""
    query = select(RegistryChange).where(RegistryChange.kind == kind.name, RegistryChange.code == code)
    history = [_done(kind, one) for one in await change.session.scalars(query.order_by(RegistryChange.id))]
    _require(change, kind, step, {who.subject}, history)


def _done(kind: Kind, made: RegistryChange) -> Done:
    text, _, subject = made.changed_by.rpartition(" ")
    before, after = (made.before or {}).get("state"), made.after["state"]
    steps = [name for name, step in kind.steps.items() if _leads(step, before, after)]
    return Done(steps[0] if steps else ENTER, frozenset({subject}), text, made.changed_at)


def _leads(step: Step, before: str | None, after: str) -> bool:
    return before != after and before in step.came and step.to == after


async def require_persons_apart(
    change: Change, kind: Kind, code: str, values: Mapping[str, Any], scope: Scope
) -> None:
    """Raises Forbidden where persons of a record may not do its act, for what they did to the same sample.

    Persons are known by the name, or number, under which the laboratory writes them.
    """
    duties = kind.duties
    if duties is None:
        return
    record = RegistryRecord
    others = select(record).where(
        record.kind == kind.name,
        record.body[duties.of].astext == values[duties.of],
        record.code != code,
        record.dept.is_not_distinct_from(scope.dept),
        record.uscc.is_not_distinct_from(scope.uscc),
    )
    history = list(_taken(kind, [row.body for row in await change.session.scalars(others)]))
    _require(change, kind, values[duties.act], set(values[duties.persons]), history)


def _taken(kind: Kind, bodies: Iterable[Mapping[str, Any]]) -> Iterator[Done]:
    assert kind.duties is not None
    for body in bodies:
        at = datetime.fromisoformat(body[kind.duties.at])
        for person in body[kind.duties.persons]:
            yield Done(body[kind.duties.act], frozenset({person}), person, at)


def _require(change: Change, kind: Kind, act: str, marks: set[str], history: Iterable[Done]) -> None:
    on = change.now.astimezone(CHINA).date()
    found = policy.load().separation.collisions(kind.name, act, marks, history, on)
    if found:
        mend = "由其他人员办理；同名者以工号区分 · another person must do it; tell namesakes apart by number"
        faults = [Fault(where=act, rule=one.line.source, what=one.told, mend=mend) for one in found]
        raise Forbidden("separation-of-duties", found[0].told, errors=faults)

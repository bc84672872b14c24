"""Separation of duties on a release: who drafted does not approve, and two persons stand behind each.

Promises: which acts exclude each other is the policy's (`separation`, record `release`); a person is known by
the subject of the token. Leaves what an act does to `releases`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import policy
from kit.problems import Fault, Forbidden
from policy import Done

from publish.rules.snapshot import LOCAL
from publish.tables import ReleaseStep

RULE = "publish/rule"
# What was automatically drafted has no drafter who could differ from its approver: its publisher must.
DRAFT, APPROVE, PUBLISH, PUBLISH_AUTOMATIC = "draft", "approve", "publish", "publish_automatic"
_ACTS = {"drafted": DRAFT, "refreshed": DRAFT, "approved": APPROVE, "published": PUBLISH}


class Actor(NamedTuple):
    """Who acts: as records tell it (`ee/publish.editor@131000`), and the person (subject of the token)."""

    who: str
    subject: str


BY_RULE = Actor(RULE, RULE)


def require_apart(steps: Sequence[ReleaseStep], act: str, actor: Actor, now: datetime) -> None:
    """Whether this person may do the act after these steps. Raises Forbidden `separation-of-duties`.

    An approval of figures that changed since counts no more.
    """
    history: list[Done] = []
    for step in steps:
        done = _ACTS.get(step.step, step.step)
        if done == DRAFT:
            history = [one for one in history if one.act != APPROVE]
        history.append(Done(done, frozenset({step.subject or step.actor}), step.actor, step.taken_at))
    on = now.astimezone(LOCAL).date()
    found = policy.load().separation.collisions("release", act, set(actor), history, on)
    if found:
        mend = "由其他人员办理 · another person must do this"
        faults = [Fault(where="actor", rule=one.line.source, what=one.told, mend=mend) for one in found]
        raise Forbidden("separation-of-duties", found[0].told, errors=faults)

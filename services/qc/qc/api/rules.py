"""The rule pack over HTTP: who is judged may read the rules.

Promises: exactly what judges, under the version that verdicts name, and which file it came in, signed by
whom. Leaves the content to `qc/packs`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from kit.auth import Grant, allow

from qc.flows.setting import pack, stated

router = APIRouter(tags=["rules"])


@router.get("/rule-pack")
async def rule_pack(grant: Annotated[Grant, Depends(allow("rule-pack", "read"))]) -> dict[str, Any]:
    """Every rule with its figures, clause and validity, how findings become a suspicion, and in `pack` the
    file they came in: version, sha256, signers, validity.
    """
    rules = pack()
    content: dict[str, Any] = msgspec.to_builtins(rules)
    return {"version": rules.version, "pack": stated(datetime.now(UTC))} | content

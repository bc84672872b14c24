"""The rule pack over HTTP: who is judged may read the rules.

Promises: exactly what judges, under the version that verdicts name. Leaves its content to `qc/packs`.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from kit.auth import Grant, allow

from qc.flows.setting import PACK

router = APIRouter(tags=["rules"])


@router.get("/rule-pack")
async def rule_pack(grant: Annotated[Grant, Depends(allow("rule-pack", "read"))]) -> dict[str, Any]:
    """Every rule with its figures, clause and validity, and how findings become a suspicion."""
    content: dict[str, Any] = msgspec.to_builtins(PACK)
    return {"version": PACK.version} | content

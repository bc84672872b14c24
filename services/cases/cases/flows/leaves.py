"""A leaf of the evidence log for every decision: nobody can later say that another one was made.

Promises: what was decided is kept as it was said, with the nonce of its leaf, in the transaction of the
decision. Leaves the format to `tlog.receipts`, the log to `evidence`.
"""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from contracts.cases import CaseAnnulled, LeafRequested, PenaltyDecided
from kit.outbox import put
from sqlalchemy.ext.asyncio import AsyncSession
from tlog.receipts import NONCE_SIZE, entry_of, record_of

from cases.flows.acts import to_ms
from cases.tables import SealedDecision


async def seal(
    session: AsyncSession, case_id: UUID, said: PenaltyDecided | CaseAnnulled, now: datetime
) -> None:
    """Keeps what was said as canonical JSON and asks for its leaf."""
    kind: Literal["penalty", "annulment"] = "penalty" if isinstance(said, PenaltyDecided) else "annulment"
    content = json.dumps(msgspec.to_builtins(said), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    nonce, sha256 = secrets.token_bytes(NONCE_SIZE), hashlib.sha256(content.encode()).digest()
    entry = entry_of(nonce, record_of(case_id, sha256, now).bytes)
    session.add(
        SealedDecision(
            case_id=case_id,
            kind=kind,
            content=content,
            sha256=sha256,
            nonce=nonce,
            entry=entry,
            sealed_at=now,
        )
    )
    leaf = LeafRequested(
        subject=kind, submissions=[str(case_id)], leaves=[entry.hex()], received_at_ms=[to_ms(now)]
    )
    await put(session, leaf, key=str(case_id))

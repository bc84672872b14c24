"""Asking the witnesses to cosign, and what is said when they do not.

Promises: a witness that is away delays nobody for longer than its time-out, and then is left alone for a
while; a refusal that shows another history is said once, as `evidence.witness_refused.v1`. Leaves what an
answer means to `rules.refusals`, publishing to `integrating`.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Literal

import httpx
import structlog
from contracts.evidence import QuorumLost, QuorumRegained, WitnessRefused
from kit.db import Database
from kit.outbox import put
from kit.tls import roots
from prometheus_client import Counter, Gauge
from standards.calendar import legal_date
from tlog import cosignature, witness
from tlog.note import BadNote, Checkpoint, Key
from uuid_utils.compat import uuid7

from evidence.flows.identity import Identity
from evidence.queries import witnesses as queries
from evidence.rules import quorum, refusals
from evidence.rules.growth import BrokenTile

log = structlog.get_logger()
Prove = Callable[[int, int], list[bytes]]
MOST_TRIES = 3
# A cosignature is a line of some 150 bytes, a refusal a number.
MOST_ANSWER_BYTES = 16 << 10
_PLAIN = {"Accept-Encoding": "identity"}
REFUSED = Counter("log_witness_refused_total", "Checkpoints refused for another history", ["witness", "kind"])
COSIGNED = Gauge("log_cosigned", "Witnesses that cosigned the newest checkpoint")


@dataclass(frozen=True)
class Refused:
    """A refusal that shows another history."""

    witness: str
    kind: Literal["fork", "rollback"]
    known: int | None


@dataclass
class _Known:
    url: str
    key: Key
    size: int = 0
    not_before: float = float("-inf")


@dataclass
class Witnesses:
    """The configured witnesses, by name; `needed` of them make the quorum. `pause` in seconds."""

    keys: Mapping[str, Key]
    urls: Mapping[str, str]
    needed: int
    seconds: float = 1.0
    pause: float = 10.0
    client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(trust_env=False, verify=roots())
    )

    def __post_init__(self) -> None:
        self._known = {name: _Known(self.urls[name].rstrip("/"), key) for name, key in self.keys.items()}

    def missing(self, signed: str) -> list[str]:
        """Who has not cosigned this note and may be asked now."""
        done = self.cosigners(signed)
        now = monotonic()
        return [name for name, known in self._known.items() if name not in done and known.not_before <= now]

    def cosigners(self, signed: str) -> list[str]:
        """Who has cosigned."""
        return list(cosignature.cosigned_at(signed, self.keys.values()))

    def has_quorum(self, signed: str) -> bool:
        """Whether enough have."""
        return len(self.cosigners(signed)) >= self.needed

    async def cosign(self, signed: str, checkpoint: Checkpoint, prove: Prove) -> tuple[str, list[Refused]]:
        """The note with the cosignatures that came, and the refusals that show another history."""
        asked = self.missing(signed)
        answers = await asyncio.gather(*(self._ask(name, signed, checkpoint, prove) for name in asked))
        refused = []
        for name, answer in zip(asked, answers, strict=True):
            before = signed
            if isinstance(answer, Refused):
                refused.append(answer)
            if isinstance(answer, str):
                signed = self._attached(name, signed, answer)
            if signed == before:
                self._known[name].not_before = monotonic() + self.pause
        COSIGNED.set(len(self.cosigners(signed)))
        return signed, refused

    def _attached(self, name: str, signed: str, lines: str) -> str:
        try:
            return cosignature.attach(signed, lines, [self.keys[name]])
        except BadNote as wrong:
            log.error("log.cosignature_wrong", witness=name, error=str(wrong))
            return signed

    async def _ask(
        self, name: str, signed: str, checkpoint: Checkpoint, prove: Prove
    ) -> str | Refused | None:
        known = self._known[name]
        try:
            async with asyncio.timeout(self.seconds):
                return await self._converse(name, known, signed, checkpoint, prove)
        except (httpx.HTTPError, TimeoutError, UnicodeDecodeError, BrokenTile) as error:
            log.warning("log.witness_not_asked", witness=name, error=repr(error))
            return None

    async def _converse(
        self, name: str, known: _Known, signed: str, checkpoint: Checkpoint, prove: Prove
    ) -> str | Refused | None:
        for _ in range(MOST_TRIES):
            old = min(known.size, checkpoint.size)
            proof = await asyncio.to_thread(prove, old, checkpoint.size)
            body = witness.format_request(witness.Request(old, tuple(proof), signed))
            status, text = await self._post(f"{known.url}/add-checkpoint", body)
            meant = refusals.judge(status, text, old, checkpoint.size)
            if meant.kind == "cosigned":
                known.size = checkpoint.size
                return text
            if meant.kind in ("fork", "rollback"):
                return Refused(name, meant.kind, meant.known)
            if meant.kind == "useless":
                break
            known.size = meant.known or 0
        log.warning("log.witness_useless", witness=name, status=status, answer=text[:200])
        return None

    async def _post(self, url: str, body: bytes) -> tuple[int, str]:
        """(status, text) of an answer that is not longer than any witness needs; nothing is unpacked."""
        held = bytearray()
        async with self.client.stream("POST", url, content=body, headers=_PLAIN) as answer:
            async for some in answer.aiter_raw():
                held += some
                if len(held) > MOST_ANSWER_BYTES:
                    raise httpx.TransportError(f"the answer has more than {MOST_ANSWER_BYTES} bytes")
        return answer.status_code, held.decode()

    async def close(self) -> None:
        await self.client.aclose()


async def say_refused(
    database: Database, identity: Identity, checkpoint: Checkpoint, refused: list[Refused], now: datetime
) -> None:
    """Say each refusal once."""
    for one in refused:
        zh, en = refusals.message(one.kind, one.witness, checkpoint.size, one.known)
        log.error("log.witness_refused", witness=one.witness, kind=one.kind, size=checkpoint.size)
        async with database.writer() as session:
            key = (one.witness, one.kind, checkpoint.size, checkpoint.root)
            if not await queries.refuse(session, key, one.known, now):
                continue
            event = WitnessRefused(
                refusal_id=str(uuid7()),
                log=identity.origin,
                region=identity.region,
                witness=one.witness,
                kind=one.kind,
                size=checkpoint.size,
                root=base64.b64encode(checkpoint.root).decode(),
                witness_size=one.known,
                message_zh=zh,
                message_en=en,
                source_clause=refusals.SOURCE,
                refused_at_ms=_ms(now),
            )
            await put(session, event, key=identity.origin)
        REFUSED.labels(one.witness, one.kind).inc()


async def settle_quorum(
    database: Database, identity: Identity, size: int, needed: int, now: datetime, *, is_reached: bool
) -> None:
    """Keep since when the quorum is missing; say when that is too long, and when it is back."""
    limit = quorum.limit_on(legal_date(now))
    async with database.writer() as session:
        known = await queries.standing(session)
        after, said = quorum.settle(known, now, limit, is_reached=is_reached)
        if after != known:
            await queries.mark(session, after)
        if said == "lost":
            assert after.since
            lost = QuorumLost(
                log=identity.origin,
                region=identity.region,
                needed=needed,
                since_ms=_ms(after.since),
                source_clause=limit.source,
                lost_at_ms=_ms(now),
            )
            await put(session, lost, key=identity.origin)
        elif said == "regained":
            back = QuorumRegained(
                log=identity.origin,
                region=identity.region,
                needed=needed,
                size=size,
                regained_at_ms=_ms(now),
            )
            await put(session, back, key=identity.origin)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)

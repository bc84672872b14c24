"""The receipt of a seal: the proof, verifiable offline, that the audit stood so when it was sealed.

Promises: the receipt is whole and verifies with `tlog` alone, or it is said when to ask again. Leaves the
proof to `evidence`.
"""

from typing import Any, ClassVar

import httpx
from kit.auth import ServiceTokens
from kit.problems import Problem, Unavailable
from kit.tls import roots
from tlog import note
from tlog.receipts import Receipt

from gateway.flows.sealing import record
from gateway.tables import Seal


class NotYet(Problem):
    """Not a refusal: the leaf is on its way. `Retry-After` says when to ask again."""

    status: ClassVar[int] = 202
    title: ClassVar[str] = "Not in the log yet 尚未入日志"


class Receipts:
    """Asks the service `evidence` at this address, with this service's token."""

    def __init__(self, address: str | None, tokens: ServiceTokens) -> None:
        self._address, self._tokens = (address or "").rstrip("/"), tokens
        self._client = httpx.AsyncClient(timeout=10, trust_env=False, verify=roots())

    async def of(self, row: Seal) -> Receipt:
        """Raises NotYet, Unavailable."""
        found = await self._place(row.entry)
        proof = tuple(note.decode_hash(step) for step in found["proof"])
        return Receipt(found["log"], record(row), row.nonce, found["index"], found["checkpoint"], proof)

    async def _place(self, entry: bytes) -> dict[str, Any]:
        try:
            headers = await self._tokens.headers()
            answer = await self._client.get(f"{self._address}/leaves/{entry.hex()}", headers=headers)
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("evidence-away", "The evidence log does not answer 存证日志暂无响应") from error
        slug = str(found.get("type", "")).rpartition("/")[2]
        if slug in ("leaf-unknown", "leaf-not-integrated"):
            detail = "The leaf will be under a checkpoint within a second or so 稍后即入检查点"
            raise NotYet("receipt-not-yet", detail, headers={"Retry-After": "1"})
        if answer.status_code != httpx.codes.OK:
            raise Unavailable("evidence-away", f"The evidence log answered {answer.status_code} {slug}")
        return found

    async def close(self) -> None:
        await self._client.aclose()
        await self._tokens.close()

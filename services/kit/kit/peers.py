"""Reading another service's outbox over HTTP: its heads, and the messages a consumer missed.

Promises: what comes back is contiguous and in order, or it is an error. Leaves to `kit.lane` when to ask.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx
import msgspec
from nats.aio.msg import Msg
from policy import RegionGrant

from kit.outbox import Meta
from kit.revocation import Revocation
from kit.tls import roots

PAGE = 200


class Tokens(Protocol):
    """The Authorization header of this service: `kit.auth.ServiceTokens`."""

    async def headers(self) -> dict[str, str]: ...


class HistoryMissing(RuntimeError):
    """The producer can no longer give, or never gave, the messages after a cursor."""


@dataclass
class Incoming:
    """A message before it is decoded. `is_doubtful`: delivered or fetched before, its effect unknown."""

    meta: Meta
    data: bytes
    is_doubtful: bool
    source: Msg | None = None


class _Row(msgspec.Struct):
    id: int
    seq: int
    key: str
    traceparent: str
    trace_ids: list[str]
    occurred_at: datetime
    data: str


class Peers:
    """The producers by name, asked with this service's token."""

    def __init__(self, addresses: Mapping[str, str], tokens: Tokens | None) -> None:
        self._addresses, self._tokens = addresses, tokens
        self._client = httpx.AsyncClient(timeout=10, trust_env=False, verify=roots())

    async def _get(self, producer: str, path: str, **query: str | int) -> bytes:
        headers = await self._tokens.headers() if self._tokens else {}
        address = self._addresses[producer].rstrip("/")
        answer = await self._client.get(f"{address}{path}", params=query, headers=headers)
        return answer.raise_for_status().content

    async def heads(self, producer: str, event: str) -> dict[str, int]:
        """The last number of each lane."""
        return msgspec.json.decode(
            await self._get(producer, "/outbox/heads", event=event), type=dict[str, int]
        )

    async def after(self, producer: str, event: str, lane: str, seq: int) -> list[Incoming]:
        """At most 200 messages that follow `seq`, none missing between them. Raises HistoryMissing."""
        try:
            body = await self._get(producer, f"/outbox/{event}/{lane}", after=seq, limit=PAGE)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.GONE:
                raise HistoryMissing(
                    f"{event}/{lane}: {producer} no longer keeps what follows {seq}"
                ) from None
            raise
        rows = msgspec.json.decode(body, type=list[_Row])
        if [row.seq for row in rows] != list(range(seq + 1, seq + 1 + len(rows))):
            raise HistoryMissing(f"{event}/{lane}: the messages after {seq} are gone at {producer}")
        return [
            Incoming(
                Meta(
                    event,
                    lane,
                    row.seq,
                    f"{producer}-{row.id}",
                    row.key,
                    row.traceparent,
                    tuple(row.trace_ids),
                    row.occurred_at,
                ),
                base64.b64decode(row.data),
                is_doubtful=True,
            )
            for row in rows
        ]

    async def revocations(self) -> list[Revocation]:
        """Every token that is called back now, as the gateway has it."""
        return msgspec.json.decode(await self._get("gateway", "/revocations/current"), type=list[Revocation])

    async def region_grants(self) -> list[RegionGrant]:
        """Every cross-region grant that holds now or is to hold, as the gateway has it."""
        return msgspec.json.decode(await self._get("gateway", "/grants/current"), type=list[RegionGrant])

    async def close(self) -> None:
        await self._client.aclose()

"""What `qc` says about a case's data when it is asked: which hours may be evidence.

Promises: asked with this service's own token, after this service has judged what the caller may see; a `qc`
that is away is 503, never an answer with a hole. Leaves the judgement to `qc`.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from kit.auth import ServiceTokens
from kit.problems import NotFound, Unavailable
from kit.tls import roots


class Neighbours:
    """The services by name, at these addresses."""

    def __init__(self, addresses: Mapping[str, str], tokens: ServiceTokens) -> None:
        self._addresses, self._tokens = addresses, tokens
        self._client = httpx.AsyncClient(timeout=20, trust_env=False, verify=roots())

    async def eligibility(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """One page of `GET /eligibility` of qc. Raises NotFound for a site qc never saw, Unavailable."""
        away = "qc does not answer; ask again 暂时无法取得证据资格"
        try:
            address = self._addresses["qc"].rstrip("/")
            headers = await self._tokens.headers()
            answer = await self._client.get(f"{address}/eligibility", params=dict(asked), headers=headers)
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise Unavailable("qc-away", away) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound("site-unknown", f"qc knows no value of site {asked['site']} 点位无数据")
        if answer.status_code != httpx.codes.OK:
            raise Unavailable("qc-away", f"{away} ({answer.status_code})")
        return told

    async def close(self) -> None:
        await self._client.aclose()
        await self._tokens.close()

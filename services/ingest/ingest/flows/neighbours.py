"""What others add to an evidence bundle: codes and eligibility from `qc`, whom to trust from `evidence`.

Promises: asked with this service's own token, after this service has judged what the caller may see; a
service that is away is 503, never a bundle with a hole. Leaves receipts to `flows.receipts`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
from kit.auth import ServiceTokens
from kit.problems import Unavailable
from kit.tls import roots
from tlog import note
from tlog.note import BadNote
from tlog.trust import trusted

PAGE = 1000


class Neighbours:
    """The services by name, at these addresses."""

    def __init__(self, addresses: Mapping[str, str], tokens: ServiceTokens) -> None:
        self._addresses, self._tokens = addresses, tokens
        self._client = httpx.AsyncClient(timeout=20, trust_env=False, verify=roots())

    async def trust(self) -> str:
        """The text of the trust file: the log's key, its witnesses', their quorum."""
        told = await self._ask("evidence", "/log/keys")
        try:
            witnesses = [note.parse_key(one["key"]) for one in told["witnesses"]]
            return trusted([note.parse_key(told["log"]["key"])], witnesses, told["quorum"]).text
        except (BadNote, KeyError, TypeError) as error:
            raise Unavailable(
                "evidence-away", "The log does not say whom to trust 存证日志未公布公钥"
            ) from error

    async def codes(self, series: int, start: datetime, stop: datetime) -> list[dict[str, Any]]:
        """The current verdicts of a series in [start, stop), oldest first; none for a series qc never saw."""
        span = {"series": str(series), "from": start.isoformat(), "to": stop.isoformat(), "limit": str(PAGE)}
        return await self._all("/verdicts", span)

    async def eligibility(self, site: str, start: datetime, stop: datetime) -> list[dict[str, Any]]:
        """Which hours of a site in [start, stop) may be evidence; none for a site qc never saw."""
        span = {"site": site, "from": start.isoformat(), "to": stop.isoformat(), "limit": str(PAGE)}
        return await self._all("/eligibility", span)

    async def _all(self, path: str, span: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            told = await self._ask("qc", path, {**span, **({"cursor": cursor} if cursor else {})})
            found += told.get("items", [])
            cursor = told.get("next")
            if cursor is None:
                return found

    async def _ask(self, service: str, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        away = f"{service} does not answer, and the bundle would have a hole; ask again 暂时无法汇集全部证据"
        try:
            address = self._addresses[service].rstrip("/")
            headers = await self._tokens.headers()
            answer = await self._client.get(f"{address}{path}", params=params, headers=headers)
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise Unavailable(f"{service}-away", away) from error
        if str(told.get("type", "")).endswith(("/series-unknown", "/site-unknown")):
            return {}
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"{service}-away", f"{away} ({answer.status_code})")
        return told

    async def close(self) -> None:
        await self._client.aclose()
        await self._tokens.close()

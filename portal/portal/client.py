"""The public HTTP API as the portal reads it: through the edge, without a token, like any other reader.

Promises: an answer the API still holds for current (ETag) is not transferred twice; an API that is away,
slow or answers nonsense raises `Away`, what it does not know raises `Unknown`, what it refuses raises
`Refused`; nothing else gets through. Leaves to the pages what to show then.
"""

from collections import OrderedDict
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]
MOST_KEPT = 500


class Away(Exception):
    """The API cannot be reached or cannot answer now."""


class Unknown(Exception):
    """The API does not know the thing asked for."""


class Refused(Exception):
    """The API does not accept the question; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class PublicApi:
    """Reads of `/api/publish/public/…`, `/api/credit/…`, `/api/gateway/usage`.

    All methods raise Away, Unknown or Refused.
    """

    def __init__(self, base: str, timeout_seconds: float = 4.0) -> None:
        self._client = httpx.AsyncClient(base_url=base, timeout=timeout_seconds)
        self._kept: OrderedDict[str, tuple[str, Json]] = OrderedDict()

    async def latest(self, lang: str) -> Json:
        """Newest released figure per region."""
        return await self._get("/api/publish/public/latest", lang=lang)

    async def stations(self, lang: str, cursor: str | None = None, code: str | None = None) -> Json:
        """A page of stations with their newest hour, or one of them."""
        return await self._get("/api/publish/public/stations", lang=lang, limit=100, cursor=cursor, code=code)

    async def curve(self, lang: str, code: str, factor: str, hours: int) -> Json:
        """The last `hours` hourly means of one factor."""
        path = f"/api/publish/public/stations/{quote(code, safe='')}/curve"
        return await self._get(path, lang=lang, factor=factor, hours=hours)

    async def releases(self, lang: str, cursor: str | None = None, limit: int = 24) -> Json:
        """A page of releases, newest hour first."""
        return await self._get("/api/publish/public/releases", lang=lang, limit=limit, cursor=cursor)

    async def release(self, lang: str, number: str, version: int | None = None) -> Json:
        """One release with versions, steps and the snapshot of one version."""
        path = f"/api/publish/public/releases/{quote(number, safe='')}"
        return await self._get(path, lang=lang, version=version)

    async def listings(self, cursor: str | None = None, limit: int = 50) -> Json:
        """A page of listed subjects."""
        return await self._get("/api/credit/listings", limit=limit, cursor=cursor)

    async def procurement_check(self, uscc: str) -> Json:
        """Whether a subject is barred from public procurement."""
        return await self._get("/api/credit/procurement-check", uscc=uscc)

    async def usage(self, cursor: str | None = None, limit: int = 100) -> Json:
        """A page of the published log of usage, newest day first."""
        return await self._get("/api/gateway/usage", limit=limit, cursor=cursor)

    async def is_reachable(self) -> bool:
        """Whether the API answers at all."""
        try:
            await self.latest("zh")
        except (Away, Refused, Unknown):
            return False
        return True

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, path: str, **params: str | int | None) -> Json:
        given = {name: value for name, value in params.items() if value is not None}
        key = f"{path}?{sorted(given.items())}"
        known = self._kept.get(key)
        headers = {"If-None-Match": known[0]} if known else {}
        try:
            answer = await self._client.get(path, params=given, headers=headers)
        except httpx.HTTPError as error:
            raise Away(path) from error
        if answer.status_code == 304 and known:
            self._kept.move_to_end(key)
            return known[1]
        return self._read(key, answer)

    def _read(self, key: str, answer: httpx.Response) -> Json:
        if answer.status_code == 404:
            raise Unknown(key)
        if answer.status_code in {400, 422}:
            raise Refused(_detail(answer))
        try:
            body = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Away(key) from error
        if not isinstance(body, dict):
            raise Away(key)
        if etag := answer.headers.get("etag"):
            self._kept[key] = (etag, body)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return body


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", ""))
    except (ValueError, AttributeError):
        return ""

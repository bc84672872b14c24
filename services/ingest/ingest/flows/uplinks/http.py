"""A link over HTTP: parcels as POST /observations, and the question what is held.

Promises: a parcel is named by an Idempotency-Key that stays the same at every attempt; the path and the mode
of its values go in headers; a token is asked for once, and again when it is refused. Leaves retrying to
`sending`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from string import punctuation
from typing import Any
from urllib.parse import quote

import httpx

from ingest.flows.uplinks.asking import MOST_ANSWER_BYTES, MOST_TOKEN_BYTES, exchange, object_in
from ingest.flows.uplinks.delivery import CannotAsk, by_key
from ingest.flows.uplinks.links import Ready
from ingest.flows.uplinks.reaching import CheckedTransport
from ingest.queries.uplinks import Parcel
from ingest.rules.times import CHINA
from ingest.rules.uplinks.answers import Answer, read_status
from ingest.rules.uplinks.comparing import Cell
from ingest.rules.uplinks.dated import Forwarding
from ingest.rules.uplinks.reach import Reach

AT_ONCE = 4
_KEEPS_TOKEN = 30
_MOST_PAGES = 1000


class NoToken(RuntimeError):
    """The issuer gave no token."""


class HttpDelivery:
    """Speaks the platform's own submission format (docs/guides/department-integration.md)."""

    def __init__(self, ready: Ready, own: str, limits: Forwarding, reach: Reach) -> None:
        self._link, self._secrets, self._own = ready.link, ready.secrets, own
        seconds = ready.link.answer_seconds or limits.answer_seconds
        # No proxy from the environment: where data go is registered, and nothing else decides it.
        self._client = httpx.AsyncClient(timeout=seconds, trust_env=False, transport=CheckedTransport(reach))
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._lock = asyncio.Lock()
        self._token, self._renew_at = "", 0.0

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Answer | None]:
        found: dict[int, Answer] = {}

        async def send_chain(chain: list[Parcel]) -> None:
            for parcel in chain:
                answer = found[parcel.id] = await self._send(parcel)
                if answer.outcome == "failed":
                    return

        await asyncio.gather(*(send_chain(chain) for chain in by_key(parcels)))
        return [found.get(parcel.id) for parcel in parcels]

    async def _send(self, parcel: Parcel) -> Answer:
        async with self._gate:
            try:
                headers = await self._login() | self._headers_of(parcel)
                url = f"{self._link.address.rstrip('/')}/observations"
                given = {"content": parcel.body, "headers": headers}
                answer = await exchange(self._client, MOST_ANSWER_BYTES, "POST", url, **given)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError, NoToken) as error:
                return Answer("failed", f"{type(error).__name__}: {error}"[:500])
        if answer.status_code == 401:
            self._renew_at = 0.0
        return read_status(answer.status_code, answer.content, answer.headers.get("retry-after"))

    def _headers_of(self, parcel: Parcel) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"{self._own}/{self._link.name}/{parcel.key}/{parcel.number}",
            "Uplink-Path": ", ".join(map(_ascii, [*parcel.path, self._own])),
        }
        return headers | ({"Uplink-Mode": parcel.mode} if parcel.mode != "live" else {})

    async def _login(self) -> dict[str, str]:
        if "bearer" in self._secrets:
            return {"Authorization": f"Bearer {self._secrets['bearer']}"}
        if self._link.token_url is None:
            return {}
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                await self._renew(self._link.token_url)
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self, url: str) -> None:
        secret = (self._link.client_id or "", self._secrets.get("client", ""))
        try:
            given: dict[str, Any] = {"data": {"grant_type": "client_credentials"}, "auth": secret}
            answer = await exchange(self._client, MOST_TOKEN_BYTES, "POST", url, **given)
            body = object_in(answer.raise_for_status().content)
            self._token, lifetime = str(body["access_token"]), float(body.get("expires_in", 60))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise NoToken(f"the issuer gave no token: {type(error).__name__}: {error}"[:300]) from error
        self._renew_at = time.monotonic() + max(1.0, lifetime - _KEEPS_TOKEN)

    async def held(self, sites: set[str], day: date) -> Mapping[Cell, int] | None:
        found: dict[Cell, int] = {}
        start = datetime(day.year, day.month, day.day, tzinfo=CHINA)
        span = {"from": start.isoformat(), "to": (start + timedelta(days=1)).isoformat()}
        for site in sorted(sites):
            cursor: str | None = None
            for _ in range(_MOST_PAGES):
                page = await self._ask({**span, "site": site, "limit": "1000"}, cursor)
                if page is None:
                    return None
                found |= _counts(page["items"])
                cursor = page["next"]
                if cursor is None:
                    break
        return found

    async def _ask(self, query: dict[str, str], cursor: str | None) -> dict[str, Any] | None:
        try:
            url, params = f"{self._link.address.rstrip('/')}/holdings", query
            given = {
                "params": params | ({"cursor": cursor} if cursor else {}),
                "headers": await self._login(),
            }
            answer = await exchange(self._client, MOST_ANSWER_BYTES, "GET", url, **given)
            if answer.status_code in (404, 405, 501):
                return None
            page = object_in(answer.raise_for_status().content)
            return {"items": list(page["items"]), "next": page.get("next")}
        except (httpx.HTTPError, httpx.InvalidURL, NoToken, ValueError, KeyError, TypeError) as error:
            raise CannotAsk(f"{type(error).__name__}: {error}"[:500]) from error

    async def close(self) -> None:
        await self._client.aclose()


def _ascii(name: str) -> str:
    """A name as a header can carry it: one in Chinese would stop the whole link."""
    return quote(name, safe=punctuation + " ")


def _counts(items: list[dict[str, Any]]) -> dict[Cell, int]:
    try:
        return {_cell(one): int(one["count"]) for one in items}
    except (KeyError, TypeError, ValueError) as error:
        raise CannotAsk(f"the answer is no list of holdings: {error!r}"[:500]) from error


def _cell(one: dict[str, Any]) -> Cell:
    names = ("site", "factor", "statistic", "basis", "period", "source", "hour")
    values = [str(one[name]) for name in names]
    return (values[0], values[1], values[2], values[3], values[4], values[5], values[6])

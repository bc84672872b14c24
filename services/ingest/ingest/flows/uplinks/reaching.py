"""Where a link goes, looked up and checked: when it is registered, and again whenever it connects.

Promises: a connection goes to an address that was checked, never to a name looked up once more; no address of
a name may be barred. Leaves what is barred to `rules.uplinks.reach`.
"""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx
from kit.problems import Invalid

from ingest.flows.uploads import shown_flaw
from ingest.rules.refusals import Flaw
from ingest.rules.uplinks.reach import Reach, barred

_LOOKUP_SECONDS = 5


class Barred(OSError):
    """The settings do not let a link go there."""


async def addresses_of(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    async with asyncio.timeout(_LOOKUP_SECONDS):
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError(f"{host} is no name") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def checked(reach: Reach, host: str, port: int, *, is_clear: bool = False) -> list[str]:
    """Where to connect. Raises OSError, Barred among them."""
    addresses = await addresses_of(host, port)
    wrong = barred(reach, host, addresses, "address", is_clear=is_clear)
    if wrong is not None:
        raise Barred(f"{wrong.rule}: {wrong.found} is not allowed by INGEST_UPLINK_ALLOWS")
    return addresses


async def check_link(reach: Reach, kind: str, address: str, token_url: str | None) -> None:
    """Where a link shall go and get its token. Raises Invalid naming field, rule, and how to mend."""
    asked = {"address": address} | ({"token_url": token_url} if token_url is not None else {})
    wrong = []
    for where, target in asked.items():
        is_url = kind == "http" or where == "token_url"
        if (flaw := await _wrong(reach, where, target, is_url=is_url)) is not None:
            wrong.append(flaw)
    if wrong:
        detail = "The link may not go there 上行链路不得指向该地址"
        errors = [shown_flaw(one) for one in wrong]
        raise Invalid(wrong[0].rule, detail, errors=errors)  # type: ignore[arg-type]


async def _wrong(reach: Reach, where: str, target: str, *, is_url: bool) -> Flaw | None:
    try:
        parts = urlsplit(target if is_url else f"//{target}")
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        host, port = "", 0
    if not host:
        return Flaw(where, "uplink-target", target[:80])
    try:
        addresses = await addresses_of(host, port)
    except OSError:
        addresses = []  # not known yet: looked up and checked at every connection
    return barred(reach, host, addresses, where, is_clear=is_url and parts.scheme != "https")


class CheckedTransport(httpx.AsyncBaseTransport):
    """Connects to checked addresses; the name stays in the Host header and in the certificate's check."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        # A connection is found by its address: two names of one address must not share it.
        self._inner: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        is_clear = url.scheme != "https"
        try:
            port = url.port or (80 if is_clear else 443)
            addresses = await checked(self._reach, url.host, port, is_clear=is_clear)
        except OSError as error:
            raise httpx.ConnectError(str(error) or "the name was not found in time") from error
        inner = self._inner.setdefault(url.host, httpx.AsyncHTTPTransport())
        named = request.extensions | {"sni_hostname": url.host}
        for last, address in enumerate(addresses, 1 - len(addresses)):
            told = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions=named,
            )
            try:
                return await inner.handle_async_request(told)
            except httpx.ConnectError:
                if last == 0:
                    raise
        raise httpx.ConnectError("the name has no address")

    async def aclose(self) -> None:
        for inner in self._inner.values():
            await inner.aclose()

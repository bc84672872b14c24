"""One HTTP exchange with the other side of a link, which may answer anything.

Promises: an exchange ends within its time however slowly the answer comes, and holds no more than `most`
bytes of it; nothing is unpacked, and no redirect is followed: where a link goes is registered. Leaves what an
answer means to the callers.
"""

import asyncio
from typing import Any

import httpx
import msgspec

# Connecting, sending, waiting: each may take as long as an answer may.
PHASES = 3
MOST_TOKEN_BYTES = 64 << 10
MOST_ANSWER_BYTES = 16 << 20


class Overlong(httpx.TransportError):
    """The answer is longer than any that could be meant."""


async def exchange(client: httpx.AsyncClient, most: int, *given: Any, **more: Any) -> httpx.Response:
    """The whole answer, at most `most` bytes. Raises httpx.HTTPError, of which Overlong is one.

    Worked example: `await exchange(client, MOST_TOKEN_BYTES, "POST", url, data=…)`.
    """
    headers = {"Accept-Encoding": "identity", **more.pop("headers", {})}
    seconds = PHASES * (client.timeout.read or 1)
    held = bytearray()
    try:
        async with asyncio.timeout(seconds), client.stream(*given, headers=headers, **more) as answer:
            async for some in answer.aiter_raw():
                held += some
                if len(held) > most:
                    raise Overlong(f"the answer has more than {most} bytes")
    except TimeoutError:
        raise httpx.ReadTimeout(f"no whole answer within {seconds:g} s") from None
    kept = {name: value for name, value in answer.headers.items() if name == "retry-after"}
    return httpx.Response(answer.status_code, headers=kept, content=bytes(held), request=answer.request)


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises ValueError, however deep it goes."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"the answer is no JSON: {error}"[:200]) from None
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found

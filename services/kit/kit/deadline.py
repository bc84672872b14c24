"""Ends a request whose body dribbles in: each one holds a task and a connection.

Promises: a body that is not complete after `seconds` is answered 408 and the connection is closed; once it is
complete nothing is cut short. Nobody is answered before: a refusal, too, waits for the rest and drops it, for
an edge answered early loses its own deadline for the sender. Leaves slow headers to the edge.
"""

import asyncio
import time
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import problems


class BodyDeadline:
    """Pure ASGI, so that streaming answers and disconnects pass untouched."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        until = time.monotonic() + self.seconds
        late: problems.TooSlow | None = None
        is_complete = is_answered = False

        async def in_time() -> Message:
            nonlocal is_complete, late
            try:
                # Not wait_for, which makes a task for every piece of a body.
                async with asyncio.timeout(None if is_complete else max(0.0, until - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                detail = f"The body was not complete after {self.seconds:g} s 请求体未在时限内到达"
                late = problems.TooSlow("body-too-slow", detail, headers={"Connection": "close"})
                raise late from None
            is_complete = is_complete or not message.get("more_body", False)
            return message

        async def behind_the_body(message: Message) -> None:
            nonlocal is_answered
            if not is_answered and {b"content-length", b"transfer-encoding"} & dict(scope["headers"]).keys():
                with suppress(problems.TooSlow):
                    while not (is_complete or late):
                        await in_time()
            if is_answered or not late:
                is_answered = True
                await send(message)

        await self.app(scope, in_time, behind_the_body)
        if late and not is_answered:
            await problems.response(late, scope["path"])(scope, receive, send)

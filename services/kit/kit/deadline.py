"""Ends a request whose body dribbles in: the edge does not, and each one holds a task and a connection.

Promises: a body that is not complete after `seconds` is answered 408 and the connection is closed; once it is
complete nothing is cut short. Leaves slow headers to the edge.
"""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import problems


class BodyDeadline:
    """Pure ASGI, so that streaming answers and disconnects pass untouched."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        until = time.monotonic() + self.seconds
        is_complete = is_late = is_answered = False

        async def in_time() -> Message:
            nonlocal is_complete, is_late
            if is_complete:
                return await receive()
            try:
                # Not wait_for, which makes a task for every piece of a body.
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                is_late = True
                raise problems.TooSlow("body-too-slow", "The body did not arrive in time") from None
            is_complete = not message.get("more_body", False)
            return message

        async def unless_late(message: Message) -> None:
            nonlocal is_answered
            if not is_late or is_answered:
                is_answered = True
                await send(message)

        await self.app(scope, in_time, unless_late)
        if is_late and not is_answered:
            detail = f"The body was not complete after {self.seconds:g} s 请求体未在时限内到达"
            slow = problems.TooSlow("body-too-slow", detail, headers={"Connection": "close"})
            await problems.response(slow, scope["path"])(scope, receive, send)

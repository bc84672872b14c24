"""Whom a listener of asyncio accepts in the moment it is closed is hung up on.

Up to Python 3.12 such a connection meets an assertion (python/cpython#109564): nobody serves it, nobody
closes it, and its socket is found by the garbage collector while a stranger's test runs. Leaves uvloop as it
is, which services run on: there a connection is introduced in the same step in which it is accepted.
"""

import socket
from asyncio import AbstractEventLoop
from asyncio.selector_events import BaseSelectorEventLoop
from typing import Any

_introduce = BaseSelectorEventLoop._accept_connection2  # type: ignore[attr-defined]


async def _introduce_or_close(
    loop: AbstractEventLoop,
    made: Any,
    accepted: socket.socket,
    extra: Any,
    tls: Any = None,
    server: Any = None,
    *more: Any,
) -> None:
    if server is not None and server._sockets is None:
        accepted.close()
    else:
        await _introduce(loop, made, accepted, extra, tls, server, *more)


def hang_up() -> None:
    """For every loop of this process, from now on."""
    BaseSelectorEventLoop._accept_connection2 = _introduce_or_close  # type: ignore[attr-defined]

"""A service that stands still for a moment, just when a connection has been idle for long, loses no write.

The edge sends a request again only where sending twice cannot matter; a POST on a connection that the service
closes at that moment is lost, and its sender reads 503. So no service may be the one who closes first.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from stations import CLERK
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
# uvicorn's own limit for an idle connection, which every service would have that was given none.
USUAL_LIMIT_SECONDS = 5.0
BEHIND_THE_EDGE = ("gateway", "ingest", "publish", "issuer")
# Each is refused by its service: what counts is that the service was reached.
WRITES: list[tuple[str | None, str, dict[str, Any], int]] = [
    (CLERK, "/api/ingest/observations?validate=only", {"json": {}}, 200),
    ("ee/publish.editor@131000", "/api/publish/releases", {"json": {}}, 422),
    (None, "/realms/jianzhen/protocol/openid-connect/token", {"data": {"grant_type": "none"}}, 400),
]


@contextmanager
def standing_still(platform: WholePlatform, names: tuple[str, ...]) -> Iterator[None]:
    pids = [platform.pid(name) for name in names]
    for name, pid in zip(names, pids, strict=True):
        assert pid, f"{name} does not run"
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            assert pid
            os.kill(pid, signal.SIGCONT)


def write_everywhere(platform: WholePlatform, pool: ThreadPoolExecutor) -> Iterator[tuple[str, int]]:
    """Each path and what answered it, all asked at once."""

    def write(who: str | None, path: str, body: dict[str, Any]) -> int:
        with platform.client.client(who) as client:
            return client.post(path, **body).status_code

    asked = [(path, pool.submit(write, who, path, body)) for who, path, body, _ in WRITES]
    return ((path, answer.result(30)) for path, answer in asked)


def test_a_write_that_meets_a_stall_is_answered(platform: WholePlatform) -> None:
    expected = {path: status for _, path, _, status in WRITES}
    with ThreadPoolExecutor(len(WRITES)) as pool:
        assert dict(write_everywhere(platform, pool)) == expected
        time.sleep(USUAL_LIMIT_SECONDS - 0.15)
        with standing_still(platform, BEHIND_THE_EDGE):
            answers = write_everywhere(platform, pool)
            time.sleep(0.6)
        assert dict(answers) == expected

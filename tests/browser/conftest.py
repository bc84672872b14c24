"""`site` is the public site with a small city's data, up once per run; `browser` is Chromium."""

import asyncio
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.servers import NatsServer
from kit.testing.databases import Databases, in_thread
from kit.testing.plugin import declare, stream_configs
from kit.testing.tokens import Tokens
from playwright.sync_api import Browser, sync_playwright

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from site_scene import Site, free_port, live, portal_process  # noqa: E402

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def site(databases: Databases, nats_server: NatsServer, pytestconfig: pytest.Config) -> Iterator[Site]:
    # What other tests of this process said would be heard here, too, under the same codes of stations.
    # In a thread: where a browser is up already, this one has a loop.
    in_thread(declare(nats_server.url, stream_configs(pytestconfig.rootpath)))
    tokens, port = Tokens(), free_port()
    ready: dict[str, Any] = {"event": threading.Event(), "stop": threading.Event()}
    work = live(databases, nats_server, tokens, port, ready)
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    while thread.is_alive() and not ready["event"].wait(0.1):
        pass
    assert ready["event"].is_set(), "the services did not come up"
    api = f"http://127.0.0.1:{port}"
    with portal_process(api) as url:
        yield Site(url, api, ready["release"])
    ready["stop"].set()
    thread.join(30)
    tokens.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: `CHROMIUM`, else the system's."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        chromium = playwright.chromium.launch(
            executable_path=program, headless=True, args=FLAGS, env=os.environ | {"HOME": home}
        )
        yield chromium
        chromium.close()

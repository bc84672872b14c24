"""kill -9 between any two steps: the same root afterwards, nothing lost, nothing doubled."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, checkpoint_in, entry, root_of, root_of_files, running

pytestmark = pytest.mark.slow

STEPS = ("before-keeping", "after-keeping", "half-the-tiles", "after-the-tiles", "after-publishing")
SCRIPT = Path(__file__).with_name("dying_log.py")


async def killed_at(step: str, database: FreshDatabase, settings: Settings) -> None:
    told = {"writer_url": database.writer_url, "reader_url": database.reader_url, "store": settings.store}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), step, stdin=-1, stdout=-1, stderr=-1
    )
    _, errors = await process.communicate(json.dumps(told).encode())
    assert process.returncode == -signal.SIGKILL, errors.decode()


@pytest.mark.parametrize("step", STEPS)
async def test_a_killed_log_goes_on_with_the_same_tree(
    step: str, database: FreshDatabase, settings_of: Callable[..., Settings]
) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        await append(database, range(300))
        await log.step(NOW)
    before = checkpoint_in(settings.store)
    await append(database, range(300, 700))
    await killed_at(step, database, settings)
    between = checkpoint_in(settings.store)
    assert between.size >= before.size
    await append(database, range(700, 705))
    async with running(database, settings) as log:
        while await log.step(NOW):
            pass
        root, entries = root_of_files(settings.store)
    assert entries == [entry(number) for number in range(705)]
    assert root == root_of(range(705))
    if between.size > before.size:
        assert between.root == root_of(range(between.size))

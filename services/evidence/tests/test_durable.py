"""What a loss of power may take: nothing that a published checkpoint speaks of."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, root_of, root_of_files, running

Settle = Callable[..., Settings]


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and path.name != "checkpoint"}


async def test_tiles_and_their_folders_are_on_the_disk_before_the_checkpoint(
    database: FreshDatabase, settings_of: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, synced, real = settings_of(), list[str](), os.fsync

    def noting(handle: int) -> None:
        real(handle)
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()).partition("#")[0])

    monkeypatch.setattr(os, "fsync", noting)
    await append(database, range(600))
    async with running(database, settings) as log:
        await log.step(NOW)
    folder = Path(settings.store)
    before = set(synced[: synced.index(str(folder / "checkpoint"))])
    tiles = files_below(folder)
    assert len(tiles) == 7
    for path in tiles:
        places = {path, *path.parents} - set(folder.parents)
        assert {str(place) for place in places} <= before, path
    assert synced[-1] == str(folder), "the checkpoint's own place is kept last"


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"])
@pytest.mark.parametrize("size", [512, 600])
async def test_full_tiles_that_a_crash_emptied_are_made_again_at_the_start(
    name: str, size: int, database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    await append(database, range(size))
    async with running(database, settings) as log:
        await log.step(NOW)
    whole = (Path(settings.store) / name).read_bytes()
    (Path(settings.store) / name).write_bytes(b"")
    async with running(database, settings):
        root, entries = root_of_files(settings.store)
    assert (Path(settings.store) / name).read_bytes() == whole
    assert (len(entries), root) == (size, root_of(range(size)))

"""The log made again from its entries, and compared with what ingest keeps."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evidence.flows.rebuilding import compare_submissions, rebuild
from evidence.settings import Settings
from kit.testing.databases import FreshDatabase
from log_scene import NOW, append, entry, root_of, running

Settle = Callable[..., Settings]
EQUAL: dict[str, list[str]] = {"missing": [], "strangers": []}


async def test_rebuilding_gives_the_signed_root_and_names_what_was_changed(
    database: FreshDatabase, settings_of: Settle
) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        for part in (range(10), range(10, 700)):
            await append(database, part)
            await log.step(NOW)
        made = await rebuild(database, log.objects, log.identity)
        assert (made.size, made.root, made.is_signed, made.damaged) == (700, root_of(range(700)), True, [])
        for name in ("tile/0/001", "tile/entries/000", "tile/1/000.p/2"):
            damage(Path(settings.store) / name)
        made = await rebuild(database, log.objects, log.identity)
        assert sorted(made.damaged) == ["tile/0/001", "tile/1/000.p/2", "tile/entries/000"]
        await rebuild(database, log.objects, log.identity, mends=True)
        assert (await rebuild(database, log.objects, log.identity)).damaged == []


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[17] ^= 1
    path.write_bytes(data)


async def test_a_changed_entry_no_longer_gives_the_signed_root(
    database: FreshDatabase, settings_of: Settle
) -> None:
    import asyncpg

    settings = settings_of()
    async with running(database, settings) as log:
        await append(database, range(300))
        await log.step(NOW)
        connection = await asyncpg.connect(database.superuser_url)
        await connection.execute("UPDATE entries SET entry = $1 WHERE position = 3", entry(9999))
        await connection.close()
        made = await rebuild(database, log.objects, log.identity)
        assert not made.is_signed and "tile/entries/000" in made.damaged


@pytest.mark.slow
async def test_the_administrator_has_a_command(database: FreshDatabase, settings_of: Settle) -> None:
    settings = settings_of()
    async with running(database, settings) as log:
        await append(database, range(300))
        await log.step(NOW)

    async def run(*args: str) -> tuple[int | None, dict[str, Any]]:
        told = settings.model_dump(mode="json", include=set(Settings.model_fields))
        told |= {"writer_url": database.writer_url, "reader_url": database.reader_url}
        told |= {"key": settings.key.get_secret_value(), "client_secret": "x", "nats_seed": "x"}
        text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
        env = {f"EVIDENCE_{name.upper()}": value for name, value in text.items() if value != "null"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "evidence.main", "--rebuild", *args, env={**os.environ, **env}, stdout=-1
        )
        output, _ = await process.communicate()
        return process.returncode, json.loads(output)

    assert await run() == (
        0,
        {"size": 300, "root": root_of(range(300)).hex(), "signed": True, "damaged": [], **EQUAL},
    )
    damage(Path(settings.store) / "tile/0/000")
    assert (await run())[0] == 1
    assert (await run("--mend"))[1]["damaged"] == ["tile/0/000"]
    assert (await run())[0] == 0


@pytest.mark.parametrize("limit", [3, 1500])
async def test_ingests_submissions_are_compared_with_the_entries(database: FreshDatabase, limit: int) -> None:
    await append(database, range(limit))
    refs = [f"00000000-0000-7000-8000-{number:012d}" for number in range(limit + 1)]
    expected: dict[str, str | None] = {ref: entry(number).hex() for number, ref in enumerate(refs)}
    assert await compare_submissions(database, expected) == ([refs[limit]], [])
    expected[refs[1]] = entry(77_777).hex()
    del expected[refs[0]]
    assert await compare_submissions(database, expected) == ([refs[1], refs[limit]], [refs[0]])

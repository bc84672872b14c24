"""A log for tests: distinct entries, the log driven step by step, its files as anybody reads them."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from contracts.ingest import LeafRequested
from evidence.flows.identity import Identity
from evidence.flows.integrating import Log, Turn
from evidence.flows.objects import Objects
from evidence.flows.sequencing import sequence
from evidence.flows.witnessing import Witnesses
from evidence.settings import Settings
from kit.db import Database
from kit.testing.databases import FreshDatabase
from tlog import merkle, note, tiles
from tlog.note import Checkpoint

SEED = base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def entry(number: int) -> bytes:
    return hashlib.sha256(b"entry %d" % number).digest()


def requested(numbers: Iterable[int]) -> LeafRequested:
    """What ingest says about submissions with these numbers."""
    leaves = [entry(number).hex() for number in numbers]
    refs = [f"00000000-0000-7000-8000-{number:012d}" for number in numbers]
    at = [1_795_680_000_000] * len(leaves)
    return LeafRequested(subject="submission", submissions=refs, leaves=leaves, received_at_ms=at)


def root_of(numbers: Iterable[int]) -> bytes:
    """The root computed by the reference tree, in memory."""
    tree = merkle.Tree(merkle.leaf_hash(entry(number)) for number in numbers)
    return merkle.root(tree.size, tree.read)


async def append(database: Database, numbers: Iterable[int]) -> None:
    async with database.writer() as session:
        await sequence(session, [requested(numbers)])


@asynccontextmanager
async def running(database: FreshDatabase, settings: Settings) -> AsyncIterator[Log]:
    """The log of these settings, opened; driven by the test."""
    urls = {key: one.url for key, one in zip(settings.witness_keys, settings.witnesses, strict=True)}
    pause = settings.witness_pause_seconds
    witnesses = Witnesses(settings.witness_keys, urls, settings.needed, settings.witness_seconds, pause)
    identity = Identity.of(settings.origin, settings.region, settings.seed)
    log = Log(database, Objects(settings.store), identity, witnesses, Turn(database.writer_url))
    try:
        await log.open(NOW)
        yield log
    finally:
        await log.close()


def checkpoint_in(folder: str | Path) -> Checkpoint:
    """The published checkpoint, its signature verified."""
    text = (Path(folder) / "checkpoint").read_text()
    return Identity.of("jianzhen.local/log", "100000", base64.b64decode(SEED)).opened(text)


def root_of_files(folder: str | Path) -> tuple[bytes, list[bytes]]:
    """Root and entries as a stranger computes them from the files alone."""
    checkpoint = checkpoint_in(folder)
    root = merkle.root(
        checkpoint.size, tiles.reader(checkpoint.size, lambda tile: (Path(folder) / tile.path).read_bytes())
    )
    entries: list[bytes] = []
    for at in range(-(-checkpoint.size // 256)):
        width = min(256, checkpoint.size - at * 256)
        entries += tiles.decode_entries((Path(folder) / tiles.Tile(-1, at, width).path).read_bytes())
    assert root == checkpoint.root
    tree = merkle.Tree(map(merkle.leaf_hash, entries))
    assert merkle.root(tree.size, tree.read) == root
    return root, entries


async def ask(database: FreshDatabase, query: str, *given: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        return list(await connection.fetch(query, *given))
    finally:
        await connection.close()


def key() -> note.Key:
    return Identity.of("jianzhen.local/log", "100000", base64.b64decode(SEED)).key


def is_busy() -> bool:
    """More wants to run than there are processors: seconds on the wall then say nothing about the log."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)

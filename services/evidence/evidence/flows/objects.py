"""The log's files: a folder, or S3.

Promises: an object is there whole or not at all, and `put` returns when it is durable: in a folder, the file
and the folders above it are synced. Leaves what is in it to the callers; PostgreSQL can make all of it again.
"""

import asyncio
import os
import secrets
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, S3Store, from_url
from tlog.tiles import WIDTH, Tile

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"
NOT_KEPT = "no-cache"
CHECKPOINT = "checkpoint"
AT_ONCE = 16


class Objects:
    """`objects.get("checkpoint")`; the address is a folder's path or `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        self._folder = None if "://" in address else Path(address).absolute()
        self._store: Any = from_url(address) if self._folder is None else LocalStore(self._folder, mkdir=True)
        # Folders that a loss of power can no longer take away.
        self._durable: set[Path] = set()

    def get(self, path: str) -> bytes | None:
        """The bytes of an object; for threads."""
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None

    async def fetch(self, path: str) -> bytes | None:
        """The bytes of an object."""
        try:
            found = await obstore.get_async(self._store, path)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None

    async def put(self, path: str, data: bytes, cached: str = FOREVER) -> None:
        """Write an object, replacing an older one."""
        if self._folder is not None:
            await asyncio.to_thread(self._keep, self._folder, path, data)
        elif isinstance(self._store, S3Store):
            await obstore.put_async(self._store, path, data, attributes={"Cache-Control": cached})
        else:
            await obstore.put_async(self._store, path, data)

    async def put_all(self, objects: list[tuple[Tile, bytes]]) -> None:
        """Write tiles, some at a time."""
        for at in range(0, len(objects), AT_ONCE):
            some = objects[at : at + AT_ONCE]
            puts = (self.put(t.path, data, FOREVER if t.width == WIDTH else BRIEFLY) for t, data in some)
            await asyncio.gather(*puts)

    async def drop_narrower(self, tile: Tile) -> None:
        """Remove the partial versions of a tile that is now full."""
        async for batch in obstore.list(self._store, f"{tile.path}.p/"):
            await obstore.delete_async(self._store, [found["path"] for found in batch])

    def _keep(self, folder: Path, path: str, data: bytes) -> None:
        """A file that is either the old one or the new one, whenever the machine stops."""
        target = folder / path
        self._make(folder, target.parent)
        # The store passes over names that end so: one left behind by a crash is no object.
        begun = target.with_name(f"{target.name}#{secrets.randbits(48)}")
        try:
            with begun.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            begun.replace(target)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise
        _sync(target.parent)

    def _make(self, folder: Path, below: Path) -> None:
        below.mkdir(parents=True, exist_ok=True)
        if below not in self._durable:
            for one in (below, *below.parents):
                _sync(one)
                if one == folder.parent:
                    break
            self._durable.add(below)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

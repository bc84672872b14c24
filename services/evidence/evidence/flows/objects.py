"""The log's files: a folder, or S3.

Promises: an object is there whole or not at all. Leaves what is in it to the callers; PostgreSQL can make all
of it again.
"""

import asyncio
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
        self._store: Any = (
            from_url(address) if "://" in address else LocalStore(Path(address).absolute(), mkdir=True)
        )

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
        if isinstance(self._store, S3Store):
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

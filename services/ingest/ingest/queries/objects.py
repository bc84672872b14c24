"""Bytes too large for a row, in an object store: a local folder, or S3.

Promises: `put` returns when the bytes are durable (a local file is synced); an object named by its digest is
never overwritten with others; reading streams. Leaves to `flows` which objects are still needed.
"""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from kit.problems import Unavailable
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

_CHUNK = 1 << 20
# A store that is away is told before the edge gives up on whoever waits (120 s).
_AGAIN: Any = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
}


def name_of(sha256: bytes) -> str:
    """Where the file with this digest is kept: `sha256/ab/abcd…`."""
    return f"sha256/{sha256.hex()[:2]}/{sha256.hex()}"


class Objects:
    """An object store by its URL: `file:///folder` or `s3://bucket/prefix`; empty is none."""

    def __init__(self, url: str) -> None:
        self._folder = Path(urlsplit(url).path) if url.startswith("file:") else None
        if self._folder is not None:
            self._store: Any = LocalStore(self._folder, mkdir=True, automatic_cleanup=False)
        else:
            self._store = from_url(url, retry_config=_AGAIN) if url else None

    def _there(self) -> Any:
        if self._store is None:
            raise Unavailable("objects-unavailable", "No object store is configured 未配置对象存储")
        return self._store

    async def put(self, name: str, data: bytes | AsyncIterator[bytes]) -> None:
        """Keep an object. Raises Unavailable."""
        try:
            await obstore.put_async(self._there(), name, data)
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder / name)
        except (BaseError, OSError) as error:
            raise Unavailable(
                "objects-unavailable", "The object store cannot be written 对象存储不可写"
            ) from error

    async def has(self, name: str, size: int) -> bool:
        """Whether there is such an object, and whole: a loss of power may have left a beginning of it."""
        try:
            found = await obstore.head_async(self._there(), name)
        except FileNotFoundError:
            return False
        return int(found["size"]) == size

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes, a megabyte at a time; for threads, as it blocks."""
        for chunk in obstore.get(self._there(), name).stream(min_chunk_size=_CHUNK):
            yield bytes(chunk)

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """The bytes, a megabyte at a time."""
        found = await obstore.get_async(self._there(), name)
        async for chunk in found.stream(min_chunk_size=_CHUNK):
            yield bytes(chunk)

    def open(self, name: str) -> io.BufferedReader:
        """A file that can be sought in; for threads."""
        return io.BufferedReader(_Raw(obstore.open_reader(self._there(), name, buffer_size=_CHUNK)), _CHUNK)

    async def older_than(self, prefix: str, moment: datetime) -> AsyncIterator[list[str]]:
        """Names below `prefix` last written before `moment`, some hundred at a time."""
        async for found in obstore.list(self._there(), prefix, chunk_size=500):
            yield [one["path"] for one in found if one["last_modified"] < moment]

    async def delete(self, names: list[str]) -> None:
        """Forget objects; what is not there is no matter."""
        for name in names:
            try:
                await obstore.delete_async(self._there(), name)
            except FileNotFoundError:
                continue


def _sync(path: Path) -> None:
    """Until the folder is synced too, a crash of the machine could forget that the file is there."""
    for target in (path, path.parent, path.parent.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Raw(io.RawIOBase):
    """The store's reader as the raw file that `io` and `zipfile` expect."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readinto(self, buffer: Any) -> int:
        data = bytes(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

"""What waits to be written to the audit, kept in a folder: a process that is killed loses none of it.

Promises: what is noted is with the kernel when `note` returns, so it outlives the process, though not
the machine: nothing waits for the disk. A file is of one process, which holds its lock while it lives;
files without an owner are for whoever starts next. Leaves to `flows.ledger` when a file is done with.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import msgspec
import structlog

log = structlog.get_logger()
ENDING = ".jsonl"
T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """A file and the open descriptor that holds its lock."""

    path: Path
    descriptor: int

    def drop(self) -> None:
        """Everything in it is written elsewhere."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """It stays, for the next to find."""
        os.close(self.descriptor)


class Spool(Generic[T]):
    """The files of this process in `folder`; lines are JSON of `kind`, a dataclass."""

    def __init__(self, folder: Path, kind: type[T]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._decode = folder, msgspec.json.Decoder(kind).decode
        self._encode = msgspec.json.Encoder().encode
        self._current: File | None = None
        self.size = 0

    def note(self, entry: T) -> None:
        """Adds a line. Raises OSError where it cannot be kept, as on a full disk."""
        if self._current is None:
            self._current, self.size = self._open(), 0
        line = self._encode(entry) + b"\n"
        if os.write(self._current.descriptor, line) != len(line):
            # The torn line would swallow the one that follows it.
            os.write(self._current.descriptor, b"\n")
            raise OSError("the line was written in part")
        self.size += len(line)

    def turn(self) -> File | None:
        """What was noted so far, as a file of its own: the next line begins another."""
        done, self._current = self._current, None
        return done

    def _open(self) -> File:
        path = self._folder / f"{uuid4().hex}{ENDING}"
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        # Locked before it has the name that others look for.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(path)
        return File(path, descriptor)

    def left(self) -> Iterator[tuple[File, list[T]]]:
        """Files whose process is gone, each with its lines in their order; now locked by this one."""
        for path in sorted(self._folder.glob(f"*{ENDING}")):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            yield File(path, descriptor), list(self._read(path))

    def _read(self, path: Path) -> Iterator[T]:
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            try:
                if line:
                    yield self._decode(line)
            except msgspec.DecodeError as error:
                # The end of a write that a kill cut short; its request was not answered.
                log.warning("gateway.spool_line_torn", file=path.name, line=number, error=str(error))

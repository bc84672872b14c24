"""Where test servers keep their files: in memory where there is room, else on the disk.

A fresh database is some 700 new files: on a disk 0.3 s of processor time for each test, in memory a tenth.
What is committed outlives kill -9 in both; what a power cut takes is not asked by tests.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
# A worker keeps the templates of all services, what its tests have open and some WAL: well below half of it.
ROOM = 3 * 2**30


def is_in_memory(path: Path) -> bool:
    return MEMORY in path.parents


def new_home() -> Path:
    """A new folder with a short path, as sockets need it."""
    fits = MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)
    fits = fits and shutil.disk_usage(MEMORY).free > ROOM
    return Path(tempfile.mkdtemp(prefix="jz-", dir=MEMORY if fits else None))

"""A secret and its successor as files: NAME in use, NAME.next to come, NAME.old still good, NAME.past gone.

Promises: every change is one rename, so that a crash leaves a state from which the same calls go on; nothing
is readable by anybody but the owner. Leaves to `rotation` who must know a secret before the next call.

A rotation walks `announce` -> `promote` -> `retire` -> `forget`; `good` says what may be presented meanwhile.
"""

import os
from collections.abc import Callable
from pathlib import Path

from jianzhen.state import State


def _path(state: State, name: str, slot: str = "") -> Path:
    return state.home / "secrets" / f"{name}{slot}"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once; only its owner may read it. What is there already is left alone."""
    if _read(path) == text:
        return
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def announce(state: State, name: str, make: Callable[[], str]) -> None:
    """Make the successor, unless there is one or it has been promoted already."""
    if not any(_path(state, name, slot).exists() for slot in (".next", ".old", ".past")):
        write_private(_path(state, name, ".next"), make())


def promote(state: State, name: str) -> None:
    """The successor becomes the secret in use, which is kept as the old one."""
    if coming := _read(_path(state, name, ".next")):
        if (now := _read(_path(state, name))) != coming:
            write_private(_path(state, name, ".old"), now)
        _path(state, name, ".next").replace(_path(state, name))


def retire(state: State, name: str) -> None:
    """The old one is no longer good; it is kept until `forget`, so that no second successor is made."""
    if _path(state, name, ".old").exists():
        _path(state, name, ".old").replace(_path(state, name, ".past"))


def forget(state: State, name: str) -> None:
    """The rotation of this secret is over."""
    _path(state, name, ".past").unlink(missing_ok=True)


def coming(state: State, name: str) -> str:
    """The announced successor, empty when there is none."""
    return _read(_path(state, name, ".next"))


def good(state: State, name: str) -> list[str]:
    """All that may be presented now, the newest first.

    Worked example: between `promote` and `forget` it is `[new, old]`, else often one.
    """
    found = [_read(_path(state, name, slot)) for slot in (".next", "", ".old")]
    return [text for text in found if text]


def past(state: State, name: str) -> str:
    """The retired one, which must be refused; empty when there is none."""
    return _read(_path(state, name, ".past"))


def promoted_at(state: State, name: str) -> float:
    """When the secret in use was promoted, in unix seconds; 0 when that is long over."""
    kept = [path for path in (_path(state, name, ".old"), _path(state, name, ".past")) if path.exists()]
    return max((path.stat().st_mtime for path in kept), default=0.0)

"""Where the texts of the rules come from: the packaged YAML, or the same files out of a signed pack.

Promises: a process reads all its rules from one source; what `once` keeps is kept per source, so that two
sources never mix. Leaves opening and trusting packs to `qc.rules.bundle`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, wraps
from importlib import resources
from importlib.resources.abc import Traversable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
BUILT_IN = "built-in"
# What judges values travels in a pack; what judges instruments and people stays with the authority.
OF_VALUES = ("core.yaml", "file-tests.yaml", "falsification", "profiles", "validity")


@dataclass(frozen=True)
class Source:
    """Every text by name (`core.yaml`, `profiles/flue-gas.yaml`) and what is said of them together.

    `signers` are the names of the keys under which a pack was accepted; none for the packaged texts.
    """

    files: Mapping[str, str]
    version: str = BUILT_IN
    issuer: str = ""
    signers: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    @cached_property
    def sha256(self) -> str:
        """The digest that names these rules, wherever they were read from: `digest` of the texts."""
        return digest({name: text.encode() for name, text in self.files.items()})

    def told(self, on: date) -> dict[str, str | bool | list[str] | None]:
        """For people and logs. Worked example: {"version": "2026.11", "sha256": "9f…", "signers": […], …}."""
        return {
            "version": self.version,
            "sha256": self.sha256,
            "issuer": self.issuer or None,
            "signers": list(self.signers),
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "in_force": self.holds(on),
        }

    def holds(self, on: date) -> bool:
        """Whether the pack may judge on a day: from `valid_from` up to, not including, `valid_to`."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on < self.valid_to)


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over lines `<sha256 of the file>  <name>`, by name: what `sha256sum` prints, hashed again."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def packaged() -> Source:
    """The texts that came with the program."""
    packs = resources.files("qc").joinpath("packs")
    return Source(dict(text for name in OF_VALUES for text in _texts(packs.joinpath(name), name)))


def _texts(entry: Traversable, name: str) -> Iterator[tuple[str, str]]:
    if entry.is_dir():
        for below in sorted(entry.iterdir(), key=lambda one: one.name):
            yield from _texts(below, f"{name}/{below.name}")
    elif name.endswith(".yaml"):
        yield name, entry.read_text(encoding="utf-8")


# One process judges with one pack: a verdict must not depend on who asks for it.
_chosen: list[Source] = []


def current() -> Source:
    """What rules are read from now."""
    return _chosen[-1] if _chosen else packaged()


def choose(source: Source) -> None:
    """From here on the process reads its rules from `source`."""
    _chosen[:] = [source]


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Rules are read from `source` inside, for a command that judges once; not for threads."""
    _chosen.append(source)
    try:
        yield
    finally:
        _chosen.pop()


def text(name: str) -> str:
    """One text; ValueError if the source has none of that name."""
    found = current().files.get(name)
    if found is None:
        raise ValueError(f"rules: there is no file {name}")
    return found


def texts(folder: str) -> list[tuple[str, str]]:
    """(name, text) of a folder, by name. Worked example: texts("falsification")[0][0] == "B.yaml"."""
    files, start = current().files, f"{folder}/"
    return [(name.removeprefix(start), files[name]) for name in sorted(files) if name.startswith(start)]


def once(make: Callable[P, T]) -> Callable[P, T]:
    """Keep what a function makes of the texts, per source; arguments must be hashable."""
    kept: dict[tuple[object, ...], T] = {}

    @wraps(make)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (current().sha256, args, tuple(sorted(kwargs.items())))
        if key not in kept:
            kept[key] = make(*args, **kwargs)
        return kept[key]

    return found

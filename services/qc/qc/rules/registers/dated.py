"""Figures of law for the registers, read from `qc/packs/registers`, checked against their schema.

Promises: an entry is in force from `valid_from` up to, not including, `valid_to`. Leaves the meaning of the
figures to the modules of this package.
"""

from collections.abc import Iterable
from datetime import date
from importlib import resources
from typing import TypeVar

import msgspec
import yaml

from qc.rules.validity.dated import Dated

Content = TypeVar("Content")
Entry = TypeVar("Entry", bound=Dated)


def read(name: str, content: type[Content]) -> Content:
    """The packaged file of that name; ValueError names what is wrong in it."""
    text = resources.files("qc").joinpath("packs", "registers", f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), content)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"registers, {name}: {error}") from error


def first(entries: Iterable[Entry], day: date) -> Entry:
    """The first of the entries in force on a day. Raises LookupError."""
    for entry in entries:
        if entry.holds(day):
            return entry
    raise LookupError(f"no entry in force on {day}")

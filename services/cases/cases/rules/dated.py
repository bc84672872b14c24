"""Reads the packaged rule files and picks what is in force on a legal day.

Promises: a file is read once; both days of validity are included; an empty `valid_to` has no end.
Leaves the meaning of the fields to the modules that own a file.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Record = dict[str, Any]


@cache
def read(name: str) -> Any:
    """The content of `rules/<name>.yaml`."""
    return yaml.load(
        files("cases.rules").joinpath(f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )


def is_in_force(record: Record, on: date) -> bool:
    """Whether the record holds on the legal day `on`."""
    ends: date | None = record["valid_to"]
    starts: date = record["valid_from"]
    return starts <= on and (ends is None or on <= ends)


def in_force(records: list[Record], on: date) -> list[Record]:
    """The records that hold on the legal day `on`, in file order."""
    return [record for record in records if is_in_force(record, on)]

"""Reads the packaged rule file and picks what is in force on a legal day.

Promises: the file is read once; both days of validity are included; an empty `valid_to` has no end.
Leaves the meaning of the fields to `credit.rules.listing`.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Record = dict[str, Any]


@cache
def read() -> dict[str, list[Record]]:
    """The content of `rules/listing.yaml`."""
    text = files("credit.rules").joinpath("listing.yaml").read_text(encoding="utf-8")
    content: dict[str, list[Record]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return content


def in_force(table: str, on: date) -> list[Record]:
    """The records of `grounds`, `periods`, `notices` or `bans` that hold on the legal day `on`."""
    return [
        record
        for record in read()[table]
        if record["valid_from"] <= on and (record["valid_to"] is None or on <= record["valid_to"])
    ]

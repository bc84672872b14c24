"""Reads the packaged tables: rows of text, and which rows are in force on a day.

Promises: a table is read once; a row is in force from `valid_from` to `valid_to`, both days included, and an
empty cell means "no bound". Leaves to others: what the columns mean.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """All rows of `data/<name>.csv`, cells stripped, in file order."""
    text = files("standards").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(
        {key: (cell or "").strip() for key, cell in row.items()} for row in csv.DictReader(text.splitlines())
    )


def is_in_force(row: Row, on: date) -> bool:
    """True if the row's days of validity contain `on`."""
    return (row["valid_from"] or "0001-01-01") <= on.isoformat() <= (row["valid_to"] or "9999-12-31")


@lru_cache(maxsize=2048)
def in_force(name: str, on: date) -> tuple[Row, ...]:
    """The rows of a dated table that hold on the day `on`."""
    return tuple(row for row in rows(name) if is_in_force(row, on))


def newest(candidates: Iterable[Row]) -> Row:
    """The row that starts last: the rule as it stands when no day is asked for."""
    return max(candidates, key=lambda row: row["valid_from"])

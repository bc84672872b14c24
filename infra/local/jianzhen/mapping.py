"""A CSV of somebody else's, read through a mapping file into batches of observations.

Promises: the same file, mapping and station give the same batches with the same keys, so that a send can be
resumed; numbers are converted in decimal; an empty cell is a missing reading and is not sent. Pure but for
reading the file.
"""

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from jianzhen.state import Refused

COLUMNS = ["site", "factor", "statistic", "basis", "period", "time", "value", "unit"]


@dataclass(frozen=True)
class Batch:
    """Up to `size` rows as one request body; `key` names it for ever."""

    number: int
    key: str
    body: bytes
    rows: int


@dataclass(frozen=True)
class Mapping:
    """Which column is which factor, in which unit, and how the file writes time."""

    raw: dict[str, Any]

    @classmethod
    def load(cls, path: Path | None, header: list[str]) -> "Mapping":
        """The mapping file, or the packaged one whose columns the header has; Refused when there is none."""
        if path is not None:
            return cls._checked(path.name, path.read_text(encoding="utf-8"), header)
        for packaged in sorted(files("jianzhen").joinpath("mappings").iterdir(), key=lambda one: one.name):
            mapping = cls(yaml.load(packaged.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
            if not mapping.absent(header):
                return mapping
        raise Refused(f"no mapping fits the columns {', '.join(header)}: write one and name it by --map")

    @classmethod
    def _checked(cls, name: str, text: str, header: list[str]) -> "Mapping":
        try:
            mapping = cls(yaml.load(text, Loader=yaml.CSafeLoader))
            absent = mapping.absent(header)
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise Refused(f"{name} is not a mapping: {error!r}; see the packaged beijing_prsa.yaml") from None
        if absent:
            raise Refused(f"{name}: the file has no column {', '.join(absent)}; it has {', '.join(header)}")
        return mapping

    def absent(self, header: list[str]) -> list[str]:
        return [name for name in [self.raw["time"]["column"], *self.raw["columns"]] if name not in header]

    def rows(self, line: dict[str, str], station: str) -> Iterator[list[Any]]:
        """One observation for each filled cell of a line; ValueError when a cell cannot be read."""
        when = self.raw["time"]
        moment = datetime.strptime(line[when["column"]], when["format"])  # noqa: DTZ007 naive = +08:00 at ingest
        at = moment.isoformat(timespec="minutes")
        kind = [self.raw.get("statistic", "avg"), self.raw.get("basis", "raw"), self.raw["period"]]
        for column, to in self.raw["columns"].items():
            if text := line[column].strip():
                value = Decimal(text) / Decimal(str(to.get("divide", 1)))
                yield [station, to["factor"], *kind, at, float(value), to["unit"]]


def opened(path: Path) -> Iterator[dict[str, str]]:
    """The lines of a CSV, also of a gzipped one; Refused when it is neither."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig") as file
        ):
            yield from csv.DictReader(file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{path} cannot be read as CSV: {error}") from None


def header_of(path: Path) -> list[str]:
    for line in opened(path):
        return list(line)
    raise Refused(f"{path} has no rows")


def digest(path: Path, mapping: Mapping, station: str) -> str:
    """Names one replay: the file's bytes, the mapping and the station."""
    seal = hashlib.sha256(path.read_bytes())
    seal.update(json.dumps([mapping.raw, station], sort_keys=True).encode())
    return seal.hexdigest()


def batches(path: Path, mapping: Mapping, station: str, size: int = 1000) -> Iterator[Batch]:
    """The file as request bodies of `size` rows in its own order; Refused names the line that is wrong."""
    name = digest(path, mapping, station)[:16]
    waiting: list[list[Any]] = []
    number = 0
    for at, line in enumerate(opened(path), start=2):
        try:
            waiting += mapping.rows(line, station)
        except (ValueError, InvalidOperation, AttributeError) as error:
            raise Refused(f"{path.name}, line {at}: {error!r}") from None
        while len(waiting) >= size:
            yield _batch(name, number, mapping, waiting[:size])
            waiting, number = waiting[size:], number + 1
    if waiting:
        yield _batch(name, number, mapping, waiting)


def _batch(name: str, number: int, mapping: Mapping, rows: list[list[Any]]) -> Batch:
    body = {
        "source": mapping.raw["source"],
        "label": mapping.raw["time"]["label"],
        "historical": True,
        "columns": COLUMNS,
        "data": rows,
    }
    return Batch(number, f"replay-{name}-{number:05d}", json.dumps(body).encode(), len(rows))

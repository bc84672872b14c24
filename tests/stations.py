"""Stations to send for: registered over HTTP as the monitoring station does, with hours of the real past.

Promises: a station's values depend on its code and the hour alone; real files are taken where
JIANZHEN_SHARED_DATA has them, else rows of the same shape are made. Leaves sending to the tests.
"""

import csv
import gzip
import itertools
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
from jianzhen.demo.signals import noise
from jianzhen.platform import Platform

CLERK = "ee.mon/data.submit@131000"
SYSTEM = "sys-ee-mon-131000"
REGION = "131000"
BEIJING = timezone(timedelta(hours=8))
FIRST_HOUR = datetime(2013, 3, 1, tzinfo=BEIJING)
COLUMNS = ["site", "factor", "statistic", "basis", "period", "time", "value", "unit"]
PASSWORD = "123456"
# factor: (unit, decimals, highest, column of the real files, what they must be divided by)
FACTORS = {
    "a34004": ("ug/m3", 1, 1000, "PM2.5", 1),
    "a34002": ("ug/m3", 1, 2000, "PM10", 1),
    "a21026": ("ug/m3", 1, 1300, "SO2", 1),
    "a21004": ("ug/m3", 1, 1000, "NO2", 1),
    "a21005": ("mg/m3", 3, 60, "CO", 1000),
    "a05024": ("ug/m3", 1, 1200, "O3", 1),
}
LEVELS = {"a34004": 62.0, "a34002": 118.0, "a21026": 14.0, "a21004": 46.0, "a21005": 1.1, "a05024": 74.0}


@dataclass(frozen=True)
class Hour:
    """One line of a file: the instant and a value for each factor that was measured, at least one."""

    at: datetime
    values: dict[str, float]


def put(platform: Platform, path: str, body: Any, who: str = CLERK) -> Any:
    with platform.client(who) as client:
        answer = client.put(path, json=body)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def register(platform: Platform, code: str, source: str = SYSTEM, region: str = REGION) -> dict[str, int]:
    """A station with an hourly series for each factor; the ids of its series by factor."""
    site = {
        "kind": "station",
        "element": "air",
        "region": region,
        "name_zh": f"试验站{code}",
        "name_en": code,
    }
    put(platform, f"/api/ingest/sites/{code}", site)
    series = [
        {
            "site": code,
            "factor": factor,
            "source": source,
            "unit": unit,
            "decimals": decimals,
            "low": 0,
            "high": high,
        }
        for factor, (unit, decimals, high, _, _) in FACTORS.items()
    ]
    answer = put(platform, "/api/ingest/series", {"series": series})
    return {row["factor"]: row["id"] for row in answer["items"]}


def register_logger(platform: Platform, code: str, mn: str) -> dict[str, int]:
    """A station whose logger speaks HJ 212; the ids of its hourly series by factor."""
    ids = register(platform, code, source=mn)
    put(platform, f"/api/ingest/devices/{mn}", {"site": code, "source": mn, "password": PASSWORD})
    return ids


def real_file(number: int) -> Path | None:
    """The `number`-th file of the real hours, if they are at hand."""
    folder = Path(os.environ.get("JIANZHEN_SHARED_DATA") or Path(__file__).parents[2] / "shared/data")
    found = sorted((folder / "beijing_prsa").glob("*.csv.gz"))
    return found[number % len(found)] if found else None


def hours(number: int, code: str) -> Iterator[Hour]:
    """The past of one station, oldest first, without end in practice."""
    path = real_file(number)
    return _made(code) if path is None else _read(path)


def _read(path: Path) -> Iterator[Hour]:
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        for line in csv.DictReader(file):
            at = datetime.strptime(line["datetime"], "%Y-%m-%d %H:%M").replace(tzinfo=BEIJING)
            cells = {name: line[column].strip() for name, (_, _, _, column, _) in FACTORS.items()}
            values = {
                name: round(float(cell) / FACTORS[name][4], FACTORS[name][1])
                for name, cell in cells.items()
                if cell
            }
            if values:
                yield Hour(at, values)


def _made(code: str) -> Iterator[Hour]:
    for number in itertools.count():
        wave = math.exp(0.4 * math.sin(number / 24 * 2 * math.pi))
        values = {
            name: round(level * wave * (1 + 0.2 * noise(code, name, number)), FACTORS[name][1])
            for name, level in LEVELS.items()
        }
        yield Hour(FIRST_HOUR + timedelta(hours=number), values)


def cells(code: str, some: list[Hour]) -> list[list[Any]]:
    """Rows of the columns form."""
    return [
        [code, factor, "avg", "raw", "hour", hour.at.isoformat(timespec="minutes"), value, FACTORS[factor][0]]
        for hour in some
        for factor, value in hour.values.items()
    ]


def body(rows: list[list[Any]], *, historical: bool = True, source: str = SYSTEM) -> dict[str, Any]:
    return {"source": source, "label": "start", "historical": historical, "columns": COLUMNS, "data": rows}


def row(code: str, at: datetime, value: Any = 35.0, factor: str = "a34004", **other: Any) -> dict[str, Any]:
    """One row of the rows form."""
    return {"site": code, "factor": factor, "time": at.isoformat(), "value": value, **other}


def batch(*rows: dict[str, Any], historical: bool = True, source: str = SYSTEM) -> dict[str, Any]:
    return {"source": source, "historical": historical, "rows": list(rows)}


def past_hour(number: int) -> datetime:
    """A full hour long ago."""
    return datetime(2014, 1, 1, tzinfo=UTC) + timedelta(hours=number)


def send(platform: Platform, content: Any, who: str | None = SYSTEM, **headers: str) -> httpx.Response:
    """POST /observations at the edge; `content` is a body to encode, or bytes as they are."""
    given = {"content": content} if isinstance(content, bytes) else {"json": content}
    with platform.client(who, seconds=60) as client:
        return client.post(
            "/api/ingest/observations", headers={"Content-Type": "application/json", **headers}, **given
        )

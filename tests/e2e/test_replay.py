"""Four years of a real station over the HTTP API: interrupted, resumed, and equal to the file afterwards."""

import csv
import gzip
import json
import math
import os
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.ingest import SeriesRef
from jianzhen.demo.officers import every
from qc.rules.assess import assess
from qc.rules.frame import Columns, roster_of
from qc.rules.pack import load_pack
from whole_platform import JIANZHEN, WholePlatform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("JIANZHEN_SHARED_DATA", ROOT.parent / "shared/data"))
STATION, ANALYST = "131000-A90", "ee.mon/qc.analyst@131000"
BEIJING = timezone(timedelta(hours=8))
COLUMNS = {
    "PM2.5": ("a34004", 1), "PM10": ("a34002", 1), "SO2": ("a21026", 1),
    "NO2": ("a21004", 1), "CO": ("a21005", 1000), "O3": ("a05024", 1),
}  # fmt: skip


def made_up(path: Path) -> None:
    """A file of the same shape for where the real one is not: half a year with holes and a frozen day."""
    chance = random.Random(7)
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["datetime", *COLUMNS])
        for n in range(24 * 180):
            at = datetime(2016, 1, 1) + timedelta(hours=n)
            cells = [round(40 + 30 * math.sin(n / 24 + k) + chance.uniform(-9, 9), 1) for k in range(6)]
            if 1000 <= n < 1024:
                cells[0] = 42.0
            filled = [str(cell) if chance.random() > 0.02 else "" for cell in cells]
            writer.writerow([at.strftime("%Y-%m-%d %H:%M"), *filled])


@pytest.fixture(scope="module")
def station_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    real = SHARED / "beijing_prsa/Dongsi.csv.gz"
    if real.exists():
        return real
    path = tmp_path_factory.mktemp("replay") / "Made.csv.gz"
    made_up(path)
    return path


@pytest.fixture(scope="module")
def expected(station_file: Path) -> dict[str, dict[int, float]]:
    """What the file says: factor → epoch seconds of the hour → value in the publication unit."""
    values: dict[str, dict[int, float]] = defaultdict(dict)
    with gzip.open(station_file, "rt", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.strptime(row["datetime"], "%Y-%m-%d %H:%M").replace(tzinfo=BEIJING)
            for column, (factor, divisor) in COLUMNS.items():
                if row[column].strip():
                    values[factor][int(at.timestamp())] = float(row[column]) / divisor
    return values


@pytest.fixture(scope="module")
def replayed(platform: WholePlatform, station_file: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Sent, interrupted in the middle, sent again; the report of the second run."""
    command = [*JIANZHEN, "replay", str(station_file), "--json", "--wait", "300"]
    # A run in the background of a shell hands down an ignored SIGINT.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "preexec_fn": heed_interrupts}
    with subprocess.Popen([*command, "--rate", "10000"], env=platform.environ, **quiet) as first:
        limit = time.monotonic() + 60
        while answered(platform) < 20 and time.monotonic() < limit:
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        first.wait(60)
    done = subprocess.run(command, env=platform.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    total = sum(len(hours) for hours in expected.values())
    assert 0 < report["rows"] < total, "the first run was not interrupted in the middle"
    assert report["all_rows"] == total
    print(
        f"\nreplay: {report['rows']} rows in {report['seconds']} s after the interruption; {report['flags']}"
    )
    return report


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def answered(platform: WholePlatform) -> int:
    """How many batches stand in the sender's log."""
    return sum(len(log.read_text().splitlines()) for log in (platform.home / "replay").glob("*.jsonl"))


def series_of(platform: WholePlatform) -> dict[str, dict[str, Any]]:
    rows = every(platform.client, ANALYST, f"/api/ingest/series?site={STATION}&limit=1000")
    return {row["factor"]: row for row in rows}


def items(platform: WholePlatform, path: str) -> Iterator[dict[str, Any]]:
    return every(platform.client, ANALYST, path)


def test_nothing_is_doubled_or_lost(replayed: dict[str, Any], expected: dict[str, Any]) -> None:
    total = sum(len(hours) for hours in expected.values())
    assert replayed["accepted"] + replayed["repeated"] == total
    assert (replayed["revised"], replayed["refused"]) == (0, 0)
    assert replayed["judged"] == total


def test_every_value_read_back_is_the_files(
    platform: WholePlatform, replayed: dict[str, Any], expected: dict[str, dict[int, float]]
) -> None:
    for factor, row in series_of(platform).items():
        path = f"/api/ingest/series/{row['id']}/observations?from=2010-01-01T00:00:00Z&limit=1000"
        found = {
            int(datetime.fromisoformat(one["ts"]).timestamp()): one["value"] for one in items(platform, path)
        }
        assert found == pytest.approx(expected[factor], rel=1e-12)


def test_monthly_means_are_those_of_the_file(
    platform: WholePlatform, replayed: dict[str, Any], expected: dict[str, dict[int, float]]
) -> None:
    for factor, row in series_of(platform).items():
        months: dict[str, list[float]] = defaultdict(list)
        for at, value in expected[factor].items():
            months[datetime.fromtimestamp(at, UTC).astimezone(BEIJING).strftime("%Y-%m")].append(value)
        path = f"/api/ingest/series/{row['id']}/monthly?limit=1000"
        found = {one["month"]: (one["values"], one["mean"]) for one in items(platform, path)}
        assert found.keys() == months.keys()
        for month, values in months.items():
            assert found[month] == (len(values), pytest.approx(sum(values) / len(values), rel=1e-9))


def test_the_flags_are_those_of_one_batch_over_the_file(
    platform: WholePlatform, replayed: dict[str, Any], expected: dict[str, dict[int, float]]
) -> None:
    """Streaming equals batch: the same rules over the whole file at once."""
    registered = series_of(platform)
    factors = sorted(registered, key=lambda factor: registered[factor]["id"])
    roster = roster_of([reference(registered[factor]) for factor in factors], pack := load_pack())
    rows = sorted(
        (place, at * 1000, value)
        for place, factor in enumerate(factors)
        for at, value in expected[factor].items()
    )
    zeros = np.zeros(len(rows), dtype=np.int64)
    columns = Columns(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        zeros,
        zeros,
    )
    judged = assess(columns, roster, pack)
    counted = Counter(
        {rule.id: int(np.count_nonzero(judged.tests >> rule.number & 1)) for rule in pack.rules}
    )
    assert {rule: n for rule, n in counted.items() if n} == replayed["flags"]


def reference(row: dict[str, Any]) -> SeriesRef:
    taken = (
        "id",
        "site",
        "factor",
        "statistic",
        "basis",
        "period",
        "source",
        "unit",
        "decimals",
        "low",
        "high",
    )
    return SeriesRef(
        site_kind="station", region="131000", element="air", **{name: row[name] for name in taken}
    )


def test_the_public_curve_shows_the_files_values(
    platform: WholePlatform, replayed: dict[str, Any], expected: dict[str, dict[int, float]]
) -> None:
    last = max(expected["a34004"])
    begin = datetime.fromtimestamp(last - 71 * 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    end = datetime.fromtimestamp(last + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with platform.client.client(None) as client:
        answer = client.get(
            f"/api/publish/public/stations/{STATION}/curve",
            params={"factor": "a34004", "from": begin, "to": end, "limit": 1000},
        )
    assert answer.status_code == 200, answer.text
    shown = {
        int(datetime.fromisoformat(one["ts"]).timestamp()): one["value"]
        for one in answer.json()["items"]
        if one["value"] is not None
    }
    assert shown
    for at, value in shown.items():
        assert value == pytest.approx(expected["a34004"][at], abs=0.5)

"""Page = public API = a computation from the raw bytes: the three are compared for one released hour."""

import json
import re
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import httpx
import pytest
from e2e_city import City, iso, until_released
from ingest.rules.frames import data_of, parameters_of, read_line
from jianzhen.demo import officers
from jianzhen.demo.logger import device_time
from jianzhen.demo.signals import HOUR
from standards import aqi

pytestmark = pytest.mark.slow
STATIONS, POLLUTANTS = 4, 6
READER, OFFICER = "ee.mon/qc.analyst@131000", officers.OFFICER
SAID = {"X-Purpose": "supervision"}


def raw_value(city: City, line: dict[str, Any], hour: int) -> Decimal:
    """The value of one lineage row, read from the bytes that were received, not from any table."""
    path = f"/api/ingest/series/{line['series']}/observations"
    at = iso(hour).isoformat().replace("+", "%2B")
    end = iso(hour + HOUR).isoformat().replace("+", "%2B")
    (row,) = city.ask(READER, f"{path}?from={at}&to={end}")["items"]
    with city.platform.client(OFFICER) as client:
        raw = client.get(f"/api/ingest/submissions/{row['submission']}/raw", headers=SAID).content
    if raw.startswith(b"##"):
        frame = read_line(raw)
        assert frame is not None and frame.verdict == "annex"
        assert parameters_of(frame.segment)["DataTime"] == device_time(hour)
        values = {(factor, field): text for factor, field, text, _ in data_of(frame.segment)}
        return Decimal(values[line["factor"], "Avg"])
    body = json.loads(raw)
    names = body["columns"]
    for cells in body["data"]:
        one = dict(zip(names, cells, strict=True))
        same = one["site"] == line["site"] and one["factor"] == line["factor"]
        if same and one["time"] == iso_utc(hour):
            return Decimal(str(one["value"]))
    raise AssertionError(f"{line} is not in its submission")


def iso_utc(hour: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(hour, UTC).isoformat()


def rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


def complete(city: City, hour: int) -> dict[str, Any] | None:
    """The newest version, once every station's verdicts have corrected it in."""
    released = until_released(city, hour)
    used = [line for line in released["snapshot"]["lineage"] if line["used"]]
    return released if len(used) == STATIONS * POLLUTANTS else None


def test_page_and_public_api_equal_a_computation_from_the_raw_bytes(sent_city: City) -> None:
    hour = sent_city.end - HOUR
    officers.release(sent_city.platform, "air.aqi.hourly", "131000", hour)
    released = officers.until("a figure of all stations", lambda: complete(sent_city, hour))
    snapshot = released["snapshot"]
    values: dict[str, list[Decimal]] = defaultdict(list)
    for line in snapshot["lineage"]:
        if line["used"]:
            values[line["factor"]].append(raw_value(sent_city, line, hour))
    assert {factor: len(found) for factor, found in values.items()} == dict.fromkeys(values, STATIONS)
    decimals = {one["factor"]: one["decimals"] for one in snapshot["figure"]["pollutants"]}
    means = {
        factor: rounded(sum(found, Decimal(0)) / len(found), decimals[factor])
        for factor, found in values.items()
    }
    report = aqi.hourly(means, iso(hour).date())

    shown = {one["factor"]: one for one in snapshot["figure"]["pollutants"]}
    assert {factor: Decimal(str(one["value"])) for factor, one in shown.items()} == means
    assert snapshot["figure"]["aqi"] == released["aqi"] == report.aqi

    with httpx.Client(base_url=sent_city.platform.edge, trust_env=False) as client:
        page = client.get(f"/en/releases/{released['id']}")
    assert page.status_code == 200
    assert re.search(rf">\s*{report.aqi}\s*<", page.text)
    assert released["sha256"] in page.text

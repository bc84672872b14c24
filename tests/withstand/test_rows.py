"""Rows that cannot be: each is refused by name with the way to mend it, and its neighbours are accepted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stations
from stations import FACTORS, SYSTEM, batch, past_hour, row
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
# What follows from accepted values in every case, whatever their number.
FOLLOWS = (
    *(
        "ingest.outbox",
        "ingest.outbox_heads",
        "qc.outbox",
        "qc.outbox_heads",
        "qc.known_series",
        "qc.rule_packs",
    ),
    *("qc.earlier_verdicts", "qc.fired_details", "publish.series"),
)


def refused_alone(platform: WholePlatform, sent: dict[str, Any], where: str, rule: str) -> None:
    """A batch of this one row is 422; it is kept with its reason and nothing else changes."""
    kept = {"ingest.submissions": 1, "ingest.raw_bytes": 1, "ingest.refused_rows": 1}
    with platform.changes(kept):
        answer = stations.send(platform.client, batch(sent))
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["refused"] == 1
    fault = told["errors"][0]
    assert (fault["rule"], fault["where"]) == (rule, f"row 0: {where}")
    assert fault["what"] and fault["mend"] and fault["what_zh"] and fault["mend_zh"]
    listed(platform, told["submission"], 1)


def listed(platform: WholePlatform, submission: str, refused: int) -> list[dict[str, Any]]:
    """The sender finds its refused rows again."""
    with platform.client.client(SYSTEM) as client:
        answer = client.get(f"/api/ingest/submissions/{submission}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    assert len(rows) == refused
    return rows


def accepted_among(
    platform: WholePlatform, sent: dict[str, Any] | bytes, accepted: int, refused: int
) -> dict[str, Any]:
    """202; these many rows of each kind, and nothing more anywhere."""
    changed = {"ingest.submissions": 1, "ingest.raw_bytes": 1, "ingest.refused_rows": refused}
    changed |= {"ingest.observations": accepted, "qc.known_values": accepted, "publish.figures": accepted}
    with platform.changes(changed, follows=FOLLOWS):
        answer = stations.send(platform.client, sent)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    assert (told["accepted"], told["refused"], told["repeated"], told["revised"]) == (accepted, refused, 0, 0)
    return told


def plausible(number: int) -> float:
    """No two neighbours are equal, none is far from the next."""
    return 40.0 + (number * 7 % 11) + number % 3 / 10


def test_one_bad_row_among_a_thousand_is_refused_alone(
    platform: WholePlatform, station: str, fresh_hours: Iterator[int]
) -> None:
    rows = [row(station, past_hour(next(fresh_hours)), plausible(number)) for number in range(1000)]
    rows[500]["value"] = "many"
    told = accepted_among(platform, batch(*rows), accepted=999, refused=1)
    assert [one["row"] for one in told["rows"]] == [500]
    wrong = told["rows"][0]
    assert (wrong["outcome"], wrong["where"], wrong["rule"]) == ("refused", "value", "value-format")
    assert "many" in wrong["what"] and wrong["mend"]
    again = listed(platform, told["submission"], 1)[0]
    assert {name: again[name] for name in ("row", "where", "rule", "what", "mend")} == {
        name: wrong[name] for name in ("row", "where", "rule", "what", "mend")
    }


@pytest.mark.parametrize(
    "values",
    [["NaN", "Infinity", "-Infinity", '"NaN"', '"inf"'], ["1e999", "-1e999"]],
    ids=["named", "too-far"],
)
def test_what_is_not_finite_is_refused_and_its_neighbour_accepted(
    platform: WholePlatform, station: str, fresh_hours: Iterator[int], values: list[str]
) -> None:
    rows = ",".join(
        f'{{"site":"{station}","factor":"a34004","value":{value},'
        f'"time":"{past_hour(next(fresh_hours)).isoformat()}"}}'
        for value in (*values, "38.5")
    )
    content = f'{{"source":"{SYSTEM}","historical":true,"rows":[{rows}]}}'.encode()
    told = accepted_among(platform, content, accepted=1, refused=len(values))
    assert {one["rule"] for one in told["rows"]} == {"value-not-finite"}
    assert [one["row"] for one in told["rows"]] == list(range(len(values)))


def test_a_timestamp_in_the_future_is_refused(platform: WholePlatform, station: str) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    refused_alone(platform, row(station, hour), "time", "time-future")


def test_a_timestamp_of_another_age_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row(station, datetime(1901, 1, 1, tzinfo=UTC)), "time", "time-too-early")


def test_what_is_no_time_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row(station, past_hour(0)) | {"time": "yesterday"}, "time", "time-format")


def test_an_unknown_station_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row("131000-X99", past_hour(0)), "site", "unknown-site")


def test_an_unknown_factor_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row(station, past_hour(0), factor="z99999"), "factor", "unknown-factor")


def test_a_factor_the_station_does_not_measure_is_refused(platform: WholePlatform, station: str) -> None:
    assert "a19001" not in FACTORS
    refused_alone(platform, row(station, past_hour(0), factor="a19001"), "factor", "unknown-series")


def test_a_unit_that_does_not_fit_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row(station, past_hour(0), unit="%"), "unit", "unit-mismatch")


def test_an_unknown_unit_is_refused(platform: WholePlatform, station: str) -> None:
    refused_alone(platform, row(station, past_hour(0), unit="furlong"), "unit", "unknown-unit")


def test_a_convertible_unit_is_converted(
    platform: WholePlatform, station: str, fresh_hours: Iterator[int]
) -> None:
    hour = past_hour(next(fresh_hours))
    told = accepted_among(platform, batch(row(station, hour, 0.041, unit="mg/m3")), accepted=1, refused=0)
    kept = "SELECT value FROM observations WHERE submission = $1::uuid"
    assert platform.value("ingest", kept, told["submission"]) == 41.0

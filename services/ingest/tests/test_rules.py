"""Times, numbers, limits, refusals and the flood rule: tables of cases and properties."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.rules.flood import FloodGate
from ingest.rules.limits import limits_on
from ingest.rules.numbers import convert_number, decimals_of, parse_number
from ingest.rules.refusals import flaw, rules, texts
from ingest.rules.times import (
    SECOND,
    is_aligned,
    judge_time,
    micros,
    mode_of,
    moment,
    parse_time,
    start_of,
)

EIGHT = 1795219200 * SECOND
LIMITS = limits_on(date(2026, 11, 21))
NOW = micros(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T08:00:00+08:00",
        "2026-11-21T08:00:00",
        "2026-11-21 08:00",
        "2026-11-21T00:00:00Z",
        "2026-11-20T19:00:00-05:00",
        "20261121080000",
        "20261121080000000",
        "20261121T080000",
    ],
)
def test_all_spellings_of_an_instant_are_the_same(text: str) -> None:
    assert parse_time(text) == EIGHT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8",
        "2026-13-01",
        "20261321080000",
        "2026-11-21T25:00",
        "now",
        "\u0662\u0662\u0662",
        "2026-11-21+08:00",
        "2026-11-21-08",
        "2026-11-21\x0008:00",
        "2026-11-21x08:00",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_summer_time_of_the_eighties_does_not_shift_device_clocks() -> None:
    assert parse_time("1988-07-01T08:00") == micros(datetime(1988, 7, 1, 0, 0, tzinfo=UTC))


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_instants_survive_the_round_trip(naive: datetime) -> None:
    aware = naive.replace(tzinfo=UTC)
    assert moment(micros(aware)) == aware
    assert parse_time(aware.isoformat()) == micros(aware) // 1000 * 1000


def test_an_hour_named_by_its_end_starts_an_hour_before() -> None:
    assert start_of(EIGHT, "end", 3600) == EIGHT - 3600 * SECOND
    assert start_of(EIGHT, "start", 3600) == start_of(EIGHT, "end", 0) == EIGHT


@pytest.mark.parametrize(
    ("text", "period", "aligned"),
    [
        ("2026-11-21T08:00", "hour", True),
        ("2026-11-21T08:30", "hour", False),
        ("2026-11-21T00:00", "day", True),
        ("2026-11-21T08:00", "day", False),
        ("2026-11-21T08:03", "min", True),
        ("2026-11-21T08:03:20", "min", False),
        ("2026-11-21T08:03:20", "rtd", True),
    ],
)
def test_periods_start_on_their_marks_in_chinese_time(text: str, period: str, aligned: bool) -> None:
    at = parse_time(text)
    assert at is not None and is_aligned(at, period) == aligned


def test_the_tolerance_of_the_day_decides_what_is_future() -> None:
    edge = NOW + LIMITS.future_tolerance_seconds * SECOND
    assert judge_time(edge, "rtd", NOW, LIMITS, "x") is None
    late = judge_time(edge + 1, "rtd", NOW, LIMITS, "x")
    assert late is not None and late.rule == "time-future"


def test_lateness_counts_from_the_end_of_the_period() -> None:
    hour = NOW - 3600 * SECOND
    assert mode_of(hour, "hour", NOW, LIMITS) == "live"
    assert mode_of(hour - LIMITS.late_after_seconds_hour * SECOND, "hour", NOW, LIMITS) == "live"
    assert mode_of(hour - LIMITS.late_after_seconds_hour * SECOND - 1, "hour", NOW, LIMITS) == "late"


def test_limits_exist_for_every_day_that_can_come() -> None:
    for day in (date(2000, 1, 1), date(2026, 11, 21), date(2099, 12, 31)):
        assert limits_on(day).rows_per_batch > 0
    with pytest.raises(LookupError):
        limits_on(date(1999, 12, 31))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12.30", (12.3, 2)),
        ("-0.5", (-0.5, 1)),
        ("+7", (7.0, 0)),
        ("7.", (7.0, 0)),
        (".25", (0.25, 2)),
        ("1e3", (1000.0, 0)),
        ("-1.5e-3", (-0.0015, 4)),
        ("1_000", None),
        ("NaN", None),
        ("inf", None),
        ("1e999", None),
        ("", None),
        ("0x10", None),
        ("１２", None),
        ("12,3", None),
        (" 1", None),
    ],
)
def test_numbers_are_read_with_the_decimals_reported(text: str, read: tuple[float, int] | None) -> None:
    assert parse_number(text) == read


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=3, allow_nan=False))
def test_the_fewest_decimals_that_write_a_number_are_found(number: Decimal) -> None:
    plain = number.normalize()
    exponent = plain.as_tuple().exponent
    assert isinstance(exponent, int)
    assert decimals_of(np.array([float(number)]))[0] == max(0, -exponent)


def test_gaps_and_whole_numbers_have_no_decimals() -> None:
    assert decimals_of(np.array([math.nan, 12.0, 12.3, 0.035])).tolist() == [0, 0, 1, 3]


def test_units_convert_exactly() -> None:
    assert convert_number(0.0351, "mg/m3", "ug/m3") == (35.1, 1)
    assert convert_number(35000.0, "ng/m3", "ug/m3") == (35.0, 0)
    assert convert_number(1.0, "L/s", "m3/h") == (3.6, 1)


def test_every_rule_speaks_both_languages() -> None:
    for rule in rules():
        said = texts(rule, "X")
        assert all(said.values()), rule
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said["what_zh"]), rule
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said["mend_zh"]), rule
        assert said["what"].isascii() or rule == "revision", rule


def test_what_was_found_can_be_kept_by_a_database() -> None:
    found = flaw("site", "unknown-site", "a\x00b\ud800" + "x" * 200).found
    assert "\x00" not in found and len(found) <= 80
    found.encode()


def test_the_flood_gate_keeps_the_first_of_a_day_and_counts_the_rest() -> None:
    gate, day = FloodGate(), date(2026, 11, 21)
    kept = [gate.keeps("a", "crc-wrong", day, 3) for _ in range(5)]
    assert kept == [True, True, True, False, False]
    assert gate.keeps("b", "crc-wrong", day, 3) and gate.keeps("a", "unknown-device", day, 3)
    assert {(one, rule): count.counted for one, rule, count in gate.unnoted()}[("a", "crc-wrong")] == 2
    assert gate.keeps("a", "crc-wrong", day + timedelta(days=1), 3)


def test_a_million_invented_senders_cost_bounded_memory() -> None:
    gate, day = FloodGate(), date(2026, 11, 21)
    for number in range(120_000):
        gate.keeps(str(number), "crc-wrong", day, 1)
    assert len(gate.counts) <= 100_001

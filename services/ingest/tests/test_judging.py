"""Batches and frames judged against a registry in memory: pure, so every case is cheap."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
import zstandard
from contracts.envelope import MAX_EVENT_BYTES, lane_of
from contracts.ingest import Recorded, SeriesRef
from contracts.packing import Packed, packed, unpacked
from hypothesis import given
from hypothesis import strategies as st
from ingest.flows.recorded import Values, recorded_events
from ingest.flows.store import in_order
from ingest.rules.bodies import BodyRefused, decode_body, decompressed
from ingest.rules.frames import read_line
from ingest.rules.hj212_build import build
from ingest.rules.judge import Judged, judge
from ingest.rules.limits import limits_on
from ingest.rules.numbers import GAPS, parse_number
from ingest.rules.readings import Columns, Reading, make_plan, read_group
from ingest.rules.refusals import Refusal
from ingest.rules.registry import Channel, Device, Registry, SeriesKey, Site
from ingest.rules.rows import BatchRefused, read_batch
from ingest.rules.targets import channel_facts
from ingest.rules.times import micros

LIMITS = limits_on(date(2026, 11, 21))
NOW = micros(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
SITES = [f"131000-A{number:02d}" for number in range(40)]


def channel(number: int, site: str, factor: str, *, unit: str = "ug/m3", **cells: Any) -> Channel:
    known = {"statistic": "avg", "basis": "raw", "period": "hour", "source": "s", "sent_unit": unit, **cells}
    sent_unit = known.pop("sent_unit")
    ref = SeriesRef(
        id=number,
        site=site,
        site_kind="station",
        region="131002",
        element="air",
        factor=factor,
        unit=unit,
        decimals=0,
        **known,
    )
    seconds = {"rtd": 0, "min": 60, "hour": 3600, "day": 86400}[ref.period]
    return Channel(ref, sent_unit, seconds, lane_of(Recorded, site), msgspec.json.encode(ref))


def registry(*channels: Channel) -> Registry:
    keys = ("site", "factor", "statistic", "basis", "period", "source")
    by_key = {SeriesKey(*(getattr(one.ref, name) for name in keys)): one for one in channels}
    sites = {code: Site(code, "131002", "ee.mon", None) for code in SITES}
    return Registry(1, sites, by_key, {one.ref.id: one for one in channels}, {})


FACTORS = ("a34004", "a34002")
KNOWN = registry(
    *(
        channel(number * 2 + at, site, factor)
        for number, site in enumerate(SITES)
        for at, factor in enumerate(FACTORS)
    )
)


def judged(*rows: Any, **head: Any) -> Judged:
    batch = read_batch({"source": "s", "rows": list(rows), **head}, 1000)
    return judge(batch, KNOWN, lambda site: site.code != "131000-A39", NOW, LIMITS)


def row(**cells: Any) -> dict[str, Any]:
    return {"site": SITES[0], "factor": "a34004", "time": "2026-11-21T08:00", "value": 1.5, **cells}


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
CELLS = st.dictionaries(
    st.sampled_from(
        ["site", "factor", "time", "value", "unit", "flag", "statistic", "period", "basis", "zz"]
    ),
    ANY,
)


@given(st.lists(st.one_of(CELLS, ANY, st.just(row())), min_size=1, max_size=20))
def test_every_row_is_either_accepted_or_refused_whatever_it_holds(rows: list[Any]) -> None:
    found = judged(*rows)
    refused = {wrong.row for wrong in found.refused}
    assert refused.isdisjoint(found.row.tolist())
    assert refused | set(found.row.tolist()) == set(range(len(rows)))
    assert {at for at, one in enumerate(rows) if one == row()} <= set(found.row.tolist())
    for wrong in found.refused:
        assert wrong.shown()["what_zh"]


@given(st.lists(CELLS, min_size=1, max_size=10))
def test_columns_and_rows_are_judged_alike(rows: list[dict[str, Any]]) -> None:
    names = ("site", "factor", "time", "value", "flag")
    full = [{name: {**row(), "flag": "N", **cells}[name] for name in names} for cells in rows]
    by_rows = judged(*full)
    data = [[cells[name] for name in names] for cells in full]
    batch = read_batch({"source": "s", "columns": list(names), "data": data}, 1000)
    by_columns = judge(batch, KNOWN, lambda site: site.code != "131000-A39", NOW, LIMITS)
    assert by_columns.refused == by_rows.refused
    for name in ("start", "decimals", "flag", "row"):
        assert np.array_equal(getattr(by_columns, name), getattr(by_rows, name))
    assert np.array_equal(by_columns.value, by_rows.value, equal_nan=True)


@pytest.mark.parametrize("label", ["start", "end"])
@pytest.mark.parametrize(
    "time",
    ["2026-11-21T08:00", "2026-11-21T09:00", "2026-11-21T08:30", "2026-11-21T00:00", "2026-11-01T00:00",
     "2027-01-01T00:00", "1969-12-31T00:00", "no time"],
)  # fmt: skip
def test_rows_of_one_time_are_judged_as_among_others(time: str, label: str) -> None:
    known = registry(
        *(
            channel(at, SITES[at], "a34004", period=period)
            for at, period in enumerate(("hour", "min", "day", "rtd"))
        )
    )
    rows = [
        row(site=SITES[at], period=period, time=time)
        for at, period in enumerate(("hour", "min", "day", "rtd"))
        if period != "day" or time.endswith("T00:00")
    ]
    batches = [
        {"source": "s", "label": label, "rows": rows + more} for more in ([], [row(time="2026-11-21T07:00")])
    ]
    alone, among = (judge(read_batch(one, 9), known, lambda _: True, NOW, LIMITS) for one in batches)
    own = [wrong for wrong in among.refused if wrong.row < len(rows)]
    is_own = among.row < len(rows)
    assert alone.refused == own
    for name in ("start", "is_late", "row"):
        assert getattr(alone, name).tolist() == getattr(among, name)[is_own].tolist()


def test_late_rows_are_marked_and_scope_is_asked_per_site() -> None:
    found = judged(row(), row(time="2026-11-01T08:00"), row(site="131000-A39"))
    assert found.is_late.tolist() == [False, True]
    assert [wrong.rule for wrong in found.refused] == ["out-of-scope"]


@pytest.mark.parametrize(
    "body",
    [None, [], 7, {}, {"source": "s"}, {"source": "s", "rows": {}}, {"source": "s", "rows": [1] * 1001}],
)
def test_what_is_no_batch_is_refused_whole(body: Any) -> None:
    with pytest.raises(BatchRefused):
        read_batch(body, 1000)


@given(st.binary(max_size=300), st.sampled_from(["identity", "gzip", "zstd", "br"]))
def test_any_bytes_are_a_value_or_a_refusal(raw: bytes, encoding: str) -> None:
    try:
        decode_body(raw, encoding, LIMITS)
    except BodyRefused as error:
        assert error.flaw.rule in {
            "json-malformed",
            "json-too-complex",
            "encoding-wrong",
            "body-unpacks-too-large",
        }


def test_nan_is_read_so_that_only_its_row_is_refused() -> None:
    body = json.dumps({"source": "s", "rows": [row(value=float("nan")), row()]}).encode()
    found = judge(read_batch(decode_body(body, "identity", LIMITS), 9), KNOWN, lambda _: True, NOW, LIMITS)
    assert ([wrong.rule for wrong in found.refused], found.row.tolist()) == (["value-not-finite"], [1])


def test_a_number_that_no_instrument_can_mean_is_refused() -> None:
    values = [1e15, -1e15, 1.1e15, "1e308", -1e300, None]
    body = json.dumps({"source": "s", "rows": [row(value=value) for value in values]}).encode()
    found = judge(read_batch(decode_body(body, "identity", LIMITS), 9), KNOWN, lambda _: True, NOW, LIMITS)
    assert [(wrong.row, wrong.rule) for wrong in found.refused] == [(n, "value-too-large") for n in (2, 3, 4)]
    assert found.row.tolist() == [0, 1, 5]


DEVICE = Device("MN", SITES[0], "s", None)
MINUTES = [
    channel(901, SITES[0], "a34004", period="min", sent_unit="ng/m3"),
    channel(902, SITES[0], "a21026", period="min", statistic="max"),
    channel(903, SITES[0], "a21026", period="min", basis="converted"),
    channel(904, SITES[0], "w01018", period="min", unit="mg/L"),
]


def frame_values(
    *groups: str, command: int = 2051, device: Device = DEVICE, **fields: str
) -> tuple[Columns, list[Refusal]]:
    head: Mapping[str, str | int] = {"ST": 32, "CN": command, "MN": "MN", **fields}
    frame = read_line(build(head, groups))
    assert frame is not None and not frame.problems
    plan = make_plan(frame.segment.names, "min", frame.fields["ST"], device, registry(*MINUTES))
    read = read_group([Reading(plan, frame.segment.values, NOW)], LIMITS)
    return read.columns, read.refused.get(0, [])


def test_a_frame_is_mapped_to_series_by_command_field_unit_and_old_code() -> None:
    found, refused = frame_values(
        "DataTime=20261121080300",
        "a34004-Avg=35000,a34004-Flag=N",
        "a21026-Max=9.10,a21026-ZsAvg=8,a21026-Flag=D",
        "011-Avg=18.04,011-Flag=N",
    )
    told = [
        row
        for row in zip(
            found.ids.tolist(),
            found.value.tolist(),
            found.decimals.tolist(),
            found.flag.tolist(),
            strict=True,
        )
    ]
    assert told == [(901, 35.0, 0, b"N"), (902, 9.1, 2, b"D"), (903, 8.0, 0, b"D"), (904, 18.04, 2, b"N")]
    assert not refused and set(found.start.tolist()) == {NOW - 117 * 60_000_000}


def test_a_number_in_a_frame_that_no_instrument_can_mean_costs_only_itself() -> None:
    found, refused = frame_values("DataTime=20261121080300", "a34004-Avg=1e308", "011-Avg=18.04")
    assert ([wrong.rule for wrong in refused], found.value.tolist()) == (["value-too-large"], [18.04])


PLAIN = st.decimals(-9999, 9999, places=3, allow_nan=False).map(lambda one: f"{one:f}".rstrip("0"))
NUMBERS = st.one_of(PLAIN, st.sampled_from(["0", ".5", "7.", "-", "", "1-2", "1..2", "+3", "1e2", "x", "١"]))


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_numbers_read_together_are_what_each_is_alone(texts: list[str]) -> None:
    plan = make_plan(["DataTime", "011-Avg"], "min", "32", DEVICE, registry(*MINUTES))
    read = read_group([Reading(plan, ["20261121080300", text], NOW) for text in texts], LIMITS)
    columns = read.columns
    found = {
        number: None if value != value else (value, decimals)
        for number, value, decimals in zip(
            columns.reading.tolist(), columns.value.tolist(), columns.decimals.tolist(), strict=True
        )
    }
    told = {at: parse_number(text) for at, text in enumerate(texts) if text in GAPS or parse_number(text)}
    assert found == told and set(read.refused) == set(range(len(texts))) - set(told)


def test_a_device_that_labels_by_the_end_is_shifted() -> None:
    device = msgspec.structs.replace(DEVICE, label="end")
    found, _ = frame_values("DataTime=20261121080300", "a34004-Avg=1", device=device)
    assert found.start.tolist() == [NOW - 118 * 60_000_000]


@pytest.mark.parametrize(
    ("group", "rule"),
    [
        ("a=1", "no-data-time"),
        ("DataTime=2026", "time-format"),
        ("DataTime=20261121080301", "time-misaligned"),
    ],
)
def test_a_wrong_time_costs_the_whole_frame(group: str, rule: str) -> None:
    found, refused = frame_values(group, "a34004-Avg=1")
    assert (len(found.row), [wrong.rule for wrong in refused]) == (0, [rule])


@given(st.text(alphabet="a34-RtdAvgFlNx=;,&. 019\n", max_size=120))
def test_any_data_area_gives_values_or_refusals(text: str) -> None:
    frame = read_line(build({"ST": 22, "CN": 2051, "MN": "MN"}, [text]))
    if frame is None or frame.fields.get("CN") != "2051":
        return
    plan = make_plan(frame.segment.names, "min", "22", DEVICE, registry(*MINUTES))
    found = read_group([Reading(plan, frame.segment.values, NOW)], LIMITS).columns
    assert len(found.ids) == len(found.value) == len(found.row) == len(found.flag) == len(found.is_late)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_values_are_put_in_the_order_of_lane_series_time_parcel_and_row(
    cells: list[tuple[int, int, int]],
) -> None:
    channels = [KNOWN.by_id[2 * number] for number in (7, 3, 11, 0, 5, 2)]
    at, start, parcel = (np.array(column, dtype=np.int64) for column in zip(*cells, strict=True))
    row = np.arange(len(cells), dtype=np.int32)
    blank = np.zeros(len(cells))
    values = Values(channels, channel_facts(channels), at, start, blank, blank, blank, blank, parcel, row)  # type: ignore[arg-type]
    wanted = sorted(
        (channels[one].lane, channels[one].ref.id, ts, number, place)
        for place, (one, ts, number) in enumerate(cells)
    )
    assert in_order(values).row.tolist() == [place for *_, place in wanted]


def named_at_length(one: Channel) -> Channel:
    ref = msgspec.structs.replace(one.ref, name_zh="站" * 1500)
    return msgspec.structs.replace(one, ref=ref, encoded=msgspec.json.encode(ref))


@given(st.integers(1, 3000), st.integers(1, 40), st.booleans(), st.sampled_from([1, 3]))
def test_every_value_is_said_once_and_every_event_fits(
    rows: int, sites: int, is_remembered: bool, parcels: int
) -> None:
    channels = [KNOWN.by_id[2 * number] for number in range(sites)]
    channels = list(map(named_at_length, channels)) if is_remembered else channels
    at = np.arange(rows) % sites
    lanes = np.array([int(channels[one].lane) for one in at])
    order = np.lexsort((np.arange(rows), at, lanes))
    start = (np.arange(rows, dtype=np.int64) * 3_600_000_000)[order]
    facts = channel_facts(channels)
    values = Values(
        channels,
        msgspec.structs.replace(facts, heads={}) if is_remembered else facts,
        at[order],
        start,
        np.where(start % 7 == 0, np.nan, start / 7),
        np.zeros(rows, np.int16),
        np.full(rows, b"N", dtype="S4"),
        (np.arange(rows) % min(parcels, 2)).astype(np.int16)[order],
        (np.arange(rows) % parcels).astype(np.int32)[order],
        np.arange(rows, dtype=np.int32)[order],
    )
    names = [f"{number:032x}" for number in range(3)]
    said = []
    first = list(recorded_events(values, names, names, 5))
    assert not is_remembered or parcels > 1 or all(isinstance(event, Packed) for _, event in first)
    for key, event in recorded_events(values, names, names, 5) if is_remembered else first:
        of, size, data = packed(event)
        encoded = unpacked(data)
        assert len(encoded) == size <= MAX_EVENT_BYTES and of is Recorded
        assert msgspec.json.decode(encoded).keys() == set(Recorded.__struct_fields__)
        read = msgspec.json.decode(encoded, type=Recorded)
        assert {lane_of(Recorded, ref.site) for ref in read.series} == {lane_of(Recorded, key)}
        said += [
            (read.series[one].id, ts, read.submissions[by], read.modes[by])
            for one, ts, by in zip(read.at, read.ts_ms, read.by, strict=True)
        ]
    modes = ("live", "late")
    assert sorted(said) == sorted(
        (channels[one].ref.id, int(ts) // 1000, names[parcel], modes[mode])
        for one, ts, parcel, mode in zip(values.at, values.start, values.parcel, values.mode, strict=True)
    )


@given(
    st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.sampled_from(["gzip", "zstd"]), st.data()
)
def test_compressed_parts_are_one_body_and_a_cut_one_is_none(
    parts: list[bytes], encoding: str, data: st.DataObject
) -> None:
    pack = (
        gzip.compress if encoding == "gzip" else zstandard.ZstdCompressor(write_content_size=False).compress
    )
    packed = b"".join(pack(part) for part in parts)
    assert decompressed(packed, encoding, 1000) == b"".join(parts)
    if len(b"".join(parts)) > 10:
        with pytest.raises(BodyRefused, match="body-unpacks-too-large"):
            decompressed(packed, encoding, 10)
    last = len(pack(parts[-1]))
    cut = packed[: -data.draw(st.integers(1, last - 1))]
    with pytest.raises(BodyRefused, match="encoding-wrong"):
        decompressed(cut, encoding, 1000)


def test_an_instant_in_the_future_is_refused_wherever_it_stands() -> None:
    known = registry(channel(1, SITES[0], "a34004", period="rtd"))
    cells = {"site": SITES[0], "factor": "a34004", "statistic": "avg", "period": "rtd", "value": 1}
    rows = [cells | {"time": "2030-01-01T00:00:00Z"}] + [
        cells | {"time": f"2026-11-20T00:00:0{at}Z"} for at in range(4)
    ]
    batch = read_batch({"source": "s", "rows": rows}, 100)
    found = judge(batch, known, lambda site: True, NOW, LIMITS)
    assert [(wrong.row, wrong.rule) for wrong in found.refused] == [(0, "time-future")]
    assert found.row.tolist() == [1, 2, 3, 4]


def test_a_remembered_batch_is_asked_for_its_sender_again() -> None:
    known = registry(*(channel(at, site, "a34004") for at, site in enumerate(SITES[:3], start=1)))
    cells = [{"site": site, "factor": "a34004", "time": "2026-11-21T08:00", "value": 1} for site in SITES[:3]]

    def refused(may: Any) -> list[tuple[int, str]]:
        batch = read_batch({"source": "s", "rows": cells}, 100)
        return [(wrong.row, wrong.rule) for wrong in judge(batch, known, may, NOW, LIMITS).refused]

    for _ in range(2):
        assert refused(lambda site: True) == []
        assert refused(lambda site: site.code != SITES[1]) == [(1, "out-of-scope")]
    assert len(known.batches) == 1

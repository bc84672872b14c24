"""What goes upward, how it is cut and written, and what the answers mean: pure."""

from datetime import date

import msgspec
import pytest
from contracts.ingest import Recorded, Revised, SeriesRef
from hypothesis import example, given
from hypothesis import strategies as st
from ingest.rules.frames import read_line
from ingest.rules.hj212_build import build
from ingest.rules.numbers import parse_number
from ingest.rules.uplinks.answers import read_status
from ingest.rules.uplinks.comparing import Tally, compare, hour_of, tally
from ingest.rules.uplinks.cutting import Cutter, body_of, number_text, time_text
from ingest.rules.uplinks.dated import forwarding_on, pause_after
from ingest.rules.uplinks.frames import Device, qn_of, read_answer, reply_to, upload
from ingest.rules.uplinks.links import Link, Place, may_pass, path_of, wants

LIMITS = forwarding_on(date(2026, 11, 21))
START = 1795219200000
DEVICE = Device("M" * 24, "123456", 22)


def ref(number: int = 1, **cells: object) -> SeriesRef:
    known = {"id": number, "site": "131000-A01", "site_kind": "station", "region": "131002", "element": "air",
             "factor": "a34004", "statistic": "avg", "basis": "raw", "period": "hour", "source": "cnemc",
             "unit": "ug/m3", "decimals": 0}  # fmt: skip
    return msgspec.convert(known | cells, SeriesRef)


def recorded(series: list[SeriesRef], at: list[int], ts: list[int], value: list[float | None]) -> Recorded:
    size = len(at)
    return Recorded(
        submissions=["s"], traces=["t"], modes=["live"], received_at_ms=START, series=series, at=at,
        by=[0] * size, ts_ms=ts, value=value, decimals=[1] * size, flag=["N"] * size,
    )  # fmt: skip


def link(**cells: object) -> Link:
    known = {"name": "up", "kind": "http", "address": "http://x", "peer": "hebei", "region": "131000"}
    return msgspec.convert(known | cells, Link)


def device_link(**cells: object) -> Link:
    return link(kind="hj212", address="x:1", places={"131000-A01": {"mn": "M" * 24}}, **cells)


@given(st.integers(1, 400), st.integers(0, 1000))
def test_pauses_grow_and_stay_below_the_most(failures: int, part: int) -> None:
    chance = part / 1001
    pause = pause_after(failures, chance, LIMITS)
    assert LIMITS.first_pause_seconds <= pause <= LIMITS.most_pause_seconds
    assert pause_after(failures + 1, 0, LIMITS) >= min(pause_after(failures, 0, LIMITS), 300)
    assert pause_after(5, 0, LIMITS) == 16 and pause_after(5, 0.999, LIMITS) < 20


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ({}, True),
        ({"regions": ["131003"]}, False),
        ({"regions": ["131003", "131002"]}, True),
        ({"region": "131100"}, False),
        ({"factors": ["a34002"]}, False),
        ({"periods": ["hour"], "sources": ["cnemc"], "sites": ["131000-A01"]}, True),
        ({"kind": "hj212"}, False),
        ({"kind": "hj212", "places": {"131000-A01": {"mn": "M"}}}, True),
        ({"kind": "hj212", "places": {"131000-A01": {"code": "M"}}}, False),
    ],
)
def test_a_link_wants_what_it_selects(cells: dict[str, object], wanted: bool) -> None:
    assert wants(link(**cells), ref()) is wanted


def test_a_value_does_not_go_back_around_or_too_far() -> None:
    assert path_of("via:a/b", ("c", "a")) == ("c", "a", "b")
    assert path_of("cnemc", ()) == ()
    assert may_pass(link(), ("a",), "own", LIMITS)
    assert not may_pass(link(), ("hebei",), "own", LIMITS)
    assert not may_pass(link(), ("own",), "own", LIMITS)
    assert not may_pass(link(), tuple("abcdefgh"), "own", LIMITS)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5000)), min_size=1, max_size=60, unique=True))
def test_every_value_is_in_exactly_one_parcel_and_in_order(places: list[tuple[int, int]]) -> None:
    series = [ref(1), ref(2, factor="a34002"), ref(3, factor="a05024", source="other")]
    at, ts = [place[0] for place in sorted(places)], [START + hour * 3_600_000 for _, hour in sorted(places)]
    event = recorded(series, at, ts, [float(n) for n in range(len(at))])
    for one in (link(), device_link()):
        cutter = Cutter(one, "own", "00", LIMITS)
        cutter.recorded(event, {})
        found = [(row[1], row[6]) for cut in cutter.cuts for row in cut.rows]
        assert sorted(found) == sorted(
            (series[a].factor, time_text(t)[0]) for a, t in zip(at, ts, strict=True)
        )
        for factor in {factor for factor, _ in found}:
            times = [time for name, time in found if name == factor]
            assert times == sorted(times)
        for cut in cutter.cuts:
            assert len({row[6][:10] for row in cut.rows}) == 1, "one day"
            if one.kind == "hj212":
                assert len({row[6] for row in cut.rows}) == 1, "one instant"


def test_a_frame_never_exceeds_its_bytes_and_reads_back_as_sent() -> None:
    series = [ref(n, factor=f"a{n:05d}", statistic=s) for n in range(1, 30) for s in ("avg", "min", "max")]
    event = recorded(series, list(range(len(series))), [START] * len(series), [1.5] * len(series))
    one = device_link(dialect="2025")
    cutter = Cutter(one, "own", "00", LIMITS)
    cutter.recorded(event, {})
    assert len(cutter.cuts) > 1
    seen = []
    for number, cut in enumerate(cutter.cuts):
        frame = read_line(upload(body_of(cut), DEVICE, START + number, one, is_resent=True))
        assert frame is not None and frame.problems == () and frame.actual <= 1024
        assert (frame.fields["CN"], frame.fields["RF"], frame.fields["Flag"]) == ("2061", "1", "9")
        assert frame.segment.pairs[0] == ("DataTime", "20261121080000")
        seen += [name for name, value in frame.segment.pairs if value == "1.5"]
    assert len(seen) == len(set(seen)) == len(series)


def test_units_and_names_are_those_the_other_side_expects() -> None:
    series = [ref(1, unit="ug/m3")]
    for cells, text in (
        ({}, "a34004-Avg=35.5,a34004-Flag=N"),
        ({"units": "hj212"}, "a34004-Avg=35500,a34004-Flag=N"),
    ):
        one = device_link(**cells)
        cutter = Cutter(one, "own", "00", LIMITS)
        cutter.recorded(recorded(series, [0], [START], [35.5]), {})
        (cut,) = cutter.cuts
        assert text in upload(body_of(cut), DEVICE, START, one, is_resent=False).decode()
    cutter = Cutter(device_link(), "own", "00", LIMITS)
    cutter.recorded(recorded(series, [0], [START], [None]), {})
    sent = upload(body_of(cutter.cuts[0]), DEVICE, START, device_link(), is_resent=False).decode()
    assert "a34004-Flag=N&&" in sent and "Avg" not in sent, "a gap stays a gap"


def test_a_revision_is_a_parcel_of_its_own() -> None:
    cutter = Cutter(link(), "own", "00", LIMITS)
    cutter.recorded(recorded([ref()], [0], [START], [1.0]), {})
    cutter.revised(
        Revised(submission="s", series=ref(), ts_ms=START, first_value=1, later_value=2.25, received_at_ms=0),
        {},
    )
    assert [(cut.head.kind, cut.rows[0][7]) for cut in cutter.cuts] == [
        ("recorded", "1.0"),
        ("revised", "2.25"),
    ]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(0, 12))
def test_a_number_keeps_its_value_and_its_decimals(value: float, decimals: int) -> None:
    text = number_text(value, decimals)
    assert text is not None and float(text) == value
    assert number_text(35.0, 1) == "35.0" and number_text(None, 1) is None
    if abs(value) < 1e15 and "e" not in text:
        read = parse_number(text)
        assert read is not None and read[0] == value


def test_only_our_own_names_are_read_as_answers() -> None:
    base = {"QN": qn_of(START), "MN": "M", "CN": "9014"}
    said = read_answer(base, {})
    assert said is not None and (said.mn, said.qn, said.what) == ("M", "20261121080000000", "acknowledged")
    refused = read_answer(base | {"CN": "9011"}, {"QnRtn": "9"})
    assert refused is not None and refused.text == "9011 9 CRC wrong"
    assert read_answer(base | {"CN": "9011"}, {"QnRtn": "1"}) is None
    assert read_answer(base | {"CN": "9013"}, {}) is None


@example({"CN": "²"})
@given(st.dictionaries(st.sampled_from(["CN", "MN", "PW", "QN", "Flag"]), st.text(max_size=8)))
def test_whatever_a_host_sends_nothing_but_a_refusal_is_answered(fields: dict[str, str]) -> None:
    reply = reply_to(fields, {"M": "secret"})
    if reply is not None:
        frame = read_line(reply)
        assert frame is not None and frame.fields["CN"] == "9011"
    right = {"CN": "2061", "MN": "M", "PW": "secret", "QN": "20261121080000999", "Flag": "9"}
    assert reply_to(right, {"M": "secret"}) == build(
        {"QN": right["QN"], "ST": 91, "CN": 9011, "PW": "secret", "MN": "M", "Flag": 8}, ["QnRtn=2"]
    )
    for name, value in {"CN": "2012", "MN": "N", "PW": "x", "Flag": "8"}.items():
        assert reply_to(right | {name: value}, {"M": "secret"}) is None


@given(st.integers(100, 599), st.binary(max_size=60), st.one_of(st.none(), st.text(max_size=5)))
def test_any_http_answer_is_understood(status: int, body: bytes, retry: str | None) -> None:
    answer = read_status(status, body, retry)
    assert answer.outcome == {2: "acknowledged"}.get(status // 100, answer.outcome)
    assert (answer.outcome == "refused") <= (400 <= status < 500)


def test_http_answers_of_the_link_never_park_a_parcel() -> None:
    for status in (301, 401, 403, 404, 405, 408, 429, 500, 502, 503):
        assert read_status(status, b"{}", None).outcome == "failed", status
    scope = b'{"type": "/problems/out-of-scope"}'
    assert read_status(403, scope, None).outcome == "refused"
    assert read_status(503, b"", "7").wait_seconds == 7
    refused = b'{"row": 1, "outcome": "refused", "rule": "r", "what": "w"}'
    partly = b'{"rows": [%b, {"row": 2, "outcome": "repeated"}]}' % refused
    assert read_status(202, partly, None).refused_rows == {1: "r: w"}


@pytest.mark.parametrize(
    ("time", "hour"),
    [
        ("2026-11-21T08:30:00+08:00", "2026-11-21T00:00:00+00:00"),
        ("2026-11-21T07:59:59.5+08:00", "2026-11-20T23:00:00+00:00"),
        ("2026-01-01T00:00:00+08:00", "2025-12-31T16:00:00+00:00"),
    ],
)
def test_hours_are_compared_in_utc(time: str, hour: str) -> None:
    assert hour_of(time) == hour


def test_a_value_sent_twice_counts_once_and_more_on_the_other_side_is_no_difference() -> None:
    cells: dict[tuple[str, str, str, str, str, str, str], Tally] = {}
    row = ["s", "f", "avg", "raw", "hour", "u", "2026-11-21T08:00:00+08:00", "1", ""]
    for parcel in (1, 2):
        tally(cells, parcel, "acknowledged", "recorded", {"source": "x", "data": [row]})
    (cell,) = cells
    for held, missing in ((0, 1), (1, 0), (5, 0)):
        compare(cells, {cell: held})
        assert cells[cell].missing == missing and cells[cell].sent == 2


def test_a_place_without_mn_is_not_forwarded_by_hj212() -> None:
    assert not wants(msgspec.structs.replace(device_link(), places={"131000-A01": Place(code="x")}), ref())

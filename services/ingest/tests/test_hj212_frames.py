"""HJ 212 frames: the vectors of the standards, their negatives, and what the field sends."""

import csv
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.rules import crc, grammar
from ingest.rules.frames import check_line, read_line
from ingest.rules.grammar import wants_answer
from ingest.rules.hj212_build import answer, build, data_frame
from ingest.rules.stream import MAX_PENDING, StreamParser

MN = "MN=010000A8900016F000169DC0"
S1 = f"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;{MN};Flag=5;CP=&&RtdInterval=30&&1C80"
S2 = f"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;{MN};Flag=9;CP=&&&&2200"
S3 = (
    "##0178ST=32;CN=2011;PW=123456;MN=0873HHMZWSLH02;CP=&&DataTime=20160103133030;060-Rtd=3.0943,060-Flag=N;"
    "011-Rtd=18.0412,011-Flag=N;001-Rtd=8.2137,001-Flag=N;B01-Rtd=10.9890,B01-Flag=N&&A9C1"
)
S4 = (
    "##0285QN=20190925181031464;ST=22;CN=2061;PW=BF470F88957588DE902D1A52;MN=Z13401000010301;Flag=5;CP=&&"
    "DataTime=20190924220000;a34006-Avg=2.69700,a34006-Flag=N;a34007-Avg=7.96600,a34007-Flag=N;"
    "a34048-Avg=3.30600,a34048-Flag=N;a34047-Avg=7.35700,a34047-Flag=N;a34049-Avg=10.66300,a34049-Flag=N&&C181"
)
T1 = f"##0094QN=20160801085857223;ST=91;CN=9011;PW=123456;{MN};Flag=4;CP=&&QnRtn=1&&1B00"
T2 = f"##0095QN=20160801085857223;ST=91;CN=9012;PW=123456;{MN};Flag=4;CP=&&ExeRtn=1&&6240"
T3 = f"##0087QN=20160801085857223;ST=91;CN=9014;PW=123456;{MN};Flag=4;CP=&&&&3240"
T4 = f"##0087QN=20160801085857223;ST=32;CN=1013;PW=123456;{MN};Flag=5;CP=&&&&3840"
T5 = (
    f"##0325QN=20160801090000001;ST=32;CN=2061;PW=123456;{MN};Flag=5;CP=&&DataTime=20160801080000;"
    "w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;"
    "w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;"
    "w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&B7C1"
)
T6 = (
    f"##0185QN=20160801085857534;ST=32;CN=2061;PW=123456;{MN};Flag=7;PNUM=2;PNO=1;CP=&&"
    "DataTime=20160801080000;w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&2D00"
)
T7 = (
    f"##0194QN=20260301080000001;ST=22;CN=2061;PW=123456;{MN};Flag=5;CP=&&DataTime=20260301070000;"
    "a34004-Avg=48,a34004-Flag=N;a34002-Avg=92,a34002-Flag=N;a05024-Avg=71,a05024-Flag=N&&D941"
)
T8 = (
    f"##0189QN=20260301080000002;ST=31;CN=2011;PW=123456;{MN};Flag=9;CP=&&DataTime=20260301080000;"
    "a21026-Rtd=21.40,a21026-ZsRtd=25.68,a21026-Flag=N;a19001-Rtd=8.5,a19001-Flag=N&&8C41"
)
T9 = (
    f"##0152QN=20160801085857223;ST=32;CN=3020;PW=123456;{MN};Flag=5;CP=&&DataTime=20160801085857;"
    "PolId=w01018;i11001-Info=//清洗管路//&&9481"
)
GOLDEN = {
    "S1": (S1, "2017"),
    "S2": (S2, "2025"),
    "S3": (S3, "2005"),
    "S4": (S4, "2017"),
    "T1": (T1, "2017"),
    "T2": (T2, "2017"),
    "T3": (T3, "2017"),
    "T4": (T4, "2017"),
    "T5": (T5, "2017"),
    "T6": (T6, "2017"),
    "T7": (T7, "2017"),
    "T8": (T8, "2025"),
    "T9": (T9, "2017"),
}
CORPUS = Path(os.environ.get("JIANZHEN_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_standards_own_frames_are_sound(name: str) -> None:
    text, dialect = GOLDEN[name]
    for tail in ("", "\r\n", "\n"):
        seen = check_line((text + tail).encode())
        assert seen["ok"] and not seen["problems"], seen
        assert seen["dialect"] == dialect
        assert seen["crc"]["verdict"] == "annex"
        assert seen["length"]["declared"] == seen["length"]["actual"]


def test_a_public_test_frame_with_an_empty_last_group_is_read() -> None:
    groups = ["DataTime=20160801085000", "LA-td=50.1,LA-Flag=N", "a34001-Rtd=217,a34001-Flag=N", ""]
    frame = build({"QN": "20160801085000001", "ST": 22, "CN": 2011, "MN": "A", "Flag": 5}, groups)
    seen = check_line(frame)
    assert seen["ok"]
    assert seen["data"] == [
        {"factor": "LA", "field": "td", "value": "50.1", "flag": "N"},
        {"factor": "a34001", "field": "Rtd", "value": "217", "flag": "N"},
    ]


def test_the_check_reports_exactly_the_header_and_the_data() -> None:
    seen = check_line(T8.encode())
    assert seen["fields"]["MN"] == "010000A8900016F000169DC0"
    assert list(seen["fields"]) == ["QN", "ST", "CN", "MN", "Flag"]
    assert "PW" not in seen["fields"]
    assert seen["data"][1] == {"factor": "a21026", "field": "ZsRtd", "value": "25.68", "flag": "N"}
    assert check_line(S3.encode())["fields"]["QN"] is None


@pytest.mark.parametrize(
    ("line", "verdict", "problem"),
    [
        (S1[:-4] + "0759", "modbus", "MODBUS"),
        (S1[:-4] + "5907", "modbus-swapped", "MODBUS"),
        (S1[:-4] + "1C81", "wrong", "expected 1C80"),
        (S1[:-4] + "1C08", "wrong", "expected 1C80"),
        (S1[:-4] + "zzzz", "wrong", "CRC"),
        (S1[:-4], "absent", "no CRC"),
        (S1.replace("##0101", "##0100"), "annex", "length says 100"),
        (S1.replace("##0101", "##01x1"), "annex", "four digits"),
        ("xx" + S1, "annex", "before ##"),
        (S1 + "tail", "annex", "after the CRC"),
        ("##9999ST=32;CN=2011;CP=&&a34004-Rtd=2.3&&0000", "wrong", "MN is missing"),
        ("hello", "absent", "no ##"),
        ("", "absent", "no ##"),
    ],
)
def test_an_unsound_line_says_why(line: str, verdict: str, problem: str) -> None:
    seen = check_line(line.encode())
    assert not seen["ok"]
    assert seen["crc"]["verdict"] == verdict
    assert any(problem in text for text in seen["problems"]), seen["problems"]


def test_lower_case_check_digits_are_accepted() -> None:
    assert check_line(S1.replace("1C80", "1c80").encode())["ok"]


def test_a_character_count_is_accepted_only_where_the_crc_proves_it() -> None:
    assert check_line(T9.replace("##0152", "##0144").encode())["ok"]
    assert not check_line(T9.replace("##0152", "##0144").replace("9481", "9480").encode())["ok"]


@pytest.mark.parametrize(
    ("head", "cp", "field"),
    [
        ("ST=32;CN=2011;PW=123456;,MN=A1;FLAG=5", "DataTime=20260301080000", ("Flag", "5")),
        ("ST=32; CN=2011 ;MN=A1;Flag=3;PNO=0002;PNUM=0002", "BeginTime=1,EndTime=2", ("PNO", "0002")),
        ("st=32;cn=2011;mn=A1", " DataTime = 20260301080000 ; A34004-Rtd=-1.5,A34004-Flag=B", ("MN", "A1")),
    ],
)
def test_field_spellings_are_read_leniently(head: str, cp: str, field: tuple[str, str]) -> None:
    segment = f"{head};CP=&&{cp}&&".encode()
    seen = check_line(b"##%04d%b%04x\r\n" % (len(segment), segment, crc.annex(segment)))
    assert seen["ok"], seen
    frame = read_line(b"##%04d%b%04x\r\n" % (len(segment), segment, crc.annex(segment)))
    assert frame is not None and frame.fields[field[0]] == field[1] and frame.notes


def test_free_text_may_hold_separators() -> None:
    frame = build({"CN": 3020, "MN": "A"}, ["i11001-Info=//cleaned; valve=open, ok//", "PolId=w01018"])
    seen = check_line(frame)
    assert seen["ok"]
    assert seen["data"][0]["value"] == "//cleaned; valve=open, ok//"
    read = read_line(frame)
    assert read is not None and read.segment.pairs[1] == ("PolId", "w01018")


FIELDS = ("ST=32", "CN=2011", "PW=123456", MN, "Flag=5", "Flag=7", "PNUM=2", "PNO=1", "MN=A ", "cn=2011", "x")


@given(
    st.sampled_from(["20160801085857223", "2016080108585722", "2016080108585722x", ""]),
    st.lists(st.sampled_from(FIELDS), max_size=8),
)
def test_a_header_that_is_known_reads_as_it_did_the_first_time(number: str, fields: list[str]) -> None:
    segment = ";".join([f"QN={number}", *fields, "CP=&&DataTime=20160801085857&&"]).encode()
    often = [grammar.read_segment(segment) for _ in range(2)]
    with patch.object(grammar, "_known_header", lambda head: None):
        plain = grammar.read_segment(segment)
    assert often == [plain, plain]
    assert [list(one.fields) for one in often] == [list(plain.fields)] * 2


def test_long_segments_and_bad_text_are_problems() -> None:
    long = check_line(build({"CN": 2011, "MN": "A"}, ["a34004-Rtd=1"] * 100))
    assert not long["ok"] and "more than 1024" in long["problems"][0]
    segment = b"CN=2011;MN=A;CP=&&a-Rtd=\xff\xfe&&"
    bad = check_line(b"##%04d%b%04X" % (len(segment), segment, crc.annex(segment)))
    assert not bad["ok"] and "UTF-8" in bad["problems"][0]


def test_frames_found_in_the_wild_get_the_verdict_computed_for_them() -> None:
    path = CORPUS / "hj212_frames" / "frames.csv"
    if not path.exists():
        return
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            seen = check_line(row["frame"].encode())
            assert seen["ok"] == (row["verdict"] == "valid"), (row["id"], seen)
            assert seen["crc"]["expected"] == row["crc_hj212"], row["id"]
            assert seen["crc"]["sent"] == row["crc_in_frame"], row["id"]
            assert seen["length"] == {"declared": int(row["declared_len"]), "actual": int(row["actual_len"])}
            assert (seen["crc"]["verdict"] == "annex") == (row["crc_scheme"] == "hj212"), row["id"]
            for name in ("QN", "ST", "CN", "Flag"):
                assert (seen["fields"][name] or "") == row[name], row["id"]


def _reference_crc(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            low = register & 1
            register >>= 1
            if low:
                register ^= 0xA001
    return register


@given(st.binary(min_size=0, max_size=1100))
def test_the_folded_crc_equals_the_annex_listing(data: bytes) -> None:
    assert crc.annex(data) == _reference_crc(data)


def test_the_folded_crc_of_what_is_far_too_long_is_right_too() -> None:
    data = bytes(range(256)) * 200
    assert crc.annex(data) == _reference_crc(data)


def test_modbus_has_its_published_check_value() -> None:
    assert crc.modbus(b"123456789") == 0x4B37


TAILS = ("\r\n", "\n", "")
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [(text + tail).encode() for text, _ in GOLDEN.values() for tail in ("\r\n", "\n", "")]
        ),
        st.sampled_from([S1[:40].encode(), b"##", b"#", b"##01", b"##9999", b"\r\n", b"&&", b"###0101"]),
        st.binary(max_size=30),
    ),
    max_size=12,
)


@given(PIECES, st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_any_split_of_a_stream_gives_the_same_frames(pieces: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(pieces)
    whole = StreamParser()
    expected = whole.feed(stream)
    split, found, at, turn = StreamParser(), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += split.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert [frame.raw for frame in found] == [frame.raw for frame in expected]
    assert [frame.problems for frame in found] == [frame.problems for frame in expected]
    assert split.garbage == whole.garbage
    assert split.pending == whole.pending <= MAX_PENDING


@given(st.binary(max_size=4000))
def test_random_bytes_never_raise(data: bytes) -> None:
    parser = StreamParser()
    parser.feed(data)
    parser.finish()
    parser.feed(b"##0040" + data)
    parser.finish()
    check_line(data)
    check_line(b"##0101" + data)


def test_a_stream_recovers_behind_every_kind_of_damage() -> None:
    good = (S1 + "\r\n").encode()
    for damage in (
        S1[:50].encode(),
        S1.replace("##0101", "##9999").encode() + b"\r\n",
        S1.replace("##0101", "##0001").encode() + b"\r\n",
        b"\x00\xff garbage\r\n",
        b"#",
        S1.encode(),
        S1.replace("1C80", "0000").encode() + b"\r\n",
    ):
        frames = StreamParser().feed(good + damage + good)
        assert frames[0].raw == frames[-1].raw == good, damage
        assert not frames[-1].problems


def test_several_frames_in_one_packet_and_one_frame_byte_by_byte() -> None:
    stream = (S1 + "\r\n" + S2 + "\r\n" + T9 + "\r\n").encode()
    assert [frame.fields["CN"] for frame in StreamParser().feed(stream)] == ["1062", "1011", "3020"]
    parser = StreamParser()
    found = [frame for byte in stream for frame in parser.feed(bytes([byte]))]
    assert len(found) == 3 and not parser.pending


def test_a_frame_without_its_tail_waits_until_the_stream_pauses() -> None:
    parser = StreamParser()
    assert parser.feed(S1.encode()) == []
    (frame,) = parser.finish()
    assert frame.fields["CN"] == "1062" and not frame.problems


def test_a_pause_gives_what_is_whole_and_keeps_what_is_not() -> None:
    for whole in (S1, S1.replace("##0101", "##0999"), S1.replace("1C80", "0759")):
        parser = StreamParser()
        assert not parser.feed(whole.encode())
        assert [frame.fields["CN"] for frame in parser.settle()] == ["1062"] and not parser.pending
    for part in (S1[:-1], S1[:60], S1.replace("##0101", "##0999").replace("1C80", "1C81")):
        parser = StreamParser()
        assert not parser.feed(part.encode()) and not parser.settle()
        assert parser.pending == len(part)


def test_an_endless_frame_is_cut_off() -> None:
    parser = StreamParser()
    for _ in range(100):
        parser.feed(b"##9999" + b"A" * 1000)
        assert parser.pending <= MAX_PENDING


def test_answers_repeat_the_number_and_the_version() -> None:
    frame = read_line(T7.encode())
    assert frame is not None and wants_answer(frame.fields)
    back = check_line(answer(frame.fields))
    assert back["ok"]
    assert (back["fields"]["QN"], back["fields"]["CN"], back["fields"]["Flag"]) == (
        "20260301080000001",
        "9014",
        "4",
    )
    assert answer(read_line(T3.encode()).fields | {"CN": "2011", "Flag": "5"}) == (T3 + "\r\n").encode()
    assert check_line(answer(read_line(T4.encode()).fields))["fields"]["CN"] == "9013"


def test_a_built_upload_is_the_standards_frame() -> None:
    device = {"ST": 22, "PW": "123456", "MN": "010000A8900016F000169DC0"}
    readings = [(code, {"Avg": value, "Flag": "N"}) for code, value in (("a34004", "48"), ("a34002", "92"))]
    readings.append(("a05024", {"Avg": "71", "Flag": "N"}))
    frame = data_frame(device, 2061, "20260301070000", readings, qn="20260301080000001")
    assert frame == (T7 + "\r\n").encode()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (
            {"QN": "1" * 17, "PW": "123456", "MN": "A", "Flag": "5"},
            "QN=11111111111111111;ST=91;CN=9014;PW=123456;MN=A;Flag=4",
        ),
        ({"PW": "", "MN": "A", "Flag": "9"}, "ST=91;CN=9014;PW=;MN=A;Flag=8"),
        ({"MN": "M" * 80, "Flag": "255"}, f"ST=91;CN=9014;MN={'M' * 64};Flag=252"),
        # No number from 0 to 255 is no version: neither a fourth digit nor its beginning counts.
        ({"MN": "A", "Flag": "2551"}, "ST=91;CN=9014;MN=A;Flag=0"),
        ({"MN": "A", "Flag": "999"}, "ST=91;CN=9014;MN=A;Flag=0"),
        ({"MN": "A", "CN": "1013"}, "ST=91;CN=9013;MN=A;Flag=0"),
    ],
)  # fmt: skip
def test_a_receipt_echoes_number_password_and_version(sent: dict[str, str], told: str) -> None:
    for _ in range(2):  # the second is made from what was remembered of the first
        frame = read_line(answer(sent))
        assert frame is not None and frame.verdict == "annex"
        assert frame.raw[6:-6].decode() == f"{told};CP=&&&&"

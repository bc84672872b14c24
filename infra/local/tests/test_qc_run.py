"""`jianzhen qc run`: values in = verdicts out, whatever the file; a clear answer where there is none."""

import csv
import gzip
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jianzhen.main import app
from jianzhen.selfcheck import writing
from jianzhen.selfcheck.cells import numbers
from jianzhen.selfcheck.filemap import FileMap
from jianzhen.selfcheck.opening import table
from jianzhen.selfcheck.run import check_table
from jianzhen.selfcheck.times import instants
from jianzhen.selfcheck.told import Notes
from jianzhen.state import Refused
from qc.rules.offline.profile import load_profile
from typer.testing import CliRunner

AIR = load_profile("ambient-air")
EIGHT = 28_800_000
HEADER = ["time", "station", "series", "value", "code", "tests", "score"]
BEGIN = 1_767_196_800_000  # 2026-01-01T00:00:00+08:00


def run(file: Path, *options: str, profile: str = "ambient-air"):
    """Exit code, stdout, refusal (if any), rows of --out."""
    out = file.parent / "out.csv"
    out.unlink(missing_ok=True)
    done = CliRunner().invoke(
        app, ["qc", "run", str(file), "--profile", profile, "--out", str(out), *options]
    )
    refused = done.exception if isinstance(done.exception, Refused) else None
    assert refused or isinstance(done.exception, SystemExit | None), done.exception
    text = out.read_text(encoding="utf-8") if out.exists() else ""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return (refused.code if refused else done.exit_code), done.stdout, str(refused or ""), rows


def written(tmp_path: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def hours(values, start: int = 0) -> str:
    return "".join(
        f"2026-01-{1 + at // 24:02} {at % 24:02}:00,{value}\n" for at, value in enumerate(values, start)
    )


def test_a_wide_file_comes_back_line_by_line_column_by_column(tmp_path):
    text = "time,PM2.5,CO,PM2.5_flag,station\n2026-01-01 00:00,35,0.5,N,东四\n2026-01-01 01:00,36,,M,东四\n"
    code, _, _, rows = run(written(tmp_path, text))
    assert code == 1 and list(rows[0]) == HEADER
    assert [(r["time"][-5:], r["series"], r["value"], r["code"], r["tests"]) for r in rows] == [
        ("00:00", "PM2.5", "35", "1", ""), ("00:00", "CO", "0.5", "1", ""),
        ("01:00", "PM2.5", "36", "4", "mark"), ("01:00", "CO", "", "9", "missing"),
    ]  # fmt: skip
    assert {r["station"] for r in rows} == {"东四"} and {float(r["score"]) for r in rows} == {0.0}


def test_a_long_file_keeps_its_order_names_and_times(tmp_path):
    text = (
        "time,series,value,flag,station\n2026-01-01T01:00:00+08:00,PM2.5,36,N,A\n2025-12-31T16:00:00Z,PM2.5,35,N,A\n"
        "2026-01-01T00:00:00+08:00,w01018,30,,B\n"
    )
    code, _, _, rows = run(written(tmp_path, text))
    assert code == 0
    assert [(r["time"], r["station"], r["series"]) for r in rows] == [
        ("2026-01-01T01:00:00+08:00", "A", "PM2.5"), ("2025-12-31T16:00:00Z", "A", "PM2.5"),
        ("2026-01-01T00:00:00+08:00", "B", "w01018"),
    ]  # fmt: skip


def test_long_and_wide_gzip_and_parquet_say_the_same(tmp_path):
    values = [*range(20, 40), *[42] * 8, 1500, 41, 40]
    wide = "time,PM2.5\n" + hours(values)
    long = "time,series,value\n" + hours([f"PM2.5,{value}" for value in values])
    frame = pl.read_csv(wide.encode()).with_columns(pl.col("time").str.to_datetime("%Y-%m-%d %H:%M"))
    frame.write_parquet(tmp_path / "file.parquet")
    files = [
        written(tmp_path, wide), written(tmp_path, long, "long.csv"), tmp_path / "file.parquet",
        written(tmp_path, gzip.compress(wide.encode()), "file.csv.gz"),
    ]  # fmt: skip
    told = [[(row["code"], row["tests"]) for row in run(file)[3]] for file in files]
    assert told[0] == told[1] == told[2] == told[3]
    assert told[0] == [("1", "")] * 20 + [("3", "K1")] * 8 + [("4", "range"), ("1", ""), ("1", "")]


REFUSED = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n \n", "empty"),
    "header only": (b"time,PM2.5\n", "no rows"),
    "no time": (b"a,b\n1,2\n", "no column of time"),
    "no value": (b"time,station\n2026-01-01 00:00,A\n", "no column of values"),
    "twice": (b"time,CO,CO\n2026-01-01,1,2\n", "twice: CO"),
    "day first": (b"time,CO\n13/01/2026 10:00,1\n", "not one time can be read (from line 2"),
    "bytes": (bytes(range(256)) * 20, "no text"),
    "neither encoding": (b"time,CO\n2026-01-01 00:00,\xff\xff\xff\n", "line 2: neither UTF-8 nor GB 18030"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_both_languages(tmp_path, name):
    content, expected = REFUSED[name]
    code, _, refusal, rows = run(written(tmp_path, content))
    assert (code, rows) == (2, [])
    assert expected in refusal and re.search("[一-龥]", refusal)


def test_an_unknown_profile_a_broken_mapping_and_no_file_are_refused(tmp_path):
    file = written(tmp_path, "time,CO\n2026-01-01,1\n")
    assert run(file, profile="soil")[0] == 2
    assert "no profile 'soil'" in run(file, profile="soil")[2]
    bad = written(tmp_path, "columns: [1]", "bad.yaml")
    assert run(file, "--mapping", str(bad))[0] == 2
    absent = written(tmp_path, "columns: {NO2: {factor: a21004}}", "absent.yaml")
    assert "NO2; it has time, CO" in run(file, "--mapping", str(absent))[2]
    assert run(tmp_path / "none.csv")[0] == 2
    assert run(file, "--tz", "Beijing")[0] == 2
    assert run(written(tmp_path, b"PAR1", "x.parquet"))[0] == 2
    assert run(written(tmp_path, gzip.compress(b"time,CO\n2026-01-01,1\n")[:-8], "x.csv.gz"))[0] == 2


def test_adversarial_cells_are_kept_and_named(tmp_path):
    cells = {
        "1e308": ("4", "range"), "-1e308": ("4", "range"), "5e-324": ("1", ""), "1e-400": ("1", ""),
        "1e999": ("4", "unreadable"), "inf": ("4", "unreadable"), "abc": ("4", "unreadable"),
        "12abc": ("4", "unreadable"), "0x10": ("4", "unreadable"), "1_000": ("4", "unreadable"),
        "NaN": ("9", "missing"), "": ("9", "missing"), "null": ("9", "missing"), "—": ("9", "missing"),
        "<0.05": ("1", "below-detection"), "0.1L": ("1", "below-detection"), "１２": ("1", ""),
        " 7 ": ("1", ""),
    }  # fmt: skip
    code, stdout, _, rows = run(written(tmp_path, "time,PM2.5\n" + hours(cells)))
    assert code == 1
    assert {row["value"]: (row["code"], row["tests"]) for row in rows} == cells
    assert stdout.startswith(f"{len(cells)} 个值 values")


def test_ragged_lines_open_quotes_and_carriage_returns_lose_nothing(tmp_path):
    ragged = "time,PM2.5,PM10\n2026-01-01 00:00,35\n\n2026-01-01 01:00,35,50,60\n2026-01-01 02:00,36,51\n"
    rows = run(written(tmp_path, ragged))[3]
    assert [(row["code"], row["tests"]) for row in rows] == [
        ("1", ""), ("9", "missing"), ("3", "ragged"), ("3", "ragged"), ("1", ""), ("1", ""),
    ]  # fmt: skip
    quoted = run(written(tmp_path, 'time,CO\n2026-01-01 00:00,"0.5\n2026-01-01 01:00,0.6\n'))[3]
    assert [row["value"] for row in quoted] == ["0.5", "0.6"]
    assert len(run(written(tmp_path, "time,CO\r2026-01-01 00:00,1\r2026-01-01 01:00,2\r"))[3]) == 2


def test_files_of_chinese_programs_are_read(tmp_path):
    text = "时间,站点,因子,数值\n2026/1/1 0:00,东四,细颗粒物,35\n2026年1月1日1时,东四,PM10(mg/m³),0.05\n"
    rows = run(written(tmp_path, text.encode("gb18030")))[3]
    assert [(row["station"], row["series"], row["code"]) for row in rows] == [
        ("东四", "细颗粒物", "1"), ("东四", "PM10(mg/m³)", "1"),
    ]  # fmt: skip
    rows = run(
        written(
            tmp_path,
            "time;CO\n2026-01-01 00:00;0,5\n2026-01-01 01:00;99,5\n2026-01-01 02:00;0,5\n".encode("utf-16"),
        )
    )[3]
    assert [row["code"] for row in rows] == ["1", "4", "1"]


def test_a_mapping_gives_time_units_ranges_marks_and_what_stands_for_nothing(tmp_path):
    mapping = written(
        tmp_path,
        "time: {start: '2026-01-01T00:00:00+08:00', step: 1h}\n"
        "missing: [-200]\nignore: [n]\nmarks: {维护: M}\n"
        "columns:\n  out: {factor: a21026, unit: ug/m3, flag: state, series: {high: 100000}}\n",
        "m.yaml",
    )
    file = written(tmp_path, "n,out,state\n1,50000,\n2,150000,\n3,-200,\n4,40000,维护\n")
    code, _, _, rows = run(file, "--mapping", str(mapping), profile="flue-gas")
    assert [(r["time"], r["code"], r["tests"]) for r in rows] == [
        ("2026-01-01T00:00:00", "1", ""), ("2026-01-01T01:00:00", "4", "range"),
        ("2026-01-01T02:00:00", "9", "missing"), ("2026-01-01T03:00:00", "4", "mark"),
    ]  # fmt: skip
    assert code == 1


def test_the_summary_has_rows_counts_and_suspicions_and_says_what_could_not_be_asked(tmp_path):
    file, summary = written(tmp_path, "time,PM2.5\n" + hours([35, "", 1500])), tmp_path / "s.json"
    code, stdout, _, _ = run(file, "--summary", str(summary), "--json")
    document = json.loads(summary.read_text())
    asked = {name: document.pop(name) for name in ("not_run", "without_step", "notes", "taken_for_missing")}
    assert document == {"rows": 3, "counts": {"missing": 1, "range": 1}, "suspicions": []}
    assert "network" in asked["not_run"]["D2"]
    assert json.loads(stdout) == document | asked and code == 1


def test_every_test_that_is_written_is_in_the_list_of_rules(tmp_path):
    listed = CliRunner().invoke(app, ["qc", "rules", "--profile", "ambient-air", "--json"])
    ids = {entry["id"] for entry in json.loads(listed.stdout)["tests"]}
    text = (
        "time,series,value,flag\n"
        + hours(["PM2.5,1500,N", "PM2.5,x,Q", "PM2.5,,M", "PM2.5,5,N"])
        + "never,CO,1,\n"
    )
    rows = run(written(tmp_path, text))[3]
    assert {name for row in rows for name in row["tests"].split("|") if name} <= ids
    shown = CliRunner().invoke(app, ["qc", "rules"]).stdout
    assert "HJ 212-2017 table 8" in shown and "a34004 hour station: limit=360 spike=0.67 reach=3" in shown
    assert listed.exit_code == 0 and {"range", "step", "K1", "unreadable", "duplicate"} <= ids


def test_a_report_is_one_file_without_scripts_and_escapes_what_the_file_says(tmp_path):
    file, report = (
        written(tmp_path, "time,station,PM2.5\n2026-01-01 00:00,<script>x</script>,5\n"),
        tmp_path / "r.html",
    )
    assert run(file, "--report", str(report))[0] == 0
    html = report.read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html
    assert not re.search(r"(?:src|href)=|url\(|https?://", html)
    assert "没有达到线索阈值" in html and "Everything ran" in html


def test_the_pictures_of_a_suspicion_are_well_formed():
    from qc.rules.offline.pictured import Curve, Pictured
    from qc.rules.offline.pictures import histogram, overlay, timeline

    value = np.array([1.0, 2.0, np.nan, 4.0, np.nan, 6.0, 5.0, 5.0])
    around = Curve("<站>", "a34004", "itself", BEGIN, value)
    copy = Curve("B", "a34004", "original", BEGIN, value[2:6])
    picture = Pictured(
        3_600_000, around, (2, 6), (copy,), (copy,), np.arange(0.5, 8.0), np.arange(7), np.arange(7), (), 5.5
    )
    for svg in (timeline(picture, ("a", "b")), overlay(picture, ("a", "b")), histogram(picture)):
        assert ElementTree.fromstring(svg).tag == "svg" and "nan" not in svg


TIMES = {
    "2026-01-01 00:00": 0, "2026-01-01T00:00": 0, "2026-01-01 00:00:00.5": 500, "2026/1/1 0:00": 0,
    "20260101000000": 0,
    "2026-01-01": 0, "2026-01-01T00:00:00Z": EIGHT, "2026-01-01T00:00:00+09:00": -3_600_000,
    "2025-12-31 24:00": 0, "2026年1月1日0时": 0, "2026-01-01 01": 3_600_000, "2026-01-01T00:00:00+0800": 0,
    "2026-13-01 00:00": None, "rubbish": None, "": None, "1900-01-01 00:00": None, "9999-01-01 00:00": None,
}  # fmt: skip


@pytest.mark.parametrize("order", [1, -1])
def test_times_are_read_as_people_write_them(order):
    texts = list(TIMES)[::order]
    found = instants(pl.Series(texts), EIGHT, None).tolist()
    assert found == [-1 if TIMES[text] is None else BEGIN + TIMES[text] for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "date,time,CO\n2026-01-01,01:00,1\n2026-01-01,02:00,2\n",
        "date,hour,CO\n2026-01-01,1,1\n2026-01-01,2,2\n",
        "date,time,CO\n2026-01-01,2026-01-01 01:00,1\n2026-01-01,2026-01-01 02:00,2\n",
        "year,month,day,hour,CO\n2026,1,1,1,1\n2026,1,1,2,2\n",
    ],
)
def test_a_time_may_stand_in_several_columns(text):
    notes = Notes()
    checked = check_table(
        table(text.encode(), "file", notes), AIR, FileMap(), EIGHT, notes, lambda *told: None
    )
    assert checked.sheet.readings.ts[:2].tolist() == [BEGIN + 3_600_000, BEGIN + 7_200_000]
    assert checked.judged.code.tolist() == [1, 1]


CELLS = st.one_of(
    st.floats(width=64).map(repr),
    st.text(st.characters(exclude_characters="\x00"), max_size=8),
    st.sampled_from(["", "<1", "NaN", "1e999", "42", "42"]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 30), CELLS, CELLS), min_size=1, max_size=8))
def test_any_cells_have_one_verdict_each_in_their_order(lines):
    texts = [("" if hour < 0 else f"2026-01-01 {hour:02}:00", a, b) for hour, a, b in lines]
    frame = pl.DataFrame(texts, schema=["time", "PM2.5", "NO2"], orient="row")
    if not any(time and time < "2026-01-01 24" for time, _, _ in texts):
        return
    notes = Notes()
    read = table(frame.write_csv().encode(), "file", notes)
    checked = check_table(read, AIR, FileMap(), EIGHT, notes, lambda *told: None)
    values, _ = numbers(frame["PM2.5"].replace("", None), False)
    assert len(checked.judged.code) == 2 * read.cells.height
    for at, code in enumerate(checked.judged.code[::2].tolist() if read.cells.height == len(texts) else []):
        assert code in ((1, 3, 4) if np.isfinite(values[at]) else (4, 9, 1))
    assert sum(writing.counts(checked.judged, AIR).values()) >= 0

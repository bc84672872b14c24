"""`jianzhen qc run` on files whose exporters write a number for what they do not have."""

import csv
import json
from pathlib import Path

import numpy as np
from jianzhen.main import app
from typer.testing import CliRunner

HOURS = 400


def file_of(tmp_path: Path) -> Path:
    """Two columns the profile knows and two it does not; -200 in all of them every ninth hour."""
    rng = np.random.default_rng(5)
    columns = [
        np.round(60 + 20 * np.sin(np.arange(HOURS) / 24) + rng.normal(0, 4, HOURS), 1),
        np.round(12 + rng.normal(0, 3, HOURS), 1),
        np.round(1300 + 200 * np.sin(np.arange(HOURS) / 30) + rng.normal(0, 25, HOURS)),
        np.round(np.where(np.arange(HOURS) % 40 < 12, -0.02, 0.9 + rng.normal(0, 0.05, HOURS)), 4),
    ]
    lines = ["time,NO2(ug/m3),T,PT08.S1(CO),AH"]
    for hour in range(HOURS):
        cells = ["-200" if hour % 9 == 4 else f"{column[hour]:g}" for column in columns]
        lines.append(f"2026-01-{1 + hour // 24:02} {hour % 24:02}:00,{','.join(cells)}")
    path = tmp_path / "exported.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def judged(path: Path, *options: str) -> tuple[list[dict[str, str]], dict, str]:
    """Rows of --out, the summary, the report."""
    out, summary, report = (path.parent / name for name in ("out.csv", "sum.json", "report.html"))
    done = CliRunner().invoke(
        app,
        ["qc", "run", str(path), "--profile", "ambient-air", "--out", str(out), "--summary", str(summary),
         "--report", str(report), *options],
    )  # fmt: skip
    assert isinstance(done.exception, SystemExit | None), done.exception
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads(summary.read_text()), report.read_text(encoding="utf-8")


def test_a_number_for_missing_is_missing_and_told_and_nothing_else_is(tmp_path):
    rows, summary, report = judged(file_of(tmp_path))
    assert len(rows) == 4 * HOURS == summary["rows"]
    signs = [row for row in rows if row["value"] == "-200"]
    assert {(row["code"], *row["tests"].split("|")[:2]) for row in signs} == {("9", "sentinel", "missing")}
    assert not [row for row in rows if "sentinel" in row["tests"] and row["value"] != "-200"]
    assert summary["not_run"]["L1"] == ["learned"] and summary["without_step"] == []
    assert summary["counts"]["sentinel"] == len(signs)
    assert [(one["series"], one["value"], one["times"]) for one in summary["taken_for_missing"]] == [
        (name, -200.0, len(signs) // 4) for name in ("NO2(ug/m3)", "T", "PT08.S1(CO)", "AH")
    ]
    told = [note for note in summary["notes"] if "-200" in note["en"]]
    assert len(told) == 1 and "taken for missing" in told[0]["en"] and "视为缺失" in told[0]["zh"]
    assert "missing: [-200]" in report and "视为缺失" in report


def test_a_mapping_that_names_the_number_says_the_same_and_silences_the_note(tmp_path):
    path = file_of(tmp_path)
    mapping = path.parent / "map.yaml"
    mapping.write_text("missing: [-200]\n")
    rows, summary, _ = judged(path)
    mapped, without, report = judged(path, "--mapping", str(mapping))
    assert [row["code"] for row in rows] == [row["code"] for row in mapped]
    assert [row["tests"].replace("sentinel|", "") for row in rows] == [row["tests"] for row in mapped]
    assert summary["suspicions"] == without["suspicions"]
    assert without["taken_for_missing"] == [] and "missing: [-200]" not in report


def test_a_registered_range_that_holds_the_number_keeps_it_a_value(tmp_path):
    path = file_of(tmp_path)
    mapping = path.parent / "map.yaml"
    mapping.write_text("columns: {PT08.S1(CO): {series: {low: -500, high: 5000}}}\n")
    rows, summary, _ = judged(path, "--mapping", str(mapping))
    assert "PT08.S1(CO)" not in [one["series"] for one in summary["taken_for_missing"]]
    assert not [row for row in rows if row["series"] == "PT08.S1(CO)" and row["code"] == "9"]


def test_the_summary_names_what_no_test_was_asked_of(tmp_path):
    path = tmp_path / "odd.csv"
    at = np.cumsum(np.random.default_rng(2).integers(1, 5000, 60))
    lines = [
        f"2026-01-{1 + m // 1440:02} {m // 60 % 24:02}:{m % 60:02},{m % 37}" for m in (at // 60).tolist()
    ]
    path.write_text("\n".join(["time,PM2.5", *lines]) + "\n")
    _, summary, _ = judged(path)
    assert summary["without_step"] == [{"station": "", "series": "PM2.5"}]
    assert any("Without a regular step" in note["en"] for note in summary["notes"])

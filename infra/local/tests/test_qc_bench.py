"""`jianzhen qc bench` from a file to its report: what it reads, refuses, prints, and how peers are read."""

import csv
import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from jianzhen.main import app
from jianzhen.planting import peers, pictures, sources
from jianzhen.planting.grounds import grounds
from jianzhen.planting.score import Claim
from jianzhen.planting.told import text
from jianzhen.planting.trial import REPORT_SEEDS, TUNING_SEEDS, plantings
from jianzhen.state import Refused
from planted_scene import city
from typer.testing import CliRunner

BEGIN = datetime(2024, 1, 1)
LIMIT = ["--kinds", "freeze,cap", "--seeds", "101-102", "--each", "1", "--no-peers"]


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A city of three stations as one wide file, 400 days of hours."""
    panel, path = city(), tmp_path / "city.csv"
    with path.open("w", newline="") as opened:
        out = csv.writer(opened)
        out.writerow(["time", "station", "a34004", "a21004"])
        for station in panel.of_station:
            rows = [panel.row(station, factor) for factor in ("a34004", "a21004")]
            for i in range(0, panel.shape[1]):
                when = (BEGIN + timedelta(hours=i)).isoformat()
                cells = ["" if math.isnan(panel.value[row, i]) else panel.value[row, i] for row in rows]
                out.writerow([when, station, *cells])
    return path


def run(*argv: str) -> tuple[int, str, Any]:
    done = CliRunner().invoke(app, ["qc", "bench", *argv])
    return done.exit_code, done.output, done.exception


def test_a_file_is_read_as_the_panel_it_was_written_from(wide: Path) -> None:
    panel, (ground,) = city(), tuple(grounds(wide, "ambient-air"))
    assert ground.panel.shape == panel.shape
    for row, (station, factor) in enumerate(zip(panel.station, panel.factor, strict=True)):
        np.testing.assert_array_equal(ground.panel.value[ground.panel.row(station, factor)], panel.value[row])
    first = round(0.4 * panel.shape[1])
    assert ground.window == (first, panel.shape[1])
    for row in ground.assumed:
        kept = (ground.panel.value[row, :first] <= ground.panel.limit[row]).mean()
        assert 0.8 < kept < 0.95
    assert len(ground.assumed) == 6


def test_a_long_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    lines = [f"2024-01-0{day}T0{hour}:00+08:00,COD,{day}.{hour}" for day in (1, 2) for hour in range(9)]
    path.write_text("time,series,value\n" + "\n".join(lines), encoding="utf-8")
    (ground,) = grounds(path, "waste-water")
    assert ground.panel.factor == ("w01018",)
    assert ground.panel.value[0, :3].tolist() == [1.0, 1.1, 1.2]
    assert np.isfinite(ground.panel.value).sum() == 18
    assert ground.panel.shape == (1, 33)


@pytest.mark.parametrize(
    ("text", "profile", "said"),
    [
        ("time,a\n2024-01-01,1\n", "", "--profile"),
        ("when,a\n2024-01-01,1\n", "flue-gas", "no column of time"),
        ("time,a\nyesterday,2\n", "flue-gas", "from line 2: 'yesterday'"),
        ("time,a\n", "flue-gas", "a header and no rows"),
        ("time,a\n2024-01-01,n/a\n", "flue-gas", "not one number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_be(
    tmp_path: Path, text: str, profile: str, said: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=said):
        list(grounds(path, profile))


def test_a_line_without_a_time_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("time,COD\n2024-01-01 00:00,1\nyesterday,2\n2024-01-01 01:00,3\n", encoding="utf-8")
    (ground,) = grounds(path, "waste-water")
    assert ground.panel.value.tolist() == [[1.0, 3.0]]
    assert "first on line 3" in capsys.readouterr().err


def test_marks_of_a_file_stand_in_its_panel(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    lines = ["time,COD,COD_flag", *(f"2024-01-01T{h:02}:00,{h},{'M' if h == 3 else 'N'}" for h in range(9))]
    path.write_text("\n".join(lines), encoding="utf-8")
    (ground,) = grounds(path, "waste-water")
    assert ground.panel.mark[0].tolist() == [ord("M") if h == 3 else ord("N") for h in range(9)]


TROUBLE = {
    "one row": ["2024-01-01T00:00,5,6"],
    "constant": [f"2024-01-{day:02}T00:00,5,6" for day in range(1, 29)],
    "unsorted, repeated, with words and monsters": [
        f"2024-01-{1 + n % 28:02}T{n % 7:02}:00,{cell},{n}"
        for n, cell in enumerate(["1e308", "-1e308", "5e-324", "nan", "inf", "n/a", "", "1,5", "七"] * 40)
    ],
}


@pytest.mark.parametrize("name", TROUBLE)
def test_a_file_of_trouble_is_benched_or_refused_but_never_a_traceback(tmp_path: Path, name: str) -> None:
    path = tmp_path / "trouble.csv"
    path.write_text("\n".join(["time,a,b", *TROUBLE[name]]), encoding="utf-8")
    code, output, wrong = run("--data", str(path), "--profile", "waste-water", "--seeds", "101", "--no-peers")
    assert wrong is None or isinstance(wrong, SystemExit), wrong
    assert code in (0, 1)
    assert "freeze" in output


def test_a_stray_time_does_not_eat_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "stray.csv"
    rows = [f"2024-01-01T00:00:{second:02},1" for second in range(50)]
    path.write_text("\n".join(["time,a", "1971-01-01,1", *rows]), encoding="utf-8")
    with pytest.raises(Refused, match="stray time"):
        list(grounds(path, "waste-water"))


def test_a_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="beijing"):
        list(grounds(tmp_path, ""))


def test_a_described_set_is_recognised_by_its_columns(tmp_path: Path) -> None:
    names = sources.described()["gas-turbine"]["columns"]
    lines = [",".join(names), *(",".join(str(i + n) for n in range(len(names))) for i in range(200))]
    (tmp_path / "gt_2011.csv").write_text("\n".join(lines), encoding="utf-8")
    (ground,) = grounds(tmp_path, "")
    assert (ground.name, ground.profile) == ("gas-turbine", "flue-gas")
    assert ground.panel.value[ground.panel.row("turbine", "a21002"), 5] == 5.0


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["--kinds", "melt"], "melt"), (["--seeds", "1-x"], "1-x"), (["--seeds", "9-3"], "9-3")],
)
def test_a_wrong_option_is_refused(wide: Path, argv: list[str], said: str) -> None:
    code, _, wrong = run("--data", str(wide), "--profile", "ambient-air", *argv)
    assert code
    assert isinstance(wrong, Refused)
    assert said in str(wrong)


def test_the_bench_counts_and_draws(wide: Path, tmp_path: Path) -> None:
    page, curve = tmp_path / "bench.html", tmp_path / "curve.svg"
    argv = ["--data", str(wide), "--profile", "ambient-air", *LIMIT, "--report", str(page), "--json"]
    argv += ["--curve", str(curve), "--learned"]
    code, output, _ = run(*argv)
    (found,) = json.loads(output[output.index("{\n") :])["trials"]
    ours = found["tools"][0]
    assert {one["kind"]: one["planted"] for one in ours["kinds"]} == {"freeze": 2, "cap": 2}
    assert [one["recall"] for one in ours["kinds"]] == sorted(one["recall"] for one in ours["kinds"])
    assert ours["claims"] >= ours["right"]
    assert code == int(
        any(one["recall"] < 0.9 for one in ours["kinds"]) or ours["false_per_station_month"] > 0.1
    )
    assert len(ours["curve"]) >= 10
    with_learned = found["tools"][1]
    assert (ours["name"], with_learned["name"]) == ("Jianzhen", "Jianzhen + L1")
    assert [one["kind"] for one in with_learned["kinds"]] and with_learned["recall"] >= ours["recall"]
    assert "L1" not in {one["test"] for one in ours["tests"]} and found["not_run"]["L1"] == ["learned"]
    (line,) = [line for line in text(found).splitlines() if "Jianzhen + L1: " in line]
    assert f"{with_learned['false_per_station_month']:.3f}" in line
    ElementTree.parse(curve)
    html = page.read_text(encoding="utf-8")
    drawn = html.split("<svg")[1:]
    # The curve, the kinds, one planting of each kind, every suspicion on untouched data.
    assert len(drawn) == 2 + 2 + len(found["untouched"])
    for picture in drawn:
        ElementTree.fromstring("<svg" + picture.split("</svg>")[0] + "</svg>")
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_peers_that_are_not_there_are_named_with_what_to_do(
    wide: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "no-python")
    _, output, _ = run("--data", str(wide), "--profile", "ambient-air", *LIMIT[:-1])
    for name in peers.TOOLS:
        assert f"{name}: not installed here; in a clone: {peers.SETUP}" in output


def test_flags_a_day_or_less_apart_are_one_claim() -> None:
    flags = np.zeros((2, 100), dtype=np.bool_)
    flags[1, [3, 4, 9, 60]] = True
    assert peers.claims(flags, 24) == [Claim(1, 3, 10, "", (), 4), Claim(1, 60, 61, "", (), 61)]


def test_a_seed_is_the_same_panels_and_report_seeds_are_not_tuning_seeds(wide: Path) -> None:
    (ground,) = grounds(wide, "ambient-air")
    one, again = (plantings(ground, ("freeze", "cap"), 101, 2) for _ in range(2))
    assert [sheet.truths for sheet in one] == [sheet.truths for sheet in again]
    truths = [truth for sheet in one for truth in sheet.truths]
    assert truths and all(truth.from_i >= ground.window[0] for truth in truths)
    assert not set(REPORT_SEEDS) & set(TUNING_SEEDS)
    assert len(REPORT_SEEDS) == 20


def test_a_picture_of_nothing_known_is_a_picture() -> None:
    ElementTree.fromstring(pictures.series(np.full(10, np.nan), None, None, []))

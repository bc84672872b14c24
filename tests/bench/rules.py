"""Range, spike and constant value on one million hours, with what each test said of each value, beside SaQC,
ioos_qc and tsod on the same values in the same run.

Promises: the same planted faults and the same thresholds for all; each tool pays for its own containers; a
figure is the median of the runs. The peers run in an environment of their own (`qc_peers/setup.sh`).
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import network
import numpy as np
import yaml
from contracts.ingest import SeriesRef
from qc.rules.assess import assess
from qc.rules.frame import Columns, roster_of
from qc.rules.pack import RulePack, read_pack
from stage import ROOT

HERE = ROOT / "tests/bench/qc_peers"
PYTHON = ROOT / ".tools/peers/qc/bin/python"
POINTS, REPEAT, SEED = 1_000_000, 5, 20240501
HOUR_MS = 3_600_000
# The thresholds every tool gets.
LOW, HIGH, SPIKE, FLAT = 0.0, 500.0, 60.0, 6
FIGURES = {
    "range": {"low": LOW, "high": HIGH},
    "step": {"limit": SPIKE, "spike": 0.67, "reach": 3},
    "K1": {"min_run": FLAT, "reach": 2, "coarse": 10, "min_count": 45, "relative": 0.005},
}
NAMES = {"range": "range", "step": "spike", "K1": "flat"}
Array = np.ndarray[Any, np.dtype[Any]]


def series(n: int) -> tuple[Array, dict[str, Array]]:
    """Hours of a gas with daily and weekly swing; values out of range, single spikes and flat stretches."""
    rng = np.random.default_rng(SEED)
    noise = rng.normal(0, 2.0, n).tolist()
    for i in range(1, n):
        noise[i] += 0.6 * noise[i - 1]
    hour = np.arange(n)
    value = 80 + 15 * np.sin(2 * np.pi * hour / 24) + 8 * np.sin(2 * np.pi * hour / 168) + np.array(noise)
    truth = {name: np.zeros(n, dtype=bool) for name in NAMES.values()}
    few = max(1, n // 1000)
    at = rng.choice(np.arange(10, n - 10, 10), size=2 * few, replace=False)
    out, spikes = at[:few], at[few:]
    value[out] = np.where(rng.random(few) < 0.5, -50.0, 900.0)
    truth["range"][out] = True
    value[spikes] += np.where(rng.random(few) < 0.5, 1, -1) * rng.uniform(1.5, 2.0, few) * SPIKE
    value[spikes] = np.clip(value[spikes], LOW + 1, HIGH - 1)
    truth["spike"][spikes] = True
    for begin in rng.choice(np.arange(100, n - 100, 100), size=max(1, n // 5000), replace=False).tolist():
        stretch = slice(begin, begin + int(rng.integers(12, 40)))
        value[stretch] = value[begin]
        truth["range"][stretch] = truth["spike"][stretch] = False
        truth["flat"][stretch] = True
    return value, truth


def pack() -> RulePack:
    """The platform's own three rules, with the thresholds of this comparison."""
    raw = yaml.load(
        (ROOT / "services/qc/qc/packs/core.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    raw["rules"] = [
        rule | {"parameters": [{"set": FIGURES[rule["id"]]}]}
        for rule in raw["rules"]
        if rule["id"] in FIGURES
    ]
    return read_pack(yaml.safe_dump(raw, allow_unicode=True))


def ours(value: Array) -> tuple[list[float], list[float], dict[str, Array]]:
    """Seconds and processor seconds per run, and what each rule said (its figures are kept, too)."""
    rules = pack()
    ref = SeriesRef(
        id=1, factor="a21026", period="hour", site="131000-A01", site_kind="station", region="131000",
        element="air", statistic="avg", basis="raw", source="DL-1", unit="ug/m3", decimals=6, uscc="",
    )  # fmt: skip
    roster, n = roster_of([ref], rules), len(value)
    nothing = np.zeros(n, dtype=np.int64)
    columns = Columns(nothing, np.arange(n, dtype=np.int64) * HOUR_MS + 10**12, value, nothing, nothing)
    seconds, worked = [], []
    for _ in range(REPEAT):
        begun, used = time.perf_counter(), time.process_time()
        judged = assess(columns, roster, rules)
        seconds.append(time.perf_counter() - begun)
        worked.append(time.process_time() - used)
    bits = {rule.id: rule.bit for rule in rules.rules}
    return seconds, worked, {NAMES[name]: judged.tests & bit != 0 for name, bit in bits.items()}


def scored(said: dict[str, Array], truth: dict[str, Array]) -> dict[str, float]:
    """Recall of each fault by any test, precision over all."""
    spoke = np.any(list(said.values()), axis=0)
    faulty = np.any(list(truth.values()), axis=0)
    found = {name: float((spoke & where).sum() / where.sum()) for name, where in truth.items()}
    return found | {"precision": float((spoke & faulty).sum() / max(1, spoke.sum()))}


def measure(n: int = POINTS) -> dict[str, Any]:
    """Points per second, recall and precision of every tool; the peers in a process of their own."""
    subprocess.run(["sh", str(HERE / "setup.sh")], check=True)
    value, truth = series(n)
    seconds, worked, said = ours(value)
    found = {"Jianzhen": _rates(n, seconds, worked) | {"version": ""} | scored(said, truth)}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in.npz"
        np.savez(given, value=value, figures=np.array([LOW, HIGH, SPIKE, FLAT]))
        argv = [str(PYTHON), str(HERE / "speed.py"), str(given), str(REPEAT), folder]
        told = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
        for name, one in told.items():
            with np.load(Path(folder) / f"{name}.npz") as flags:
                marks = {fault: flags[fault] for fault in truth}
            rates = _rates(n, one["seconds"], one["worked"])
            found[name] = rates | {"version": one["version"]} | scored(marks, truth)
    return found


def _rates(n: int, seconds: list[float], worked: list[float]) -> dict[str, Any]:
    """Values per second, and per second of processor, which varies less on a busy machine."""
    return {
        "rate": n / median(seconds), "per_core": n / median(worked), "best_per_core": n / min(worked)
    }  # fmt: skip


def main() -> None:
    """`python tests/bench/rules.py`, or with `--network [stations]` years of hours through every test."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", type=int, nargs="?", const=network.SHOWN_STATIONS, help="stations")
    parser.add_argument("--months", type=int, default=network.SHOWN_MONTHS)
    args = parser.parse_args()
    if args.network is None:
        print(json.dumps(measure(), indent=1, default=float))
    else:
        print(network.told(network.measure(args.network, args.months)))


if __name__ == "__main__":
    main()

"""Range, spike and constant value by the peers, timed. Runs in their own environment:
`speed.py IN.npz REPEAT FOLDER` prints seconds and versions as JSON and writes the flags beside.

Each tool builds its own containers inside the timed part, because a caller has to pay for them. SaQC runs its
z-score as spike test: its offset test takes ten times as long for the same values.
"""

import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
Flags = dict[str, np.ndarray]


def saqc(when: pd.DatetimeIndex, x: np.ndarray, low: float, high: float, spike: float, flat: int) -> Flags:
    from saqc import SaQC

    q = SaQC(pd.DataFrame({"v": x}, index=when))
    found, before = {}, np.zeros(len(x), dtype=bool)
    for name in ("range", "spike", "flat"):
        if name == "range":
            q = q.flagRange("v", min=low, max=high)
        elif name == "spike":
            q = q.flagZScore("v", window="72h", thresh=3.5)
        else:
            q = q.flagConstants("v", thresh=1e-9, window=f"{flat}h")
        flagged = q._flags["v"].to_numpy() > -np.inf
        found[name], before = flagged & ~before, flagged
    return found


def ioos_qc(when: pd.DatetimeIndex, x: np.ndarray, low: float, high: float, spike: float, flat: int) -> Flags:
    from ioos_qc import qartod

    hours = 3600
    return {
        "range": np.asarray(qartod.gross_range_test(x, fail_span=(low, high))) == 4,
        "spike": np.asarray(qartod.spike_test(x, suspect_threshold=spike / 2, fail_threshold=spike)) == 4,
        "flat": np.asarray(
            qartod.flat_line_test(x, when.values, flat // 2 * hours, flat * hours, tolerance=1e-9)
        )
        == 4,
    }


def tsod(when: pd.DatetimeIndex, x: np.ndarray, low: float, high: float, spike: float, flat: int) -> Flags:
    import tsod as library

    series = pd.Series(x, index=when)
    found = {
        "range": library.RangeDetector(min_value=low, max_value=high),
        "spike": library.GradientDetector(max_gradient=spike / 3600),
        "flat": library.ConstantValueDetector(window_size=flat, threshold=1e-9),
    }
    return {name: one.detect(series).to_numpy().astype(bool) for name, one in found.items()}


def main() -> None:
    given, repeat, folder = np.load(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    x, (low, high, spike, flat) = given["value"], given["figures"].tolist()
    when = pd.date_range("1900-01-01", periods=len(x), freq="h")
    told = {}
    for name, distribution, tool in (
        ("SaQC", "saqc", saqc), ("ioos_qc", "ioos-qc", ioos_qc), ("tsod", "tsod", tsod),
    ):  # fmt: skip
        tool(when[:1000], x[:1000], low, high, spike, int(flat))  # libraries compile at their first call
        seconds, worked = [], []
        for _ in range(repeat):
            begun, used = time.perf_counter(), time.process_time()
            found = tool(when, x.copy(), low, high, spike, int(flat))
            seconds.append(time.perf_counter() - begun)
            worked.append(time.process_time() - used)
        np.savez_compressed(folder / f"{name}.npz", **found)
        told[name] = {"seconds": seconds, "worked": worked, "version": version(distribution)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

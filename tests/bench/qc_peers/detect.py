"""What the peers flag in a panel. Runs in their own environment: `detect.py IN.npz OUT.npz`.

IN: `value` [series, period], `step_s`, `first` (periods before it are history), `tools`. OUT: one bool matrix
per tool, and `about`, JSON with versions, seconds and errors. Every tool with its usual settings; nothing
here is imported by the product, and SaQC (GPL-3.0-or-later) is used by this program alone.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")


def times(n: int, step_s: int) -> pd.DatetimeIndex:
    return pd.date_range("2000-01-01", periods=n, freq=f"{step_s}s")


def spans(history: np.ndarray) -> tuple[float, float, float]:
    """Low, high and the highest step of a year that passed for good: the way thresholds are set by hand."""
    known = history[np.isfinite(history)]
    steps = np.abs(np.diff(known))
    return 0.0, float(known.max() * 1.2), float(np.quantile(steps, 0.9995))


def saqc(x: np.ndarray, history: np.ndarray, step_s: int) -> np.ndarray:
    """Range, local outlier factor (the documentation's spike test) and constants over six periods."""
    from saqc import SaQC

    low, high, _ = spans(history)
    q = SaQC(pd.DataFrame({"v": x}, index=times(len(x), step_s)))
    q = q.flagRange("v", min=low, max=high).flagUniLOF("v")
    q = q.flagConstants("v", thresh=1e-9, window=f"{6 * step_s}s")
    return (q._flags["v"].to_numpy() > -np.inf) & np.isfinite(x)


def ioos_qc(x: np.ndarray, history: np.ndarray, step_s: int) -> np.ndarray:
    """QARTOD gross range, spike, rate of change and flat line; suspect or fail."""
    from ioos_qc import qartod

    low, high, step = spans(history)
    when = times(len(x), step_s).values
    masked = np.ma.masked_invalid(x)
    found = [
        qartod.gross_range_test(masked, fail_span=(low, high)),
        qartod.spike_test(masked, suspect_threshold=step / 2, fail_threshold=step),
        qartod.rate_of_change_test(masked, when, threshold=step / step_s),
        qartod.flat_line_test(masked, when, 3 * step_s, 6 * step_s, tolerance=1e-9),
    ]
    return np.any([np.isin(np.ma.filled(one, 9), (3, 4)) for one in found], axis=0)


def tsod(x: np.ndarray, history: np.ndarray, step_s: int) -> np.ndarray:
    """Range, gradient and constant value, fitted or set on the history."""
    import tsod as library

    low, high, step = spans(history)
    series = pd.Series(x, index=times(len(x), step_s))
    found = [
        library.RangeDetector(min_value=low, max_value=high),
        library.GradientDetector(max_gradient=step / step_s),
        library.ConstantValueDetector(window_size=6, threshold=1e-9),
    ]
    flags = np.any([one.detect(series).to_numpy().astype(bool) for one in found], axis=0)
    return flags & np.isfinite(x)


def isolation_forest(x: np.ndarray, history: np.ndarray, step_s: int) -> np.ndarray:
    """scikit-learn's forest: level, step, change from the day before, a day's spread and mean, hour; 1 %."""
    from sklearn.ensemble import IsolationForest

    def features(v: np.ndarray) -> np.ndarray:
        s = pd.Series(v)
        day = max(2, 86_400 // step_s)
        hour = np.arange(len(v)) % day / day
        roll = s.rolling(day, min_periods=day // 2)
        return np.column_stack(
            [
                v,
                s.diff(),
                s.diff(day),
                roll.std(),
                roll.mean(),
                np.sin(2 * np.pi * hour),
                np.cos(2 * np.pi * hour),
            ]
        )

    train, test = features(history), features(np.concatenate([history, x]))[len(history) :]
    train = train[np.isfinite(train).all(axis=1)]
    known = np.isfinite(test).all(axis=1)
    flags = np.zeros(len(x), dtype=bool)
    if len(train) > 50 and known.any():
        forest = IsolationForest(n_estimators=100, contamination=0.01, random_state=0).fit(train)
        flags[known] = forest.predict(test[known]) < 0
    return flags


Tool = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
TOOLS: dict[str, tuple[str, Tool]] = {
    "SaQC": ("saqc", saqc),
    "ioos_qc": ("ioos-qc", ioos_qc),
    "tsod": ("tsod", tsod),
    "IsolationForest": ("scikit-learn", isolation_forest),
}


def judged(
    name: str, value: np.ndarray, step_s: int, first: int, about: dict[str, dict[str, object]]
) -> np.ndarray:
    distribution, tool = TOOLS[name]
    mine = about.setdefault(name, {"version": version(distribution), "seconds": 0.0, "errors": []})
    flags = np.zeros(value.shape, dtype=bool)
    begun = time.perf_counter()
    for row in range(len(value)):
        try:
            flags[row, first:] = tool(value[row, first:], value[row, :first], step_s)
        except Exception as error:  # a peer that cannot judge a series is a finding, told in the report
            said = f"{type(error).__name__}: {error}"[:200]
            if said not in mine["errors"]:
                mine["errors"].append(said)
    mine["seconds"] += time.perf_counter() - begun
    return flags


def main() -> None:
    folder, step_s, first, tools = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    about: dict[str, dict[str, object]] = {}
    for given in sorted(folder.glob("in*.npz")):
        value = np.load(given)["value"]
        made = {name: judged(name, value, step_s, first, about) for name in tools}
        np.savez_compressed(given.with_name(given.name.replace("in", "out", 1)), **made)
        print(given.name, flush=True)
    (folder / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    main()

"""Panels that look like real series, for the tests of the planters: a city, a stack, an outlet."""

import numpy as np
from qc.rules.falsify.panel import DAY_MS, HOUR_MS, LOCAL_MS, Panel
from qc.rules.outcome import Floats

YEAR = 400 * 24


def panel(columns: dict[tuple[str, str], tuple[Floats, float]], step_ms: int = HOUR_MS) -> Panel:
    """`columns`: (station, factor) → values and one last digit; a fiftieth of the values is missing."""
    rng = np.random.default_rng(7)
    value = np.array([np.round(np.round(v / step) * step, 4) for v, step in columns.values()])
    value[rng.random(value.shape) < 0.02] = np.nan
    count = len(columns)
    unknown = np.full(count, np.nan)
    return Panel(
        -LOCAL_MS, step_ms,
        tuple(station for station, _ in columns), tuple(factor for _, factor in columns), ("",) * count,
        value, np.zeros(value.shape, dtype=np.int64), np.ones(value.shape, dtype=np.bool_),
        np.array([step for _, step in columns.values()]), unknown, unknown.copy(), unknown.copy(),
        unknown.copy(), np.full((count, 2), np.nan),
    )  # fmt: skip


def noise(seed: int, n: int, memory: float = 0.9) -> Floats:
    """First-order noise of unit spread."""
    rng = np.random.default_rng(seed)
    shocks, made = rng.standard_normal(n) * np.sqrt(1 - memory**2), np.zeros(n)
    for i in range(1, n):
        made[i] = memory * made[i - 1] + shocks[i]
    return made


def city() -> Panel:
    """Three stations, dust in whole µg and a gas with decimals, alike but not equal."""
    weather = noise(1, YEAR)
    day = np.sin(2 * np.pi * np.arange(YEAR) / 24)
    columns: dict[tuple[str, str], tuple[Floats, float]] = {}
    for number in range(3):
        for factor, level, step in (("a34004", 70.0, 1.0), ("a21004", 45.0, 0.1)):
            own = noise(10 + number, YEAR, 0.7)
            columns[f"S{number}", factor] = (
                level * np.exp(0.6 * weather + 0.15 * own + 0.2 * day),
                step,
            )
    return panel(columns)


def stack() -> Panel:
    """One stack: two pollutants, oxygen, temperature, load."""
    load = 100 + 10 * noise(2, YEAR, 0.98)
    return panel(
        {
            ("K1", "a21002"): (load * 0.6 * np.exp(0.2 * noise(3, YEAR)), 0.01),
            ("K1", "a21026"): (load * 0.3 * np.exp(0.3 * noise(4, YEAR)), 0.01),
            ("K1", "a19001"): (np.clip(6 + 0.5 * noise(5, YEAR), 3, 12), 0.1),
            ("K1", "a01012"): (110 + load * 0.2 + noise(6, YEAR), 0.1),
            ("K1", "load"): (load, 0.1),
        }
    )


def outlet() -> Panel:
    """One waste-water outlet, daily."""
    n = 600
    return panel(
        {
            ("W1", "w01018"): (80 * np.exp(0.3 * noise(8, n, 0.5)), 1.0),
            ("W1", "w01014"): (1500 * np.exp(0.2 * noise(9, n, 0.5)), 1.0),
        },
        DAY_MS,
    )

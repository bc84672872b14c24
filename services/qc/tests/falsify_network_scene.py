"""Hand-made networks for the falsification tests that compare series: honest ones, and how they are asked."""

from dataclasses import replace
from datetime import date

import numpy as np
from qc.rules.falsify import catalogue
from qc.rules.falsify.extras import Extras
from qc.rules.falsify.finding import Finding
from qc.rules.falsify.panel import HOUR_MS, Panel

TESTS = {test.id: test for test in catalogue.load()}
START_MS = 1_420_041_600_000  # 2015-01-01 00:00 +08:00
ON = date(2026, 1, 1)
EVERYTHING = frozenset(need for test in TESTS.values() for need in test.needs)
DAYS = 160


def panel_of(
    values: np.ndarray,
    factors: tuple[str, ...],
    stations: tuple[str, ...] | None = None,
    step_ms: int = HOUR_MS,
    extras: Extras | None = None,
) -> Panel:
    """A panel of rows [S, N]; one station unless named."""
    count = len(values)
    unknown = np.full(count, np.nan)
    return Panel(
        START_MS, step_ms, stations or ("s0",) * count, factors, ("ug/m3",) * count, values,
        np.zeros(values.shape, dtype=np.int64), np.isfinite(values), np.ones(count), unknown, unknown,
        unknown,
        unknown, np.full((count, 2), np.nan), extras or Extras(),
    )  # fmt: skip


def slow(n: int, random: np.random.Generator, stay: float, step: float) -> np.ndarray:
    noise = random.normal(0, step, n)
    for i in range(1, n):
        noise[i] += stay * noise[i - 1]
    return noise


def network(seed: int = 1, stations: int = 6, days: int = DAYS) -> Panel:
    """PM2.5, PM10 and NO2 at some stations: shared weather, a site's own, a daily cycle, whole µg/m³."""
    random = np.random.default_rng(seed)
    n = days * 24
    hour = np.arange(n) % 24
    weather, traffic = slow(n, random, 0.97, 0.18), 0.3 * np.cos(2 * np.pi * (hour - 20) / 24)
    rows, factors, names = [], [], []
    for station in range(stations):
        own = slow(n, random, 0.9, 0.04)
        for factor, level in (("a34004", 60.0), ("a34002", 90.0), ("a21004", 45.0)):
            signal = weather + traffic + own + slow(n, random, 0.8, 0.05) + random.normal(0, 0.04, n)
            rows.append(np.round(level * (1 + 0.05 * station) * np.exp(signal) + 5))
            factors.append(factor)
            names.append(f"s{station}")
    return panel_of(np.array(rows), tuple(factors), tuple(names))


def changed(panel: Panel, row: int, values: np.ndarray) -> Panel:
    """The panel with one row replaced."""
    value = panel.value.copy()
    value[row] = values
    return replace(panel, value=value, present=np.isfinite(value))


def scaled(panel: Panel, row: int, a: int, b: int, by: float) -> Panel:
    values = panel.value[row].copy()
    values[a:b] = np.round(values[a:b] * by)
    return changed(panel, row, values)


def say(panel: Panel, test: str, profile: str = "ambient-air") -> list[Finding]:
    """What one test says about a panel that has every input."""
    return list(catalogue.run(panel, profile, [TESTS[test]], ON, EVERYTHING).findings)


def named(findings: list[Finding], row: int, a: int, b: int, least: float = 0.9) -> list[Finding]:
    """The findings of a row that can stand alone and overlap periods [a, b)."""
    return [
        f
        for f in findings
        if f.where.row == row and f.strength >= least and f.where.from_i < b and f.where.to_i > a
    ]

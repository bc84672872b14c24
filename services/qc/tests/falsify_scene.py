"""Panels made by hand for the falsification tests: honest series, and what a test is asked about them."""

from dataclasses import replace
from datetime import date

import numpy as np
from qc.rules.falsify import catalogue
from qc.rules.falsify.finding import Finding
from qc.rules.falsify.panel import HOUR_MS, Panel, resolution_of

TESTS = {test.id: test for test in catalogue.load()}
START_MS = 1_420_041_600_000  # 2015-01-01 00:00 +08:00
ON = date(2026, 1, 1)
HAVE = frozenset({"network", "detection_limit", "load", "limit", "marks", "place"})


def honest(hours: int, seed: int, level: float = 60.0, decimals: int = 0) -> np.ndarray:
    """An hourly concentration: AR(1) log-normal with a daily cycle and analyser noise [hours]."""
    rng = np.random.default_rng(seed)
    slow = np.zeros(hours)
    for i in range(1, hours):
        slow[i] = 0.93 * slow[i - 1] + rng.normal(0, 0.22)
    cycle = 0.3 * np.sin(2 * np.pi * np.arange(hours) / 24)
    return np.round(level * np.exp(slow + cycle) + rng.normal(0, 2.5, hours).clip(-8, 8) + 10, decimals)


def panel_of(
    *rows: np.ndarray,
    factors: tuple[str, ...] = (),
    stations: tuple[str, ...] = (),
    step_ms: int = HOUR_MS,
) -> Panel:
    """A panel of rows; stations s0, s1, … and one factor unless named."""
    value = np.array(rows, dtype=np.float64)
    count = len(value)
    unknown = np.full(count, np.nan)
    return Panel(
        start_ms=START_MS, step_ms=step_ms,
        station=stations or tuple(f"s{i}" for i in range(count)),
        factor=factors or ("a34004",) * count,
        unit=("ug/m3",) * count,
        value=value,
        mark=np.zeros(value.shape, dtype=np.int64),
        present=np.ones(value.shape, dtype=bool),
        resolution=np.array([resolution_of(row) for row in value]),
        detection_limit=unknown, limit=unknown, low=unknown, high=unknown,
        place=np.full((count, 2), np.nan),
    )  # fmt: skip


def say(panel: Panel, test: str, profile: str = "ambient-air") -> list[Finding]:
    """What one test says about a panel."""
    return list(catalogue.run(panel, profile, [TESTS[test]], ON, HAVE).findings)


def over(findings: list[Finding], row: int, begin: int, end: int, least: float = 0.9) -> list[Finding]:
    """The findings of a row in full strength that overlap periods [begin, end), by their ends."""
    found = [
        f
        for f in findings
        if f.where.row == row and f.where.from_i < end and begin < f.where.to_i and f.strength >= least
    ]
    return sorted(found, key=lambda f: (f.where.to_i, -f.where.from_i))


def with_high(panel: Panel, high: float) -> Panel:
    """The panel with a known measuring range."""
    return replace(panel, high=np.full(len(panel.value), high))

"""A network's years of hours through every rule and every falsification test whose inputs exist.

Promises: stations by neighbourhood and stretches of whole months, as `jianzhen qc run` cuts a large file,
each in a process of its own on every core; the clock stands while data are made. What the whole network would
take is shown as an extrapolation by series-years, never as measured. Leaves the report's rows to `rows`.
"""

import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

STATIONS, YEARS, GROUP, MONTHS = 1000, 10, 50, 24
SHOWN_STATIONS, SHOWN_MONTHS = 100, 24
SEED, START_MS, HOUR_MS = 20240501, 1_420_041_600_000, 3_600_000
MONTH_HOURS, YEAR_HOURS = 720, 8766
# factor: level, steps of the last digit a unit, how much of it is weather
FACTORS = {
    "a34004": ("ug/m3", 60.0, 1, 0.9), "a34002": ("ug/m3", 95.0, 1, 0.8), "a21026": ("ug/m3", 14.0, 1, 0.5),
    "a21004": ("ug/m3", 45.0, 1, 0.6), "a21005": ("mg/m3", 1.1, 10, 0.8), "a05024": ("ug/m3", 70.0, 1, 0.7),
}  # fmt: skip
MISSING = 0.01
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Took:
    """Processor seconds of one stretch: all of it, the rules, each test; and what it was."""

    cells: int
    seconds: float
    rules: float
    tests: dict[str, float] = field(default_factory=dict)
    suspicions: int = 0
    rss_mb: float = 0.0


def slow(rng: np.random.Generator, stay: float, step: float, shape: tuple[int, int]) -> Array:
    """First-order autoregressive noise along the last axis."""
    noise = rng.normal(0, step, shape).T.copy()
    for i in range(1, len(noise)):
        noise[i] += stay * noise[i - 1]
    return noise.T


def hours(seed: int, stations: int, n: int) -> Array:
    """Values [stations × factors, n]: shared weather, a station's own sources, a daily cycle, gaps."""
    rng = np.random.default_rng(SEED + seed)
    clock = np.arange(n) % 24
    weather = slow(rng, 0.98, 0.12, (1, n))
    cycle = 0.25 * np.cos(2 * np.pi * (clock - 20) / 24)
    own = slow(rng, 0.95, 0.06, (stations, n))
    made = np.empty((stations, len(FACTORS), n))
    for place, (_, level, steps, share) in enumerate(FACTORS.values()):
        alone = slow(rng, 0.85, 0.09, (stations, n))
        value = level * np.exp(share * weather + cycle + own + alone)
        made[:, place] = np.round(value * steps) / steps
    made[rng.random(made.shape) < MISSING] = np.nan
    return made.reshape(-1, n)


def judged(job: tuple[int, int, int]) -> Took:
    """Make and judge one stretch of one neighbourhood: (seed, stations, months)."""
    from qc.rules.offline.catalogue import falsification_tests
    from qc.rules.offline.judge import judge
    from qc.rules.offline.profile import load_profile
    from qc.rules.offline.readings import Member, Readings

    seed, stations, months = job
    value = hours(seed, stations, months * MONTH_HOURS)
    members = [
        Member(f"S{seed:03}{k:03}", factor, factor, True, unit, place=(116 + 0.01 * k, 39 + 0.02 * (k % 7)))
        for k in range(stations)
        for factor, (unit, *_) in FACTORS.items()
    ]
    series, n = value.shape
    zero = np.zeros(value.size, dtype=np.int64)
    ts = np.tile(START_MS + np.arange(n, dtype=np.int64) * HOUR_MS, series)
    readings = Readings(np.repeat(np.arange(series), n), ts, value.ravel(), zero, zero.copy())
    profile = load_profile("ambient-air")
    names = [test.id for test in falsification_tests()]
    took, last = Took(value.size, 0.0, 0.0), [time.process_time()]

    def tell(stage: str, done: int, of: int) -> None:
        now = time.process_time()
        if stage == "rules":
            took.rules += now - last[0]
        else:
            name = names[(done - 1) % len(names)]
            took.tests[name] = took.tests.get(name, 0.0) + now - last[0]
        last[0] = now

    begun = last[0]
    found = judge(readings, members, profile, frozenset(), tell)
    took.seconds, took.suspicions = time.process_time() - begun, len(found.seen.raised)
    took.rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return took


def measure(stations: int = SHOWN_STATIONS, months: int = SHOWN_MONTHS) -> dict[str, Any]:
    """Judge a network; the whole of 1,000 stations and ten years by series-years."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    jobs = [
        (group * 1000 + begin, min(GROUP, stations - group * GROUP), min(MONTHS, months - begin))
        for group in range(-(-stations // GROUP))
        for begin in range(0, months, MONTHS)
    ]
    cores, begun = len(os.sched_getaffinity(0)), time.perf_counter()
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(judged, jobs))
    cells = sum(part.cells for part in parts)
    years, seconds = cells / YEAR_HOURS, sum(part.seconds for part in parts)
    tests = {name: sum(part.tests.get(name, 0.0) for part in parts) for name in parts[0].tests}
    whole = seconds / years * STATIONS * len(FACTORS) * YEARS
    return {
        "stations": stations, "months": months, "series_years": years, "cpu_s": seconds,
        "clock_s": time.perf_counter() - begun, "ms_per_series_year": seconds / years * 1e3,
        "rules_ms": sum(part.rules for part in parts) / years * 1e3,
        "tests_ms": {name: spent / years * 1e3 for name, spent in sorted(tests.items(), key=lambda t: -t[1])},
        "suspicions": sum(part.suspicions for part in parts),
        "rss_mb": cores * max(part.rss_mb for part in parts),
        "whole_cpu_s": whole, "whole_minutes": whole / 60 / cores, "cores": cores,
    }  # fmt: skip


def told(found: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"network: {found['stations']} stations x {len(FACTORS)} factors x {found['months']} months = "
        f"{found['series_years']:,.0f} series-years in {found['cpu_s']:.1f} CPU s "
        f"({found['ms_per_series_year']:.1f} ms per series-year), peak RSS of {found['cores']} processes "
        f"{found['rss_mb']:,.0f} MB, {found['suspicions']} suspicions",
        f"extrapolated by series-years to {STATIONS:,} stations x {YEARS} years: "
        f"{found['whole_cpu_s']:,.0f} CPU s = {found['whole_minutes']:.1f} min on "
        f"{found['cores']} cores (making the data not counted)",
        f"  {'rules':6} {found['rules_ms']:8.2f} ms per series-year",
    ]
    return "\n".join(
        [*lines, *(f"  {name:6} {ms:8.2f}" for name, ms in found["tests_ms"].items() if ms >= 0.005)]
    )

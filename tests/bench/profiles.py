"""Every rule of validity and plausibility of a profile on a million values, for each of the four profiles.

Promises: half of the values are hours of a year, half are minutes with the hours made of them; every mark,
roll-up, rule, day, month, quarter and year is judged inside the clock, making the values is outside. Leaves
the report's rows to `rows`; run alone it prints JSON.
"""

import json
import time
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

import numpy as np
from contracts.ingest import SeriesRef
from msgspec.structs import replace
from network import slow
from qc.rules.assess import assess
from qc.rules.frame import Columns, Roster, roster_of
from qc.rules.offline.profile import NAMES, Profile, load_profile
from qc.rules.pack import RulePack
from qc.rules.validity.audit import contradictions
from qc.rules.validity.chain import UNKNOWN, Hours, judge_days, judge_hours, judge_periods
from qc.rules.validity.completeness import Parts
from qc.rules.validity.exceedance import exceeded
from qc.rules.validity.family import medium_of, profile_of
from qc.rules.validity.marks import mark_rules, rolled_up
from qc.rules.validity.periods import number_of
from qc.rules.validity.recompute import compared, gas_mass, plain_means, tolerance, water_mass, weighted_means

POINTS, REPEAT, SEED = 1_000_000, 5, 20240501
HOUR_MS, MINUTE_MS, START_MS = 3_600_000, 60_000, 1_735_660_800_000
YEAR_HOURS = 8760
FACTORS = 8
ON, EDITION, STEP = date(2026, 1, 1), "hj212-2017", 0.1
MISSING, MARKED, SPIKES, FROZEN = 0.01, 0.01, 0.0005, 24
FLOWS = {"flue-gas": "a00000", "waste-water": "w00000"}
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Batch:
    """The rows of one profile, and which of its series are minutes of which hours."""

    columns: Columns
    roster: Roster
    profile: Profile


def reference(profile: Profile, site: str, factor: str, unit: str, period: str) -> SeriesRef:
    medium = {"gas": "waste_gas", "water": "waste_water"} if profile.site_kind == "outlet" else {}
    return SeriesRef(
        id=0, site=site, site_kind=profile.site_kind, region="", factor=factor, statistic="avg",
        element=medium.get(profile.element, profile.element), basis="raw", period=period, source="DL-1",
        unit=unit, decimals=1, permit_limit=40.0 if profile.site_kind == "outlet" else None,
    )  # fmt: skip


def wandering(rng: np.random.Generator, level: Array, n: int) -> Array:
    """Values [series, n] about their level with one decimal: gaps, spikes and a frozen stretch each."""
    value = level[:, None] * np.exp(slow(rng, 0.95, 0.03, (len(level), n)))
    value[rng.random(value.shape) < SPIKES] *= 8
    for row in value:
        begin = int(rng.integers(0, n - FROZEN))
        row[begin : begin + FROZEN] = row[begin]
    value[rng.random(value.shape) < MISSING] = np.nan
    return np.round(value, 1)


def made(profile: Profile, points: int) -> Batch:
    """Sites of hours for half of the values, then one site of minutes and their hours."""
    rng, pack = np.random.default_rng(SEED), profile.pack
    known = [(one.code, one.unit) for one in profile.factors[:FACTORS]]
    flow = FLOWS.get(profile.id)
    known += [(one.code, one.unit) for one in profile.factors[FACTORS:] if one.code == flow]
    sites = max(1, round(points / 2 / YEAR_HOURS / len(known)))
    hours = max(48, points // 2 // len(known) // 61)
    refs: list[SeriesRef] = []
    parts: list[tuple[Array, int]] = []
    for site in range(sites + 1):
        own = [reference(profile, f"S{site:03}", code, unit, "hour") for code, unit in known]
        level = _levels(own, pack)
        if site < sites:
            refs += own
            parts += [(row, HOUR_MS) for row in wandering(rng, level, YEAR_HOURS)]
            continue
        for ref, row in zip(own, wandering(rng, level, 60 * hours), strict=True):
            minutes = row.reshape(-1, 60)
            count = np.isfinite(minutes).sum(axis=1)
            mean = np.where(count, np.nansum(minutes, axis=1) / np.maximum(count, 1), np.nan)
            refs += [ref, reference(profile, ref.site, ref.factor, ref.unit, "min")]
            parts += [(np.round(mean, 1), HOUR_MS), (row, MINUTE_MS)]
    refs = [replace(ref, id=place + 1) for place, ref in enumerate(refs)]
    series = np.repeat(np.arange(len(parts)), [len(row) for row, _ in parts])
    ts = np.concatenate([START_MS + np.arange(len(row), dtype=np.int64) * step for row, step in parts])
    flag = np.where(rng.random(len(ts)) < MARKED, ord("M"), ord("N")).astype(np.int64)
    columns = Columns(series, ts, np.concatenate([row for row, _ in parts]), flag, np.zeros_like(ts))
    return Batch(columns, roster_of(refs, pack), profile)


def _levels(refs: list[SeriesRef], pack: RulePack) -> Array:
    """A twentieth up the range that the profile gives a factor; 50 where it gives none worth the name."""
    roster = roster_of(refs, pack)
    at = next(place for place, rule in enumerate(pack.rules) if rule.function == "is_out_of_range")
    low, high = roster.figures[at]["low"], roster.figures[at]["high"]
    return np.where(np.isfinite(high) & (high < 1e6), np.fmax(low, 0) + 0.05 * high, 50.0)


def judge(batch: Batch) -> int:
    """All of it once; returns how many periods were judged."""
    code = assess(batch.columns, batch.roster, batch.profile.pack).code
    starts = np.searchsorted(batch.columns.series, np.arange(len(batch.roster.refs) + 1))
    flows = {
        (ref.site, ref.period): place
        for place, ref in enumerate(batch.roster.refs)
        if ref.factor == FLOWS.get(batch.profile.id)
    }
    return sum(
        _valid(batch, code, starts, place, flows.get((ref.site, "hour")))
        for place, ref in enumerate(batch.roster.refs)
        if ref.period == "hour"
    )


def _of_minutes(batch: Batch, code: Array, starts: Array, place: int) -> tuple[Array, Array]:
    """Good minutes and rolled-up mark of each hour of a series; the hour beside the mean of its minutes."""
    c, source = batch.columns, int(batch.roster.minutes_of[place])
    hours = slice(int(starts[place]), int(starts[place + 1]))
    ts, value = c.ts[hours], c.value[hours]
    if source < 0:
        return np.full(len(ts), UNKNOWN), np.zeros(len(ts), dtype=np.int64)
    medium = medium_of(batch.roster.refs[place])
    own = slice(int(starts[source]), int(starts[source + 1]))
    group = np.searchsorted(ts, c.ts[own], side="right") - 1
    good = np.isfinite(c.value[own]) & (code[own] < 4)
    again = plain_means(group, len(ts), c.value[own], good)
    compared(value, [again.value], again.count >= 45, STEP, tolerance("hour-mean", medium, ON))
    rules = mark_rules()
    rolled = rolled_up(group, c.flag[own], len(ts), rules.roll_up(medium), rules.edition(EDITION))
    return again.count, rolled.mark


def _valid(batch: Batch, code: Array, starts: Array, place: int, flow_at: int | None) -> int:
    """The validity of one series: hours by their minutes, days by hours, and what is longer by days."""
    c, ref, edition = batch.columns, batch.roster.refs[place], mark_rules().edition(EDITION)
    rows = slice(int(starts[place]), int(starts[place + 1]))
    ts, value, flag = c.ts[rows], c.value[rows], c.flag[rows]
    flow = np.full(len(ts), np.nan)
    if flow_at is not None:
        flow = c.value[int(starts[flow_at]) : int(starts[flow_at + 1])]
    medium = medium_of(ref)
    minutes, rolled = _of_minutes(batch, code, starts, place)
    contradictions(flag, value, flow, rolled, edition)
    profile, factor = profile_of(ref), ref.factor
    hours = Hours(ts, value, code[rows], flag, minutes, flow)
    done = judge_hours(profile, factor, hours)
    limit = np.nan if ref.permit_limit is None else ref.permit_limit
    presumed = np.isin(flag, edition.letters("presumed_exceedance"))
    exceeded(value, done.is_valid, limit, done.is_exempt, presumed)
    if flow_at is not None:
        water_mass(value, flow, 3600.0) if medium == "water" else gas_mass(value, flow)
    number = np.unique(number_of("day", ts))
    days = judge_days(profile, factor, number, hours, done, limit)
    group = np.searchsorted(number, number_of("day", ts))
    plain = plain_means(group, len(number), value, done.is_valid)
    weighted = weighted_means(group, len(number), value, flow, done.is_valid)
    compared(
        days.plain,
        [plain.value, weighted.value],
        plain.count > 0,
        STEP,
        tolerance("day-mean", medium, ON),
    )
    nothing = np.zeros(len(number), dtype=bool)
    exceeded(days.plain, days.validity.state == 1, limit, nothing, nothing)
    parts = Parts("hour", ts, done.is_valid, done.is_exempt)
    count = len(ts) + len(number)
    for period in ("month", "quarter", "year"):
        longer = np.unique(number_of(period, ts))
        count += len(judge_periods(profile, factor, period, longer, days, parts).plain)
    return count


def measure(points: int = POINTS) -> dict[str, dict[str, float]]:
    """Values per second of processor and by the clock, by profile."""
    found = {}
    for name in NAMES:
        batch = made(load_profile(name), points)
        seconds, worked, rules = [], [], []
        for _ in range(REPEAT):
            begun, used = time.perf_counter(), time.process_time()
            periods = judge(batch)
            seconds.append(time.perf_counter() - begun)
            worked.append(time.process_time() - used)
            used = time.process_time()
            assess(batch.columns, batch.roster, batch.profile.pack)
            rules.append(time.process_time() - used)
        n = len(batch.columns)
        found[name] = {
            "values": n, "series": len(batch.roster.refs), "rules": len(batch.profile.pack.rules),
            "periods": periods, "rate": n / median(seconds), "per_core": n / median(worked),
            "best_per_core": n / min(worked), "plausibility_per_core": n / median(rules),
        }  # fmt: skip
    return found


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))

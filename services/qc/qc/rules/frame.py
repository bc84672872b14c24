"""Columns of values and the roster of series they belong to: how rows of many series are judged in one pass.

Promises: `Columns` are sorted by (series, ts) without doubles; partners and minute means are aligned by
binary search, never by a loop over rows. Leaves the judgement to `qc.rules.assess`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from contracts.ingest import SeriesRef

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.pack import PARAMETERS, PERIOD_MS, RulePack

HOUR_MS = PERIOD_MS["hour"]
# ts < 2^42 ms (until 2109) leaves 21 bits for the series of one batch.
TS_BITS = 42
# Sums of minutes are exact integers in millionths of the unit, so no order of arrival can change them.
MICRO = 1_000_000
# No instrument reports more, and sums of an hour stay far inside 64 bits.
LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Columns:
    """Values of many series, sorted by (series, ts). `series` is a place in the roster, `ts` UTC
    milliseconds.

    `value` NaN = no value; `flag` = code point of the data mark, 0 none, -1 not a single letter; `revisions`
    = how many different values came later for the same instant.
    """

    series: Ints
    ts: Ints
    value: Floats
    flag: Ints
    revisions: Ints

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def keys(self) -> Ints:
        return keys_of(self.series, self.ts)

    def take(self, rows: Ints | Flags | slice) -> "Columns":
        """The rows at these places, in that order."""
        return Columns(
            self.series[rows], self.ts[rows], self.value[rows], self.flag[rows], self.revisions[rows]
        )


@dataclass(frozen=True, slots=True)
class HourSums:
    """Valid minutes per (minute series, hour): how many, their sum, lowest and highest, in millionths."""

    series: Ints
    hour: Ints
    count: Ints
    micro: Ints
    low: Ints
    high: Ints


def keys_of(series: Ints, ts: Ints) -> Ints:
    """One sortable integer per (series, ts)."""
    keys: Ints = (series << TS_BITS) + ts
    return keys


def merged(first: Columns, second: Columns) -> Columns:
    """Both sets of rows, sorted; of two rows for the same (series, ts) the one of `first` stays."""
    both = [
        np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("series", "ts", "value", "flag", "revisions")
    ]
    keys = keys_of(both[0], both[1])
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    keep = np.ones(len(order), dtype=bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    order = order[keep]
    return Columns(*(column[order] for column in both))


def find(keys: Ints, wanted: Ints) -> tuple[Ints, Flags]:
    """Where each wanted key stands among sorted `keys`, and whether it is there at all."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    places: Ints = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted


@dataclass(frozen=True, slots=True)
class Roster:
    """The series of a batch as columns: parameters per rule, and who is whose partner (-1 = nobody).

    `figures[r][name][s]` is the parameter of rule number r in the pack's order for series s, NaN = not
    judged. `rivals` are pairs of series that say the same from two sources.
    """

    refs: tuple[SeriesRef, ...]
    ids: Ints
    site: Ints
    period_ms: Floats
    resolution: Floats
    detection_limit: Floats
    reach_ms: Ints
    figures: tuple[dict[str, Floats], ...]
    judged: tuple[Flags, ...]
    partner: Ints
    is_part: Flags
    hour_of: Ints
    minutes_of: Ints
    rivals: tuple[tuple[int, int], ...]


def roster_of(refs: Sequence[SeriesRef], pack: RulePack) -> Roster:
    """Make the roster of these series. Partners are found among `refs` only, so give whole sites."""
    vectors = np.array([_vector(ref, pack) for ref in refs]).reshape(len(refs), -1)
    figures, judged, at = [], [], 4
    for rule in pack.rules:
        names = PARAMETERS[rule.function]
        judged.append(vectors[:, at] > 0)
        figures.append({name: vectors[:, at + 1 + i] for i, name in enumerate(names)})
        at += 1 + len(names)
    partner, is_part = _partners(refs, pack)
    hour_of, minutes_of = _hours(refs)
    return Roster(
        refs=tuple(refs),
        ids=np.array([ref.id for ref in refs], dtype=np.int64),
        site=_sites(refs),
        period_ms=vectors[:, 0],
        resolution=vectors[:, 1],
        detection_limit=vectors[:, 2],
        reach_ms=vectors[:, 3].astype(np.int64),
        figures=tuple(figures),
        judged=tuple(judged),
        partner=partner,
        is_part=is_part,
        hour_of=hour_of,
        minutes_of=minutes_of,
        rivals=_rivals(refs),
    )


def _rivals(refs: Sequence[SeriesRef]) -> tuple[tuple[int, int], ...]:
    """Pairs of series that say the same of the same site from two sources, each pair once."""
    said: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, ref in enumerate(refs):
        if ref.period != "rtd":
            said[ref.site, ref.factor, ref.statistic, ref.basis, ref.period].append(place)
    return tuple(pair for places in said.values() for pair in combinations(places, 2))


def _vector(ref: SeriesRef, pack: RulePack) -> Floats:
    """Everything the rules ask about one series, in one row: read once per series, not once per value."""
    known = pack.vectors.get(ref)
    if known is not None:
        return known
    step = ref.resolution if ref.resolution is not None else 10.0**-ref.decimals
    limit = ref.detection_limit if ref.detection_limit is not None else np.nan
    period = PERIOD_MS[ref.period]
    row = [period, step, limit, pack.reach_periods[ref.period] * period]
    for rule in pack.rules:
        figures = rule.figures_for(ref)
        row.append(0.0 if figures is None else 1.0)
        told = {name: value for name, value in (figures or {}).items() if value is not None}
        values = dict.fromkeys(PARAMETERS[rule.function], np.nan) | told
        if rule.function == "is_out_of_range":
            values["low"] = values["low"] if ref.low is None else ref.low
            values["high"] = values["high"] if ref.high is None else ref.high
        if rule.function == "exceeds_limit" and ref.permit_limit is not None:
            values["limit"] = ref.permit_limit
        row.extend(values[name] for name in PARAMETERS[rule.function])
    pack.vectors[ref] = np.array(row, dtype=np.float64)
    return pack.vectors[ref]


def _sites(refs: Sequence[SeriesRef]) -> Ints:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(ref.site, len(numbers)) for ref in refs], dtype=np.int64)


def _kin(ref: SeriesRef, **changed: str) -> tuple[str, ...]:
    fields = {
        "site": ref.site,
        "factor": ref.factor,
        "statistic": ref.statistic,
        "basis": ref.basis,
        "period": ref.period,
        "source": ref.source,
    } | changed
    return tuple(fields.values())


def _partners(refs: Sequence[SeriesRef], pack: RulePack) -> tuple[Ints, Flags]:
    places = {_kin(ref): place for place, ref in enumerate(refs)}
    partner = np.full(len(refs), -1, dtype=np.int64)
    is_part = np.zeros(len(refs), dtype=bool)
    pairs = {rule.pair for rule in pack.rules if rule.pair}
    for part, whole in pairs:
        for place, ref in enumerate(refs):
            other = places.get(_kin(ref, factor=whole), -1) if ref.factor == part else -1
            if other >= 0:
                partner[place], partner[other], is_part[place] = other, place, True
    return partner, is_part


def _hours(refs: Sequence[SeriesRef]) -> tuple[Ints, Ints]:
    places = {_kin(ref): place for place, ref in enumerate(refs)}
    hour_of = np.full(len(refs), -1, dtype=np.int64)
    minutes_of = np.full(len(refs), -1, dtype=np.int64)
    for place, ref in enumerate(refs):
        hour = places.get(_kin(ref, period="hour"), -1) if ref.period == "min" else -1
        if hour >= 0:
            hour_of[place], minutes_of[hour] = hour, place
    return hour_of, minutes_of

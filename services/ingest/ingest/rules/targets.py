"""Which series the keys of a batch mean: looked up once for each distinct key, remembered for whole batches.

Promises: a sender that sends the same series in the same order, as nearly all do, costs one look-up a batch;
what is remembered belongs to one version of the registry. Leaves times and values to `judge`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from standards import factors, units

from ingest.rules.refusals import Flaw, flaw
from ingest.rules.registry import Channel, Registry, SeriesKey, Site, Target
from ingest.rules.rows import KEY, MISSING, Columns
from ingest.rules.times import PERIOD_SECONDS

PERIODS = tuple(PERIOD_SECONDS)
_REMEMBERED = 1_000_000
_BATCHES_REMEMBERED, _LONGEST_REMEMBERED = 64, 5_000


class Facts(msgspec.Struct, frozen=True):
    """What is asked of every channel of a batch, as columns. `is_distinct`: no series is in it twice.

    `rank` orders the channels by (lane, series); `kind` is their place in `kinds`, (period, seconds).
    `heads` is of a batch that is remembered: how its events are cut and begin, by the channels of its rows.
    """

    ids: NDArray[np.int64]
    lanes: NDArray[np.int16]
    seconds: NDArray[np.int64]
    periods: NDArray[np.int8]
    sizes: NDArray[np.int64]
    rank: NDArray[np.int64]
    kind: NDArray[np.int64]
    kinds: tuple[tuple[int, int], ...]
    is_distinct: bool
    heads: dict[bytes, Any] | None = None


class Everything(NamedTuple):
    """All channels of a registry by the id of their series, and what is asked of each."""

    channels: list[Channel]
    facts: Facts


class Resolved(NamedTuple):
    """`which[i]` is the channel of row i, -1 for none; `converted` are targets in another unit."""

    channels: list[Channel]
    which: NDArray[np.int32]
    facts: Facts
    converted: list[tuple[int, Any]]
    sites: list[Site]


def channel_facts(channels: Sequence[Channel]) -> Facts:
    """The facts of these channels, in their order."""
    ids = np.array([channel.ref.id for channel in channels], dtype=np.int64)
    lanes = np.array([int(channel.lane) for channel in channels], dtype=np.int16)
    rank = np.zeros(len(ids), dtype=np.int64)
    rank[np.lexsort((ids, lanes))] = np.arange(len(ids))
    pairs = [(PERIODS.index(channel.ref.period), channel.period_seconds) for channel in channels]
    kinds = {pair: at for at, pair in enumerate(dict.fromkeys(pairs))}
    return Facts(
        ids,
        lanes,
        np.array([seconds for _, seconds in pairs], dtype=np.int64),
        np.array([period for period, _ in pairs], dtype=np.int8),
        np.array([len(channel.encoded) for channel in channels], dtype=np.int64),
        rank,
        np.array([kinds[pair] for pair in pairs], dtype=np.int64),
        tuple(kinds),
        len(set(ids.tolist())) == len(ids),
    )


def everything(registry: Registry) -> Everything:
    """Made once for a registry, so that a group of frames looks its series up as a column."""
    channels = [registry.by_id[one] for one in sorted(registry.by_id)]
    return Everything(channels, channel_facts(channels))


def resolve(
    batch: Columns, registry: Registry, may_submit: Callable[[Site], bool], flaws: dict[int, Flaw]
) -> Resolved:
    """The channel of every row; rows without one get a flaw."""
    if len(batch.keys) > _LONGEST_REMEMBERED:
        return _resolve(batch, registry, may_submit, flaws)
    column = batch.form or (batch.source, tuple(batch.keys))
    try:
        known: Resolved | None = registry.batches.get(column)
    except TypeError:
        return _resolve(batch, registry, may_submit, flaws)
    if known is not None and all(map(may_submit, known.sites)):
        return known
    before = len(flaws)
    found = _resolve(batch, registry, may_submit, flaws)
    if len(flaws) == before and (found.which >= 0).all():
        while len(registry.batches) >= _BATCHES_REMEMBERED:
            registry.batches.pop(next(iter(registry.batches)), None)
        found = found._replace(facts=msgspec.structs.replace(found.facts, heads={}))
        registry.batches[column] = found
    return found


def _resolve(
    batch: Columns, registry: Registry, may_submit: Callable[[Site], bool], flaws: dict[int, Flaw]
) -> Resolved:
    keys = batch.keys
    try:
        distinct = set(keys)
    except TypeError:
        keys = [key if all(map(is_plain, key)) else _no_key(at, key, flaws) for at, key in enumerate(keys)]
        distinct = set(keys)
    targets: list[Target] = []
    index: dict[tuple[Any, ...], int] = {}
    bad: dict[tuple[Any, ...], Flaw] = {}
    for key in distinct:
        found = find_target(key, batch.source, registry)
        if isinstance(found, Target) and not may_submit(registry.sites[found.channel.ref.site]):
            found = flaw("site", "out-of-scope", key[0])
        if isinstance(found, Target):
            index[key] = len(targets)
            targets.append(found)
        else:
            index[key] = -1
            bad[key] = found
    if bad:
        for at, key in enumerate(keys):
            if key in bad:
                flaws.setdefault(at, bad[key])
    channels = [target.channel for target in targets]
    which = np.fromiter(map(index.__getitem__, keys), np.int32, batch.size)
    converted = [(at, target) for at, target in enumerate(targets) if target.unit is not None]
    sites = [registry.sites[code] for code in {channel.ref.site for channel in channels}]
    return Resolved(channels, which, channel_facts(channels), converted, sites)


def _no_key(at: int, key: tuple[Any, ...], flaws: dict[int, Flaw]) -> tuple[Any, ...]:
    """A stand-in for a key that holds an array or an object."""
    name, cell = next(pair for pair in zip(KEY, key, strict=True) if not is_plain(pair[1]))
    flaws.setdefault(at, flaw(name, "field-type", f"{name} is {cell!r}"))
    return (MISSING,) * len(KEY)


def is_plain(cell: object) -> bool:
    """Whether a cell can be looked up: no array, no object."""
    return cell is None or cell is MISSING or isinstance(cell, str | int | float)


def find_target(key: tuple[Any, ...], source: str, registry: Registry) -> Target | Flaw:
    """The series a KEY tuple means, or what is wrong with it. Remembered with its registry."""
    known = registry.targets.get((source, key))
    if known is not None:
        return known
    if len(key) == 1:
        # A sender of SensorThings names the series itself; its values are in the unit of the series.
        channel = registry.by_id.get(key[0])
        return flaw("Datastream", "unknown-series", str(key[0])) if channel is None else Target(channel, None)
    found = _target(key, source, registry)
    if isinstance(found, Target) and len(registry.targets) < _REMEMBERED:
        registry.targets[source, key] = found
    return found


def _target(key: tuple[Any, ...], source: str, registry: Registry) -> Target | Flaw:
    for name, cell in zip(KEY, key, strict=True):
        if cell is MISSING:
            return flaw(name, "field-missing", name)
        if not isinstance(cell, str) and not (name == "unit" and cell is None):
            return flaw(name, "field-type", f"{name} is {cell!r}")
    site_code, factor, statistic, basis, period, unit = key
    site = registry.sites.get(site_code)
    if site is None:
        return flaw("site", "unknown-site", site_code)
    wanted = SeriesKey(site_code, factor, statistic, basis, period, source)
    channel = registry.channels.get(wanted)
    if channel is None:
        code = factors.normalise(factor)
        if code is None:
            return flaw("factor", "unknown-factor", factor)
        channel = registry.channels.get(wanted._replace(factor=code))
    if channel is None:
        return flaw("factor", "unknown-series", str(wanted))
    return _in_unit(channel, unit)


def _in_unit(channel: Channel, unit: str | None) -> Target | Flaw:
    sent = channel.sent_unit if unit is None else units.ucum(unit)
    if sent is None:
        return flaw("unit", "unknown-unit", unit)
    if sent == channel.ref.unit:
        return Target(channel, None)
    if not units.are_compatible(sent, channel.ref.unit):
        return flaw("unit", "unit-mismatch", f"{sent} ≠ {channel.ref.unit}")
    return Target(channel, sent)

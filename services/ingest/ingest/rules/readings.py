"""What the pairs of a data frame mean: which series of the device's site, in which unit, at which instant.

Promises: pure; work that depends only on the *names* in a frame is done once per set of names (`plan`), since
a logger repeats them for years. Leaves identity, CRC and flood to `flows.frames`.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from standards import factors, units

from ingest.rules.frames import Frame, parameters_of
from ingest.rules.grammar import split_name
from ingest.rules.judge import Judged
from ingest.rules.limits import Limits
from ingest.rules.numbers import GAPS, convert_number, parse_number
from ingest.rules.refusals import Flaw, Refusal, flaw
from ingest.rules.registry import Channel, Device, Registry, SeriesKey
from ingest.rules.times import judge_time, mode_of, parse_time, start_of

# HJ 212-2017 table 9: the uplink commands that carry values, and the period each stands for.
PERIODS = {"2011": "rtd", "2051": "min", "2061": "hour", "2031": "day"}
# Table 4: x-Rtd … x-Cou as measured, x-Zs… converted to reference conditions (折算).
FIELDS = {
    "Rtd": ("rtd", "raw"),
    "Avg": ("avg", "raw"),
    "Min": ("min", "raw"),
    "Max": ("max", "raw"),
    "Cou": ("cou", "raw"),
    "ZsRtd": ("rtd", "converted"),
    "ZsAvg": ("avg", "converted"),
    "ZsMin": ("min", "converted"),
    "ZsMax": ("max", "converted"),
}
WHOLE_FRAME = -1


class Step(msgspec.Struct, frozen=True, gc=False):
    """One pair of the frame that is a value: where it stands, where its data mark stands, where it goes."""

    at: int
    flag_at: int
    channel: Channel
    unit: str | None


class Plan(msgspec.Struct, frozen=True):
    """What to do with frames that have these names; `flaws` are (pair, flaw) that such frames always have."""

    steps: tuple[Step, ...]
    flaws: tuple[tuple[int, Flaw], ...]


def make_plan(
    names: Sequence[str], period: str, system: str | None, device: Device, registry: Registry
) -> Plan:
    """Decide for the names of a frame once.

    Worked example: `("DataTime", "a34004-Avg", "a34004-Flag")` of an hour frame is one step: pair 1, mark in
    pair 2, into `<site>/a34004/avg-raw-hour/<source>`.
    """
    split = [split_name(name) for name in names]
    flags = {factor: at for at, (factor, field) in enumerate(split) if field == "Flag"}
    steps, flaws = [], []
    for at, (factor, field) in enumerate(split):
        if not factor or field not in FIELDS:
            continue
        found = _channel(factor, field, period, system, device, registry)
        if isinstance(found, Flaw):
            flaws.append((at, found))
        else:
            unit = None if found.sent_unit == found.ref.unit else found.sent_unit
            steps.append(Step(at, flags.get(factor, -1), found, unit))
    return Plan(tuple(steps), tuple(flaws))


def _channel(
    factor: str, field: str, period: str, system: str | None, device: Device, registry: Registry
) -> Channel | Flaw:
    statistic, basis = FIELDS[field]
    wanted = SeriesKey(device.site, factor, statistic, basis, period, device.source)
    channel = registry.channels.get(wanted)
    if channel is None:
        code = factors.normalise(factor, system)
        if code is None:
            return flaw(f"{factor}-{field}", "unknown-factor", factor)
        channel = registry.channels.get(wanted._replace(factor=code))
    if channel is None:
        return flaw(f"{factor}-{field}", "unknown-series", str(wanted))
    if not units.are_compatible(channel.sent_unit, channel.ref.unit):
        return flaw(f"{factor}-{field}", "unit-mismatch", f"{channel.sent_unit} ≠ {channel.ref.unit}")
    return channel


def read_values(frame: Frame, plan: Plan, device: Device, now: int, limits: Limits) -> Judged:
    """The values of a frame, judged. A wrong time costs the whole frame, a wrong value only itself."""
    period = PERIODS[frame.fields["CN"]]
    pairs = frame.segment.pairs
    refused = [wrong.at(at) for at, wrong in plan.flaws]
    kept: list[tuple[int, Step, float, int, bytes]] = []
    for number, step in enumerate(plan.steps):
        read = _value(pairs[step.at][1], step)
        mark = pairs[step.flag_at][1] if step.flag_at >= 0 else ""
        if isinstance(read, Flaw):
            refused.append(read.at(step.at))
        elif abs(read[0]) > limits.value_magnitude:
            refused.append(flaw(step.channel.ref.factor, "value-too-large", pairs[step.at][1]).at(step.at))
        elif len(mark) > 4 or not mark.isascii():
            refused.append(flaw(pairs[step.at][0], "flag-format", mark).at(step.at))
        else:
            kept.append((number, step, *read, mark.encode()))
    starts, wrong = _starts(frame, [step for _, step, *_ in kept], device, period, now, limits)
    if wrong is not None:
        kept, refused = [], [wrong]
        starts = []
    is_late = {start: mode_of(start, period, now, limits) == "late" for start in set(starts)}
    return Judged(
        [step.channel for step in plan.steps],
        np.array([number for number, *_ in kept], dtype=np.int32),
        np.array(starts, dtype=np.int64),
        np.array([value for _, _, value, _, _ in kept], dtype=np.float64),
        np.array([decimals for _, _, _, decimals, _ in kept], dtype=np.int16),
        np.array([mark for *_, mark in kept], dtype="S4"),
        np.array([is_late[start] for start in starts], dtype=bool),
        np.array([step.at for _, step, *_ in kept], dtype=np.int32),
        refused,
    )


def _starts(
    frame: Frame, steps: Sequence[Step], device: Device, period: str, now: int, limits: Limits
) -> tuple[list[int], Refusal | None]:
    text = parameters_of(frame.segment).get("DataTime")
    if not text:
        return [], flaw("DataTime", "no-data-time", "").at(WHOLE_FRAME)
    label = parse_time(text) if len(text) in (14, 17) and text.isdigit() else None
    if label is None:
        return [], flaw("DataTime", "time-format", text).at(WHOLE_FRAME)
    starts = [start_of(label, device.label, step.channel.period_seconds) for step in steps]
    for start in set(starts or [label]):
        wrong = judge_time(start, period, now, limits, text)
        if wrong is not None:
            return [], wrong.at(WHOLE_FRAME)
    return starts, None


def _value(text: str, step: Step) -> tuple[float, int] | Flaw:
    if text in GAPS:
        return math.nan, 0
    read = parse_number(text)
    if read is None:
        bare = text.lower().lstrip("+-")
        rule = "value-not-finite" if bare in ("nan", "inf", "infinity") else "value-format"
        return flaw(step.channel.ref.factor, rule, text)
    return read if step.unit is None else convert_number(read[0], step.unit, step.channel.ref.unit)


def is_backfill(frame: Frame) -> bool:
    """Whether the logger says it re-sends stored data (`RF=1`, HJ 212-2025)."""
    return bool(frame.fields.get("RF") == "1")

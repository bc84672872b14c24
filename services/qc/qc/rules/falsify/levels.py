"""S1, X6 and T2: stretches in which a series stands off what the network, its station or its own days say.

Promises: names the stretch, the level in per cent (or units) and the neighbours; a rise is asked for more
than a fall, since nobody falsifies upwards. Leaves scanning to `scan` and prediction to `reference`.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from qc.rules.falsify import matched, scan
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import Reference, reference, seen_at_all
from qc.rules.outcome import Floats

# Blocks per day in which residuals are averaged, and neighbours named as evidence.
BLOCKS_PER_DAY, NEIGHBOURS = 4, 5


@register("S1")
def neighbours(panel: Panel, chosen: Chosen) -> list[Finding]:
    """A stretch against the same factor at the other stations, site offsets removed [S1].

    Source: standards §6.1 S1. Worked example: one of twelve PM2.5 series × 0.5 for ten days → one finding.
    """
    known = reference(panel)
    return _off(panel, chosen, known, known.network)


@register("X6")
def other_factors(panel: Panel, chosen: Chosen) -> list[Finding]:
    """A stretch against a robust regression on the station's other factors and the hour [X6].

    Source: standards §6.1 X6. Of rows of one station that stand out together only the clearest is named: the
    others stand out because they are compared with it. Worked example: COD × 0.5 for ten days beside TOC,
    NH3-N and flow → COD.
    """
    known = reference(panel)
    joint = seen_at_all(known.joint)[:, None]
    found = _off(panel, chosen, known, np.where(joint, known.joint, known.cross))
    return [f for f in found if not any(_outdone(panel, f, other) for other in found)]


@register("T2")
def own_days(panel: Panel, chosen: Chosen) -> list[Finding]:
    """A stretch against the row's own days, where nothing else is there to compare with [T2]."""
    known = reference(panel)
    alone = ~seen_at_all(known.network) & ~seen_at_all(known.cross)
    return _off(panel, chosen, known, np.where(alone[:, None], known.own, np.nan))


def spans(
    rows: Floats,
    per_day: int,
    shortest: int,
    least_z: float,
    coloured: bool = False,
    belief: matched.Belief = matched.AS_IT_IS,
) -> Iterator[tuple[int, scan.Excursion]]:
    """The excursions of rows of one factor, in periods: (place in rows, excursion).

    `coloured`: rows without kin are whitened by their own spectrum, too; it takes a residual that forgets.
    `belief`: how far rows with kin are believed.
    """
    size = max(1, per_day // BLOCKS_PER_DAY)
    day, least = max(1, round(per_day / size)), max(3, shortest // size)
    means = np.array([scan.blocks(row, size) for row in rows]).reshape(len(rows), -1)
    if len(rows) >= scan.KIN:
        found = matched.excursions(means, day, least, least_z, belief=belief)
    else:
        tried = scan.contrasts(means, day, least)
        found = [scan.excursions(one, scan.kin_of(tried), least_z) for one in tried]
        if coloured:
            of_one = [matched.excursions(one[None], day, least, least_z)[0] for one in means]
            found = [_clearest(one + other) for one, other in zip(found, of_one, strict=True)]
    for place, one in enumerate(found):
        for e in one:
            begin, end = e.from_i * size, min(e.to_i * size, rows.shape[1])
            level = _level(rows[place], begin, end, 14 * per_day, e.level)
            yield place, replace(e, from_i=begin, to_i=end, level=level)


def _clearest(found: list[scan.Excursion]) -> list[scan.Excursion]:
    """Of excursions that overlap the one with the largest z."""
    kept: list[scan.Excursion] = []
    for e in sorted(found, key=lambda e: -e.z):
        if all(e.to_i <= other.from_i or e.from_i >= other.to_i for other in kept):
            kept.append(e)
    return kept


def _level(row: Floats, begin: int, end: int, around: int, sign: float) -> float:
    """How far the middle of a stretch lies off that of the periods around it; 0 if against the sign."""
    beside, inside = np.r_[row[max(0, begin - around) : begin], row[end : end + around]], row[begin:end]
    if not np.isfinite(beside).any() or not np.isfinite(inside).any():
        return float(np.sign(sign)) * 1e-9
    off = float(np.nanmedian(inside) - np.nanmedian(beside))
    return off if np.sign(off) == np.sign(sign) else float(np.sign(sign)) * 1e-9


def _off(panel: Panel, chosen: Chosen, known: Reference, residual: Floats) -> list[Finding]:
    found, seen = [], seen_at_all(residual)
    for all_rows in panel.of_factor.values():
        rows = np.array([row for row in all_rows if seen[row] and row in chosen.rows], dtype=np.int64)
        if not len(rows):
            continue
        least = float(np.nanmin([chosen.figure("threshold", int(row)) for row in rows]))
        shortest = panel.per_day if panel.per_day > 1 else 3
        settled = chosen.figures.get("settled_days")
        coloured = settled is not None and bool(np.isfinite(settled[int(rows[0])]))
        belief = _belief(chosen, int(rows[0]))
        for place, e in spans(residual[rows], panel.per_day, shortest, least, coloured, belief):
            row = int(rows[place])
            if abs(e.level) < chosen.figure("least_effect", row) * known.unit[row]:
                continue
            share = chosen.figure("rise_share", row) if e.level > 0 else 1.0
            if coloured and e.to_i - e.from_i < chosen.figure("settled_days", row) * panel.per_day:
                share *= chosen.figure("short_share", row)
            percent = _percent(panel, known, row, e)
            figures = {
                "z": e.z,
                "level": e.level,
                "percent": percent,
                "days": (e.to_i - e.from_i) / panel.per_day,
                "unrest": e.unrest,
            }
            where = Stretch(row, e.from_i, e.to_i)
            beside = [Stretch(int(r), e.from_i, e.to_i) for r in all_rows if r != row]
            found += judged(chosen, where, share * e.z, _kind(known, e, row), figures, beside[:NEIGHBOURS])
    return found


def _belief(chosen: Chosen, row: int) -> matched.Belief:
    """What the pack says of unrest and of saw-teeth; packs before decision 62 say nothing of either."""
    restless, saw = chosen.asked("restless", row), chosen.asked("saw_share", row)
    return matched.Belief(restless, saw) if np.isfinite(saw) else matched.AS_IT_IS


def _percent(panel: Panel, known: Reference, row: int, e: scan.Excursion) -> float:
    """Per cent by which the stretch differs from itself without its level; NaN if not logarithmic."""
    if not known.logarithmic[row]:
        return float("nan")
    y = known.y[row, e.from_i : e.to_i]
    with np.errstate(all="ignore"):
        is_now, would_be = (np.nanmedian(np.exp(x) - known.floor[row]) for x in (y, y - e.level))
    return 100.0 * float(is_now / would_be - 1) if would_be > 0 else float("nan")


def _kind(known: Reference, e: scan.Excursion, row: int) -> Kind:
    """A ramp hides a drift; a fall that is worst where little was expected is an offset; else a scale."""
    if e.shape != "box":
        return "drift-hide"
    expected = known.expected[row, e.from_i : e.to_i]
    left = known.y[row, e.from_i : e.to_i] - expected
    both = np.isfinite(left) & np.isfinite(expected)
    if both.sum() > 24 and known.logarithmic[row] and np.ptp(left[both]) > 0 and np.ptp(expected[both]) > 0:
        slope = float(np.corrcoef(left[both], expected[both])[0, 1])
        return "offset" if slope * -np.sign(e.level) > 0.3 else "scale"
    return "scale" if known.logarithmic[row] else "offset"


def _outdone(panel: Panel, one: Finding, other: Finding) -> bool:
    same = panel.station[one.where.row] == panel.station[other.where.row] and one.where.row != other.where.row
    overlap = one.where.from_i < other.where.to_i and other.where.from_i < one.where.to_i
    return same and overlap and other.statistic > 1.5 * one.statistic

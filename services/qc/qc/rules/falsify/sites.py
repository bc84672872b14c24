"""D2: a stretch of a series that is another station's, exactly or nearly, with a lag of up to two periods.

Promises: how often two stations report the same value is learnt from them; weather they share does not make a
copy. Of the two stations the one that fits its own surroundings less is named. Leaves own copies to
`qc.rules.falsify.copies`.
"""

from dataclasses import dataclass

import numpy as np

from qc.rules.falsify import aligned, history, repeats
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.copies import LEAST_REST
from qc.rules.falsify.culprit import copies_only
from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Flags, Floats, Ints

# So many neighbours of each station are compared: a city's whole network.
NEIGHBOURS = 12
# Pairs of one factor whose stretches are looked at together; bounds the memory.
AT_ONCE = 24
# Pairs of a factor, evenly taken, of which is learnt how often stations agree: all of twelve stations.
LEARNT_FROM = 66


def pairs(panel: Panel, rows: list[int]) -> list[tuple[int, int]]:
    """Pairs of rows of one factor at different stations: each with its nearest, or next in order,
    neighbours."""
    found: set[tuple[int, int]] = set()
    for one in rows:
        others = [row for row in rows if panel.station[row] != panel.station[one]]
        if np.isfinite(panel.place[[one, *others]]).all():
            away = ((panel.place[others] - panel.place[one]) ** 2).sum(axis=1)
            others = [others[i] for i in np.argsort(away, kind="stable").tolist()]
        found |= {(min(one, other), max(one, other)) for other in others[:NEIGHBOURS]}
    return sorted(found)


@register("D2")
def copied_site(panel: Panel, chosen: Chosen) -> list[Finding]:
    """D2: equal runs of ≥ 12 values at lags −2…+2, and windows nearer to a neighbour than ever,
    standards §6.1."""
    x = history.readings(panel)
    found: list[Finding] = []
    judged = set(chosen.rows)
    for rows in panel.of_factor.values():
        wanted = pairs(panel, [int(r) for r in rows if int(r) in judged])
        if wanted:
            alike = _exact(panel, chosen, x, wanted) + _near(panel, chosen, x, wanted)
            alike += _aligned(panel, chosen, x, wanted)
            found += without_common(alike, len(rows))
    return copies_only(panel, x, history.rarest_only(found))


def without_common(alike: list[Finding], stations: int) -> list[Finding]:
    """Without stretches in which a row is like a third of the stations (at least 3): a network filled in.

    Worked example: 12 stations report 107 for two days → no copy; two of them do → a copy.
    """
    kept: list[Finding] = []
    begins = np.array([f.where.from_i for f in alike])
    ends = np.array([f.where.to_i for f in alike])
    for finding in alike:
        w = finding.where
        mine = {w.row, finding.evidence[0].row}
        beside = [
            {alike[k].where.row, alike[k].evidence[0].row}
            for k in np.flatnonzero((begins < w.to_i) & (w.from_i < ends)).tolist()
        ]
        like = {row for pair in beside if pair & mine for row in pair} - mine
        every = {row for pair in beside for row in pair}
        if len(like) + 1 < max(3, stations / 3) and len(every) < max(4, stations / 2):
            kept.append(finding)
    return kept


def _exact(panel: Panel, chosen: Chosen, x: Floats, wanted: list[tuple[int, int]]) -> list[Finding]:
    window = int(chosen.figure("window", wanted[0][0]))
    if x.shape[1] < 2 * window:
        return []
    said = repeats.said_by(panel)
    found: list[Finding] = []
    for one, other in wanted:
        close = 1e-6 * max(panel.resolution[one], panel.resolution[other], 1e-6) + 0.5 * min(
            panel.resolution[one], panel.resolution[other]
        )
        for lag in (0, 1, -1, 2, -2):
            a, b = x[one][max(0, lag) :], x[other][max(0, -lag) :]
            length = min(len(a), len(b))
            if not may_run(a[:length], b[:length], close, window):
                continue
            equal = np.abs(a[:length] - b[:length]) < close
            said_there = said[one][max(0, lag) :][:length]
            found += _equal_runs(chosen, x, (one, other, lag), equal, said_there, history.per_month(panel))
    return found


def _aligned(panel: Panel, chosen: Chosen, x: Floats, wanted: list[tuple[int, int]]) -> list[Finding]:
    """Stretches in which a pair goes along value by value, by what it and pairs of the factor usually do."""
    least = chosen.asked("aligned_threshold", wanted[0][0])
    rows = sorted({row for pair in wanted for row in pair})
    steps = np.sort(history.steps(panel)[rows])
    steps = steps[np.isfinite(steps)]
    if not np.isfinite(least) or not len(steps):
        return []
    columns = {row: aligned.column_of(x[row], float(steps[len(steps) // 2])) for row in rows}
    some = wanted[:: -(-len(wanted) // LEARNT_FROM)]
    counts = np.zeros((aligned.KINDS, 3))
    for one, other in some:
        counts += aligned.meeting(columns[one], columns[other]).counts()
    together = aligned.usual(counts)
    looks = float(np.log10(max(1.0, 2 * len(wanted) / len(rows)) * history.per_month(panel)))
    found: list[Finding] = []
    for one, other in wanted:
        reach = (least, chosen.figure("aligned_strong", one))
        pair = aligned.meeting(columns[one], columns[other])
        for e in aligned.stretches(pair, aligned.gains(pair, together), least + looks):
            here = pair.part(e.from_i, e.to_i)
            distinct = len(np.unique(columns[one].digits[e.from_i : e.to_i][here.known]))
            shown = e.equal >= chosen.figure("aligned_equal", one)
            if not shown or distinct < chosen.figure("aligned_distinct", one):
                continue
            # What the pair usually does is told by the rest of its life.
            usual = aligned.usual(pair.counts() - here.counts(), together)
            rare = float(aligned.gains(here, usual).sum()) - looks
            if rare >= least:
                figures = {"lag": 0.0, "values": float(e.to_i - e.from_i), "exact": 0.0, "rare": rare}
                found += _both(chosen, ((one, e.from_i), (other, e.from_i)), reach, figures)
    return found


def may_run(a: Floats, b: Floats, close: float, window: int) -> bool:
    """Whether `window` values in a row may be equal; False is sure.

    Such a run holds one of every `window`-th values, and of any two that are so far apart around that one.
    """
    at = (
        np.flatnonzero(np.abs(a[window - 1 :: window] - b[window - 1 :: window]) < close) * window
        + window
        - 1
    )
    for back in (window // 2, window // 4, 3 * window // 4):
        if len(at):
            before, after = at - back, np.minimum(at - back + window, len(a) - 1)
            is_equal = [np.abs(a[places] - b[places]) < close for places in (before, after)]
            at = at[is_equal[0] | is_equal[1]]
    return len(at) > 0


def _equal_runs(
    chosen: Chosen, x: Floats, pair: tuple[int, int, int], equal: Flags, said: Floats, month: int
) -> list[Finding]:
    one, other, lag = pair
    window = int(chosen.figure("window", one))
    run = np.flatnonzero(np.diff(np.r_[False, equal, False].astype(np.int8)))
    begins, ends = run[::2], run[1::2]
    long = np.flatnonzero(ends - begins >= window)
    if not len(long):
        return []
    values = x[one][max(0, lag) :][: len(equal)]
    moved = np.r_[False, np.diff(values) != 0] & np.r_[False, equal[:-1]]
    asked = np.concatenate([[0], np.cumsum(moved)])
    kept = np.concatenate([[0], np.cumsum(moved & equal)])
    found: list[Finding] = []
    for i in long.tolist():
        begin, end = int(begins[i]), int(ends[i])
        inside = moved[begin + 1 : end]
        moves = int(inside.sum())
        other_kept = kept[-1] - kept[end] + kept[begin]
        other_asked = asked[-1] - asked[end] + asked[begin]
        prior = 10.0 ** (-said[begin + 1 : end][inside].mean() / 2) if moves else 1.0
        again = (other_kept + 20 * prior) / (other_asked + 20)
        rare = float(-moves * np.log10(again) - np.log10(5.0 * NEIGHBOURS * month))
        reach = (chosen.figure("threshold", one), chosen.figure("strong", one))
        if rare < reach[0] or len(np.unique(values[begin:end])) < chosen.figure("distinct", one):
            continue
        places = ((one, begin + max(0, lag)), (other, begin + max(0, -lag)))
        figures = {
            "lag": float(lag),
            "values": float(end - begin),
            "moves": float(moves),
            "exact": 1.0,
            "rare": rare,
        }
        found += _both(chosen, places, reach, figures)
    return found


def _both(
    chosen: Chosen,
    places: tuple[tuple[int, int], tuple[int, int]],
    reach: tuple[float, float],
    figures: dict[str, float],
) -> list[Finding]:
    """A finding of either station, with the other's stretch as its evidence; `culprit` says which stays."""
    rare, length = figures["rare"], int(figures["values"])
    one, other = (Stretch(row, begin, begin + length) for row, begin in places)
    return [
        Finding(
            chosen.test.id, me, rare, reach[0], history.chance(rare), strength(rare, *reach),
            chosen.test.kind, (it,), figures,
        )
        for me, it in ((one, other), (other, one))
    ]  # fmt: skip


def _near(panel: Panel, chosen: Chosen, x: Floats, wanted: list[tuple[int, int]]) -> list[Finding]:
    first = wanted[0][0]
    found: list[Finding] = []
    rows = sorted({row for pair in wanted for row in pair})
    looks = np.log10(max(1.0, 2 * len(wanted) / len(rows)))
    threshold = chosen.figure("near_threshold", first)
    sizes = [history.periods(panel, chosen.figure(name, first), 12) for name in ("near_short", "near_long")]
    sizes = [size for size in sizes if x.shape[1] >= 6 * size]
    known = {row: side_of(x[row], float(history.steps(panel)[row]), sizes) for row in rows if sizes}
    for begin in range(0, len(wanted) if sizes else 0, AT_ONCE):
        some = wanted[begin : begin + AT_ONCE]
        sides = [(known[one], known[other]) for one, other in some]
        nearest = [np.array(part) for part in zip(*(nearness(a, b) for a, b in sides), strict=True)]
        for window, near in zip(sizes, nearest, strict=True):
            stride = window // 8
            size = (window // stride, max(1, history.per_month(panel) // stride))
            rare = history.rarity(near, *size, 0.1, least=threshold + looks) - looks
            for e in history.excursions(rare, threshold, window // stride):
                one, other = some[e.row]
                reach = (threshold, chosen.figure("near_strong", one))
                inner = window // 4
                start, end = e.from_i * stride + inner, (e.to_i - 1) * stride + window - inner
                figures = {"lag": 0.0, "values": float(end - start), "exact": 0.0, "rare": e.rare}
                found += _both(chosen, ((one, start), (other, start)), reach, figures)
    return found


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of `length`, begun every `stride`: in whole numbers the known values in each, their sum and
    that of their squares [M]; the windows `at` which some are unknown, and which [from_i, to_i) of these.
    """

    length: int
    stride: int
    sums: tuple[Ints, Ints, Ints]
    at: Ints
    from_i: Ints
    to_i: Ints

    def beside(self, kept: tuple[Ints, ...], other: "Windows") -> list[Ints]:
        """The sums without the places that `other` does not know, of which `kept` are up to each."""
        found = []
        for whole, lost in zip(self.sums[-len(kept) :], kept, strict=True):
            left = whole.copy()
            left[other.at] -= lost[other.to_i] - lost[other.from_i]
            found.append(left)
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """Values of a row or its moves in `unit` of their own, 0 where unknown; which are `known` [N], the places
    of those that are not, and its windows of each length. `noise` is the variance of rounding as a share of
    the largest value squared.
    """

    value: Floats
    known: Flags
    unknown: Ints
    unit: float
    noise: float
    windows: tuple[Windows, ...]


# One row as its neighbours see it: its values and its moves.
Side = tuple[Part, Part]


def side_of(x: Floats, step: float, windows: list[int]) -> Side:
    """What is needed of a row, made once for all of its neighbours."""
    parts = []
    for column, share in ((x, 1.0), (np.diff(x), 2.0)):
        known = np.isfinite(column)
        value = np.where(known, column, 0.0)
        largest = max(float(np.abs(value).max(initial=0.0)), 1e-9)
        unit = history.fixed(len(x))
        noise = share * step**2 / 12 / largest**2
        value = value / largest * unit
        upto = (history.counted(known), *_summed(value, unit))
        sizes = [(window - (len(x) - len(value)), window // 8) for window in windows]
        of_sizes = tuple(_windows(upto, *size) for size in sizes)
        parts.append(Part(value, known, np.flatnonzero(~known), unit, noise, of_sizes))
    return parts[0], parts[1]


def _summed(value: Floats, unit: float) -> tuple[Ints, Ints]:
    """Sums of `fixed` values and of their squares up to each place, 0 first."""
    total = np.empty((2, len(value) + 1), dtype=np.int64)
    history.products(value, np.broadcast_to(unit, value.shape), total[0])
    history.products(value, value, total[1])
    return total[0], total[1]


def _windows(upto: tuple[Ints, Ints, Ints], length: int, stride: int) -> Windows:
    count, values, squares = (history.windowed(one, length, stride) for one in upto)
    at = np.flatnonzero(count < length)
    unknown = np.arange(len(upto[0])) - upto[0]
    first, last = unknown[at * stride], unknown[at * stride + length]
    return Windows(length, stride, (count, values, squares), at, first, last)


def nearness(one: Side, other: Side) -> list[Floats]:
    """-½ ln(1 - r²) of values plus that of moves over windows of a pair of rows, begun every eighth [M].

    What a row's windows hold is counted once; of a pair only what one of the two does not know is taken off.
    """
    rests = []
    for a, b, is_moves in zip(one, other, (False, True), strict=True):
        both = np.empty(len(a.value) + 1, dtype=np.int64)
        history.products(a.value, b.value, both)
        lost = [_lost(mine, its.unknown) for mine, its in ((a, b), (b, a))]
        of_windows = []
        for mine, its in zip(a.windows, b.windows, strict=True):
            count, p, pp = mine.beside(lost[0], its)
            q, qq = its.beside(lost[1][1:], mine)
            pq = history.windowed(both, mine.length, mine.stride)
            of_windows.append(_rest([count, p, q, pp, qq, pq], a, b, mine.length, is_moves))
        rests.append(of_windows)
    return [-0.5 * np.log(first * second) for first, second in zip(*rests, strict=True)]


def _lost(part: Part, at: Ints) -> tuple[Ints, ...]:
    """How many known values lie at places that the other does not know, their sum and that of their squares,
    up to each of them, 0 first.
    """
    return (history.counted(part.known[at]), *_summed(part.value[at], part.unit))


def _rest(whole: list[Ints], a: Part, b: Part, length: int, is_moves: bool) -> Floats:
    """1 - r² of every window from how many are known in it, and its sums of both, their squares and their
    product, at least LEAST_REST; NaN where too little is known or values hardly move.
    """
    count = whole[0]
    good = count >= 0.75 * length
    share = 1 / np.fmax(count, 1) / a.unit**2
    p, q, pp, qq, pq = (total * share for total in whole[1:])
    pq -= p * q
    pp -= np.multiply(p, p, out=p)
    qq -= np.multiply(q, q, out=q)
    for variance, noise in ((pp, a.noise), (qq, b.noise)):
        np.fmax(variance, 0.0, out=variance)
        variance += noise + 1e-12
        if not is_moves:
            good &= variance > 108 * noise
    np.fmax(pq, 0.0, out=pq)
    pq *= pq
    pq /= pp * qq
    rest: Floats = np.where(good, np.maximum(1.0 - pq, LEAST_REST), np.nan)
    return rest

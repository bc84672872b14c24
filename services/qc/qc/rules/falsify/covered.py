"""X11: dust falls by one factor, hour by hour, while the gases stay: an inlet that is covered or sprayed.

Promises: only a fall that PM2.5 and PM10 share is named; what takes away one of them more than the other is
weather or a source nearby. Leaves oxygen and stacks to `dilution`.
"""

import numpy as np

from qc.rules.falsify import history, matched
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.dilution import together
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import Reference, reference, seen_at_all
from qc.rules.falsify.scan import Excursion
from qc.rules.outcome import Floats, Ints

# Hours beside a stretch that say what share of the expected was reported before and after: as many as it has.
BESIDE = (24, 72)
# Falls of a station that are looked at: most are of one dust only.
MANY = matched.Belief(most=40)


@register("X11")
def covered(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches in which all dust of a station is a share of what the network says, the same share [X11].

    `role` of the pack: 1 = dust, 0 = gases that must stay. Source: proposal, standards §6.1 X4. Worked
    example: PM2.5 and PM10 × 0.6 for two days, CO and NO2 as they were → one finding on each of the two.
    """
    if panel.per_day < 8:
        return []
    known, found = reference(panel), []
    stations: dict[tuple[float, ...], list[tuple[Ints, Floats]]] = {}
    for rows in panel.of_station.values():
        mine = rows[np.isin(rows, chosen.rows) & seen_at_all(known.network[rows])]
        role = np.array([chosen.figure("role", int(r)) for r in mine])
        if (role == 1).sum() >= 2 and known.logarithmic[mine[role == 1]].all():
            stations.setdefault(tuple(sorted(role)), []).append((mine, role))
    for alike in stations.values():
        first = int(alike[0][0][0])
        joint = np.array([together(known, mine, role) for mine, role in alike])
        span = [history.periods(panel, chosen.figure(name, first)) for name in ("hours_least", "hours_most")]
        least = chosen.figure("threshold", first)
        all_found = matched.excursions(joint, panel.per_day, span[0], least, span[1], MANY)
        for (mine, role), excursions in zip(alike, all_found, strict=True):
            for e in excursions:
                found += _shared(panel, chosen, known, (mine, mine[role == 1]), e)
    return found


def _shared(
    panel: Panel, chosen: Chosen, known: Reference, rows: tuple[Ints, Ints], e: Excursion
) -> list[Finding]:
    """The finding of an excursion of a station, on the dust that fell most, if all of it fell alike.

    `rows` are those of the station and the dust of them.
    """
    mine, dust = rows
    falls = [fall_of(panel, known, row, e.from_i, e.to_i) for row in dust.tolist()]
    mean, most = float(np.mean(falls)), int(dust[int(np.argmax(falls))])
    if e.level > 0 or not mean > chosen.figure("least_effect", most):
        return []
    unlike = float(np.ptp(falls)) / mean
    if unlike > chosen.figure("unlike", most):
        return []
    beside = [Stretch(row, e.from_i, e.to_i) for row in mine.tolist() if row != most]
    figures = {"z": e.z, "percent": 100 * float(np.expm1(-max(falls))), "unlike": unlike}
    z = e.z - chosen.figure("unlike_cost", most) * unlike
    return judged(chosen, Stretch(most, e.from_i, e.to_i), z, "dilution", figures, beside)


def fall_of(panel: Panel, known: Reference, row: int, begin: int, end: int) -> float:
    """-ln of the share of what was expected that was reported in a stretch, less that of the hours beside it.

    Worked example: 30 of 60 expected, before and after 100 of 100 → 0.69.
    """
    reach = min(max(BESIDE[0], end - begin), BESIDE[1])
    inside = np.arange(begin, end)
    beside = np.r_[max(0, begin - reach) : begin, end : min(panel.shape[1], end + reach)]
    x = history.readings(panel)[row]
    with np.errstate(all="ignore"):
        expected = np.maximum(np.exp(known.expected[row]) - known.floor[row], 0.5 * known.floor[row])
        shares = []
        for at in (inside, beside):
            both = at[np.isfinite(x[at]) & np.isfinite(expected[at])]
            shares.append(float(x[both].sum() / expected[both].sum()) if len(both) else float("nan"))
        return float(np.log(shares[1] / max(shares[0], 1e-3 * shares[1]))) if shares[1] > 0 else float("nan")

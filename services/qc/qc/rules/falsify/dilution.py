"""X4: air let into the duct: oxygen up, pollutants and temperature down, load as before; or dust kept down.

Promises: every sign is judged against its own history; the joint statistic is no sharper than its weakest
half.
"""

import numpy as np

from qc.rules.falsify import levels
from qc.rules.falsify.catalogue import register
from qc.rules.falsify.evidence import judged
from qc.rules.falsify.finding import Chosen, Finding, Stretch
from qc.rules.falsify.history import rarest_only
from qc.rules.falsify.panel import Panel
from qc.rules.falsify.reference import Reference, reference, robust_sd
from qc.rules.outcome import Floats, Ints

LEAST_MEMBERS = 2


@register("X4")
def diluted(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Stretches in which the diluted factors of a station sink together and oxygen rises [X4].

    `role` of the pack: 1 = sinks (pollutants, temperature, moisture), 2 = rises (oxygen), 0 = must stay
    (load, gases beside dust). Source: standards §6.1 X4. Worked example: O2 + 4 points, SO2, NOx, dust × 0.7
    for two days at constant load → one finding on each of the three.
    """
    known, found = reference(panel), []
    for rows in panel.of_station.values():
        mine = np.array([r for r in rows if r in chosen.rows], dtype=np.int64)
        role = np.array([chosen.figure("role", int(r)) for r in mine])
        if (role == 1).sum() + (role == 2).sum() < LEAST_MEMBERS or not (role == 1).any():
            continue
        joint = together(known, mine, role)
        least = float(np.nanmin([chosen.figure("threshold", int(r)) for r in mine]))
        for _, e in levels.spans(joint[None], panel.per_day, panel.per_day // 2, least):
            if e.level > 0:
                continue
            for row in mine[role == 1]:
                where = Stretch(int(row), e.from_i, e.to_i)
                beside = [Stretch(int(r), e.from_i, e.to_i) for r in mine if r != row]
                figures = {"z": e.z, "level": e.level, "members": float((role > 0).sum())}
                found += judged(chosen, where, e.z, "dilution", figures, beside)
    return rarest_only(found)


def together(known: Reference, rows: Ints, role: Floats) -> Floats:
    """The mean of the standardised residuals that sink, less oxygen's and less those that must stay [N].

    Against the network where there is one, else against the row's own days.
    """
    parts = []
    for row in rows.tolist():
        left = known.network[row] if np.isfinite(known.network[row]).any() else known.own[row]
        width = float(robust_sd(left[None])[0])
        parts.append(np.clip(left / width, -4, 4) if width > 0 else np.full(len(left), np.nan))
    scaled = np.array(parts)
    with np.errstate(all="ignore"):
        sinks = _mean(scaled[role == 1])
        rises = np.nan_to_num(_mean(scaled[role == 2])) if (role == 2).any() else 0.0
        stays = np.nan_to_num(_mean(scaled[role == 0])) if (role == 0).any() else 0.0
    return sinks - rises - stays


def _mean(rows: Floats) -> Floats:
    count = np.isfinite(rows).sum(axis=0)
    return np.where(count > 0, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)

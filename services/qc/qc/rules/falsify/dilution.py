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
    stations: dict[tuple[float, ...], list[tuple[Ints, Floats]]] = {}
    for rows in panel.of_station.values():
        mine = np.array([r for r in rows if r in chosen.rows], dtype=np.int64)
        role = np.array([chosen.figure("role", int(r)) for r in mine])
        if (role > 0).sum() >= LEAST_MEMBERS and (role == 1).any():
            stations.setdefault(tuple(sorted(role)), []).append((mine, role))
    for alike in stations.values():
        joint = np.array([together(known, mine, role) for mine, role in alike])
        least = float(np.nanmin([chosen.figure("threshold", int(r)) for mine, _ in alike for r in mine]))
        for place, e in levels.spans(joint, panel.per_day, panel.per_day // 2, least):
            if e.level > 0:
                continue
            mine, role = alike[place]
            for row in mine[role == 1]:
                where = Stretch(int(row), e.from_i, e.to_i)
                beside = [Stretch(int(r), e.from_i, e.to_i) for r in mine if r != row]
                figures = {"z": e.z, "level": e.level, "members": float((role > 0).sum())}
                found += judged(chosen, where, e.z, "dilution", figures, beside)
    return rarest_only(found)


def together(known: Reference, rows: Ints, role: Floats) -> Floats:
    """The mean of the standardised residuals that sink, less oxygen's and what those that stay explain [N].

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
        if not (role == 0).any():
            return sinks - rises
        stays = np.nan_to_num(_mean(scaled[role == 0]))
    return sinks - rises - _slope(sinks - rises, stays) * stays


def _slope(sinks: Floats, stays: Floats) -> float:
    """By how much what sinks usually follows what must stay, 0 to 1: what is only noise is not taken off."""
    known = np.isfinite(sinks)
    power = float((stays[known] ** 2).sum())
    return min(1.0, max(0.0, float((sinks[known] * stays[known]).sum()) / power)) if power > 0 else 0.0


def _mean(rows: Floats) -> Floats:
    count = np.isfinite(rows).sum(axis=0)
    return np.where(count > 0, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)

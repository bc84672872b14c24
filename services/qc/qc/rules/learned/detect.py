"""Unusual days of a series by the learned model, as findings that an officer can read.

Promises: trained on the first part of the panel, judges the rest; what most stations do at the same time is
weather. A finding names the features and the hours that made it, the model and its training window. It weighs
too little to be a suspicion (`qc.rules.bundle.schema` refuses a pack that says otherwise).
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from qc.rules.falsify.finding import Chosen, Finding, Stretch, strength
from qc.rules.falsify.history import Excursion, against_peers, excursions
from qc.rules.falsify.panel import LOCAL_MS, Panel
from qc.rules.learned.features import FEATURES, Measured, measured
from qc.rules.learned.model import Model, learn, rarity, shares

# Stretches of hours that are shown, and how many hours each has.
SHOWN, HOURS = 3, 6


def unusual(panel: Panel, chosen: Chosen) -> list[Finding]:
    """The windows after the training part that the model has not learned to expect.

    Figures: `train_share` of the panel, `threshold` and `strong` in powers of ten per series and month.
    Worked example: a day copied over a noisy one after two quiet years → one finding, `agreement` largest.
    """
    figures = chosen.figures
    train = round(panel.shape[1] * float(np.nanmax(figures["train_share"], initial=0.0)))
    seen = measured(panel, train)
    model = learn(panel, seen, train)
    if not model.series:
        return []
    with np.errstate(all="ignore"):
        rare = against_peers(rarity(model, seen, panel.shape[0]), panel.of_factor.values())
    # A window that reaches into the training part was partly learned from.
    rare[:, : -(-train // seen.stride)] = np.nan
    least = min(chosen.figure("threshold", row) for row in chosen.rows)
    found = []
    for e in excursions(rare, least, max(1, seen.length // seen.stride)):
        threshold = chosen.figure("threshold", e.row)
        if e.row in chosen.rows and e.rare >= threshold:
            found.append(_finding(panel, chosen, model, seen, e))
    return found


def _finding(panel: Panel, chosen: Chosen, model: Model, seen: Measured, e: Excursion) -> Finding:
    end = min((e.to_i - 1) * seen.stride + seen.length, panel.shape[1])
    where = Stretch(e.row, e.from_i * seen.stride, end)
    part = shares(model.series[e.row], seen.features[:, e.row, e.peak])
    threshold, strong = (chosen.figure(name, e.row) for name in ("threshold", "strong"))
    figures = {
        **{name: part[name] for name in FEATURES},
        "rare": e.rare,
        "days": (where.to_i - where.from_i) / panel.per_day,
        "model": float(int(model.version.partition("@")[2], 16)),
        "trained_from": _day(model.trained_from_ms),
        "trained_to": _day(model.trained_to_ms - 1),
    }
    # Its chance is 1 on purpose: whether a case may be opened without an analyst is not for a model to say.
    return Finding(
        chosen.test.id, where, e.rare, threshold, 1.0, strength(e.rare, threshold, strong),
        chosen.test.kind, hours(panel, seen, where), figures,
    )  # fmt: skip


def hours(panel: Panel, seen: Measured, where: Stretch) -> tuple[Stretch, ...]:
    """The runs of hours within a stretch whose residuals are largest, the largest first."""
    size = max(1, min(HOURS, panel.per_day, where.to_i - where.from_i))
    off = np.abs(seen.residual[where.row, where.from_i : where.to_i])
    off = np.where(np.isfinite(off), off, 0.0)
    runs = len(off) // size
    means = off[: runs * size].reshape(runs, size).mean(axis=1)
    order = np.argsort(-means, kind="stable")[:SHOWN]
    return tuple(
        Stretch(where.row, where.from_i + int(at) * size, where.from_i + (int(at) + 1) * size)
        for at in order
        if means[at] > 0
    )


def _day(at_ms: int) -> float:
    """A local day as a number. Worked example: the last instant of 2015 → 20151231."""
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms + LOCAL_MS)
    return float(day.strftime("%Y%m%d"))

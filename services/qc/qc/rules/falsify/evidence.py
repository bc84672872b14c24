"""How a deviation becomes a finding: its strength and its chance by the figures of the pack.

Promises: `threshold` is strength 0, `strong` strength 1; the chance per series and month falls tenfold every
`decade` of the statistic from `chance` at the threshold, as it did in untouched data.
"""

from collections.abc import Mapping, Sequence

from qc.rules.falsify.finding import Chosen, Finding, Kind, Stretch, strength


def judged(
    chosen: Chosen,
    where: Stretch,
    statistic: float,
    kind: Kind,
    figures: Mapping[str, float],
    evidence: Sequence[Stretch] = (),
) -> list[Finding]:
    """The finding, or none below the threshold.

    Worked example: threshold 5, strong 8, statistic 6.5 → one finding of strength 0.5.
    """
    threshold, strong = chosen.figure("threshold", where.row), chosen.figure("strong", where.row)
    if not statistic >= threshold or where.to_i <= where.from_i:
        return []
    p = float("nan")
    if "decade" in chosen.figures:
        rare = (statistic - threshold) / chosen.figure("decade", where.row)
        p = min(1.0, chosen.figure("chance", where.row) * 10.0**-rare)
    share = strength(statistic, threshold, strong)
    return [
        Finding(
            chosen.test.id, where, float(statistic), threshold, p, share, kind, tuple(evidence), dict(figures)
        )
    ]

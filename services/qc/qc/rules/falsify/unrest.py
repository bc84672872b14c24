"""What a network did meanwhile: a stretch that stands off while all stations stand off each other.

Promises: a score is only ever lowered; the station that is judged and the one that stands off most of the
others speak for nobody, so that neither excuses itself nor one falsifier another. Leaves what is measured to
`matched`, and from where on it lowers a score to the pack.
"""

import numpy as np

from qc.rules.outcome import Floats

# Other rows without which nothing is said: one of them is left out.
LEAST_OTHERS = 4
# How far around its beginning a shape is laid over the other rows, as a share of its length.
REACH = 0.5


def unrest(z: Floats, usual: Floats, place: int, at: int, length: int) -> float:
    """How large a correlation [R, M] was in the other rows around block `at`, in their usual sizes [R].

    The root of the mean square over rows and beginnings, without the row that was largest; NaN with fewer
    than 4 others. White rows: about 1. Worked example: eleven rows of which ten stand at twice their usual
    size, and one at nine times → 2.
    """
    others = np.flatnonzero((np.arange(len(z)) != place) & (usual > 0))
    if len(others) < LEAST_OTHERS:
        return float("nan")
    reach = max(1, int(REACH * length))
    near = z[others, max(0, at - reach) : at + reach + 1] / usual[others, None]
    size = np.sort(np.mean(near * near, axis=1))[:-1]
    return float(np.sqrt(size.mean()))


def lowered(unquiet: float, least: float) -> float:
    """What a score is divided by: the unrest in units of `least`, never below 1; 1 where either is unknown.

    Worked example: lowered(2.4, 1.2) = 2; lowered(1.0, 1.2) = 1.
    """
    return max(1.0, unquiet / least) if np.isfinite(unquiet) and np.isfinite(least) else 1.0

"""Numbers as sent: their value, and how many decimals the sender reported.

Promises: no number is accepted that is not finite; unit conversion is exact in decimal arithmetic.
Leaves to callers what a missing value means.
"""

import math
import re
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from standards import units

MAX_DECIMALS = 12
GAPS = frozenset({"", "-", "--", "---"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_EXACT = 10.0 ** np.arange(MAX_DECIMALS + 1)


def parse_number(text: str) -> tuple[float, int] | None:
    """(value, decimals) of a number's text, None if it is none or not finite.

    Worked examples: `12.30` → (12.3, 2); `-1e-3` → (-0.001, 3); `NaN`, `1_0` and `` are no numbers.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    decimals = len(found[1] or found[2] or "") - int(found[3] or 0)
    return value, min(max(decimals, 0), MAX_DECIMALS)


def decimals_of(values: NDArray[np.float64]) -> NDArray[np.int16]:
    """The fewest decimals that write each value exactly as received; NaN has 0.

    Worked example: [12.0, 12.3, 0.035] → [0, 1, 3].
    """
    decimals = np.zeros(len(values), dtype=np.int16)
    left = np.flatnonzero(np.isfinite(values) & (values != np.rint(values)))
    for places in range(1, MAX_DECIMALS + 1):
        if not len(left):
            break
        decimals[left] = places
        kept = values[left]
        left = left[np.rint(kept * _EXACT[places]) / _EXACT[places] != kept]
    return decimals


@lru_cache(maxsize=65536)
def convert_number(value: float, source: str, target: str) -> tuple[float, int]:
    """A value in another unit, and the decimals needed to write it.

    Worked example: 0.035 mg/m3 is (35.0, 0) ug/m3, exactly.
    """
    exact = units.convert(Decimal(repr(value)), source, target)
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return float(exact), min(max(places, 0), MAX_DECIMALS)

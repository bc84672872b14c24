"""Cells as values: numbers, what stands for none, what lies below a detection limit, what is no number.

Promises: one value and one set of notes per cell; a text that is no number is noted, never dropped or
guessed. Leaves which cell belongs to which series to `reading`.
"""

import re
import unicodedata

import numpy as np
import polars as pl
from numpy.typing import NDArray
from qc.rules.offline.catalogue import file_tests

NOTHING = frozenset(
    ("", "-", "--", "---", "—", "——", "/", "\\", "*", "na", "n/a", "nan", "#n/a", "null", "none", "nil",
     "missing", "缺失", "无", "无数据", "缺测", "空")
)  # fmt: skip
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BELOW = re.compile(rf"(?:[<≤]\s*({_NUMBER})|({_NUMBER})\s*[lL])")
_PLAIN = re.compile(_NUMBER)


def numbers(text: pl.Series, has_decimal_comma: bool) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Value (NaN: none) and bits of the row tests per cell.

    Worked example: `<0.05` → 0.025, below-detection.
    """
    value = text.cast(pl.Float64, strict=False)
    read = value.fill_null(float("nan")).to_numpy().copy()
    noted = np.zeros(len(text), dtype=np.int64)
    doubtful = (value.is_null() & text.is_not_null()).to_numpy() | np.isinf(read)
    rows = np.flatnonzero(doubtful)
    if len(rows):
        odd = text.gather(rows)
        distinct = odd.unique(maintain_order=True)
        meant = [meaning(one, has_decimal_comma) for one in distinct.to_list()]
        at = odd.cast(pl.Enum(distinct)).to_physical().to_numpy()
        read[rows] = np.array([one[0] for one in meant])[at]
        noted[rows] = np.array([one[1] for one in meant], dtype=np.int64)[at]
    return read, noted


def meaning(text: str, has_decimal_comma: bool) -> tuple[float, int]:
    """One doubtful cell: its value, NaN for none, and the bits of what has to be said of it."""
    plain = unicodedata.normalize("NFKC", text).strip().strip("\"'").strip()
    if has_decimal_comma:
        plain = plain.replace(",", ".")
    if plain.casefold() in NOTHING:
        return float("nan"), 0
    if _PLAIN.fullmatch(plain) and np.isfinite(float(plain)):
        return float(plain), 0
    if (below := _BELOW.fullmatch(plain)) and np.isfinite(limit := float(below[1] or below[2])):
        return limit / 2, file_tests()["below-detection"].bit
    if plain.casefold() in ("nd", "n.d.", "未检出"):
        return float("nan"), file_tests()["below-detection"].bit
    return float("nan"), file_tests()["unreadable"].bit


def marks(text: pl.Series, meant: dict[str, str]) -> NDArray[np.int64]:
    """Code points of data marks: 0 none, -1 not a single character. `meant` translates the file's own marks.

    Worked example: `N` → 78; `维护` with {"维护": "M"} → 77; `XX` → -1.
    """
    plain = text.str.strip_chars().fill_null("")
    distinct = plain.unique(maintain_order=True)
    known = [meant.get(one, one) for one in distinct.to_list()]
    points = np.array([0 if not one else ord(one) if len(one) == 1 else -1 for one in known], dtype=np.int64)
    at: NDArray[np.int64] = points[plain.cast(pl.Enum(distinct)).to_physical().to_numpy()]
    return at

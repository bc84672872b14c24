"""Observations as PostgreSQL's binary COPY stream, packed by numpy.

Promises: the bytes equal what the driver would send row by row, at a fraction of the cost. Leaves order and
duplicates to `flows`.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("series_id", "ts", "value", "decimals", "flag", "mode", "submission", "row_no")
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# PostgreSQL counts microseconds from 2000-01-01.
PG_EPOCH = 946_684_800_000_000


@cache
def _layout(flag_width: int) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    kinds = (">i8", ">i8", ">f8", ">i2", f"S{flag_width}", ">i2", "V16", ">i4")
    for name, kind in zip(COLUMNS, kinds, strict=True):
        fields.append((f"{name}_size", ">i4"))
        if kind != "S0":
            fields.append((name, kind))
    return np.dtype(fields)


def pack(columns: dict[str, NDArray[np.generic]]) -> bytes:
    """Rows from COLUMNS: `ts` in microseconds since 1970, `value` NaN for NULL, `submission` as V16.

    Worked example: one row with a flag of one letter takes 87 bytes between HEADER and TRAILER.
    """
    value, flag = columns["value"], columns["flag"]
    lengths = np.char.str_len(flag)  # type: ignore[arg-type]
    width = int(lengths.max(initial=0))
    layout = _layout(width)
    rows = np.zeros(len(value), dtype=layout)
    rows["fields"] = len(COLUMNS)
    for name in COLUMNS:
        if name in (layout.names or ()):
            rows[f"{name}_size"] = layout[name].itemsize
            rows[name] = columns[name]
    rows["ts"] -= PG_EPOCH
    rows["flag_size"] = lengths
    gaps = np.isnan(value)
    is_ragged = width and int(lengths.min(initial=width)) != width
    if not is_ragged and not gaps.any():
        return HEADER + rows.tobytes() + TRAILER
    rows["value_size"][gaps] = -1
    kept = np.ones((len(rows), layout.itemsize), dtype=bool)
    at = _offset(layout, "value")
    kept[gaps, at : at + 8] = False
    if is_ragged:
        at = _offset(layout, "flag")
        kept[:, at : at + width] = np.arange(width) < lengths[:, None]
    return HEADER + rows.view(np.uint8).reshape(kept.shape)[kept].tobytes() + TRAILER


def _offset(layout: np.dtype[np.void], name: str) -> int:
    assert layout.fields is not None
    return int(layout.fields[name][1])

"""Observations, submissions and raw bytes as PostgreSQL's binary COPY stream.

Promises: the bytes equal what the driver would send row by row, at a fraction of the cost. Leaves order and
duplicates to `flows`.
"""

import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

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


_NULL = b"\xff\xff\xff\xff"
_HEAD = struct.Struct(">hi16s")
_RECEIVED = struct.Struct(">iqi32sii")
_COUNTS = struct.Struct(">iiiiiiii")
SUBMISSION_FIELDS = 24


@lru_cache(maxsize=65536)
def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    data = value.encode()
    return len(data).to_bytes(4, "big") + data


@lru_cache(maxsize=65536)
def _texts(values: tuple[str, ...]) -> bytes:
    """A one-dimensional text[]: dimensions, NULLs, the oid of text, (size, lower bound), the elements."""
    if not values:
        body = struct.pack(">iii", 0, 0, 25)
    else:
        body = struct.pack(">iiiii", 1, 0, 25, len(values), 1) + b"".join(map(_text, values))
    return len(body).to_bytes(4, "big") + body


@lru_cache(maxsize=65536)
def _cells(values: tuple[str | tuple[str, ...] | None, ...]) -> bytes:
    """Neighbouring cells, texts and text[]: a device's own stand together, and are the same for years."""
    return b"".join([_texts(value) if isinstance(value, tuple) else _text(value) for value in values])


def pack_submissions(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Rows of `submissions` in the order of `telemetry.SUBMISSION`, `received_at` in microseconds since 1970.

    Most cells are the same for all frames of a device and stand together, so their bytes are remembered.
    Worked example: a row with a region path of three codes takes about 400 bytes.
    """
    parts = [HEADER]
    for row in rows:
        received_at, sha256, size = row[11:14]
        accepted, repeated, revised, refused, trace, nonce = row[18:]
        parts += (
            _HEAD.pack(SUBMISSION_FIELDS, 16, row[0].bytes),
            _cells(row[1:11]),
            _RECEIVED.pack(8, received_at - PG_EPOCH, 32, sha256, 4, size),
            _cells(row[14:18]),
            _COUNTS.pack(4, accepted, 4, repeated, 4, revised, 4, refused),
            len(trace).to_bytes(4, "big"), trace.encode(), len(nonce).to_bytes(4, "big"), nonce,
        )  # fmt: skip
    parts.append(TRAILER)
    return b"".join(parts)


def pack_raw(rows: Sequence[tuple[UUID, str, bytes]]) -> bytes:
    """Rows of `raw_bytes`: submission, encoding, data."""
    parts = [HEADER]
    for number, encoding, data in rows:
        parts += (_HEAD.pack(3, 16, number.bytes), _text(encoding), len(data).to_bytes(4, "big"), data)
    parts.append(TRAILER)
    return b"".join(parts)

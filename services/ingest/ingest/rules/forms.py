"""Bodies that differ from an earlier one only in their time and their numbers: the rest is not read again.

Promises: what is recognised gives the very columns that `rows.read_batch` would give; a body is recognised
only if all its other bytes are those of one that was read as a whole, without a flaw. Leaves judging to
`judge`.
"""

import re
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.rules.bodies import decode_json, decompressed
from ingest.rules.limits import Limits
from ingest.rules.rows import Columns, read_batch

# A time as JSON that holds no escape, with the comma before the value.
_TIME = re.compile(
    rb'"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?|\d{14}|\d{17})",'
)
_CLOSE = ord("]")
_REMEMBERED, _MOST_ROWS, _MOST_BYTES = 64, 5_000, 500_000
_numbers = msgspec.json.Decoder(list[int | float | None])


class _Form(NamedTuple):
    """A batch whose rows end in one time and a value. `pieces` is its text around each time, without values.

    `gaps[i]` is what lies between the end of value i - 1 and the i-th time; `before` of its `closes` signs
    `]` stand before the first value, then one behind each.
    """

    batch: Columns
    pieces: list[bytes]
    gaps: NDArray[np.int64]
    before: int
    closes: int


class Forms:
    """The forms of bodies that came before; the one learnt first is forgotten first."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Form] = {}

    def read(self, raw: bytes, content_encoding: str, limits: Limits) -> Columns:
        """The columns of a JSON body. Raises BatchRefused, BodyRefused.

        Worked example: after the hour of 08:00 the hour of 09:00 of the same series, with other values, costs
        a comparison of bytes and the decoding of its numbers.
        """
        text = decompressed(raw, content_encoding, limits.decoded_bytes)
        time = _TIME.search(text) if len(text) <= min(_MOST_BYTES, limits.json_parts) else None
        if time is not None:
            form = self._known.get(text[: time.start()])
            values = _values_of(text, time[0], form) if form else None
            if form and values and form.batch.size <= limits.rows_per_batch:
                times = [time[1].decode()] * len(values)
                return msgspec.structs.replace(form.batch, times=times, values=values)
        body = decode_json(text, limits)
        batch = read_batch(body, limits.rows_per_batch)
        if time is not None and _is_learnable(body, batch, time[1].decode()):
            self._learn(text, time, batch)
        return batch

    def _learn(self, text: bytes, time: re.Match[bytes], batch: Columns) -> None:
        head, *rows = text.split(time[0])
        pieces = [head, *(row[row.find(b"]") :] for row in rows)]
        length = np.array([len(piece) for piece in pieces[:-1]], dtype=np.int64)
        form = _Form(batch, pieces, length, head.count(b"]"), text.count(b"]"))
        # Also whether the times stand where they seem to stand.
        if len(rows) == batch.size and _values_of(text, time[0], form) == list(batch.values):
            while len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            batch.form = object()
            self._known[head] = form


def _is_learnable(body: Any, batch: Columns, time: str) -> bool:
    names = body.get("columns", body.get("components"))
    is_plain = "rows" not in body and not batch.flaws and batch.size <= _MOST_ROWS
    return is_plain and names[-2:] == ["time", "value"] and set(batch.times) == {time}


def _values_of(text: bytes, time: bytes, form: _Form) -> list[Any] | None:
    """The numbers and gaps of a body of this form; None if it is of another, or holds anything else."""
    signs = np.frombuffer(text, dtype=np.uint8)
    closes = np.flatnonzero(signs == _CLOSE)
    size = form.batch.size
    if len(closes) != form.closes or len(closes) < form.before + size:
        return None
    ends = closes[form.before : form.before + size]
    starts = form.gaps + len(time)
    starts[1:] += ends[:-1]
    if (starts >= ends).any():
        return None
    bounds = np.zeros(2 * size + 2, dtype=np.int64)
    bounds[1:-1:2], bounds[2::2], bounds[-1] = starts, ends + 1, len(text)
    is_value = np.repeat(np.arange(2 * size + 1) % 2 == 1, np.diff(bounds))
    values = signs[is_value].tobytes().replace(b"]", b",")
    is_value[ends] = False
    if signs[~is_value].tobytes() != time.join(form.pieces):
        return None
    try:
        found = _numbers.decode(b"[%b]" % values[:-1])
    except msgspec.DecodeError:
        return None
    return found if len(found) == size else None

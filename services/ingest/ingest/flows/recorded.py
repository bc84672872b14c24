"""What is said about committed values: `Recorded` per lane, at most 256 KB each.

Promises: every committed value is in exactly one event, in the order of (lane, series, ts). Leaves numbering
and publishing to `kit`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from contracts.envelope import MAX_EVENT_BYTES
from contracts.ingest import Mode, Recorded
from contracts.packing import WORTH_BYTES, Packed, frame
from numpy.typing import NDArray

from ingest.rules.registry import Channel
from ingest.rules.targets import Facts

MODES: tuple[Mode, ...] = ("live", "late", "backfill", "historical")
_ROW_BYTES = 72
_ORIGIN_BYTES = 160
_HEADS_REMEMBERED = 64


class Values(msgspec.Struct):
    """Values of a transaction by (lane, series, ts): `at` indexes `channels`, `parcel` submissions."""

    channels: list[Channel]
    facts: Facts
    at: NDArray[np.int64]
    start: NDArray[np.int64]
    value: NDArray[np.float64]
    decimals: NDArray[np.int16]
    flag: NDArray[np.bytes_]
    mode: NDArray[np.int16]
    parcel: NDArray[np.int32]
    row: NDArray[np.int32]

    def take(self, rows: NDArray[Any] | slice) -> "Values":
        """The same columns, for these rows only (indices, a mask or a slice)."""
        names = ("at", "start", "value", "decimals", "flag", "mode", "parcel", "row")
        return Values(self.channels, self.facts, *(getattr(self, name)[rows] for name in names))


def recorded_events(
    values: Values, submissions: Sequence[str], traces: Sequence[str], received_at_ms: int
) -> Iterator[tuple[str, Recorded | Packed]]:
    """(key, event) for every lane; the key is a station of that lane. `values` are sorted by lane.

    Of a batch whose series are remembered, the events are packed already: most of each is as it was.
    """
    if not len(values.at):
        return
    lanes = values.facts.lanes[values.at]
    bounds = [0, *(np.flatnonzero(lanes[1:] != lanes[:-1]) + 1).tolist(), len(lanes)]
    # Whole columns become lists once: sixteen small conversions cost more than one large.
    cells = _Cells(values, _numbers(values.value), np.repeat(bounds[:-1], np.diff(bounds)))
    for low, high in pairwise(bounds):
        for part in cells.parts(low, high):
            key = values.channels[cells.channel[part.start]].ref.site
            yield key, cells.event(part, submissions, traces, received_at_ms)


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    numbers: list[float | None] = values.tolist()
    if np.isnan(values).any():
        return [None if number != number else number for number in numbers]
    return numbers


class _Cells:
    """The columns as lists, from which events are cut. `lane_start[i]` is the first row of row i's lane."""

    def __init__(self, values: Values, numbers: list[float | None], lane_start: NDArray[np.int64]) -> None:
        self._channels, self._at, self._heads = values.channels, values.at, values.facts.heads
        self.channel: list[int] = values.at.tolist()
        is_next = np.append(False, values.at[1:] != values.at[:-1])
        rank = np.cumsum(is_next)
        self._rank: list[int] = (rank - rank[lane_start]).tolist()
        sizes = np.where(is_next, values.facts.sizes[values.at] + 1, 0)
        self._sizes: list[int] = [0, *np.cumsum(sizes).tolist()]
        self._largest = int(values.facts.sizes.max(initial=0)) + 1
        origin = values.parcel.astype(np.int64) * len(MODES) + values.mode
        self._origin: list[int] = origin.tolist()
        self._only = self._origin[0] if (origin == origin[0]).all() else None
        self._start_ms: list[int] = (values.start // 1000).tolist()
        self._value = numbers
        self._decimals: list[int] = values.decimals.tolist()
        flags: list[bytes] = values.flag.tolist()
        texts = {flag: flag.decode() for flag in set(flags)}
        self._flag = [texts[flag] for flag in flags]

    def parts(self, low: int, high: int) -> Iterator[slice]:
        """Halve until the encoded event surely fits."""
        size = self._sizes[high] - self._sizes[low] + self._largest
        origins = 1 if self._only is not None else len(set(self._origin[low:high]))
        size += origins * _ORIGIN_BYTES + (high - low) * _ROW_BYTES
        if size < MAX_EVENT_BYTES or high - low < 2:
            yield slice(low, high)
        else:
            middle = (low + high) // 2
            yield from self.parts(low, middle)
            yield from self.parts(middle, high)

    def event(
        self, part: slice, submissions: Sequence[str], traces: Sequence[str], received_at_ms: int
    ) -> Recorded | Packed:
        origins, by = self._origins(part)
        own: dict[str, Any] = {
            "submissions": [submissions[origin // len(MODES)] for origin in origins],
            "traces": [traces[origin // len(MODES)] for origin in origins],
            "modes": [MODES[origin % len(MODES)] for origin in origins],
            "received_at_ms": received_at_ms,
            "by": by,
            "ts_ms": self._start_ms[part],
            "value": self._value[part],
            "decimals": self._decimals[part],
            "flag": self._flag[part],
        }
        if self._heads is None or self._sizes[part.stop] - self._sizes[part.start] <= WORTH_BYTES:
            series, at = self._named(part)
            return Recorded(series=series, at=at, **own)
        size, head = self._head(self._heads, part)
        rest = b"," + msgspec.json.encode(own)[1:]
        return Packed(Recorded, size + len(rest), head + frame(rest))

    def _named(self, part: slice) -> tuple[Any, list[int]]:
        """The series of these rows, and which of them each row is of."""
        first, rank = self._rank[part.start], self._rank[part]
        # Encoded once when the registry was loaded: a series is named in very many events.
        named = b",".join([self._channels[at].encoded for at in dict.fromkeys(self.channel[part])])
        return msgspec.Raw(b"[%b]" % named), [one - first for one in rank] if first else rank

    def _head(self, heads: dict[bytes, tuple[int, bytes]], part: slice) -> tuple[int, bytes]:
        """(size, frame) of what an event of these rows begins with, whatever their values."""
        place = self._at[part].tobytes()
        known = heads.get(place)
        if known is None:
            series, at = self._named(part)
            text = b'{"series":%b,"at":%b' % (bytes(series), msgspec.json.encode(at))
            known = len(text), frame(text)
            if len(heads) < _HEADS_REMEMBERED:
                heads[place] = known
        return known

    def _origins(self, part: slice) -> tuple[list[int], list[int]]:
        """(distinct origins, which of them each row has)."""
        if self._only is not None:
            return [self._only], [0] * (part.stop - part.start)
        distinct = {origin: at for at, origin in enumerate(dict.fromkeys(self._origin[part]))}
        return list(distinct), [distinct[origin] for origin in self._origin[part]]

"""What is said about committed values: `Recorded` per lane, at most 256 KB each.

Promises: every committed value is in exactly one event, in the order of (lane, series, ts). Leaves numbering
and publishing to `kit`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

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
_CUTS_REMEMBERED = 64


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


class Cut(NamedTuple):
    """An event of a remembered batch: its rows, its key, the frame of what it begins with, `size` as JSON."""

    part: slice
    key: str
    size: int
    head: bytes


class Sent(NamedTuple):
    """What is the same for all events of a transaction."""

    submissions: Sequence[str]
    traces: Sequence[str]
    received_at_ms: int

    def of(self, origins: Sequence[int]) -> dict[str, Any]:
        return {
            "submissions": [self.submissions[origin // len(MODES)] for origin in origins],
            "traces": [self.traces[origin // len(MODES)] for origin in origins],
            "modes": [MODES[origin % len(MODES)] for origin in origins],
            "received_at_ms": self.received_at_ms,
        }


def recorded_events(
    values: Values, submissions: Sequence[str], traces: Sequence[str], received_at_ms: int
) -> Iterator[tuple[str, Recorded | Packed]]:
    """(key, event) for every lane; the key is a station of that lane. `values` are sorted by lane.

    Of a batch whose series are remembered, the events are packed already: most of each is as it was.
    """
    if not len(values.at):
        return
    sent, lists = Sent(submissions, traces, received_at_ms), _Lists(values)
    origin = values.parcel.astype(np.int64) * len(MODES) + values.mode
    only = int(origin[0]) if (origin == origin[0]).all() else None
    if only is not None and (cuts := _cuts(values)):
        begun = b"," + msgspec.json.encode(sent.of([only]))[1:-1] + b","
        for cut in cuts:
            own = {"by": [0] * (cut.part.stop - cut.part.start), **lists.of(cut.part)}
            rest = begun + msgspec.json.encode(own)[1:]
            yield cut.key, Packed(Recorded, cut.size + len(rest), cut.head + frame(rest))
        return
    cells = _Cells(values, origin, only)
    for part in cells.parts():
        series, at = cells.named(part)
        origins, by = cells.origins(part)
        event = Recorded(series=series, at=at, by=by, **sent.of(origins), **lists.of(part))
        yield cells.key(part), event


def _cuts(values: Values) -> list[Cut]:
    """How these rows are cut where that is remembered, or now worth it; nothing where it is not."""
    heads = values.facts.heads
    if heads is None:
        return []
    place = values.at.tobytes()
    known: list[Cut] | None = heads.get(place)
    if known is None:
        cells = _Cells(values, np.zeros(len(values.at), dtype=np.int64), 0)
        parts = list(cells.parts())
        are_large = all(cells.series_bytes(part) > WORTH_BYTES for part in parts)
        known = [_cut(cells, part) for part in parts] if are_large else []
        if len(heads) < _CUTS_REMEMBERED:
            heads[place] = known
    return known


def _cut(cells: "_Cells", part: slice) -> Cut:
    series, at = cells.named(part)
    text = b'{"series":%b,"at":%b' % (bytes(series), msgspec.json.encode(at))
    return Cut(part, cells.key(part), len(text), frame(text))


class _Lists:
    """The columns as lists, once for all events: sixteen small conversions cost more than one large."""

    def __init__(self, values: Values) -> None:
        self._start_ms: list[int] = (values.start // 1000).tolist()
        self._value: list[float | None] = values.value.tolist()
        if np.isnan(values.value).any():
            self._value = [None if number != number else number for number in self._value]
        self._decimals: list[int] = values.decimals.tolist()
        flags: list[bytes] = values.flag.tolist()
        texts = {flag: flag.decode() for flag in set(flags)}
        self._flag = [texts[flag] for flag in flags] if len(texts) > 1 else [*texts.values()] * len(flags)

    def of(self, part: slice) -> dict[str, Any]:
        return {
            "ts_ms": self._start_ms[part],
            "value": self._value[part],
            "decimals": self._decimals[part],
            "flag": self._flag[part],
        }


class _Cells:
    """Where events are cut, and which series and origins each names."""

    def __init__(self, values: Values, origin: NDArray[np.int64], only: int | None) -> None:
        lanes = values.facts.lanes[values.at]
        self._bounds = [0, *(np.flatnonzero(lanes[1:] != lanes[:-1]) + 1).tolist(), len(lanes)]
        lane_start = np.repeat(self._bounds[:-1], np.diff(self._bounds))
        self._channels, self._only = values.channels, only
        self._channel: list[int] = values.at.tolist()
        is_next = np.append(False, values.at[1:] != values.at[:-1])
        rank = np.cumsum(is_next)
        self._rank: list[int] = (rank - rank[lane_start]).tolist()
        sizes = np.where(is_next, values.facts.sizes[values.at] + 1, 0)
        self._sizes: list[int] = [0, *np.cumsum(sizes).tolist()]
        self._largest = int(values.facts.sizes.max(initial=0)) + 1
        self._origin: list[int] = origin.tolist()

    def parts(self) -> Iterator[slice]:
        """Lane by lane, halved until the encoded event surely fits."""
        for low, high in pairwise(self._bounds):
            yield from self._halved(low, high)

    def _halved(self, low: int, high: int) -> Iterator[slice]:
        size = self._sizes[high] - self._sizes[low] + self._largest
        origins = 1 if self._only is not None else len(set(self._origin[low:high]))
        size += origins * _ORIGIN_BYTES + (high - low) * _ROW_BYTES
        if size < MAX_EVENT_BYTES or high - low < 2:
            yield slice(low, high)
        else:
            middle = (low + high) // 2
            yield from self._halved(low, middle)
            yield from self._halved(middle, high)

    def series_bytes(self, part: slice) -> int:
        low, high = int(part.start), int(part.stop)
        return self._sizes[high] - self._sizes[low] + self._largest

    def key(self, part: slice) -> str:
        return self._channels[self._channel[int(part.start)]].ref.site

    def named(self, part: slice) -> tuple[Any, list[int]]:
        """The series of these rows, and which of them each row is of."""
        first, rank = self._rank[part.start], self._rank[part]
        # Encoded once when the registry was loaded: a series is named in very many events.
        named = b",".join([self._channels[at].encoded for at in dict.fromkeys(self._channel[part])])
        return msgspec.Raw(b"[%b]" % named), [one - first for one in rank] if first else rank

    def origins(self, part: slice) -> tuple[list[int], list[int]]:
        """(distinct origins, which of them each row has)."""
        if self._only is not None:
            return [self._only], [0] * (part.stop - part.start)
        distinct = {origin: at for at, origin in enumerate(dict.fromkeys(self._origin[part]))}
        return list(distinct), [distinct[origin] for origin in self._origin[part]]

"""What is said about committed values: `Recorded` per lane, at most 256 KB each.

Promises: every committed value is in exactly one event, in the order of (series, ts). Leaves numbering and
publishing to `kit`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from contracts.envelope import MAX_EVENT_BYTES
from contracts.ingest import Mode, Recorded
from numpy.typing import NDArray

from ingest.rules.registry import Channel

MODES: tuple[Mode, ...] = ("live", "late", "backfill", "historical")
_ROW_BYTES = 72
_ORIGIN_BYTES = 128


class Values(msgspec.Struct):
    """Values of one transaction by (series, ts): `at` indexes `channels`, `parcel` the submissions."""

    channels: list[Channel]
    at: NDArray[np.int64]
    start: NDArray[np.int64]
    value: NDArray[np.float64]
    decimals: NDArray[np.int16]
    flag: NDArray[np.bytes_]
    mode: NDArray[np.int16]
    parcel: NDArray[np.int32]
    row: NDArray[np.int32]

    def take(self, rows: NDArray[Any]) -> "Values":
        """The same columns, for these rows only (indices or a mask)."""
        names = ("at", "start", "value", "decimals", "flag", "mode", "parcel", "row")
        return Values(self.channels, *(getattr(self, name)[rows] for name in names))


def recorded_events(
    values: Values, submissions: Sequence[str], traces: Sequence[str], received_at_ms: int
) -> Iterator[tuple[str, Recorded]]:
    """(key, event) for every lane; the key is a station of that lane."""
    lanes = np.array([int(channel.lane) for channel in values.channels], dtype=np.int16)
    of_row = lanes[values.at]
    for lane in np.unique(of_row):
        for part in _parts(values, np.flatnonzero(of_row == lane)):
            yield values.channels[int(part.at[0])].ref.site, _event(part, submissions, traces, received_at_ms)


def _parts(values: Values, rows: NDArray[np.intp]) -> Iterator[Values]:
    """Halve until the encoded event surely fits."""
    part = values.take(rows)
    series = sum(len(values.channels[at].encoded) + 1 for at in np.unique(part.at))
    origins = len(np.unique(part.parcel)) * 2
    if series + origins * _ORIGIN_BYTES + len(rows) * _ROW_BYTES < MAX_EVENT_BYTES or len(rows) < 2:
        yield part
    else:
        middle = len(rows) // 2
        yield from _parts(values, rows[:middle])
        yield from _parts(values, rows[middle:])


def _event(part: Values, submissions: Sequence[str], traces: Sequence[str], received_at_ms: int) -> Recorded:
    used, at = np.unique(part.at, return_inverse=True)
    origin, by = np.unique(part.parcel.astype(np.int64) * 4 + part.mode, return_inverse=True)
    value: list[float | None] = part.value.tolist()
    if np.isnan(part.value).any():
        value = [None if number != number else number for number in value]
    return Recorded(
        submissions=[submissions[pair >> 2] for pair in origin.tolist()],
        traces=[traces[pair >> 2] for pair in origin.tolist()],
        modes=[MODES[pair & 3] for pair in origin.tolist()],
        received_at_ms=received_at_ms,
        # Encoded once when the registry was loaded: a series is named in very many events.
        series=[msgspec.Raw(part.channels[index].encoded) for index in used.tolist()],  # type: ignore[misc]
        at=at.tolist(),
        by=by.tolist(),
        ts_ms=(part.start // 1000).tolist(),
        value=value,
        decimals=part.decimals.tolist(),
        flag=np.char.decode(part.flag, "ascii").tolist(),
    )

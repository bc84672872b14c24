"""Committed values cut into parcels: what travels, is answered and is counted as one.

Promises: every wanted value is in exactly one parcel; a parcel has one kind, one path, one mode, one source
and one day (+08:00); the order within a key is the order of commit. An HTTP parcel is of one lane, an HJ 212
parcel is one frame: one site, one period, one instant. Leaves numbering and storing to `flows.uplinks`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from contracts.ingest import Mode, Recorded, Revised, SeriesRef

from ingest.rules.times import CHINA
from ingest.rules.uplinks.dated import Forwarding
from ingest.rules.uplinks.links import Link, may_pass, path_of, wants

COLUMNS = ("site", "factor", "statistic", "basis", "period", "unit", "time", "value", "flag")
_OTHER_UNIT = 7
Row = tuple[str, str, str, str, str, str, str, str | None, str]


class Head(msgspec.Struct, frozen=True):
    """What all values of a parcel share; `instant` is None where a parcel may hold several."""

    key: str
    kind: Literal["recorded", "revised"]
    mode: Mode
    source: str
    path: tuple[str, ...]
    day: date
    element: str | None = None
    instant: tuple[str, str] | None = None


class Cut(msgspec.Struct):
    """A parcel being filled. `text_bytes` is how long an HJ 212 frame's CP can become at most."""

    head: Head
    rows: list[Row] = msgspec.field(default_factory=list)
    text_bytes: int = len("DataTime=20260101000000")
    fields: set[tuple[str, str, str]] = msgspec.field(default_factory=set)


@lru_cache(maxsize=65536)
def time_text(ts_ms: int) -> tuple[str, date]:
    """ISO 8601 with +08:00, and the day it lies in: 1795219200000 is 2026-11-21T08:00:00+08:00."""
    at = datetime.fromtimestamp(ts_ms / 1000, CHINA)
    return at.isoformat(timespec="milliseconds" if ts_ms % 1000 else "seconds"), at.date()


def number_text(value: float | None, decimals: int) -> str | None:
    """The value with the decimals it was reported with, so that the other side holds the same text.

    Worked example: 35.0 with one decimal is `35.0`; a value that needs more keeps them.
    """
    if value is None:
        return None
    text = f"{value:.{decimals}f}"
    return text if float(text) == value else repr(value)


class Cutter:
    """Cuts for one link, one lane; `cuts` is what was made, `looped` counts values that must not go on."""

    def __init__(self, link: Link, own: str, lane: str, limits: Forwarding) -> None:
        self._link, self._own, self._lane, self._limits = link, own, lane, limits
        self._last: dict[str, Cut] = {}
        self.cuts: list[Cut] = []
        self.looped = 0

    def recorded(self, event: Recorded, hops: Mapping[str, tuple[str, ...]]) -> None:
        """Take the wanted values of an event; `hops` are the platforms its submissions passed."""
        chosen = [wants(self._link, ref) for ref in event.series]
        if not any(chosen):
            return
        rows: dict[Head, list[Row]] = {}
        heads: dict[Any, Head | None] = {}
        for i, at in enumerate(event.at):
            if not chosen[at]:
                continue
            ref, by = event.series[at], event.by[i]
            text, day = time_text(event.ts_ms[i])
            short: tuple[Any, ...] = (
                (ref.source, by, day) if self._link.kind == "http" else (at, by, day, text)
            )
            if short not in heads:
                passed = path_of(ref.source, hops.get(event.submissions[by], ()))
                heads[short] = self._head(ref, "recorded", event.modes[by], passed, event.ts_ms[i])
            head = heads[short]
            if head is None:
                self.looped += 1
                continue
            rows.setdefault(head, []).append(
                self._row(ref, text, event.value[i], event.decimals[i], event.flag[i])
            )
        for head in sorted(rows, key=_by_time):
            self._put(head, rows[head])

    def revised(self, event: Revised, hops: Mapping[str, tuple[str, ...]]) -> None:
        """Take a later, different value of an instant already recorded."""
        if not wants(self._link, event.series):
            return
        passed = path_of(event.series.source, hops.get(event.submission, ()))
        head = self._head(event.series, "revised", "late", passed, event.ts_ms)
        if head is None:
            self.looped += 1
            return
        text, _ = time_text(event.ts_ms)
        self._put(head, [self._row(event.series, text, event.later_value, event.series.decimals, "")])

    def _head(
        self, ref: SeriesRef, kind: Literal["recorded", "revised"], mode: Mode, path: tuple[str, ...], ts: int
    ) -> Head | None:
        if not may_pass(self._link, path, self._own, self._limits):
            return None
        text, day = time_text(ts)
        if self._link.kind == "http":
            return Head(self._lane, kind, mode, self._link.source_as or ref.source, path, day)
        return Head(ref.site, kind, mode, ref.source, path, day, ref.element, (text, ref.period))

    def _row(self, ref: SeriesRef, text: str, value: float | None, decimals: int, flag: str) -> Row:
        place = self._link.places.get(ref.site)
        site = (place.code if place else None) or ref.site
        number = number_text(value, decimals)
        return (site, ref.factor, ref.statistic, ref.basis, ref.period, ref.unit, text, number, flag)

    def _put(self, head: Head, rows: list[Row]) -> None:
        """Go on with the key's last parcel if it is of the same head and has room."""
        last = self._last.get(head.key)
        if last is None or last.head != head:
            last = self._begin(head)
        if self._link.kind == "http":
            most, at = self._limits.values_per_parcel, 0
            while at < len(rows):
                if len(last.rows) >= most:
                    last = self._begin(head)
                room = most - len(last.rows)
                last.rows += rows[at : at + room]
                at += room
            return
        for row in rows:
            size = _text_bytes(row)
            # The same field of two sources would stand twice in one frame.
            if row[1:4] in last.fields or last.text_bytes + size > self._limits.text_bytes:
                last = self._begin(head)
            last.rows.append(row)
            last.fields.add(row[1:4])
            last.text_bytes += size

    def _begin(self, head: Head) -> Cut:
        made = self._last[head.key] = Cut(head)
        self.cuts.append(made)
        return made


def _text_bytes(row: Row) -> int:
    """At most so many bytes a value takes in CP: its field, its mark, and the digits of another unit."""
    return 2 * len(row[1]) + len(row[7] or "") + len(row[8]) + len("-ZsRtd=,-Flag=;") + _OTHER_UNIT


def _by_time(head: Head) -> tuple[Any, ...]:
    return (head.day, head.instant or ())


def body_of(cut: Cut) -> bytes:
    """The parcel as the body of POST /observations; the same bytes at every attempt.

    Worked example: one value gives `{"source":"cnemc","historical":false,"columns":[…],"data":[[…]]}`.
    """
    is_old = cut.head.mode == "historical"
    body = {"source": cut.head.source, "historical": is_old, "columns": COLUMNS, "data": cut.rows}
    return msgspec.json.encode(body)

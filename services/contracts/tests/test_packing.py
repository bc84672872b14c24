"""Packing: what is large gets smaller, what comes back is what was given, and never more than an event."""

from typing import ClassVar

import msgspec
import pytest
import zstandard
from contracts.envelope import MAX_EVENT_BYTES, Event
from contracts.packing import WORTH_BYTES, frame, is_packed, packed, shown, unpacked
from hypothesis import given
from hypothesis import strategies as st


class Told(Event, frozen=True, kw_only=True):
    PRODUCER: ClassVar[str] = "probe"

    text: str


LARGE = Told(text='{"site":"131000-A01","factor":"a34004"},' * 500)
KEPT = packed(LARGE).data


@given(st.integers(0, 3 * WORTH_BYTES), st.text(min_size=1, max_size=50))
def test_what_was_packed_comes_back(size: int, some: str) -> None:
    event = Told(text=(some * (size // len(some) + 1))[:size])
    of, length, data = packed(event)
    assert of is Told and length == len(unpacked(data))
    assert msgspec.json.decode(unpacked(data), type=Told) == event
    assert is_packed(data) == (length > WORTH_BYTES)
    assert packed(packed(event)) == packed(event)


def test_series_become_a_fraction() -> None:
    assert len(KEPT) < packed(LARGE).size / 10
    assert shown(KEPT) == msgspec.json.encode(LARGE).decode()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_frames_after_each_other_are_their_texts_after_each_other(texts: list[bytes]) -> None:
    assert unpacked(b"".join(map(frame, texts))) == b"".join(texts)


HALF = zstandard.compress(bytes(MAX_EVENT_BYTES // 2 + 1))


@pytest.mark.parametrize(
    "data",
    [
        KEPT[:-3],
        KEPT[:6],
        KEPT[:40] + b"\0\0\0\0" + KEPT[44:],
        zstandard.compress(bytes(MAX_EVENT_BYTES + 1)),
        HALF + HALF,
        KEPT + b"{}",
        zstandard.ZstdCompressor(write_content_size=False).compress(bytes(9000)),
    ],
    ids=[
        "cut short", "only its head", "damaged", "too large", "too large together", "JSON behind it",
        "of unknown size",
    ],
)  # fmt: skip
def test_frames_that_are_none_of_ours_are_refused(data: bytes) -> None:
    assert is_packed(data)
    with pytest.raises(ValueError, match="zstd frame"):
        unpacked(data)
    assert shown(data)

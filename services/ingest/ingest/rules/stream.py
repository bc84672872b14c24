"""Frames out of a TCP byte stream: any split, garbage between frames, several frames per packet.

Promises: the same bytes give the same pieces however they are split; memory is bounded by `MAX_PENDING`;
nothing that begins like a frame disappears, a broken one comes out as a broken frame.
Leaves time-outs to the receiver, which calls `finish` when a connection goes quiet or ends.
"""

import re

from ingest.rules import crc
from ingest.rules.frames import Frame, make_frame, read_line

MAX_PENDING = 10_240
_ENVELOPE = 10
_ENDED = re.compile(rb"&&[0-9A-Fa-f]{4}$")


class StreamParser:
    """Feed bytes, get frames. `garbage` counts the bytes that belonged to no frame."""

    __slots__ = ("_buffer", "garbage")

    def __init__(self) -> None:
        self._buffer = b""
        self.garbage = 0

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream and give the frames they complete, sound and broken."""
        buffer = self._buffer + data if self._buffer else data
        frames: list[Frame] = []
        at = 0
        while True:
            frame, used = self._next(buffer, at)
            if frame is not None:
                frames.append(frame)
            elif not used:
                break
            at += used
        self._buffer = buffer[at:]
        return frames

    def finish(self) -> list[Frame]:
        """The stream paused or ended: what is held is a frame without its tail, or broken, or garbage."""
        held, self._buffer = self._buffer, b""
        if held.startswith(b"##") and len(held) > _ENVELOPE:
            frame = read_line(held)
            return [frame] if frame else []
        self.garbage += len(held)
        return []

    def settle(self) -> list[Frame]:
        """The stream paused: give the held frame if only its tail is missing, else keep waiting.

        A check value that fits says that it is whole, even where the length is wrong; so does the end of an
        encrypted one, whose check value is over the clear text.
        """
        held = self._buffer.rstrip(b"\r")
        if len(held) <= _ENVELOPE or _ENDED.search(held) is None:
            return []
        frame = read_line(held)
        is_whole = frame is not None and (frame.verdict not in ("wrong", "absent") or frame.segment.cipher)
        return self.finish() if is_whole else []

    def _next(self, buffer: bytes, at: int) -> tuple[Frame | None, int]:
        """A frame or a skipped stretch from `at`: (frame or None, bytes used); (None, 0) asks for more."""
        start = buffer.find(b"##", at)
        if start != at:
            return None, self._skip(buffer, at, start)
        digits = buffer[at + 2 : at + 6]
        if digits and not digits.isdigit():
            self.garbage += 1
            return None, 1
        if len(digits) < 4:
            return None, 0
        declared = int(digits)
        end = at + 6 + declared + 4
        stop = _boundary(buffer, at)
        if stop is not None and stop < end:
            return read_line(buffer[at:stop]), stop - at
        if len(buffer) < end:
            return None, 0
        segment, sent = buffer[at + 6 : end - 4], buffer[end - 4 : end].decode("ascii", "replace")
        verdict = crc.verdict(segment, sent)
        if verdict == "wrong":
            return self._broken(buffer, at, stop)
        tail = buffer[end : end + 2]
        if tail in (b"", b"\r", b"#"):
            return None, 0
        stop = end + (2 if tail == b"\r\n" else 1 if tail[:1] == b"\n" else 0)
        return make_frame(buffer[at:stop], declared, segment, sent, verdict), stop - at

    def _skip(self, buffer: bytes, at: int, start: int) -> int:
        if start < 0:
            start = len(buffer) - (1 if buffer.endswith(b"#") and len(buffer) > at else 0)
        skipped = buffer[at:start]
        self.garbage += len(skipped) - skipped.count(b"\r") - skipped.count(b"\n")
        return start - at

    def _broken(self, buffer: bytes, at: int, stop: int | None) -> tuple[Frame | None, int]:
        if stop is None and len(buffer) - at < MAX_PENDING:
            return None, 0
        stop = at + MAX_PENDING if stop is None else stop
        return read_line(buffer[at:stop]), stop - at


def _boundary(buffer: bytes, at: int) -> int | None:
    """Where a frame that begins at `at` must be over: after the next LF, or at the next `##`.

    Neither can stand inside a frame (HJ 212-2017 §6.3.3 knows no escaping), so a wrong length cannot swallow
    the frames behind it. None if there is neither within `MAX_PENDING`.
    """
    limit = at + MAX_PENDING
    line = buffer.find(b"\n", at + 2, limit)
    mark = buffer.find(b"##", at + 2, limit)
    if line < 0:
        return mark if mark >= 0 else None
    return line + 1 if mark < 0 or line < mark else mark

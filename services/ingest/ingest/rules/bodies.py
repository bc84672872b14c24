"""The bytes of a body: decompressed, then read as JSON, within limits.

Promises: bounded memory whatever is sent (compression bombs, deep or very wide JSON); raises only
`BodyRefused`. `NaN` and `Infinity`, which JSON does not know, are read so that only their rows are refused.
"""

import json
import zlib
from typing import Any

import msgspec
import zstandard

from ingest.rules.limits import Limits
from ingest.rules.refusals import flaw

ENCODINGS = ("identity", "gzip", "zstd")
# Each costs a copy of the rest.
_MOST_MEMBERS = 100


class BodyRefused(ValueError):
    """The body cannot be read; `flaw` says why."""

    def __init__(self, where: str, rule: str, found: object) -> None:
        self.flaw = flaw(where, rule, found)
        super().__init__(f"{where}: {rule}: {self.flaw.found}")


def decode_body(raw: bytes, content_encoding: str, limits: Limits) -> Any:
    """The JSON value in a body. Raises BodyRefused.

    Worked example: the gzip form of `{"rows": []}` with "gzip" gives `{"rows": []}`.
    """
    return decode_json(decompressed(raw, content_encoding, limits.decoded_bytes), limits)


def decode_json(text: bytes, limits: Limits) -> Any:
    """The JSON value of a text. Raises BodyRefused."""
    # There cannot be more parts than bytes: most bodies need not be searched for them.
    if len(text) > limits.json_parts:
        parts = sum(text.count(mark) for mark in (b",", b"[", b"{"))
        if parts > limits.json_parts:
            raise BodyRefused("body", "json-too-complex", f"{parts} > {limits.json_parts}")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decode_python_json(text, error)
    except RecursionError:
        raise BodyRefused("body", "json-too-complex", "nesting") from None


def _decode_python_json(text: bytes, first: Exception) -> Any:
    """Many senders write NaN where they have no value, or 1e999; anything else stays malformed."""
    is_out_of_range = isinstance(first, msgspec.ValidationError)
    if not is_out_of_range and b"NaN" not in text and b"Infinity" not in text:
        raise BodyRefused("body", "json-malformed", str(first)) from None
    try:
        return json.loads(text)
    except RecursionError:
        raise BodyRefused("body", "json-too-complex", "nesting") from None
    except ValueError as error:
        raise BodyRefused("body", "json-malformed", str(error)) from None


def decompressed(raw: bytes, content_encoding: str, most: int) -> bytes:
    """The body without its content encoding, never more than `most` bytes. Raises BodyRefused."""
    if content_encoding == "identity":
        return raw
    if content_encoding not in ENCODINGS:
        raise BodyRefused("Content-Encoding", "encoding-wrong", content_encoding)
    try:
        text = _gunzip(raw, most) if content_encoding == "gzip" else _unzstd(raw, most)
    except (zlib.error, zstandard.ZstdError) as error:
        raise BodyRefused("body", "encoding-wrong", str(error)) from None
    if len(text) > most:
        raise BodyRefused("body", "body-unpacks-too-large", f"> {most:,} bytes")
    return text


def _gunzip(raw: bytes, most: int) -> bytes:
    """All members, as RFC 1952 §2.2 has them: what follows the first is no less sent."""
    parts: list[bytes] = []
    size, rest = 0, raw
    while rest:
        reader = zlib.decompressobj(wbits=31)
        parts.append(reader.decompress(rest, most + 1 - size))
        size += len(parts[-1])
        if size > most:
            break
        if not reader.eof or len(parts) > _MOST_MEMBERS:
            raise zlib.error("the stream ends early, or is in too many pieces")
        rest = reader.unused_data
    return b"".join(parts)


def _unzstd(raw: bytes, most: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    with unpacker.stream_reader(raw, read_across_frames=True) as reader:
        text = reader.read(most + 1)
    if len(text) > most:
        return text
    # The reader does not say whether the last frame was whole. That it is small enough is known by now.
    rest, pieces = raw, 0
    while rest:
        frame = unpacker.decompressobj()
        frame.decompress(rest)
        pieces += 1
        if not frame.eof or pieces > _MOST_MEMBERS:
            raise zstandard.ZstdError("the stream ends early, or is in too many pieces")
        rest = frame.unused_data
    return text

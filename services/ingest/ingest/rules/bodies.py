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


class BodyRefused(ValueError):
    """The body cannot be read; `flaw` says why."""

    def __init__(self, where: str, rule: str, found: object) -> None:
        self.flaw = flaw(where, rule, found)
        super().__init__(f"{where}: {rule}: {self.flaw.found}")


def decode_body(raw: bytes, content_encoding: str, limits: Limits) -> Any:
    """The JSON value in a body. Raises BodyRefused.

    Worked example: the gzip form of `{"rows": []}` with "gzip" gives `{"rows": []}`.
    """
    text = decompressed(raw, content_encoding, limits.decoded_bytes)
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
    reader = zlib.decompressobj(wbits=31)
    text = reader.decompress(raw, most + 1)
    if not reader.eof and len(text) <= most:
        raise zlib.error("the stream ends early")
    return text


def _unzstd(raw: bytes, most: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw) as reader:
        return reader.read(most + 1)

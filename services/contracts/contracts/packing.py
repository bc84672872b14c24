"""Large events are kept and sent as zstd frames, and are JSON again where they are read.

Promises: a packed event is told from JSON by its first bytes; nothing is unpacked beyond the limit of an
event. Leaves where to pack to `kit.outbox`, and where to unpack to whoever decodes.
"""

from contextlib import suppress
from typing import NamedTuple

import msgspec
import zstandard

from contracts.envelope import MAX_EVENT_BYTES, Event

# Below this the saving is not worth a look; nearly all decisions are smaller.
WORTH_BYTES = 4096
ENCODING = "zstd"
_compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
_decompressor = zstandard.ZstdDecompressor()


class Packed(NamedTuple):
    """An event as it is kept; `size` is that of its JSON. A producer may make it of several frames."""

    of: type[Event]
    size: int
    data: bytes


def frame(text: bytes) -> bytes:
    """A frame of a part of an event. What follows each other packed follows each other unpacked."""
    return _compressor.compress(text)


def packed(event: Event | Packed) -> Packed:
    """The event as it is kept; small ones stay JSON. Worked example: 34 KB of series become 2 KB."""
    if isinstance(event, Packed):
        return event
    data = msgspec.json.encode(event)
    return Packed(type(event), len(data), frame(data) if len(data) > WORTH_BYTES else data)


def is_packed(data: bytes) -> bool:
    return data.startswith(zstandard.FRAME_HEADER)


def unpacked(data: bytes) -> bytes:
    """The JSON of an event. Raises ValueError for frames that are damaged or too large."""
    if not is_packed(data):
        return data
    made, rest = b"", data
    try:
        while rest:
            size = zstandard.frame_content_size(rest)
            if not 0 <= size <= MAX_EVENT_BYTES - len(made):
                raise ValueError(f"a zstd frame of {size} bytes; an event has at most {MAX_EVENT_BYTES}")
            reader = _decompressor.decompressobj()
            made += reader.decompress(rest)
            if not reader.eof:
                raise ValueError("a zstd frame that is cut short")
            rest = reader.unused_data
    except zstandard.ZstdError as error:
        raise ValueError(f"a damaged zstd frame: {error}") from error
    return made


def shown(data: bytes) -> str:
    """The data as text for a person, whatever they are."""
    with suppress(ValueError):
        data = unpacked(data)
    return data.decode(errors="backslashreplace")

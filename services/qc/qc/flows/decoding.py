"""Reading `ingest.recorded`: a sender names the same series hour after hour, so they are read once.

Promises: what comes out is what plain decoding gives, and what it refuses is refused (ValueError). Remembers
so many lists of series by their bytes, and no more.
"""

import msgspec
from contracts.ingest import Recorded, SeriesRef

LISTS = 4096

_Lean = msgspec.defstruct(
    "_Lean",
    [(f.name, msgspec.Raw if f.name == "series" else f.type) for f in msgspec.structs.fields(Recorded)],
)
_lean = msgspec.json.Decoder(_Lean)
_refs = msgspec.json.Decoder(list[SeriesRef])
_known: dict[bytes, list[SeriesRef]] = {}


def recorded(text: bytes) -> Recorded:
    """The event of its JSON."""
    lean = _lean.decode(text)
    told = bytes(lean.series)  # type: ignore[attr-defined]
    refs = _known.get(told)
    if refs is None:
        if len(_known) >= LISTS:
            _known.clear()
        refs = _known[told] = _refs.decode(told)
    return Recorded(**(msgspec.structs.asdict(lean) | {"series": refs}))

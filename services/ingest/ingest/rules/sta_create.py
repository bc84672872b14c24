"""The body of SensorThings CreateObservations (18-088 §13.2) as columns of a batch.

Promises: pure; raises only `BatchRefused` and `BodyRefused`; rows keep the order in which the answer names
them. Leaves judging to `judge`: a Datastream is a series, its result is in the series' unit.
"""

from typing import Any

from ingest.rules.bodies import decode_body
from ingest.rules.limits import Limits
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.rows import MISSING, BatchRefused, Columns

SOURCE = "sensorthings"
# resultQuality is the platform's own to give; where and with what was measured is in the register.
IGNORED = frozenset({"resultTime", "validTime", "FeatureOfInterest/id", "resultQuality"})
KNOWN = frozenset({"phenomenonTime", "result", "parameters"}) | IGNORED


def read_create(raw: bytes, content_encoding: str, limits: Limits) -> Columns:
    """The columns of a body. Raises BatchRefused, BodyRefused.

    Worked example: `[{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"],
    "dataArray": [["2026-11-21T00:00:00Z", 35]]}]` is one value of the series 1.
    """
    body = decode_body(raw, content_encoding, limits)
    if not isinstance(body, list) or not body:
        raise BatchRefused("body", "sta-form", type(body).__name__)
    keys: list[tuple[Any, ...]] = []
    times: list[Any] = []
    values: list[Any] = []
    flags: list[Any] = []
    flaws: dict[int, Flaw] = {}
    for place, part in enumerate(body):
        series, components, rows = _part(place, part)
        if len(keys) + len(rows) > limits.rows_per_batch:
            raise BatchRefused("dataArray", "batch-size", f"> {limits.rows_per_batch}")
        at = {name: index for index, name in enumerate(components)}
        for row in rows:
            is_sound = isinstance(row, list) and len(row) == len(components)
            if not is_sound:
                flaws[len(keys)] = flaw(f"[{place}]", "row-shape", f"not an array of {len(components)} cells")
            keys.append((series,))
            times.append(_start(row[at["phenomenonTime"]]) if is_sound else MISSING)
            values.append(row[at["result"]] if is_sound else MISSING)
            flags.append(_flag(row[at["parameters"]]) if is_sound and "parameters" in at else "")
    if not keys:
        raise BatchRefused("dataArray", "batch-size", "0")
    return Columns(
        SOURCE, "start", False, len(keys), keys, times, values, flags if any(flags) else None, flaws
    )


def _part(place: int, part: Any) -> tuple[Any, list[str], list[Any]]:
    datastream = part.get("Datastream") if isinstance(part, dict) else None
    series = datastream.get("@iot.id") if isinstance(datastream, dict) else None
    if not isinstance(part, dict) or isinstance(series, bool) or not isinstance(series, int | str):
        raise BatchRefused(f"[{place}].Datastream", "sta-form", series)
    components, rows = part.get("components"), part.get("dataArray")
    if not isinstance(components, list) or not all(isinstance(name, str) for name in components):
        raise BatchRefused(f"[{place}].components", "sta-components", components)
    named = set(components)
    if len(named) != len(components) or not {"phenomenonTime", "result"} <= named <= KNOWN:
        raise BatchRefused(f"[{place}].components", "sta-components", ", ".join(components))
    if not isinstance(rows, list):
        raise BatchRefused(f"[{place}].dataArray", "sta-form", type(rows).__name__)
    return (
        int(series) if isinstance(series, str) and series.isascii() and series.isdigit() else series,
        components,
        rows,
    )


def _start(cell: Any) -> Any:
    """The start of an interval `start/end`; an instant as it is."""
    return cell.partition("/")[0] if isinstance(cell, str) else cell


def _flag(cell: Any) -> Any:
    return cell.get("flag", "") if isinstance(cell, dict) else ""

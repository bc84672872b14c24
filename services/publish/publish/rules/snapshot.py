"""The immutable text of a release: canonical JSON, its digest, and the lineage inside it.

Promises: equal content gives equal bytes on every machine (sorted keys, no blanks, UTF-8, shortest numbers as
in RFC 8785 for the values used here), so anybody can recompute the digest. The digest covers the lineage:
series, instant, value, code and verdict revision of every value used or left out.
"""

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any

from publish.rules.figures import Figure, left_out, told_value
from publish.rules.hourly import HourlyIndex

LOCAL = timezone(timedelta(hours=8))
HOUR = timedelta(hours=1)

Snapshot = dict[str, Any]


def local(at: datetime) -> str:
    """An instant as the public reads it, `2026-11-21T08:00:00+08:00`."""
    return at.astimezone(LOCAL).isoformat()


def lineage(figures: list[Figure], used: set[tuple[int, datetime]]) -> list[dict[str, Any]]:
    """One entry per value looked at, in the order (site, factor, series, ts)."""
    ordered = sorted(figures, key=lambda f: (f.site, f.factor, f.series_id, f.ts))
    return [
        {
            "series": figure.series_id,
            "site": figure.site,
            "factor": figure.factor,
            "ts": local(figure.ts),
            "value": told_value(figure),
            "code": figure.code,
            "revision": figure.revision,
            "left_out": left_out(figure),
            "case": figure.case_id,
            "used": (figure.series_id, figure.ts) in used,
        }
        for figure in ordered
    ]


def snapshot(item: str, region: str, from_at: datetime, index: HourlyIndex) -> Snapshot:
    """The content of one release of the hourly index; `from_at` is the start of the hour."""
    return {
        "item": item,
        "region": region,
        "from": local(from_at),
        "to": local(from_at + HOUR),
        "standard": index.standard,
        "figure": index.region,
        "stations": index.stations,
        "left_out": index.left_out,
        "lineage": lineage(index.figures, index.used),
    }


def headline(content: Snapshot) -> Snapshot:
    """What a list of releases shows of it."""
    return {"aqi": content["figure"]["aqi"], "level": content["figure"]["level"]}


def canonical(content: Snapshot) -> str:
    """The exact text that is stored, published and digested.

    Worked example: `canonical({"b": 1.0, "a": "优"})` → `{"a":"优","b":1.0}`.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of the canonical text, lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str) -> Snapshot:
    """A stored snapshot as content again."""
    content: Snapshot = json.loads(text)
    return content

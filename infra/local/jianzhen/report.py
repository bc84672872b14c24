"""What a replay needs before and after the sending: the station in the register, and what the rules found.

Promises: registers only what is absent; reads the public API only, as the sender's own eyes. Leaves the
sending to `sender`.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from jianzhen.mapping import Mapping
from jianzhen.platform import Platform
from jianzhen.state import Refused

ANALYST = "ee.mon/qc.analyst@131000"
BEGINNING = "1990-01-01T00:00:00Z"


def register(platform: Platform, who: str, mapping: Mapping, station: str) -> None:
    """Enter the mapping's own station and its series; another station must be in the register already."""
    with platform.client(who) as client:
        answer = _ask(client, "GET", f"/api/ingest/sites/{station}")
        own = mapping.raw.get("site")
        if answer is None and (own is None or station != mapping.raw.get("station")):
            raise Refused(f"{station} is not in the register, or not within {who}'s reach")
        if answer is None:
            _ask(client, "PUT", f"/api/ingest/sites/{station}", own)
        _ask(client, "PUT", "/api/ingest/series", {"series": list(_series(mapping, station))})


def _series(mapping: Mapping, station: str) -> Iterator[dict[str, Any]]:
    raw = mapping.raw
    for to in raw["columns"].values():
        yield {
            "site": station,
            "factor": to["factor"],
            "statistic": raw.get("statistic", "avg"),
            "basis": raw.get("basis", "raw"),
            "period": raw["period"],
            "source": raw["source"],
            "unit": to["unit"],
            "sent_unit": to["unit"],
            **to.get("series", {}),
        }


def flags(platform: Platform, station: str, values: int, seconds: float) -> dict[str, Any]:
    """How many values each rule fired on, once qc has judged them all or `seconds` have passed."""
    deadline = time.monotonic() + seconds
    with platform.client(ANALYST, seconds=60) as client:
        ids = [one["id"] for one in _items(client, "/api/ingest/series", site=station)]
        while True:
            fired, judged = _count(client, ids)
            if judged >= values or time.monotonic() > deadline:
                return {"judged": judged, "flags": dict(fired.most_common())}
            time.sleep(2)


def _count(client: httpx.Client, ids: list[int]) -> tuple[Counter[str], int]:
    fired: Counter[str] = Counter()
    judged = 0
    for series in ids:
        for verdict in _items(client, "/api/qc/verdicts", series=series, **{"from": BEGINNING}):
            judged += 1
            fired.update(verdict["tests"])
    return fired, judged


def _items(client: httpx.Client, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = {"limit": 1000, **params}
    while True:
        answer = _ask(client, "GET", path, params=page) or {"items": [], "next": None}
        yield from answer["items"]
        if not answer.get("next"):
            return
        page["cursor"] = answer["next"]


def _ask(
    client: httpx.Client, method: str, path: str, body: Any = None, params: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """The answer's JSON; None for 404."""
    try:
        answer = client.request(method, path, json=body, params=params)
    except httpx.TransportError as error:
        raise Refused(f"the platform does not answer at {client.base_url} ({error})", 3) from None
    if answer.status_code == 404:
        return None
    if answer.status_code >= 400:
        raise Refused(
            f"{method} {path}: {answer.status_code} {answer.text[:800]}", 3 if answer.is_server_error else 2
        )
    return dict(answer.json()) if answer.content else {}


def text(found: dict[str, Any]) -> str:
    """The report for eyes."""
    lines = [
        f"{found['rows']:,} rows in {found['seconds']:.1f} s: {found['rows_per_second']:,} rows/s",
        "  of the whole file: "
        + ", ".join(f"{found[name]:,} {name}" for name in ("accepted", "repeated", "revised", "refused")),
        f"  judged by qc: {found['judged']:,}; flags by rule:",
        *(f"    {rule:<32} {count:>9,}" for rule, count in found["flags"].items()),
        f"  every answer: {found['log']}",
    ]
    return "\n".join(lines)

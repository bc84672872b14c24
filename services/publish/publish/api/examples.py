"""What the public answers look like, for the interface page: one example per route, with `lang=en`."""

from typing import Any

POLLUTANT = {
    "factor": "a34004",
    "name": "PM2.5",
    "unit": "µg/m³",
    "decimals": 0,
    "value": 82.0,
    "iaqi": 120,
    "stations": 2,
    "of": 2,
}
LEVEL = {"level": 3, "category": "Lightly polluted", "colour": "#FF7E00"}
FIGURE = {"aqi": 120, "level": LEVEL, "primary": ["a34004"], "missing": [], "pollutants": [POLLUTANT]}
LEFT_OUT = {
    "site": "131000-A01",
    "name": "Yaocai Company",
    "factor": "a34004",
    "pollutant": "PM2.5",
    "value": 113.0,
    "unit": "µg/m³",
    "code": 1,
    "slug": "falsified",
    "reason": "confirmed as falsified (case 7, T03)",
}
SUMMARY = {
    "id": "01a200ab-04b9-748a-b51b-471506c9702f",
    "item_code": "air.aqi.hourly",
    "region": "131000",
    "region_name": "Langfang",
    "from": "2026-11-21T08:00:00+08:00",
    "to": "2026-11-21T09:00:00+08:00",
    "version": 2,
    "sha256": "34fbce524d598dd9e6b94a4f653695709b3e27202344ef56f6f7b5300736a93b",
    "published_at": "2026-11-21T09:40:00+08:00",
    "reason": "Yaocai Company PM2.5: left out, confirmed as falsified. AQI 122 → 120",
    "aqi": 120,
    "level": LEVEL,
}
LINEAGE = {
    "series": 17,
    "site": "131000-A01",
    "factor": "a34004",
    "ts": "2026-11-21T08:00:00+08:00",
    "value": 113.0,
    "code": 1,
    "revision": 1,
    "left_out": "falsified",
    "case": "case 7",
    "used": False,
}
STATION = {
    "code": "131000-A01",
    "name": "Yaocai Company",
    "region": "131003",
    "region_name": "Guangyang District",
    "element": "air",
    "longitude": 116.7,
    "latitude": 39.5,
    "is_assessed": True,
    "hour": "2026-11-21T08:00:00+08:00",
    "factors": ["a34004"],
    **FIGURE,
    "left_out": [LEFT_OUT],
}
POINT = {
    "ts": "2026-11-21T08:00:00+08:00",
    "value": 113.0,
    "code": 1,
    "verdict": "good",
    "left_out": "falsified",
    "reason": "confirmed as falsified (case 7, T03)",
}
LEAF = {
    "entry": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "nonce": "AAECAwQFBgcICQoLDA0ODw==",
    "received_at": "2026-11-21T01:40:00.000000Z",
    "submission": SUMMARY["id"],
}
VERSION = {"version": 2, "approved_by": "ee/publish.approver@131000", "leaf": LEAF} | {
    key: SUMMARY[key] for key in ("sha256", "published_at", "reason")
}
STEP = {
    "step": "corrected",
    "version": 2,
    "actor": "publish/rule",
    "at": SUMMARY["published_at"],
    "note": SUMMARY["reason"],
}


def page(*items: Any, **extra: Any) -> dict[str, Any]:
    return {"items": list(items), "next": None, **extra}


STATIONS = page(STATION)
LATEST = page(SUMMARY | {"standard": "HJ 633-2026", "figure": FIGURE, "left_out": [LEFT_OUT]}, listed=1)
RELEASES = page(SUMMARY)
RANKING = page(
    {
        "rank": 1,
        "region": "131000",
        "value": 98.0,
        "days": 30,
        "substituted": [
            {"day": "2026-11-21", "value": 140.0, "cases": ["case 7"], "source": "环发〔2015〕175号 第十一条"}
        ],
        "assessment": {
            "is_downgraded": True,
            "reason": "falsification confirmed: the region's assessment is downgraded",
            "source": "环发〔2015〕175号 第十一条",
            "cases": ["case 7"],
        },
        "region_name": "Langfang",
    },
    month="2026-11",
    factor="a34004",
    unit="µg/m³",
)
CURVE = page(
    POINT,
    station="131000-A01",
    name="Yaocai Company",
    region="131003",
    element="air",
    factor="a34004",
    factor_name="PM2.5",
    unit="µg/m³",
    decimals=0,
    **{"from": "2026-11-21T08:00:00+08:00", "to": "2026-11-21T09:00:00+08:00"},
)
RELEASE = SUMMARY | {
    "versions": [VERSION],
    "steps": [STEP],
    "snapshot": {
        "item": "air.aqi.hourly",
        "region": "131000",
        "from": SUMMARY["from"],
        "to": SUMMARY["to"],
        "standard": "HJ 633-2026",
        "figure": FIGURE,
        "stations": [{"site": "131000-A01", "name": "Yaocai Company", **FIGURE}],
        "left_out": [LEFT_OUT],
        "lineage": [LINEAGE],
    },
}


def answers(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its example, and 304 for a caller who has it."""
    return {
        200: {"content": {"application/json": {"example": example}}},
        304: {"description": "The caller's copy (If-None-Match) is current"},
    }

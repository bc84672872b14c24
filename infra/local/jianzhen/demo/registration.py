"""Enters the demonstration city into the registry, over HTTP, as the monitoring station does."""

from typing import Any

from jianzhen.demo.city import Site, organisations, sites
from jianzhen.demo.logger import PASSWORD
from jianzhen.demo.officers import ask
from jianzhen.demo.readings import SYSTEM
from jianzhen.platform import Platform

CLERK = "ee.mon/data.submit@131000"


def register(platform: Platform) -> int:
    """Organisations, sites, devices and series; again changes nothing. Returns the number of series."""
    for one in organisations():
        body = {"name_zh": one["zh"], "name_en": one["en"], "region": one["region"], "kind": one["kind"]}
        ask(platform, CLERK, "PUT", f"/api/ingest/organisations/{one['uscc']}", body)
    for site in sites():
        ask(platform, CLERK, "PUT", f"/api/ingest/sites/{site.code}", _site(site))
        if site.mn:
            device = {"site": site.code, "source": site.mn, "password": PASSWORD}
            ask(platform, CLERK, "PUT", f"/api/ingest/devices/{site.mn}", device)
            manners = {"accepts_commands": True, "pulls_back": True}
            ask(platform, CLERK, "PUT", f"/api/ingest/devices/{site.mn}/manners", manners)
    series = [row for site in sites() for row in _series(site)]
    ask(platform, CLERK, "PUT", "/api/ingest/series", {"series": series})
    return len(series)


def _site(site: Site) -> dict[str, Any]:
    return {
        "kind": site.kind,
        "element": site.element,
        "region": site.region,
        "name_zh": site.zh,
        "name_en": site.en,
        "longitude": site.lon,
        "latitude": site.lat,
        "uscc": site.uscc,
        "is_assessed": site.kind == "station",
    }


def _series(site: Site) -> list[dict[str, Any]]:
    periods = ("hour", "min") if site.door == "logger" else ("hour",)
    return [
        {
            "site": site.code,
            "factor": factor.code,
            "statistic": "avg",
            "basis": "raw",
            "period": period,
            "source": site.mn or SYSTEM,
            "unit": factor.unit,
            "sent_unit": factor.unit,
            "decimals": factor.decimals,
            "low": factor.low,
            "high": factor.high,
            "detection_limit": factor.detection,
            "resolution": 10.0**-factor.decimals,
            "permit_limit": factor.permit,
        }
        for factor in site.factors
        for period in periods
    ]

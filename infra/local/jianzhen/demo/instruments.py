"""Files the demonstration's instruments and their checks in qc's registers, as market regulation does.

Promises: again changes nothing, and a day's check is filed once. Without it every value would say that no
instrument is registered, and no hour could be evidence.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from jianzhen.demo.city import Site
from jianzhen.demo.officers import ask, every
from jianzhen.demo.readings import loggers
from jianzhen.demo.signals import Factor
from jianzhen.platform import Platform

METROLOGY = "samr/data.submit@131000"
BOOK = "/api/qc/registers/metrology"
CHECKED_DAYS = 9
IN_USE = "2026-10-01T00:00:00+08:00"
APPLICATIONS = {"waste_gas": "flue-gas", "waste_water": "waste-water", "air": "ambient-air"}
PARTICULATE_FLOW = 16.7


def file_instruments(platform: Platform, now: int) -> int:
    """One instrument for each logger's site, a passed check for each of the last days; how many checks."""
    checks = 0
    for site in loggers():
        _filed(platform, f"instruments/{site.code}", _instrument(site))
        known = {
            row["code"]
            for row in every(platform, METROLOGY, f"{BOOK}/calibrations?site={site.code}&limit=100")
        }
        for code, check in _checks(site, now):
            if code not in known:
                _filed(platform, f"calibrations/{code}", check)
            checks += 1
    return checks


def _filed(platform: Platform, path: str, body: dict[str, Any]) -> None:
    ask(platform, METROLOGY, "PUT", f"{BOOK}/{path}", body)


def _instrument(site: Site) -> dict[str, Any]:
    found = {
        "site": site.code,
        "factors": [factor.code for factor in site.factors],
        "application": APPLICATIONS[site.element],
        "model": "示例-2000",
        "serial": f"SN-{site.mn}",
        "maker": "示例仪器有限公司",
        "model_certificate": "示例型批 2025-001",
        "model_certificate_to": "2030-12-31",
        "is_mandatory": False,
        "in_use_from": IN_USE,
    }
    return found | ({"principle": "extractive"} if site.element == "waste_gas" else {})


def _checks(site: Site, now: int) -> Iterator[tuple[str, dict[str, Any]]]:
    today = datetime.fromtimestamp(now, UTC).date()
    for back in range(CHECKED_DAYS):
        day = today - timedelta(days=back)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        body = {
            "instrument": site.code,
            "done_at": at.isoformat(),
            "way": "automatic",
            "readings": [_reading(factor) for factor in site.factors],
        }
        yield f"{site.code}-{day:%Y%m%d}", body


def _reading(factor: Factor) -> dict[str, Any]:
    """Without drift: zero reads zero, span reads 80 % of the range; particulates, their flow in L/min."""
    full = PARTICULATE_FLOW / 0.8 if factor.code in ("a34002", "a34004") else factor.high
    span = round(0.8 * full, 2)
    return {
        "factor": factor.code,
        "full_scale": full,
        "zero_reference": 0,
        "zero_reading": 0,
        "span_reference": span,
        "span_reading": span,
    }

"""One reading travels the whole way: from a logger's frame to the figure, the listing and the page."""

import re
from typing import Any

import httpx
import pytest
from e2e_city import City, iso, public, until_released
from jianzhen.demo import city, officers
from jianzhen.demo.signals import HOUR, hour_value

pytestmark = pytest.mark.slow
CHAIN = {
    "ingest": "ingest.recorded.v1",
    "qc": "qc.suspicion_raised.v1",
    "cases": "cases.penalty_decided.v1",
    "credit": "credit.listed.v1",
    "publish": "publish.release_published.v1",
}
ITEM, REGION = "air.aqi.hourly", "131000"
EDITOR, PUBLISHER = officers.EDITOR, officers.PUBLISHER


@pytest.fixture(scope="module")
def decided(sent_city: City) -> dict[str, Any]:
    """The cheat's case, walked by three people to its decision."""
    platform, site = sent_city.platform, sent_city.cheat.site
    lead = officers.lead_at(platform, site)
    filed = officers.file_case(platform, lead["id"])
    case_id = filed.get("case_id") or filed["id"]
    officers.confirm(platform, case_id, "operator")
    return officers.decide(platform, case_id, 1, 200_000)


def test_a_lead_names_its_findings_and_its_values(sent_city: City) -> None:
    lead = officers.lead_at(sent_city.platform, sent_city.cheat.site)
    shown = sent_city.ask(officers.OFFICER, f"/api/cases/leads/{lead['id']}")
    assert {finding["rule"] for finding in shown["findings"]} >= {"K1", "X9", "K1X9"}
    assert all(finding["source_clause"] for finding in shown["findings"])
    assert shown["uscc"] == city.site(sent_city.cheat.site).uscc


def test_the_decision_bars_the_operator_with_reason_basis_and_dates(
    sent_city: City, decided: dict[str, Any]
) -> None:
    uscc = city.site(sent_city.cheat.site).uscc
    answer = officers.barred(sent_city.platform, uscc)
    reason = answer["reasons"][0]
    assert reason["decision_no"] == decided["decision_no"]
    assert reason["basis_zh"] and reason["basis_en"] and reason["ground_zh"]
    assert reason["valid_from"] < reason["valid_to"]
    other = officers.procurement(sent_city.platform, city.site("131000-A01").uscc)
    assert other["answer"] == "clear"


def test_the_released_hour_leaves_out_the_falsified_values(sent_city: City, decided: dict[str, Any]) -> None:
    hour = sent_city.cheat.end - HOUR
    officers.release(sent_city.platform, ITEM, REGION, hour)
    shown = until_released(sent_city, hour)
    left = [one for one in shown["snapshot"]["left_out"] if one["site"] == sent_city.cheat.site]
    assert {one["factor"] for one in left} >= set(sent_city.cheat.frozen)


def test_the_released_figure_is_what_follows_from_the_measurements(
    sent_city: City, decided: dict[str, Any]
) -> None:
    """Computed here from the signals alone: the mean of the honest stations, through the standard's table."""
    from standards import aqi

    hour = sent_city.cheat.end - HOUR
    officers.release(sent_city.platform, ITEM, REGION, hour)
    snapshot = until_released(sent_city, hour)["snapshot"]
    stations = {one["site"]: one for one in snapshot["stations"]}
    honest = city.site("131000-A03")
    values = {factor.code: hour_value(honest.code, honest.region, factor, hour) for factor in honest.factors}
    expected = aqi.hourly(values, iso(hour).date())
    assert stations[honest.code]["aqi"] == expected.aqi


def test_the_page_shows_the_figure_of_the_public_api(sent_city: City, decided: dict[str, Any]) -> None:
    hour = sent_city.end - HOUR
    officers.release(sent_city.platform, ITEM, REGION, hour)
    until_released(sent_city, hour)
    latest = public(sent_city, f"/api/publish/public/latest?region={REGION}")
    figure = latest["items"][0]
    with httpx.Client(base_url=sent_city.platform.edge, trust_env=False, follow_redirects=True) as client:
        for lang, label in (("zh", "廊坊"), ("en", "Langfang")):
            page = client.get(f"/{lang}/")
            assert page.status_code == 200 and label in page.text
            assert re.search(rf">\s*{figure['aqi']}\s*<", page.text), "the page does not show the AQI"
            listed = client.get(f"/{lang}/listings")
            assert city.site(sent_city.cheat.site).uscc in listed.text
        station = client.get(f"/en/stations/{sent_city.cheat.site}")
        assert station.status_code == 200 and "<svg" in station.text


def test_one_reading_is_followed_through_every_service(sent_city: City, decided: dict[str, Any]) -> None:
    lead = sent_city.ask(officers.OFFICER, f"/api/cases/leads/{decided['lead_id']}")
    suspicion = sent_city.ask("ee.mon/qc.analyst@131000", f"/api/qc/suspicions/{lead['origin_id']}")
    window = range(sent_city.cheat.start, sent_city.cheat.end, HOUR)
    for hour in window:
        officers.release(sent_city.platform, ITEM, REGION, hour)
    assert any(follows(sent_city, trace) == set(CHAIN) for trace in suspicion["traces"])


def follows(sent_city: City, trace: str) -> set[str]:
    """The services in which the reading with this trace id left the fact expected of it."""
    found = set()
    for service, event in CHAIN.items():
        answer = sent_city.ask(officers.OFFICER, f"/api/{service}/traces/{trace}")
        rows = answer["items"] if isinstance(answer, dict) else answer
        if event in {row["event"] for row in rows}:
            found.add(service)
    return found


def test_a_late_correction_retracts_the_verdict_and_all_behind_it(sent_city: City) -> None:
    """Decided, listed, barred; then the missing minutes arrive and prove the hours right."""
    from jianzhen.demo import readings

    platform, site = sent_city.platform, city.site(sent_city.late.site)
    lead = officers.lead_at(platform, site.code)
    filed = officers.file_case(platform, lead["id"])
    case_id = filed.get("case_id") or filed["id"]
    officers.confirm(platform, case_id, "operator")
    officers.decide(platform, case_id, 2, 150_000)
    officers.barred(platform, site.uscc)
    hour = sent_city.late.end - HOUR
    officers.release(platform, ITEM, REGION, hour)
    before = until_released(sent_city, hour)
    assert any(one["site"] == site.code for one in before["snapshot"]["left_out"])

    readings.send(platform, {site.code: sent_city.held}, lambda _: None)

    def lifted() -> dict[str, Any] | None:
        answer = officers.procurement(platform, site.uscc)
        return answer if answer["answer"] == "clear" and answer["notes"] else None

    assert officers.until("the listing to be suspended", lifted)

    def corrected() -> dict[str, Any] | None:
        shown = until_released(sent_city, hour)
        still = [one for one in shown["snapshot"]["left_out"] if one["site"] == site.code]
        return shown if not still else None

    after = officers.until("the release to be corrected", corrected)
    assert after["version"] > before["version"]
    assert len(after["versions"]) == after["version"], "older versions stay visible"

    officers.annul(platform, case_id, "补传数据证明小时值属实")

    def removed() -> bool | None:
        rows = officers.every(platform, None, "/api/credit/listings")
        current = [row for row in rows if row["uscc"] == site.uscc and row.get("status") in (None, "listed")]
        return True if not current else None

    assert officers.until("the listing to be removed", removed)

"""The site over real HTTP, without a browser: what it shows is what the API says."""

import re
from html import unescape

import httpx
import pytest
from site_scene import Site

# The first test waits for two services, a week of figures and a correction by their clocks.
PAGES = (
    "",
    "stations/131000-A02",
    "stations/131000-A02?factor=a34004&hours=168",
    "releases",
    "listings",
    "usage",
    "method",
)


def text_of(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_exists_in_both_languages(site: Site, lang: str, path: str) -> None:
    answer = httpx.get(f"{site.url}/{lang}/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-language"] == lang
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "style=" not in answer.text
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
    assert len(answer.content) < 50_000 or "168" in path
    head = httpx.head(f"{site.url}/{lang}/{path}")
    assert (head.status_code, head.content) == (200, b"")
    again = httpx.get(f"{site.url}/{lang}/{path}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_front_page_shows_what_the_api_says(site: Site) -> None:
    (latest,) = httpx.get(f"{site.api}/api/publish/public/latest?lang=zh").json()["items"]
    shown = text_of(httpx.get(f"{site.url}/zh/").text)
    assert latest["version"] == 2
    assert latest["reason"] in shown
    assert latest["figure"]["level"]["category"] in shown
    assert f" {latest['aqi']} " in shown
    for pollutant in latest["figure"]["pollutants"]:
        assert f"{pollutant['value']:.{pollutant['decimals']}f} {pollutant['unit']}" in shown
    assert "已认定弄虚作假" in shown
    assert "廊坊某环保科技有限公司" in shown


def test_the_entrance_follows_the_readers_language(site: Site) -> None:
    for asked, lang in (("en-GB,en;q=0.9", "en"), ("zh-CN", "zh"), ("fr", "zh")):
        answer = httpx.get(site.url, headers={"Accept-Language": asked})
        assert (answer.status_code, answer.headers["location"]) == (302, f"/{lang}/")


def test_a_curve_marks_what_was_left_out(site: Site) -> None:
    path = "131000-A02/curve?factor=a34004&hours=24&lang=en"
    curve = httpx.get(f"{site.api}/api/publish/public/stations/{path}").json()
    out = [item for item in curve["items"] if item["left_out"]]
    assert [item["left_out"] for item in out] == ["falsified"] * 5
    page = httpx.get(f"{site.url}/en/stations/131000-A02?factor=a34004").text
    assert page.count('class="crossed"') == 5
    assert page.count("data-left-out") == 5
    for item in curve["items"]:
        assert f'data-value="{item["value"]}"' in page


def test_a_withheld_figure_shows_no_number_but_why_and_until_when(site: Site) -> None:
    path = "131000-A03/curve?factor=a34002&hours=24"
    for lang, words in (
        ("zh", "暂缓发布，待质控人员决定"),
        ("en", "withheld, an analyst decides by 2026-11-20 22:00"),
    ):
        curve = httpx.get(f"{site.api}/api/publish/public/stations/{path}&lang={lang}").json()
        held = [item for item in curve["items"] if item["left_out"] == "withheld"]
        assert [item["value"] for item in held] == [None] * 3
        page = text_of(httpx.get(f"{site.url}/{lang}/stations/131000-A03?factor=a34002").text)
        assert page.count(words) >= 3
        assert words in text_of(httpx.get(f"{site.url}/{lang}/").text)


def test_a_release_leads_back_to_its_values_and_digest(site: Site) -> None:
    told = httpx.get(f"{site.api}/api/publish/public/releases/{site.release}").json()
    page = text_of(httpx.get(f"{site.url}/en/releases/{site.release}").text)
    for version in told["versions"]:
        assert version["sha256"] in page
    assert "Version 2" in page
    old = text_of(httpx.get(f"{site.url}/en/releases/{site.release}?version=1").text)
    assert "which version 2 has replaced" in old


def test_the_procurement_check_answers(site: Site) -> None:
    barred = text_of(httpx.get(f"{site.url}/en/listings?uscc=9144030071526726XG").text)
    assert "Barred from procurement until" in barred
    assert "廊环罚〔2026〕7号" in barred
    clear = text_of(httpx.get(f"{site.url}/en/listings?uscc=91110108551385082Q").text)
    assert "not barred from procurement" in clear
    assert "could not be read" in text_of(httpx.get(f"{site.url}/en/listings?uscc=nonsense").text)


@pytest.mark.parametrize(
    "path", ["zh/nothing", "fr/", "zh/stations/none", "zh/releases/none", "zh/releases/<x>"]
)
def test_what_does_not_exist_is_said_in_both_languages(site: Site, path: str) -> None:
    answer = httpx.get(f"{site.url}/{path}")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
    assert "There is no such page" in answer.text


def test_static_files_may_be_kept_and_nothing_comes_from_elsewhere(site: Site) -> None:
    page = httpx.get(f"{site.url}/zh/stations/131000-A02").text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = httpx.get(site.url + address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)

"""The site in Chromium: pictures in both languages and sizes, accessibility, life without a script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from site_scene import Site

pytestmark = pytest.mark.browser

ARTEFACTS = Path(__file__).parents[2] / ".artefacts" / "screenshots"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
PAGES = {
    "front": "",
    "station": "stations/131000-A02?factor=a34004",
    "station-week": "stations/131000-A01?factor=a34004&hours=168",
    "station-withheld": "stations/131000-A03?factor=a34002",
    "releases": "releases",
    "release": "releases/{release}",
    "listings": "listings?uscc=9144030071526726XG",
    "usage": "usage",
    "method": "method",
}


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(browser: Browser, size: str, **options: object) -> Page:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=size == "phone",
        device_scale_factor=2,
        **options,
    )
    return context.new_page()


@pytest.fixture
def page(browser: Browser, size: str) -> Iterator[Page]:
    made = opened(browser, size)
    yield made
    made.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_and_accessible(site: Site, page: Page, size: str, lang: str, name: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site.url}/{lang}/" + PAGES[name].format(release=site.release), wait_until="networkidle")
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{lang}-{size}.png", full_page=True)
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical", "moderate"}]
    assert serious == [], [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]


def test_figures_and_curve_are_readable_without_javascript(site: Site, browser: Browser, lang: str) -> None:
    page = opened(browser, "phone", java_script_enabled=False)
    page.goto(f"{site.url}/{lang}/")
    assert page.locator(".big .value").inner_text().isdigit()
    page.goto(f"{site.url}/{lang}/stations/131000-A02?factor=a34004")
    assert page.locator("#chart polyline").count() == 1
    assert page.locator("#values tbody tr").count() == 24
    page.screenshot(path=ARTEFACTS / f"station-{lang}-phone-no-script.png", full_page=True)
    page.context.close()


def test_the_curve_can_be_pointed_at_and_shows_the_same_numbers(site: Site, browser: Browser) -> None:
    page = opened(browser, "desktop")
    page.goto(f"{site.url}/en/stations/131000-A03?factor=a34004", wait_until="networkidle")
    plot = page.locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 40)
    newest = page.locator("#values tbody tr").first.get_attribute("data-value") or ""
    assert page.locator(".u-legend").inner_text().count(f"{float(newest):.0f} µg/m³") == 1
    page.context.close()


def test_the_keyboard_reaches_the_content_first(site: Site, browser: Browser) -> None:
    page = opened(browser, "desktop")
    page.goto(f"{site.url}/en/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.context.close()

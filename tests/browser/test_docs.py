"""/docs in Chromium on a whole platform: a reader tries an operation there and then, with their own token."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page
from whole_platform import WholePlatform

pytestmark = pytest.mark.browser
ARTEFACTS = Path(__file__).parents[2] / ".artefacts" / "screenshots"


def opened(page: Page, method: str, path: str) -> Locator:
    """The form of an operation."""
    row = page.locator(f'tr[data-service=ingest][data-method={method}][data-path="{path}"]')
    row.get_by_role("button").click()
    form = row.locator("xpath=following-sibling::tr[1]")
    form.locator("form").wait_for()
    return form


@pytest.mark.parametrize(("lang", "send"), [("zh", "发送"), ("en", "Send")])
def test_a_reader_of_the_documentation_can_try_what_it_shows(
    platform: WholePlatform, browser: Browser, lang: str, send: str
) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{platform.edge}/docs?lang={lang}")
    listing = opened(page, "GET", "/sites")
    listing.get_by_role("button", name=send).click()
    answer = listing.locator("pre")
    answer.get_by_text("/problems/token-missing").wait_for()
    # That one was refused is the browser's to say, too.
    said.clear()

    page.fill("#token", platform.client.token("ee.mon/data.submit@131000"))
    listing.locator("input[data-name=limit]").fill("2")
    listing.get_by_role("button", name=send).click()
    answer.get_by_text("200 OK").wait_for()
    assert "GET /api/ingest/sites?limit=2" in answer.inner_text()
    assert '"items"' in answer.inner_text()

    batch = opened(page, "POST", "/observations")
    assert '"factor": "a34004"' in batch.locator("textarea").input_value()
    one = opened(page, "GET", "/sites/{code}")
    one.locator("input[data-name=code]").fill("no/such")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    assert said == []
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"docs-{lang}.png", full_page=False)
    page.close()


def test_without_a_script_the_documentation_reads_as_before(
    platform: WholePlatform, browser: Browser
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{platform.edge}/docs?lang=en")
    assert page.locator("tr[data-path]").count() > 250
    assert page.get_by_role("button").count() == 0
    assert not page.locator("#token").is_visible()
    page.context.close()

"""kill -9 for the whole product amid journeys: what was acknowledged is there, what was not arrives."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import City
from tests.journeys.test_resident import BEGIN, SEND, go_on, waiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ARRIVED = "وصلت"


def fill_in(page: Page, city: City, code: str) -> None:
    """The whole questionnaire up to the button that sends."""
    page.goto(f"{city.address}/s/living-here/ar#{code.replace('-', '')}")
    page.check("input[name=_consent]")
    page.locator("button:visible", has_text=BEGIN).click()
    for _screen in range(140):
        if not go_on(page):
            return


def test_a_killed_server_loses_no_answers(city: City, new_page) -> None:
    """Killed after one person's acknowledgement, while another is answering and sends to nobody."""
    before = waiting(city)
    first, second = new_page(locale="ar"), new_page(locale="ar")
    fill_in(first, city, city.made["codes"][2])
    first.locator("button:visible", has_text=SEND).click()
    expect(first.get_by_text(ARRIVED).first).to_be_visible()
    fill_in(second, city, city.made["codes"][3])
    city.kill()
    second.locator("button:visible", has_text=SEND).click()
    second.wait_for_timeout(1_000)
    expect(second.get_by_text(ARRIVED)).to_have_count(0)
    city.serve()
    assert waiting(city) == before + 1, "the first person's answers were acknowledged"
    expect(second.get_by_text(ARRIVED).first).to_be_visible()
    assert waiting(city) == before + 2


def test_a_killed_server_loses_no_ballot(city: City, new_page) -> None:
    """Killed while a ballot is on its way: the phone keeps it, sends it again, and it counts once."""
    slug = city.made["open_conference"]
    page: Page = new_page(locale="de")
    page.goto(f"{city.address}/c/{slug}?lang=de#{city.made['conference_codes'][0]}")
    expect(page.locator("#slip-read")).to_be_visible()
    page.locator("#options .tap").first.click()
    before = waiting(city)
    page.locator("#send").click()
    city.kill()
    acknowledged = page.locator("#answer .receipt").count()
    city.serve()
    if acknowledged:
        assert waiting(city) == before + 1
    if not page.locator("#answer .receipt").count():
        page.locator("#send").click()
    expect(page.locator("#answer .receipt")).to_have_text(re.compile(r"\S+( \S+){5}"))
    assert waiting(city) == before + 1

"""A resident's way: Arabic on a phone with the network gone in the middle; German without script."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import City

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NEXT, BEGIN, SEND = "التالي", "ابدأ", "إرسال"


def waiting(city: City) -> int:
    """Submissions that were acknowledged: in the waiting room, or mixed."""
    (spent,) = city.rows("collector", "SELECT count(*) FROM spent")[0]
    return int(spent)


def answer_what_is_shown(page: Page) -> None:
    groups = page.locator("fieldset:visible").filter(has=page.locator("input:visible"))
    for number in range(groups.count()):
        choice = groups.nth(number).locator("input[type=radio]:visible, input[type=checkbox]:visible").first
        if choice.count() and not choice.is_checked():
            choice.check()


def go_on(page: Page) -> bool:
    """Answer this screen and go to the next; false on the last one."""
    answer_what_is_shown(page)
    button = page.locator("button:visible", has_text=NEXT)
    if button.count() == 0:
        return False
    button.first.click()
    return True


def test_in_arabic_on_a_phone_with_flight_mode_in_the_middle(city: City, new_page, shot) -> None:
    page: Page = new_page(locale="ar")
    context: BrowserContext = page.context
    code = city.made["codes"][0].replace("-", "")
    page.goto(f"{city.address}/s/living-here/ar#{code}")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    # The code leaves the address as soon as the script has it.
    page.wait_for_url(f"{city.address}/s/living-here/ar")
    page.axe()
    shot(page, "resident-ar-start")
    page.check("input[name=_consent]")
    page.locator("button:visible", has_text=BEGIN).click()
    for _screen in range(6):
        assert go_on(page)
    shot(page, "resident-ar-question")
    page.axe()
    context.set_offline(True)
    before = waiting(city)
    for _screen in range(120):
        if not go_on(page):
            break
    page.locator("button:visible", has_text=SEND).click()
    expect(page.get_by_text("لا توجد شبكة الآن").first).to_be_visible()
    assert waiting(city) == before, "nothing can have arrived without a network"
    shot(page, "resident-ar-offline")
    context.set_offline(False)
    expect(page.get_by_text("وصلت").first).to_be_visible()
    assert waiting(city) == before + 1
    shot(page, "resident-ar-sent")
    page.axe()


def test_in_german_without_script(city: City, new_page, shot) -> None:
    page: Page = new_page(java_script_enabled=False, locale="de")
    page.goto(f"{city.address}/s/living-here/de")
    shot(page, "resident-without-script")
    code = city.made["codes"][1]
    before = waiting(city)
    page.fill("input[name=_code]", code[:-1] + ("A" if code[-1] != "A" else "C"))
    page.check("input[name=gender][value=female]")
    page.check("input[name=_consent]")
    page.locator("button[type=submit], button:not([type])").last.click()
    assert page.locator("input[name=gender]").get_attribute("value") == "female", "a mistake loses no answer"
    page.fill("input[name=_code]", code)
    page.locator("button[type=submit], button:not([type])").last.click()
    assert page.url.endswith("/s/living-here/de/received")
    assert waiting(city) == before + 1

"""The tour of the demo: everything it points to is there; the public can read results; axe finds nothing."""

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import City, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Accounts of the demo that the tour sends to staff pages, by what stands before the @.
LOGINS = (
    "editor",
    "translator",
    "register-clerk",
    "analyst",
    "reviewer",
    "moderator",
    "entry-clerk",
    "administrator",
)


def links(page: Page) -> list[str]:
    """Addresses of the tour's links, in order."""
    return [str(link.get_attribute("href")) for link in page.locator("main ol a").all()]


def test_the_public_reads_results_on_a_phone(city: City, new_page, shot) -> None:
    for tag, direction in (("ar", "rtl"), ("de", "ltr")):
        page: Page = new_page(locale=tag, java_script_enabled=False)
        page.goto(f"{city.address}/results/{city.made['publication']}/{tag}")
        assert page.locator("html").get_attribute("dir") == direction
        shot(page, f"results-{tag}")
    page = new_page(locale="ar")
    page.goto(f"{city.address}/results/{city.made['publication']}/ar")
    page.axe()
    page.fits()


@pytest.mark.parametrize("tag", ["de", "ar", "uk"])
def test_everything_on_the_first_page_is_there(city: City, new_page, tag: str) -> None:
    page: Page = new_page(locale=tag)
    page.goto(f"{city.address}/?lang={tag}")
    page.axe()
    found = [str(link.get_attribute("href")) for link in page.locator("main a").all()]
    assert len(found) >= 4
    for address in found:
        answer = page.goto(f"{city.address}{address}")
        assert answer is not None
        assert answer.status == 200, address


def test_every_public_stop_of_the_tour_is_there(city: City, new_page, shot) -> None:
    page: Page = new_page(locale="de")
    page.goto(f"{city.address}/tour")
    page.axe()
    shot(page, "tour")
    found = [address for address in links(page) if not address.startswith("/office")]
    assert len(found) >= 9
    for address in found:
        answer = page.goto(f"{city.address}{address}")
        assert answer is not None
        assert answer.status == 200, address


@pytest.mark.parametrize("login", LOGINS)
def test_every_stop_of_the_staff_is_there(city: City, new_page, shot, login: str) -> None:
    page: Page = new_page(locale="de", viewport={"width": 1100, "height": 800})
    page.goto(f"{city.address}/tour")
    section = page.locator("section", has=page.locator(f"code:text-is('{login}@demo.example.org')"))
    addresses = [str(link.get_attribute("href")) for link in section.locator("ol a").all()]
    assert len(addresses) == 3
    sign_in(page, city, login)
    for number, address in enumerate(addresses):
        answer = page.goto(f"{city.address}{address}")
        assert answer is not None
        assert answer.status == 200, address
        shot(page, f"{login}-{number + 1}")
        if not address.startswith("/health"):
            page.axe()

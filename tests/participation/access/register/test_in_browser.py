"""The register's pages on a phone-sized screen, asked by axe."""

import pytest

pytestmark = pytest.mark.browser


def test_the_registers_pages_are_accessible(ready, staff_page):
    page = staff_page("register_clerk")
    for place in ("", "strata", "keys", "sample", "letters", "people", "slips", "nonresponse"):
        page.goto(f"{ready.base}/{place}")
        page.axe()
        page.fits()
    for place in ("", "languages", "plan", "lock"):
        page.goto(f"/office/register/{place}")
        page.axe()
        page.fits()

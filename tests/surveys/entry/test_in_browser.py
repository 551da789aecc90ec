"""Accessibility of the entry room's pages in a real browser."""

import pytest

from tests.surveys.collection.conftest import phone, signing_pair

__all__ = ["phone", "signing_pair"]

pytestmark = pytest.mark.browser


def test_the_entry_rooms_pages_are_accessible(phone, staff_page):
    page = staff_page("entry_clerk")
    page.goto("/office/entry/")
    page.axe()
    page.fits()
    page.fill("input[name=label]", "Stack")
    page.fill("input[name=sheets]", "1")
    page.click("#submit")
    page.click("a[href$='/key/1']")
    page.axe()
    page.fits()

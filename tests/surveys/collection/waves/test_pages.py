"""The wave pages in a browser: accessible, and no wider than a phone."""

import pytest

from surveys.authoring import store as authoring
from surveys.collection import store
from tests.surveys.collection.conftest import DOCUMENT

pytestmark = pytest.mark.browser


def test_wave_pages_are_accessible_and_fit(app, served, staff_page):
    with app.extensions["stores"].get("office").begin() as session:
        authoring.save_draft(session, "small", DOCUMENT)
        wave = store.create_wave(session, "small", "sample", "First wave", ["en"])
    page = staff_page("editor")
    for path in ("/office/waves", "/office/surveys/small/waves", f"/office/surveys/small/waves/{wave.id}"):
        page.goto(f"{served}{path}")
        page.axe()
        page.fits()

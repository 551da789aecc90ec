"""The wave pages in a browser: accessible, and no wider than a phone."""

from datetime import UTC, datetime

import pytest

from surveys.authoring import store as authoring
from surveys.collection import store
from tests.surveys.collection.conftest import DOCUMENT

pytestmark = pytest.mark.browser


def test_wave_pages_are_accessible_and_fit(app, served, staff_page):
    with app.extensions["stores"].get("office").begin() as session:
        authoring.save_draft(session, "small", DOCUMENT)
        wave = store.create_wave(session, "small", "sample", "First wave", ["en"])
        running = store.create_wave(session, "small", "open", "Second wave", ["en"])
        running.versions, running.population, running.frame = [1], "Adults", "Anybody"
        running.opens_on = running.closes_on = datetime.now(UTC).date()
        running.checklist = list(store.TICKS)
        session.flush()
        with app.extensions["stores"].get("collector").begin() as collector:
            store.freeze(session, collector, running)
            store.open_wave(session, collector, running, datetime.now(UTC), demo=True)
    page = staff_page("editor")
    waves = "/office/surveys/small/waves"
    for path in ("/office/waves", waves, f"{waves}/{running.id}", f"{waves}/{wave.id}"):
        page.goto(f"{served}{path}")
        page.axe()
        page.fits()
    page.click("details.confirm summary")
    page.axe()
    page.fits()
    page.click("button[name=freeze]")
    page.wait_for_selector(".alert-success")
    assert page.locator("button[name=open]").count() == 1

"""Interviews in a row in a real browser, with and without a network; accessibility of the staff's pages."""

import pytest

from participation.access.collector.store import waiting_count
from tests.surveys.collection.conftest import phone, signing_pair

__all__ = ["phone", "signing_pair"]

pytestmark = pytest.mark.browser


def waiting(app, phone):
    (key_id,) = phone.fielding.keys.values()
    with app.extensions["stores"].get("collector").read() as session:
        return waiting_count(session, key_id)


def answer(page, code, happy):
    page.fill("input[name=_code]", str(code))
    page.check("input[name=_consent]")
    page.check(f"input[name=happy][value='{happy}']")
    page.click("#_send")


def test_interviews_follow_each_other_and_wait_for_the_network(app, phone, staff_page):
    page = staff_page("entry_clerk")
    first, second, third = (person.code for person in phone.fielding.people[:3])
    page.goto(f"/office/entry/interviews/{phone.fielding.wave.id}/en")
    answer(page, first, 1)
    page.wait_for_selector("p[role=status]:has-text('Your answers have arrived')")
    assert page.input_value("input[name=_code]") == ""
    assert not page.is_checked("input[name=happy][value='1']")
    page.context.set_offline(True)
    answer(page, second, 2)
    page.wait_for_selector("p[role=status]:has-text('(1)')")
    assert page.input_value("input[name=_code]") == ""
    assert waiting(app, phone) == 1
    answer(page, third, 1)
    page.wait_for_selector("p[role=status]:has-text('(2)')")
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.get_by_text("Your answers have arrived", exact=True).wait_for()
    assert waiting(app, phone) == 3
    # Nothing is kept on the device.
    assert page.evaluate("indexedDB.databases().then(found => found.length)") == 0
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_wrong_code_is_said_and_the_answers_stay(phone, staff_page):
    page = staff_page("entry_clerk")
    page.goto(f"/office/entry/interviews/{phone.fielding.wave.id}/en")
    answer(page, "12345", 2)
    page.wait_for_selector("p[role=status]:has-text('Please check the code')")
    assert page.is_checked("input[name=happy][value='2']")


def test_a_code_that_nobody_can_read_now_costs_no_interview(app, phone, staff_page):
    """The question for the code is answered with "cancel": the interview waits until it is known."""
    page = staff_page("entry_clerk")
    page.goto(f"/office/entry/interviews/{phone.fielding.wave.id}/en")
    page.context.set_offline(True)
    answer(page, "12345", 2)
    page.wait_for_selector("p[role=status]:has-text('(1)')")
    answers = [None, str(phone.fielding.people[0].code)]
    page.on("dialog", lambda asked: asked.accept(given) if (given := answers.pop(0)) else asked.dismiss())
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_selector("p[role=status]:has-text('Please check the code')")
    assert waiting(app, phone) == 0
    assert "(1)" in page.locator("p[role=status]").first.inner_text()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.get_by_text("Your answers have arrived", exact=True).wait_for()
    assert waiting(app, phone) == 1


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

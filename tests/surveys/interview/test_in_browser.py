"""Interviews in a row in a real browser, with and without a network."""

import re
from datetime import UTC, datetime

import pytest

from participation.access import codes
from participation.access.collector.store import waiting_count
from surveys.collection import store as collection
from tests.surveys.collection.conftest import forget_cached
from tests.surveys.documents import document, item, options

pytestmark = pytest.mark.browser


def waiting(app, phone):
    (key_id,) = phone.fielding.keys.values()
    with app.extensions["stores"].get("collector").read() as session:
        return waiting_count(session, key_id)


@pytest.fixture
def desk(phone, staff_page):
    page = staff_page("entry_clerk", locale="en-GB")
    page.goto(f"/office/entry/interviews/{phone.fielding.wave.id}/en")
    return page


def answer(page, code, happy):
    page.fill("input[name=_code]", str(code))
    page.check("input[name=_consent]")
    page.check(f"input[name=happy][value='{happy}']")
    page.click("#_send")


def online(page):
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")


def status(page):
    return page.locator("p[role=status]").inner_text()


def said(page, text):
    page.locator("p[role=status]").get_by_text(text).wait_for()


def waits(page):
    """The lines of the list, without the time of day."""
    lines = page.locator("#_waiting li").all_inner_texts()
    assert all(re.match(r"\d\d:\d\d, ", line) for line in lines)
    return [line.split(", ")[1] for line in lines]


def end(code):
    return f"code ending in {str(code)[-5:]}"


def test_interviews_follow_each_other_and_wait_for_the_network(app, phone, desk):
    page = desk
    first, second, third = (person.code for person in phone.fielding.people[:3])
    answer(page, first, 1)
    said(page, "The answers have arrived.")
    assert page.input_value("input[name=_code]") == ""
    assert not page.is_checked("input[name=happy][value='1']")
    page.context.set_offline(True)
    answer(page, second, 2)
    said(page, "It is kept on this device and will be sent by itself. Do not key it again.")
    assert page.input_value("input[name=_code]") == ""
    assert waiting(app, phone) == 1
    page.get_by_text("Interviews that wait on this device: 1").wait_for()
    answer(page, third, 1)
    page.get_by_text("Interviews that wait on this device: 2").wait_for()
    assert waits(page) == [end(second), end(third)]
    page.axe()
    page.fits()
    online(page)
    said(page, f"{end(third)}: the answers have arrived.")
    assert page.locator("#_waiting").count() == 0
    assert waiting(app, phone) == 3
    # Nothing is kept on the device.
    assert page.evaluate("indexedDB.databases().then(found => found.length)") == 0
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_slip_of_the_pen_and_a_code_twice_are_said_at_once_without_a_network(phone, desk):
    page = desk
    page.context.set_offline(True)
    first, second = (person.code for person in phone.fielding.people[:2])
    text = str(second)
    answer(page, text[:-1] + ("0" if text[-1] != "0" else "1"), 2)
    said(page, "Please check the code: group 5 is not right.")
    assert page.is_checked("input[name=happy][value='2']")
    page.uncheck("input[name=_consent]")
    page.fill("input[name=_code]", text)
    page.click("#_send")
    said(page, "Please tick that you want to take part.")
    answer(page, first, 2)
    page.get_by_text("Interviews that wait on this device: 1").wait_for()
    # Typed otherwise, it is the same code.
    answer(page, str(first).lower().replace("-", " "), 1)
    said(page, "An interview with this code is on this device already.")
    assert waits(page) == [end(first)]
    assert page.is_checked("input[name=happy][value='1']")


def test_an_interview_that_is_refused_stays_until_it_is_corrected_or_discarded(app, phone, desk):
    page = desk
    used, good, spare = (person.code for person in phone.fielding.people[:3])
    answer(page, used, 1)
    said(page, "The answers have arrived.")
    page.context.set_offline(True)
    unknown = codes.new_code(used.mark)
    for code in (used, unknown, good):
        answer(page, code, 2)
        page.locator("#_waiting li").get_by_text(end(code)).wait_for()
    online(page)
    # One that is refused holds nobody else up.
    page.get_by_text("Interviews that were not taken: 2").wait_for()
    page.wait_for_function("() => !document.querySelector('#_waiting')")
    assert waiting(app, phone) == 2
    boxes = page.locator("#_refused [role=group]")
    reasons = [text.split("\n")[:2] for text in boxes.all_inner_texts()]
    assert [(name.split(", ")[1], reason.split(".")[0]) for name, reason in reasons] == [
        (end(used), "This access code was used already"),
        (end(unknown), "This access code is not known"),
    ]
    page.axe()
    page.fits()
    boxes.nth(1).get_by_label("Access code").fill("12345")
    boxes.nth(1).get_by_role("button", name="Send with this code").click()
    said(page, "Please check the code: group 1 is not right.")
    boxes.nth(1).get_by_label("Access code").fill(str(spare))
    boxes.nth(1).get_by_role("button", name="Send with this code").click()
    said(page, f"{end(spare)}: the answers have arrived.")
    assert waiting(app, phone) == 3
    asked = []
    page.once("dialog", lambda dialog: asked.append(dialog.message) or dialog.dismiss())
    page.get_by_role("button", name="Discard this interview").click()
    assert boxes.count() == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Discard this interview").click()
    assert boxes.count() == 0
    assert (len(asked), end(used) in asked[0]) == (1, True)


def test_a_wave_closed_meanwhile_is_the_reason_and_nothing_is_thrown_away(app, phone, desk):
    page = desk
    page.context.set_offline(True)
    answer(page, phone.fielding.people[0].code, 1)
    page.locator("#_waiting").wait_for()
    stores = app.extensions["stores"]
    with stores.get("office").begin() as session, stores.get("collector").begin() as published:
        wave = collection.wave(session, phone.fielding.wave.id)
        collection.close(session, published, wave, datetime.now(UTC))
    forget_cached(app)
    online(page)
    box = page.locator("#_refused [role=group]")
    box.get_by_text("The survey is over. The answers of this interview were not taken.").wait_for()
    assert box.get_by_role("button").all_inner_texts() == ["Discard this interview"]


MANY = document(item("choose", "multiple", options=options("a", "b", "c"), max=2), item("one"), id="many")


def test_too_many_ticks_are_said_at_once_and_what_cannot_be_right_comes_back_into_the_form(
    survey, staff_page
):
    phone = survey(document=MANY)
    page = staff_page("entry_clerk", locale="en-GB")
    page.goto(f"/office/entry/interviews/{phone.fielding.wave.id}/en")
    first, second = (str(person.code) for person in phone.fielding.people[:2])
    page.context.set_offline(True)
    page.fill("input[name=_code]", first)
    page.check("input[name=_consent]")
    for code in "abc":
        page.check(f"input[name=choose][value={code}]")
    page.click("#_send")
    said(page, "At most 2 answers. Please take some away.")
    page.uncheck("input[name=choose][value=c]")
    # Only the server sees that an answer and a refusal exclude each other.
    page.check("input[name=choose][value='!refused']")
    page.uncheck("input[name=choose][value=b]")
    page.click("#_send")
    page.locator("#_waiting").wait_for()
    online(page)
    back = page.get_by_role("button", name="Put it back into the form")
    page.fill("input[name=_code]", second)
    back.click()
    said(page, "There are answers in the form. Send them first.")
    page.fill("input[name=_code]", "")
    back.click()
    said(page, "These answers exclude each other. Please choose.")
    assert page.input_value("input[name=_code]") == first
    assert page.locator("#_refused").count() == 0
    page.uncheck("input[name=choose][value='!refused']")
    page.click("#_send")
    said(page, "The answers have arrived.")

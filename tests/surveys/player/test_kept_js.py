"""The survey is over and a phone still has answers: they can be read, printed, kept as a file and deleted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml.html import fromstring

from stores import collector, publish, published
from tests.surveys.collection.conftest import close_wave
from tests.surveys.documents import load
from tests.surveys.player.test_player_js import begin, enter, send, settled, to

pytestmark = pytest.mark.browser

LEFT = """() => new Promise(done => { indexedDB.open('vielstimmig-player').onsuccess = event => {
  const all = event.target.result.transaction('kept').objectStore('kept').getAllKeys();
  all.onsuccess = () => done(all.result); } })"""
SAID = [("Where do you live?", "South"), ("Who was born in Germany? – You", "no")]
TOO_LATE = "The survey is over. Your answers were not sent. You can print this page."


def answer(page, mine):
    begin(page, mine=mine)
    to(page, "district")
    page.get_by_label("South").check()
    to(page, "born")
    page.locator("[id='born.self']").get_by_label("no").check()


def listed(page):
    page.get_by_role("alert").get_by_text(TOO_LATE).wait_for()
    terms, said = (page.locator(f"#kept {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return list(zip(terms, said, strict=True))


@pytest.mark.parametrize("mine", ["yes", "no"])
def test_who_sends_too_late_gets_the_answers_back(app, served, survey, page, mine):
    phone = survey()
    enter(page, served, phone)
    answer(page, mine)
    to(page, "_end")
    if mine == "yes":
        settled(page, LEFT)
    close_wave(app, phone.fielding.wave.id)
    send(page)
    assert listed(page) == SAID
    assert page.url == f"{served}/s/small/en/kept"
    assert page.get_by_role("button", name="Send").count() == 0
    page.axe()
    page.fits()
    page.reload()
    assert listed(page) == SAID
    page.goto(f"{served}/s/small/en")
    assert listed(page) == SAID
    other = page.context.new_page()
    other.goto(f"{served}/s/small?lang=en")
    if mine == "no":
        other.get_by_text("This survey is over.").wait_for()
        # Nothing of a shared phone's tab lies anywhere else.
        other.wait_for_timeout(1_000)
        assert other.locator("#kept > *").count() == 0
    else:
        assert listed(other) == SAID


def test_on_paper_there_are_questions_and_answers_and_nothing_to_press(app, served, survey, page):
    phone = survey()
    enter(page, served, phone)
    answer(page, "yes")
    close_wave(app, phone.fielding.wave.id)
    send(page)
    assert listed(page) == SAID
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    page.get_by_role("button", name="Print").click()
    assert page.title() == "printed"
    page.emulate_media(media="print")
    shown = page.locator("#kept > *:visible").evaluate_all("all => all.map(one => one.tagName)")
    assert shown == ["P", "H2", "DL"]
    assert page.locator("header:visible").count() == 0


def test_the_file_says_the_same_by_itself(app, served, survey, page):
    phone = survey(languages=["de", "en", "fa-AF"])
    enter(page, served, phone, language="دری")
    page.locator("#_consent input").check()
    for _screen in range(3):
        page.locator("form > .p button").nth(1).click()
    to(page, "district")
    page.locator("#district input[value=south]").check()
    close_wave(app, phone.fielding.wave.id)
    to(page, "_end")
    page.locator("#_send").click()
    page.locator("#kept dl").wait_for()
    with page.expect_download() as download:
        page.locator("#kept button").nth(1).click()
    assert download.value.suggested_filename == "small.html"
    file = fromstring(Path(download.value.path()).read_bytes())
    assert (file.get("lang"), file.get("dir")) == ("fa-AF", "rtl")
    kept = [file.findtext(f".//{tag}") for tag in ("h1", "dt", "dd")]
    assert kept == [page.locator(tag).inner_text() for tag in ("h1", "#kept dt", "#kept dd")]


def test_deleting_leaves_nothing(app, served, survey, page):
    phone = survey()
    enter(page, served, phone)
    answer(page, "yes")
    close_wave(app, phone.fielding.wave.id)
    send(page)
    assert listed(page) == SAID
    page.get_by_role("button", name="Delete my answers from this phone").click()
    page.get_by_text("They have been deleted from this phone.").wait_for()
    assert page.locator("#kept dl").count() == 0
    assert (page.evaluate(LEFT), page.evaluate("Object.keys(sessionStorage)")) == ([], [])
    page.reload()
    page.get_by_text("This survey is over.").wait_for()
    page.wait_for_timeout(1_000)
    assert page.locator("#kept > *").count() == 0


def test_answers_that_waited_for_the_network_are_there_too(app, served, survey, page):
    """Queued on a shared phone, the tab closed, and the survey over before there was a network."""
    phone = survey()
    enter(page, served, phone)
    answer(page, "no")
    to(page, "_end")
    page.route("**/keys.json", lambda route: route.abort())
    page.route("**/answers", lambda route: route.abort())
    send(page)
    page.get_by_text("Your answers wait on this phone").wait_for()
    context = page.context
    page.close()
    close_wave(app, phone.fielding.wave.id)
    other = context.new_page()
    other.goto(f"{served}/s/small/en")
    assert listed(other) == SAID


def test_after_the_last_day_answers_are_shown_and_not_deleted_unseen(app, served, survey, page):
    """The button was not pressed: the clock alone closed the wave."""
    phone = survey()
    enter(page, served, phone)
    answer(page, "yes")
    settled(page, LEFT)
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    with app.app_context(), collector.begin() as session:
        wave = published(session, "office", "wave", "small")
        publish(session, "office", "wave", "small", wave | {"closes_on": yesterday})
    app.extensions.pop("player_waves", None)
    page.reload()
    assert listed(page) == SAID
    assert page.url == f"{served}/s/small/en/kept"


def test_a_phone_that_has_nothing_is_left_as_it_was(served, field, page):
    field(load("small"), "sample", state="closed")
    page.goto(f"{served}/s/small/en")
    page.get_by_text("This survey is over.").wait_for()
    page.wait_for_timeout(1_000)
    assert page.locator("#kept > *").count() == 0
    assert page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))") == []

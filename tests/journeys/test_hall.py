"""A conference: someone who votes in Dari with keys alone; a moderator, thirty phones and the stage."""

import io
import re
import zipfile
from pathlib import Path

import pymupdf
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import GUIDE, City, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELDS = ("Sprache", "Arbeit", "Wohnen", "Bildung", "Gesundheit", "Teilhabe", "Schutz", "Kultur")
LANGUAGES = ("de", "ar", "fa-AF", "en", "ru", "uk")
PHONES = 30
RECEIPT = re.compile(r"\S+( \S+){5}")
CODE = re.compile(r"\b[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4}\b")


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Press Tab until the focus lies on the element; nobody who uses keys alone can do more."""
    for _press in range(most):
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached in {most} presses of Tab")


def test_a_participant_in_dari_by_keyboard_alone(city: City, new_page, shot) -> None:
    page: Page = new_page(locale="fa-AF")
    code = city.made["conference_codes"][1]
    page.goto(f"{city.address}/c/{city.made['open_conference']}?lang=fa-AF")
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["fa-AF", "rtl"]
    page.axe()
    page.fits()
    tab_to(page, "#options li:nth-child(1) .tap")
    page.keyboard.press("Enter")
    tab_to(page, "#options li:nth-child(3) .tap")
    page.keyboard.press("Space")
    places = page.locator("#options li.chosen .place").all_inner_texts()
    assert len(places) == 2
    # The topics speak Dari as well: none of them fell back to another language.
    assert page.locator("#options .label [lang]").count() == 0
    tab_to(page, "#code")
    page.keyboard.type(code)
    shot(page, "participant-dari")
    tab_to(page, "#send")
    page.keyboard.press("Enter")
    expect(page.locator("#answer .receipt")).to_have_text(RECEIPT)
    page.axe()
    shot(page, "participant-dari-received")


def new_conference(page: Page, city: City) -> str:
    """Eight topics and one group of thirty; returns the address of the conference."""
    page.goto(f"{city.address}/office/conferences/new")
    page.fill("#title", "Stadtteilkonferenz")
    page.fill("#topics", "\n".join(FIELDS))
    for n in range(6):
        page.locator(f"#group-{n}").fill("Bewohnerschaft" if n == 0 else "")
        page.locator(f"#seats-{n}").fill(str(PHONES) if n == 0 else "")
    for tag in LANGUAGES:
        page.check(f"input[name=languages][value={tag}]")
    page.locator("main form .btn-primary").click()
    expect(page.locator("#rounds")).to_be_visible()
    return page.url.rstrip("/").rpartition("/")[2]


def printed_codes(page: Page, city: City, slug: str) -> list[str]:
    """Print the slips and read their codes off the paper."""
    page.goto(f"{city.address}/office/slips/{slug}/")
    with page.expect_download() as download:
        page.locator("main form .btn-primary").click()
    content = Path(download.value.path()).read_bytes()
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (name,) = archive.namelist()
            content = archive.read(name)
    with pymupdf.open(stream=content, filetype="pdf") as document:
        text = "\n".join(sheet.get_text() for sheet in document)
    return list(dict.fromkeys(CODE.findall(text)))


def press(page: Page, city: City, slug: str, step: str) -> None:
    """Bring the counted round one step on; wait where the desk asks to look again."""
    page.goto(f"{city.address}/office/conferences/{slug}")
    button = page.locator(f'form[action$="/rounds/r2/{step}"] button')
    for _look in range(60):
        if button.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    button.first.click()


def test_a_moderator_thirty_phones_and_the_stage(city: City, new_page, shot) -> None:
    desk: Page = new_page(locale="de", viewport={"width": 1280, "height": 900})
    sign_in(desk, city, "moderator")
    slug = new_conference(desk, city)
    # Nobody waits here for phones that are about to send.
    desk.goto(f"{city.address}/office/conferences/{slug}/rounds/r2")
    desk.fill("#grace", "0")
    desk.locator("main form .btn-primary").click()
    press(desk, city, slug, "announced")
    codes = printed_codes(desk, city, slug)
    assert len(codes) == PHONES
    press(desk, city, slug, "open")
    stage = desk.context.new_page()
    stage.set_viewport_size({"width": 1280, "height": 720})
    stage.goto(f"{city.address}/office/conferences/{slug}/stage")
    phones: list[Page] = []
    for n, code in enumerate(codes):
        phone: Page = new_page()
        phone.goto(f"{city.address}/c/{slug}?lang={LANGUAGES[n % len(LANGUAGES)]}#{code}")
        for k in range(3):
            phone.locator(f'li[data-id="o{1 + (n + k * (1 + n % 2)) % 8}"] .tap').click()
        phones.append(phone)
    shot(phones[1], "phone-ballot-ar")
    for phone in phones:
        phone.evaluate("document.getElementById('send').click()")
    for phone in phones:
        expect(phone.locator("#answer .receipt")).to_have_text(RECEIPT)
    expect(stage.locator("#now")).to_contain_text(str(PHONES))
    shot(stage, "stage-open")
    shot(desk, "moderator-desk")
    press(desk, city, slug, "closed")
    press(desk, city, slug, "revealed")
    desk.goto(f"{city.address}/office/conferences/{slug}/rounds/r2/outcome")
    desk.axe()
    shot(desk, "moderator-outcome")
    found = desk.request.get(f"{city.address}/office/conferences/{slug}/rounds/r2/outcome.json").json()
    assert found["cast"] == PHONES
    # The order is shown from the last place to the first, one press of a key each.
    expect(stage.locator("#order li")).to_have_count(len(FIELDS))
    for place in range(len(FIELDS), 0, -1):
        expect(stage.locator("#order li:not(.coming)")).to_have_count(len(FIELDS) - place)
        stage.keyboard.press("Space")
    expect(stage.locator("#order li.coming")).to_have_count(0)
    shot(stage, "stage-outcome")
    stage.close()


@pytest.mark.parametrize("language", ["de", "ar"])
def test_the_ballot_as_the_guide_shows_it(city: City, new_page, shot, language: str) -> None:
    page: Page = new_page()
    page.goto(f"{city.address}/c/{city.made['open_conference']}?lang={language}")
    page.locator("#options li:nth-child(2) .tap").click()
    page.locator("#options li:nth-child(4) .tap").click()
    expect(page.locator("#options li.chosen")).to_have_count(2)
    page.locator("#options").evaluate("list => scrollTo(0, list.offsetTop - 250)")
    page.fits()
    shot(page, f"conference-ballot-{language}", GUIDE)


def test_stage_and_outcome_as_the_guide_shows_them(city: City, new_page, shot) -> None:
    desk: Page = new_page(locale="de", viewport={"width": 1280, "height": 720})
    sign_in(desk, city, "moderator")
    office = f"{city.address}/office/conferences"
    desk.goto(f"{office}/{city.made['open_conference']}/stage?first=de&second=ar")
    expect(desk.locator("#now .turnout")).to_have_count(2)
    shot(desk, "conference-stage-open", GUIDE)
    desk.goto(f"{office}/{city.made['comparison']}/stage")
    expect(desk.locator("#order li")).to_have_count(8)
    desk.keyboard.press("End")
    expect(desk.locator("#order li.coming")).to_have_count(0)
    shot(desk, "conference-stage-outcome", GUIDE)
    desk.goto(f"{office}/{city.made['comparison']}/rounds/r1/outcome")
    desk.axe()
    shot(desk, "conference-outcome", GUIDE, full_page=True)

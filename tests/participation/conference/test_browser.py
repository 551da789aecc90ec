"""The conference in a real browser: set-up in at most forty actions, and the ballot on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config import Settings
from participation.conference import receipts
from tests.participation.conference.conftest import Hall
from tests.participation.conference.test_stage import small_texts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELDS = ("Sprache", "Arbeit", "Wohnen", "Bildung", "Gesundheit", "Teilhabe", "Schutz", "Kultur")


@dataclass
class Counted:
    """Counts what a person does: every click, choice and field filled in."""

    page: Page
    actions: int = 0

    def fill(self, label: str, text: str) -> None:
        self.actions += 1
        self.page.get_by_label(label, exact=True).fill(text)

    def click(self, name: str, which: int = 0) -> None:
        self.actions += 1
        self.page.get_by_role("button", name=name, exact=True).nth(which).click()

    def follow(self, name: str) -> None:
        self.actions += 1
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def select(self, label: str, value: str) -> None:
        self.actions += 1
        self.page.get_by_label(label, exact=True).select_option(value)


def test_a_usable_conference_in_at_most_forty_actions(
    hall: Hall, new_page: Callable[..., Page], served: str
) -> None:
    """Eight fields, four groups with seats and slips printed, first round open."""
    page = new_page(base_url=served, locale="en-GB", viewport={"width": 1280, "height": 900})
    cookie = hall.desk.get_cookie("office", path="/office")
    assert cookie is not None
    place = {"domain": "127.0.0.1", "path": "/office"}
    page.context.add_cookies([{"name": "office", "value": cookie.value, **place}])
    page.goto("/office/conferences/")
    one = Counted(page)
    one.follow("New conference")
    one.fill("Title", "Integration conference")
    one.fill("Topics, one per line", "\n".join(FIELDS))
    # One action for the box, and honestly one for every further line typed into it.
    one.actions += len(FIELDS) - 1
    for n, (group, seats) in enumerate((("City", 20), ("Clubs", 20), ("Migrants", 20), ("Residents", 20)), 1):
        one.fill(f"Group {n}", group)
        one.fill(f"Seats of group {n}", str(seats))
    page.axe()
    one.click("Make the conference")
    expect(page.get_by_role("heading", name="Integration conference")).to_be_visible()
    page.axe()
    one.click("Announce", 1)
    one.follow("Keys and slips")
    page.axe()
    with page.expect_download() as download:
        one.click("Make keys and print slips")
    assert download.value.suggested_filename == "slips-integration-conference.zip"
    page.goto("/office/conferences/integration-conference")
    one.actions += 1
    one.click("Open")
    expect(page.get_by_role("heading", name=re.compile("open$"))).to_be_visible()
    assert one.actions <= 40, one.actions
    hall.slug = "integration-conference"
    hall.tick()
    assert hall.client.get("/c/integration-conference/state").json["state"] == "open"
    page.goto("/office/conferences/integration-conference/stage")
    assert small_texts(page) == []
    page.axe()


@pytest.fixture
def practice(hall: Hall) -> Hall:
    """A practice round that is open: no slip is needed."""
    hall.make()
    hall.open_round("r1")
    return hall


def _order(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "#options li.chosen", "rows => rows.map(r => r.dataset.id + r.querySelector('.place').textContent)"
    )


@pytest.mark.parametrize("language", ["de", "ar"])
def test_tap_to_rank_on_a_small_phone(
    practice: Hall, served: str, new_page: Callable[..., Page], language: str
) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    page.goto(f"{served}/c/{practice.slug}?lang={language}")
    expect(page.locator("#options li")).to_have_count(8)
    page.axe()
    page.fits()
    taps = page.locator(".tap")
    for option in ("o4", "o2", "o7"):
        page.locator(f'li[data-id="{option}"] .tap').click()
    assert _order(page) == ["o41", "o22", "o73"]
    # A fourth place is refused and said, nothing is lost.
    page.locator('li[data-id="o1"] .tap').click()
    assert _order(page) == ["o41", "o22", "o73"]
    # Buttons instead of dragging.
    page.locator('li[data-id="o7"] [data-role="up"]').click()
    assert _order(page) == ["o41", "o72", "o23"]
    page.locator('li[data-id="o2"] [data-role="equal"]').click()
    assert _order(page) == ["o41", "o72", "o22"]
    page.locator('li[data-id="o4"] .tap').click()
    assert _order(page) == ["o71", "o21"]
    page.axe()
    page.fits()
    # Reloading resets nothing; the order of the list stays as this phone has drawn it.
    before = page.eval_on_selector_all("#options li", "rows => rows.map(r => r.dataset.id)")
    page.reload()
    assert _order(page) == ["o71", "o21"]
    assert page.eval_on_selector_all("#options li", "rows => rows.map(r => r.dataset.id)") == before
    page.locator("#send").click()
    expect(page.locator("#answer .receipt")).to_have_text(re.compile(r"\S+( \S+){5}"))
    # Six words in two lines of three, on the smallest phone too; what is copied is found again.
    words = page.locator("#answer .receipt > span")
    tops = [round(words.nth(n).bounding_box()["y"]) for n in range(6)]  # type: ignore[index]
    assert tops == [tops[0]] * 3 + [tops[3]] * 3
    assert tops[0] < tops[3]
    assert len(receipts.find(page.locator("#answer .receipt").inner_text())) == 1
    page.fits()
    page.axe()
    expect(taps).to_have_count(8)


def test_by_keyboard_alone(practice: Hall, served: str, page: Page) -> None:
    page.goto(f"{served}/c/{practice.slug}?lang=en")
    first = page.locator("#options li").first
    option = first.get_attribute("data-id")
    first.locator(".tap").focus()
    page.keyboard.press("Enter")
    assert _order(page) == [f"{option}1"]
    assert page.evaluate("document.activeElement.dataset.role") == "tap"
    page.keyboard.press("Space")
    assert _order(page) == []
    # The select is a third way; names tell the topic and its place.
    select = page.locator("#options li").last.locator("select")
    select.focus()
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    assert len(_order(page)) == 1
    name = page.locator("#options li.chosen .tap").inner_text()
    assert "Place 1" in name
    expect(page.locator("#said")).to_contain_text("Place 1")


def test_the_half_filled_ballot_survives_the_close(practice: Hall, served: str, page: Page) -> None:
    page.goto(f"{served}/c/{practice.slug}?lang=en")
    page.locator('li[data-id="o3"] .tap').click()
    practice.step("r1", "closed")
    practice.tick()
    page.locator("#send").click()
    expect(page.locator("#answer")).to_contain_text("stays on this phone")
    assert _order(page) == ["o31"]


def test_an_empty_ballot_is_asked_for_twice(practice: Hall, served: str, page: Page) -> None:
    page.goto(f"{served}/c/{practice.slug}?lang=en")
    page.locator("#send").click()
    expect(page.locator("#answer")).to_contain_text("You have not chosen anything. Send again")
    page.locator("#send").click()
    expect(page.locator("#answer")).to_contain_text("Your ballot has been received.")
    expect(page.locator("#answer .receipt span")).to_have_count(6)


def test_without_script(practice: Hall, served: str, page_without_script: Page) -> None:
    page = page_without_script
    page.goto(f"{served}/c/{practice.slug}?lang=en")
    page.locator('li[data-id="o3"] select').select_option("1")
    expect(page.locator(".receipt span")).to_have_count(6)
    page.locator("#send").click()
    expect(page.locator("h1")).to_have_text("Your ballot has been received.")
    assert page.url == f"{served}/c/{practice.slug}/r1/received?lang=en"


def test_a_sealed_ballot_from_slip_to_change(
    hall: Hall, served: str, page: Page, monkeypatch: Any, settings: Settings
) -> None:
    """The QR's fragment names the code; the ballot is sent, changed, and the last one counts."""
    slug = hall.make()
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    hall.step("r2", "open")
    hall.tick()
    page.goto(f"{served}/c/{slug}?lang=en#{hall.codes['g1'][0]}")
    expect(page.locator("#slip-read")).to_be_visible()
    assert "#" not in page.url
    page.locator('li[data-id="o1"] .tap').click()
    page.locator("#send").click()
    expect(page.locator("#answer")).to_contain_text("You can change it")
    page.reload()
    page.locator('li[data-id="o1"] .tap').click()
    page.locator('li[data-id="o6"] .tap').click()
    page.locator("#send").click()
    expect(page.locator("#send")).to_be_enabled()
    expect(page.locator("#answer")).to_contain_text("You can change it")
    hall.close_and_reveal("r2")
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome.json", lint=False).json
    assert (outcome["cast"], outcome["order"][0]["option"]) == (1, "o6")

"""The stage in a real browser: legible from the last row, and the screen is used."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.participation.conference.conftest import Hall

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = "Interkulturelle Öffnung der Verwaltung und der städtischen Einrichtungen"
TITLE = "Integrationskonferenz der Hansestadt 2027"


def small_texts(page: Page) -> list[str]:
    """Elements whose text is smaller than 4 % of the screen's height."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
          .filter(e => !e.closest("svg"))
          .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
          .filter(e => parseFloat(getComputedStyle(e).fontSize) < 0.04 * innerHeight)
          .map(e => e.outerHTML)"""
    )
    return found


def _used(page: Page) -> float:
    """How far down the screen the last line of text or rule reaches; above 1 it runs off."""
    share: float = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll("#now p, #order li")]
          .map(e => e.getBoundingClientRect().bottom)) / innerHeight"""
    )
    return share


@pytest.mark.parametrize("topics", [3, 8, 14])
@pytest.mark.parametrize("languages", ["?first=de", "?first=de&second=ar"])
def test_every_state_fills_the_screen(
    hall: Hall, new_page: Callable[..., Page], served: str, topics: int, languages: str
) -> None:
    page = new_page(base_url=served, viewport={"width": 1280, "height": 720})
    listed = [LONG, *(f"Thema {n}: Sprache und Bildung" for n in range(2, topics + 1))]
    hall.make(topics="\n".join(listed), title=TITLE)
    cookie = hall.desk.get_cookie("office", path="/office")
    assert cookie is not None
    place = {"domain": "127.0.0.1", "path": "/office"}
    page.context.add_cookies([{"name": "office", "value": cookie.value, **place}])
    form = f"/office/conferences/{hall.slug}/rounds/r2"
    plan = {
        "title-de": "Plenum",
        "method": "ranking",
        "places": "3",
        "level": "open",
        "grace": "0",
        "quorum": "6",
    }
    assert hall.post(form, form, **plan).status_code == 302
    stage = f"/office/conferences/{hall.slug}/stage{languages}"
    live = f"/office/conferences/{hall.slug}/live{languages}"

    def look(text: str, least: float) -> None:
        page.goto(stage)
        expect(page.locator("#now")).to_contain_text(text)
        assert small_texts(page) == []
        assert least < _used(page) <= 1

    look("noch nicht begonnen", 0.6)
    hall.step("r2", "announced")
    look("noch nicht begonnen", 0.7)
    hall.step("r2", "open")
    hall.tick()
    for n in range(7):
        ranking = [[f"o{1 + n % topics}"], [f"o{1 + (n + 1) % topics}"]]
        body = {"submission": secrets.token_hex(16), "ranking": ranking}
        assert hall.client.post(f"/c/{hall.slug}/r2/ballot", json=body).status_code == 200
    hall.tick()
    look("mindestens 5 (nötig: 6)", 0.7)
    hall.step("r2", "closed")
    look("geschlossen", 0.6)
    page.axe()
    hall.tick()
    hall.step("r2", "revealed")
    hall.tick()
    page.goto(stage)
    expect(page.locator("#order li.coming")).to_have_count(topics)
    assert "Sprache" not in page.locator("#order").inner_text()
    for place_ in range(1, topics + 1):
        page.keyboard.press("Space")
        expect(page.locator("#order li:not(.coming)")).to_have_count(place_)
    assert small_texts(page) == []
    assert 0.7 < _used(page) <= 1
    page.axe()

    # Focus topics in no order: all at once, by their names, without places.
    order = [place["label"][0]["text"] for place in hall.desk.get(live, lint=False).json["order"]]
    hall.post(f"/office/conferences/{hall.slug}/publish", publish_as="focus")
    page.goto(stage)
    expect(page.locator("#order li")).to_have_count(3)
    expect(page.locator("#foot")).to_contain_text("Diese Themen stehen in keiner Reihenfolge.")
    shown = page.locator("#order li").evaluate_all(
        "all => all.map(e => e.querySelector('span span').textContent)"
    )
    assert shown == sorted(order[:3], key=str.casefold)
    assert not {"order", "report"} & set(hall.desk.get(live, lint=False).json)
    assert small_texts(page) == []
    assert _used(page) <= 1
    page.axe()

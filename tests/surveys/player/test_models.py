"""The shipped model questionnaires: without fault, small enough for the first packets, usable by everyone."""

import json
from pathlib import Path

import pytest

from surveys.checks import check
from surveys.questionnaire import read

MODELS = Path(__file__).resolve().parents[3] / "surveys" / "models"
DOCUMENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(MODELS.glob("*.json"))}
EVERY = [(name, tag) for name, document in DOCUMENTS.items() for tag in document["languages"]]
FIRST_WINDOW = 14_600
"""Bytes of the initial congestion window: ten segments of 1,460."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_models_have_no_fault(name):
    assert [(fault.kind, fault.place) for fault in check(DOCUMENTS[name])] == []


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_the_first_response_fits_the_first_window(client, field, name, language):
    field(DOCUMENTS[name], "sample")
    reply = client.get(f"/s/{name}/{language}", headers={"Accept-Encoding": "gzip, deflate, br"}, lint=False)
    headers = sum(len(key) + len(value) + 4 for key, value in reply.headers) + len("HTTP/1.1 200 OK\r\n\r\n")
    # The server adds its own name, the date and whether it keeps the connection.
    assert len(reply.data) + headers + 100 <= FIRST_WINDOW


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_page_of_a_model_is_sound_html(client, field, name, language):
    document = DOCUMENTS[name]
    field(document, "sample")
    assert client.get(f"/s/{name}/{language}").status_code == 200
    for variant in range(1, len(document.get("variants", [None])) + 1):
        assert client.get(f"/s/{name}/{language}/v{variant}").status_code == 200


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "language"), EVERY)
def test_no_accessibility_violations_in_any_language(served, field, new_page, name, language):
    """Every screen of the script and the whole form without it, at 320 px; the form also at 200 % text."""
    field(DOCUMENTS[name], "open")
    form = new_page(viewport={"width": 320, "height": 640})
    form.set_default_timeout(60_000)
    form.route("**/assets/player.js*", lambda route: route.abort())
    form.goto(f"{served}/s/{name}/open/{language}/v1")
    form.axe()
    form.fits()
    form.evaluate("document.documentElement.style.fontSize = '225%'")
    form.fits()
    page = new_page(viewport={"width": 320, "height": 640})
    page.set_default_timeout(60_000)
    page.goto(f"{served}/s/{name}/open/{language}")
    page.wait_for_selector("html.j")
    page.axe()
    page.locator("#_consent input").check()
    for screen in range(120):
        if not page.locator("form > .p button").nth(1).is_visible():
            break
        page.locator("form > .p button").nth(1).click()
        page.fits()
        if screen % 10 == 0:
            page.axe()
    assert page.locator("#_end").is_visible()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_model_can_be_answered_by_keyboard_alone(served, field, page, name):
    """Tab, Space and Enter only: every screen gets an answer, up to the button that sends."""
    field(DOCUMENTS[name], "open")
    page.set_default_timeout(60_000)
    page.goto(f"{served}/s/{name}/open/de")
    page.wait_for_selector("html.j")
    active = "() => { const at = document.activeElement; return [at.tagName, at.type || '', at.name || '']; }"

    def tab_to(wanted):
        for _ in range(80):
            page.keyboard.press("Tab")
            if wanted(*page.evaluate(active)):
                return
        raise AssertionError("it cannot be reached with the Tab key")

    next_is_focused = "() => document.activeElement === document.querySelectorAll('form > .p button')[1]"
    tab_to(lambda tag, kind, name: name == "_consent")
    page.keyboard.press("Space")
    screens = 0
    while not page.locator("#_end").is_visible():
        if screens:
            tab_to(
                lambda tag, kind, name: kind in ("radio", "checkbox", "textarea", "text") or tag == "BUTTON"
            )
            if not page.evaluate(next_is_focused):
                page.keyboard.press("Space")
        tab_to(lambda *_: page.evaluate(next_is_focused))
        page.keyboard.press("Enter")
        screens += 1
        assert screens < 200
    given = page.evaluate("JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage)[0])).answers")
    assert screens > 5
    assert len(given) > len(read(DOCUMENTS[name]).items) / 3

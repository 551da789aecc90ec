"""The sealed office: margins, weights, a plan, its audit, the release by a second person, the public page."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import City, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLAN, SLUG = "journey", "journey-2024"
WIDE = {"width": 1100, "height": 800}


def plan_text(wave: str) -> str:
    """A plan as an analyst would write it: one margin, a few questions, a headline."""
    document = {
        "plan": 1,
        "name": PLAN,
        "title": {"de": "Wohnen und Vertrauen", "ar": "السكن والثقة"},
        "languages": ["de", "ar"],
        "waves": [wave],
        "weighting": [
            {"step": "rake", "margins": ["journey-sex"], "outside": {"gender": {"diverse": "random"}}}
        ],
        "tables": [{"items": ["trust", "life"], "groups": []}],
        "findings": [
            {
                "item": "trust",
                "categories": ["help"],
                "text": {
                    "de": "meinen, dass die meisten Menschen helfen wollen",
                    "ar": "يعتقدون أن معظم الناس يريدون المساعدة",
                },
            }
        ],
        "disclosure": {"method": "sample", "sensitive": SENSITIVE},
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


SENSITIVE: list[str] = []


def test_from_margins_to_the_public_page(city: City, new_page, shot) -> None:
    page: Page = new_page(locale="de", viewport=WIDE)
    sign_in(page, city, "analyst")
    wave = add_margin_and_plan(page, city)
    page.goto(f"{city.address}/office/analysis/plans/{PLAN}/weights")
    page.axe()
    shot(page, "analyst-weights")
    page.goto(f"{city.address}/office/analysis/plans/{PLAN}")
    assert page.locator("main .alert-danger").count() == 0
    page.locator(f'form[action$="/plans/{PLAN}/run"] button').click()
    expect(page.locator("#release-submit")).to_be_visible(timeout=120_000)
    page.axe()
    shot(page, "analyst-audited", full_page=True)
    page.fill("form:has(#release-submit) input[name=slug]", SLUG)
    page.click("#release-submit")
    reviewer: Page = new_page(locale="de", viewport=WIDE)
    sign_in(reviewer, city, "reviewer")
    reviewer.goto(f"{city.address}/office/releases/")
    reviewer.get_by_role("link", name=f"/results/{SLUG}").click()
    reviewer.axe()
    shot(reviewer, "reviewer-decides")
    assert new_page().goto(f"{city.address}/results/{SLUG}/ar").status == 404
    reviewer.click("button[name=decision][value=yes]")
    phone: Page = new_page(locale="ar", java_script_enabled=False)
    answer = phone.goto(f"{city.address}/results/{SLUG}/ar")
    assert answer is not None
    assert answer.status == 200
    assert phone.locator("html").get_attribute("dir") == "rtl"
    assert wave not in phone.locator("main").inner_text()


def add_margin_and_plan(page: Page, city: City) -> str:
    """A margin typed in by hand; a plan begun by the product and rewritten; the wave's key."""
    page.goto(f"{city.address}/office/analysis/margins")
    page.axe()
    for name, text in {
        "name": "journey-sex",
        "variable": "gender",
        "source": "Melderegister (erfunden)",
        "date": "2021-12-31",
        "definition": "Einwohnerinnen und Einwohner ab 18 Jahren",
        "table": "female;49.796\nmale;52.875",
    }.items():
        page.fill(f"[name={name}]", text)
    page.locator("form:has([name=table]) [type=submit]").click()
    expect(page.get_by_role("heading", name="journey-sex", exact=True)).to_be_visible()
    page.goto(f"{city.address}/office/analysis/plans/new")
    page.fill("[name=name]", PLAN)
    page.fill("[name=title]", "Wohnen und Vertrauen")
    choice = page.locator("select[name=wave] option", has_text="2024").first
    wave = str(choice.get_attribute("value"))
    page.select_option("select[name=wave]", wave)
    page.locator("form:has([name=wave]) [type=submit]").click()
    source = page.locator("textarea[name=source]")
    assert wave in source.input_value()
    found = source.input_value().partition("sensitive:")[2]
    SENSITIVE[:] = [line.strip(" -") for line in found.splitlines() if line.strip().startswith("- ")]
    source.fill(plan_text(wave))
    page.locator("form:has(textarea[name=source]) [type=submit]").click()
    expect(page.locator("textarea[name=source]")).to_have_value(plan_text(wave))
    return wave

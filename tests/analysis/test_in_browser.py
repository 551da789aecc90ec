"""The public page and the analyst's pages in a real browser: no script, phone width, both directions."""

import pytest

from tests.analysis.test_releases import public, requested, the_one  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("tag", ["ar", "de"])
def test_public_page_on_a_phone_without_script(public, served, page_without_script, page, tag, tmp_path):  # noqa: F811
    page_without_script.goto(f"{served}/results/living-here/{tag}")
    assert page_without_script.locator("svg[role=img]").count() >= 1
    assert page_without_script.locator("h1").count() == 1
    page.goto(f"{served}/results/living-here/{tag}")
    page.axe()
    page.fits()
    page.locator("ul.questions a").first.click()
    page.axe()
    page.fits()
    page.screenshot(path=tmp_path / f"item-{tag}.png", full_page=True)


def test_analyst_pages(requested, served, staff_page):  # noqa: F811
    page = staff_page("analyst")
    for path in (
        "analysis/",
        "analysis/margins",
        "analysis/plans/first",
        "analysis/plans/first/book",
        "releases/",
    ):
        page.goto(f"/office/{path}")
        page.axe()
        page.fits()


def test_a_plan_is_put_together_in_foldable_parts(requested, served, staff_page):  # noqa: F811
    """Unfolded one by one it can be read; folded it is a page or two, whatever the questionnaire's length."""
    page = staff_page("analyst")
    page.goto("/office/analysis/plans/first/build")
    page.axe()
    page.fits()
    height = "document.documentElement.scrollHeight"
    assert page.evaluate(height) < 3000
    while page.locator("details:not([open]) > summary:visible").count():
        page.locator("details:not([open]) > summary:visible").first.click()
    page.axe()
    page.fits()
    assert page.evaluate(height) > 5000
    page.get_by_role("button", name="Check and save").or_(
        page.get_by_role("button", name="Prüfen und")
    ).click()
    page.axe()

"""The register's pages on a phone-sized screen, asked by axe."""

import pytest

from tests.participation.access.people.conftest import sample_csv

pytestmark = pytest.mark.browser


def test_the_registers_pages_are_accessible(ready, staff_page):
    page = staff_page("register_clerk")
    for place in ("", "strata", "keys", "sample", "letters", "people", "slips", "nonresponse"):
        page.goto(f"{ready.base}/{place}")
        page.axe()
        page.fits()
    for place in ("", "languages", "plan", "lock"):
        page.goto(f"/office/register/{place}")
        page.axe()
        page.fits()


def test_a_sample_is_uploaded_and_its_progress_followed(desk, staff_page, tmp_path):
    desk.strata()
    file = tmp_path / "sample.csv"
    file.write_text(sample_csv(2_000), "utf-8")
    page = staff_page("register_clerk", locale="en")
    page.goto(f"{desk.base}/sample")
    page.set_input_files("input[type=file]", file)
    page.click("#submit")
    page.axe()
    page.click("main button.btn-primary")
    page.get_by_text("2000 people were imported.").wait_for()
    page.axe()

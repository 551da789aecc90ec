"""A register clerk's way: a sample, keys, letters; then a reminder to those who have not answered."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo import city as demo_city
from tests.journeys.conftest import City, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HEAD = {
    "name": "Stadt Musterstadt, Amt für Statistik",
    "contact": "Rathausplatz 1, 00000 Musterstadt",
    "return_line": "Stadt Musterstadt, 00000 Musterstadt",
    "phone": "0000 123456 (Demo)",
    "website": "www.musterstadt.example/umfrage",
}


@pytest.fixture
def clerk(city: City, new_page) -> Page:
    page: Page = new_page(locale="de", viewport={"width": 1100, "height": 800})
    sign_in(page, city, "register_clerk")
    return page


def desk(city: City, admission: str) -> str:
    return f"{city.address}/office/register/{admission}"


def save_head(page: Page) -> None:
    """Fill in what the letterhead lacks; days and the survey's address are suggested."""
    form = page.locator("form", has=page.locator("#submit-head"))
    for name, text in HEAD.items():
        form.locator(f"[name={name}]").fill(text)
    page.click("#submit-head")


def print_shop_table(page: Page, letter: int) -> list[dict[str, str]]:
    """Make the codes of a letter run and read the table that goes to the print shop."""
    page.select_option("select[name=letter]", str(letter))
    page.locator("form", has=page.locator("#submit-run")).locator("input[value=csv]").check()
    with page.expect_download() as download:
        page.click("#submit-run")
    content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content), delimiter=";"))


def test_from_the_sample_to_the_letters(city: City, clerk: Page, shot, tmp_path: Path) -> None:
    base = desk(city, city.made["prepared"])
    clerk.goto(f"{base}/")
    clerk.axe()
    rows = demo_city.sample_rows(demo_city.draw_sample(2024, 7, 0.4), 2024)
    file = tmp_path / "sample.csv"
    file.write_bytes(demo_city.sample_csv(rows))
    clerk.goto(f"{base}/sample")
    clerk.set_input_files("input[type=file]", file)
    clerk.click("#submit")
    clerk.axe()
    shot(clerk, "clerk-columns")
    clerk.locator("main form .btn-primary").click()
    expect(clerk.locator(".alert-success")).to_contain_text(str(len(rows)))
    clerk.goto(f"{base}/keys")
    clerk.axe()
    clerk.locator("main form .btn-primary").click()
    expect(clerk.locator(".alert-success")).to_be_visible()
    clerk.goto(f"{base}/letters")
    save_head(clerk)
    clerk.axe()
    clerk.fits()
    shot(clerk, "clerk-letters", full_page=True)
    letters = print_shop_table(clerk, 0)
    assert len(letters) == len(rows)
    assert len({letter["code"] for letter in letters}) == len(rows)
    assert letters[0]["name"].endswith("(Demo)")


def test_a_reminder_goes_to_those_who_have_not_answered(city: City, clerk: Page, new_page, shot) -> None:
    ((admission,),) = city.rows("register", "SELECT id FROM admission WHERE title LIKE '%jetzt offen'")
    phone: Page = new_page(locale="de", java_script_enabled=False)
    phone.goto(f"{city.address}/s/living-here/de")
    phone.fill("input[name=_code]", city.made["codes"][4])
    phone.check("input[name=_consent]")
    phone.locator("button[type=submit], button:not([type])").last.click()
    assert phone.url.endswith("/received")
    ((people,),) = city.rows("register", f"SELECT count(*) FROM person WHERE admission = '{admission}'")
    ((answered,),) = city.rows("register", f"SELECT count(*) FROM issue WHERE admission = '{admission}'")
    assert answered >= 1
    clerk.goto(f"{desk(city, admission)}/letters")
    save_head(clerk)
    letters = print_shop_table(clerk, 1)
    assert len(letters) == people - answered
    assert not {letter["code"] for letter in letters} & set(city.made["codes"])
    clerk.reload()
    shot(clerk, "clerk-reminder", full_page=True)

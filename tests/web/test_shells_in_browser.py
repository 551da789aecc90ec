"""The three shells on a phone: accessible, nothing wider than the screen, in both directions."""

import pytest

from stores import collector, publish
from web.accounts import demo

pytestmark = pytest.mark.browser

SIZES = ({"width": 360, "height": 740}, {"width": 1280, "height": 900})


@pytest.fixture
def open_things(app):
    """Two surveys and a conference on the front page."""
    titles = {"de": "Wohnen in unserer Stadt", "ar": "السكن في مدينتنا", "en": "Living in our city"}
    with app.app_context(), collector.begin() as session:
        publish(session, "office", "wave", "living", {"survey": "living", "title": titles, "state": "open"})
        publish(
            session,
            "office",
            "wave",
            "other",
            {"survey": "other", "title": {"de": "Noch eine"}, "state": "open"},
        )
        publish(session, "office", "round", "r1", {"slug": "ideas", "title": titles, "state": "open"})


@pytest.fixture
def signed_in(app, served):
    """A function that signs a page in as the demo's administrator."""
    with app.app_context():
        demo.demo_accounts()

    def sign_in(page):
        page.goto(f"{served}/office/login")
        page.fill("#email", f"administrator@{demo.DOMAIN}")
        page.fill("#password", demo.PASSWORD)
        page.click("#submit")
        page.wait_for_url(f"{served}/office")
        return page

    return sign_in


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
@pytest.mark.parametrize("tag", ["de", "ar"])
@pytest.mark.parametrize("path", ["/", "/nowhere", "/s/nowhere/at/all"])
def test_pages_for_residents(served, open_things, new_page, path, tag, size):
    page = new_page(viewport=size, java_script_enabled=True)
    page.goto(f"{served}{path}?lang={tag}")
    page.axe()
    page.fits()
    if page.locator("details.languages").count():
        page.click("details.languages summary")
        page.axe()
        page.fits()


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
@pytest.mark.parametrize("tag", ["de", "ar"])
def test_pages_for_staff(served, signed_in, new_page, tag, size):
    page = signed_in(new_page(viewport=size))
    for path in (
        "",
        "/accounts/",
        "/accounts/new",
        "/accounts/1?invite=1",
        "/audit/",
        "/change",
        "/tf-setup",
        "/mf-recovery-codes",
        "/verify",
        "/nowhere",
    ):
        join = "&" if "?" in path else "?"
        page.goto(f"{served}/office{path}{join}lang={tag}")
        if size["width"] < 900:
            page.click("details.staff-menu summary")
        page.axe()
        page.fits()


def test_the_keyboard_reaches_the_content_first(served, page):
    page.goto(f"{served}/office/login")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_form_that_was_open_too_long_is_sent_after_signing_in_again(app, served, signed_in, page):
    """The whole way of somebody who came back from a long lunch."""
    signed_in(page)
    page.goto(f"{served}/office/accounts/new")
    page.fill("#name", "Lunch Person")
    page.fill("#email", "lunch@example.org")
    page.context.clear_cookies()
    page.click("#submit")
    assert "zu lange offen" in page.inner_text("h1")
    page.axe()
    with page.context.expect_page() as opened:
        page.click("text=In einem neuen Fenster anmelden")
    window = opened.value
    window.fill("#email", f"administrator@{demo.DOMAIN}")
    window.fill("#password", demo.PASSWORD)
    window.click("#submit")
    window.wait_for_url(f"{served}/office")
    page.click("text=Noch einmal senden")
    assert "Lunch Person" in page.inner_text("h1")

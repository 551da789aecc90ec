"""Which language a page speaks."""

import pytest
from flask import g

from web import i18n


@pytest.mark.parametrize(
    ("path", "accepted", "expected"),
    [
        ("/", "ar-EG,ar;q=0.9,en;q=0.5", "ar"),
        ("/", "xx", "de"),
        ("/", "", "de"),
        ("/?lang=en", "ar", "en"),
        ("/?lang=nonsense", "ar", "ar"),
        ("/?lang=th", "ar", "ar"),
        ("/", "fa", "fa-AF"),
        ("/", "de-AT", "de"),
        ("/", "uk-UA,ru;q=0.8", "uk"),
        ("/office/login", "en-GB", "en"),
        ("/office/login", "ar", "de"),
        ("/office/nowhere", "en", "en"),
    ],
)
def test_choice(app, path, accepted, expected):
    with app.test_request_context(path, headers={"Accept-Language": accepted}):
        assert i18n.language() == expected


def test_resident_texts_follow_the_page(app):
    with app.test_request_context("/?lang=ar"):
        assert i18n.resident("To the start page") == "إلى صفحة البداية"
        later = i18n.lazy_resident("To the start page")
        with i18n.speaking("de"):
            assert i18n.resident("To the start page") == "Zur Startseite"
            assert str(later) == "Zur Startseite"
        assert str(later) == "إلى صفحة البداية"
        assert i18n.nresident("%(num)s thing", "%(num)s things", 1) == "1 thing"
        assert i18n.nresident("%(num)s thing", "%(num)s things", 3) == "3 things"


def test_a_tag_without_catalogue_falls_back_along_its_chain(app):
    with app.test_request_context("/"):
        g.language = "ar-EG"
        assert i18n.resident("To the start page") == "إلى صفحة البداية"
        g.language = "xx"
        assert i18n.resident("To the start page") == "To the start page"


def test_outside_a_page_the_house_speaks_german(app):
    assert i18n.language() == "de"
    with app.app_context():
        assert i18n.language() == "de"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["uk-UA", "ru"], "uk"),
        (["AR-sy"], "ar"),
        (["fa"], "fa-AF"),
        (["de"], "de"),
        (["th", "*", "en"], "en"),
        ([], "de"),
        (["de-x-odd", "ar"], "de"),
    ],
)
def test_best_of(wanted, expected):
    assert i18n.best_of(wanted, {"de", "de-simple", "en", "ar", "uk", "ru", "fa-AF"}) == expected

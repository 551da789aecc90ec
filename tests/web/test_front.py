"""The front page."""

from datetime import date

import pytest

from stores import collector, publish
from web import front

TODAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"state": "open"}, True),
        ({"state": "closed"}, False),
        ({"state": "draft"}, False),
        ({}, False),
        ({"state": "open", "listed": False}, False),
        ({"state": "open", "opens_on": "2026-11-02", "closes_on": "2026-11-02"}, True),
        ({"state": "open", "opens_on": "2026-11-03", "closes_on": None}, False),
        ({"state": "open", "opens_on": None, "closes_on": "2026-11-01"}, False),
    ],
)
def test_open(document, expected):
    assert front.is_open(document, TODAY) is expected


def test_offers_lead_to_the_readers_language_where_there_is_one():
    document = {"languages": ["de", "ar"], "closes_on": "2026-11-09"}
    title = {"de": "Wohnen hier", "ar": "السكن هنا"}
    arabic = front.offer(document, "/s/living", title, "ar")
    assert (arabic.title, arabic.address, arabic.until) == ("السكن هنا", "/s/living/ar", date(2026, 11, 9))
    english = front.offer(document, "/s/living", title, "en")
    assert (english.title, english.title.language, english.address) == (
        "Wohnen hier",
        "de",
        "/s/living?lang=en",
    )
    assert front.offer({}, "/c/x", "A plain title", "en") == front.Offer(
        "A plain title", "/c/x?lang=en", None
    )


def test_the_page(app, client):
    empty = client.get("/", headers={"Accept-Language": "en"})
    assert "Nothing is open just now." in empty.text
    assert "Set-Cookie" not in empty.headers
    wave = {
        "survey": "living",
        "versions": [1],
        "title": "wave 1",
        "state": "open",
        "languages": ["de", "ar"],
    }
    with app.app_context(), collector.begin() as session:
        publish(session, "office", "wave", "living", {**wave, "closes_on": "2099-12-31"})
        publish(session, "office", "wave", "living/open", wave)
        publish(session, "office", "wave", "over", {**wave, "survey": "over", "state": "closed"})
        title = {"de": "Wohnen hier", "ar": "السكن هنا"}
        publish(session, "office", "questionnaire", "living/1", {"title": title})
        publish(
            session, "office", "round", "r1", {"slug": "ideas", "title": {"en": "Ideas"}, "state": "open"}
        )
    page = client.get("/?lang=ar").text
    assert '<a href="/s/living/ar" >السكن هنا</a>' in page
    assert '<a href="/s/living/open/ar" >السكن هنا</a>' in page
    assert "over" not in page.split("<main")[1]
    assert '<a href="/c/ideas?lang=ar" lang="en" dir="ltr">Ideas</a>' in page
    assert '<a href="/?lang=de" lang="de" dir="ltr" hreflang="de">Deutsch</a>' in page
    assert "31. Dezember 2099" in client.get("/?lang=de").text


def test_placeholders_of_a_title_are_filled_in_the_title_s_language():
    placeholders = {"city": {"value": {"de": "Musterstadt", "ar": "مدينة"}}}
    offered = front.offer({}, "/s/x", {"de": "Leben in {city}", "ar": "العيش في {city}"}, "ar", placeholders)
    assert offered.title == "العيش في مدينة"
    assert (
        front.offer({}, "/s/x", {"de": "Leben in {city}"}, "en", placeholders).title == "Leben in Musterstadt"
    )

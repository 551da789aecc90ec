"""The front page."""

from stores import collector, publish
from web.front import offers

DOCUMENTS = {
    "w1": {"slug": "living-here", "title": {"de": "Wohnen hier", "ar": "السكن هنا"}, "state": "open"},
    "w2": {"slug": "old", "title": {"de": "Alt"}, "state": "closed"},
    "w3": {"slug": "hidden", "title": {"de": "Versteckt"}, "listed": False},
    "w4": {"slug": "living-here", "title": {"de": "Wohnen hier"}, "state": "open"},
    "w5": {"survey": "plain", "title": "Another", "state": "open"},
}


def test_open_and_listed_once_each_in_the_readers_language():
    found = offers(DOCUMENTS, "wave", "ar")
    assert [(str(offer.title), offer.title.language, offer.address) for offer in found] == [
        ("Another", "", "/s/plain"),
        ("السكن هنا", "ar", "/s/living-here"),
    ]


def test_the_page(app, client):
    empty = client.get("/", headers={"Accept-Language": "en"})
    assert "Nothing is open just now." in empty.text
    assert "Set-Cookie" not in empty.headers
    with app.app_context(), collector.begin() as session:
        publish(session, "office", "wave", "w1", DOCUMENTS["w1"])
        publish(
            session, "office", "round", "r1", {"slug": "ideas", "title": {"en": "Ideas"}, "state": "open"}
        )
    page = client.get("/?lang=ar").text
    assert '<a href="/s/living-here" >السكن هنا</a>' in page
    assert '<a href="/c/ideas" lang="en" dir="ltr">Ideas</a>' in page
    assert '<a href="/?lang=de" lang="de" dir="ltr" hreflang="de">Deutsch</a>' in page

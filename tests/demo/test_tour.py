"""The tour keeps the language that a visitor chose."""

from lxml import html


def addresses(client, at: str, within: str = "main") -> list[str]:
    page = html.fromstring(client.get(at, headers={"Accept-Language": "de"}).data)
    return [str(link.get("href")) for link in page.iterfind(f".//{within}//a")]


def test_from_the_first_page_into_the_tour_and_on(client) -> None:
    assert "/tour?lang=en" in addresses(client, "/?lang=en")
    assert "A tour of the demo city" in client.get("/tour?lang=en", headers={"Accept-Language": "de"}).text
    found = [one for one in addresses(client, "/tour?lang=en") if one.startswith(("/s/", "/c/", "/results"))]
    own = {"/s/living-here/ar", "/s/living-here/de-simple", "/results//ar"}
    assert {one for one in found if not one.endswith("?lang=en")} == own
    assert "/?lang=en" in addresses(client, "/tour?lang=en", "header")
    assert client.get("/results?lang=en").location.endswith("/results/?lang=en")


def test_who_chose_none_is_asked_by_the_browser(client) -> None:
    assert "/" in addresses(client, "/tour", "header")
    assert "/s/living-here?lang=de" in addresses(client, "/tour")

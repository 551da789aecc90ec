"""The demo's open wave, as its residents meet it."""

from demo import city
from demo.survey import cli as survey


def test_residents_are_told_whom_to_ask(app, client) -> None:
    survey.open_now(app, "Living here")
    page = client.get("/s/living-here/en").text
    head = city.LETTERHEAD
    assert [
        " ".join(line.split()).translate({0x2066: None, 0x2069: None, 0x2068: None})
        in page.translate({0x2066: None, 0x2069: None, 0x2068: None})
        for line in (
            f"Is this genuine? Call {head.phone}, or look at the city&#39;s website: {head.website}",
            f"If you want no more letters, call {head.phone}. You need not say why.",
        )
    ] == [True, True]
    assert (head.phone.startswith("0000"), head.website.split("/")[0].endswith(".example")) == (True, True)

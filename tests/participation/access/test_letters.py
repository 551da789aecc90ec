"""Letters and slips on paper: what stands on them, and on which side."""

import csv
import io

import pymupdf
import pytest

from localtext import NAMES
from participation.access import letters
from participation.access.letters import Letter, Sender, Words

SENDER = Sender("Stadt Musterstadt", "Rathausplatz 1", "Stadt Musterstadt, Rathaus")
FINGERPRINT = "1a2b3c4d 5e6f7081 92a3b4c5 d6e7f809"
CODE = "ABCDE-FGHJK-MNPQR-STVWX-YZ234"
ADDRESS = "https://umfrage.musterstadt.example/s/small"
PERSON = {"name": "=Person Eins", "street": "Weg 1", "postcode": "12345", "place": "Musterstadt"}


def words(language: str, title: str, fact: str) -> Words:
    return Words(
        language=language,
        title=title,
        date="1",
        greeting="",
        opening=(),
        your_code="",
        address_line="",
        promise_title="",
        promise="",
        facts=(fact,),
        hotline="",
        closing="",
        key_title="",
        key_text="",
    )


WORDS = {
    ("a", "de"): words("de", "Leben hier", "Die Teilnahme ist freiwillig."),
    ("a", "ar"): words("ar", "العيش هنا", "المشاركة طوعية."),
    ("b", "de"): words("de", "Leben dort", "Die Teilnahme ist freiwillig."),
}


def letter(*languages: str, group: str = "a") -> Letter:
    return Letter(PERSON, languages, CODE, ADDRESS, FINGERPRINT, group)


def pages(*made: Letter, lines: dict[str, str] | None = None) -> list[pymupdf.Page]:
    pdf = letters.letters_pdf(made, WORDS, SENDER, lines or {})
    return list(pymupdf.open(stream=pdf, filetype="pdf"))


def place_of(page: pymupdf.Page, text: str) -> tuple[float, float]:
    """Left and right edge of the word, as shares of the page's width."""
    found = next(word for word in page.get_text("words") if text in word[4])
    return found[0] / page.rect.width, found[2] / page.rect.width


def ink(page: pymupdf.Page, top: float, bottom: float) -> tuple[float, float]:
    """Where the ink of a band of the page begins and ends, as shares of its width, read from its image."""
    picture = page.get_pixmap(dpi=72, colorspace=pymupdf.csGRAY)
    rows = range(int(top * picture.height), int(bottom * picture.height))
    dark = [
        column
        for column in range(picture.width)
        if any(picture.samples[row * picture.stride + column] < 128 for row in rows)
    ]
    return dark[0] / picture.width, dark[-1] / picture.width


def band_of(page: pymupdf.Page, text: str) -> tuple[float, float]:
    found = next(word for word in page.get_text("words") if text in word[4])
    return found[1] / page.rect.height, found[3] / page.rect.height


def test_a_letter_names_person_code_and_address_once():
    front, back = pages(letter("de"))
    text = front.get_text()
    for line in ("Person Eins", "Weg 1", "12345 Musterstadt", CODE, ADDRESS.removeprefix("https://")):
        assert text.count(line) == 1
    assert "Die Teilnahme ist freiwillig." in text
    assert FINGERPRINT in back.get_text()
    assert CODE not in back.get_text()


def test_right_to_left_runs_from_the_right_and_addresses_stay_left():
    front, second = pages(letter("ar", "de"))
    begins, ends = ink(front, *band_of(front, "طوعية"))
    assert ends > 0.85
    assert begins > 0.5
    begins, ends = ink(second, *band_of(second, "freiwillig"))
    assert begins < 0.15
    assert ends < 0.6
    assert place_of(front, "Weg")[0] < 0.2
    # The code reads from left to right in every language.
    assert CODE in front.get_text()


def test_the_window_of_the_envelope_shows_the_sender_and_the_whole_address():
    """DIN 5008, form A: what lies 27 to 72 mm below the upper edge and 20 to 105 mm from the left one."""
    person = {
        "salutation": "Frau",
        "name": "Fatima Al-Hussein-Müller",
        "extra": "bei Nguyen",
        "street": "Straße der Freundschaft 112 b",
        "postcode": "12345",
        "place": "Musterstadt",
    }
    (front, _back) = pages(Letter(person, ("ar",), CODE, ADDRESS, FINGERPRINT, "a"))
    millimetre = front.rect.width / 210
    for text in ("Musterstadt,", "Frau", "Freundschaft", "12345"):
        x0, y0, x1, y1 = next(word[:4] for word in front.get_text("words") if text in word[4])
        assert 20 < x0 / millimetre < x1 / millimetre < 105
        assert 27 < y0 / millimetre < y1 / millimetre < 72
    (title,) = (word for word in front.get_text("words") if "العيش" in word[4])
    assert title[1] / millimetre > 75


def test_every_letter_begins_on_a_fresh_sheet_and_saves_paper():
    assert len(pages(letter("de"), letter("de"))) == 4
    assert len(pages(letter("ar", "de"), letter("de"))) == 4
    two = pages(letter("ar", "de"))
    assert len(two) == 2
    assert FINGERPRINT in two[1].get_text()


def test_a_letter_takes_its_groups_wording_and_only_known_languages():
    (front, _back) = pages(letter("xx", "de", group="b"))
    assert "Leben dort" in front.get_text()


def test_the_one_line_is_for_the_other_languages_only():
    _front, back = pages(letter("de"), lines={"de": "Auf Deutsch", "en": "In your language"})
    assert "In your language" in back.get_text()
    assert "Auf Deutsch" not in back.get_text()


def test_the_same_letters_give_the_same_bytes():
    assert letters.letters_pdf([letter("de")], WORDS, SENDER, {}) == letters.letters_pdf(
        [letter("de")], WORDS, SENDER, {}
    )


def test_the_code_stands_in_the_fragment_of_the_qr_code():
    assert letters.code_address(ADDRESS, "ABCDE-FG HJK") == f"{ADDRESS}#ABCDEFGHJK"


def test_slips_have_code_address_and_fingerprint():
    lines = {"de": "Freiwillig.", "ar": "طوعية."}
    pdf = letters.slips_pdf([CODE] * 9, address=ADDRESS, title="Leben", lines=lines, fingerprint=FINGERPRINT)
    first, second = pymupdf.open(stream=pdf, filetype="pdf")
    assert first.get_text().count(CODE) == 8
    assert second.get_text().count(CODE) == 1
    assert FINGERPRINT in second.get_text()


def test_the_widest_code_of_a_slip_stays_on_one_line():
    wide = "-".join(["WWMWM"] * 5)
    (page,) = pymupdf.open(
        stream=letters.slips_pdf([wide], address=ADDRESS, title="x", lines={}, fingerprint=FINGERPRINT),
        filetype="pdf",
    )
    assert page.get_text().splitlines().count(wide) == 1
    (place,) = page.search_for(wide)
    assert place.x1 < page.rect.width / 2


@pytest.mark.parametrize("header", [True, False])
def test_the_print_shops_table_runs_no_formula(header):
    table = list(csv.DictReader(io.StringIO(letters.mail_merge([letter("ar", "de")])), delimiter=";"))
    assert [row["name"] for row in table] == ["'=Person Eins"]
    assert table[0]["qr"] == f"{ADDRESS}#{CODE.replace('-', '')}"
    assert table[0]["languages"] == "ar de"
    text = letters.mail_merge([letter("de")], header=header)
    assert len(text.splitlines()) == 1 + header


def test_twenty_other_languages_cost_no_second_sheet():
    lines = {tag: f"{tag}: You can answer this survey in your language. Scan the picture." for tag in NAMES}
    assert len(lines) > 20
    assert len(pages(letter("de"), lines=lines)) == 2
    assert len(pages(letter("ar", "de"), lines=lines)) == 2


def test_paper_of_the_demo_says_that_it_is_invented():
    notice = "Vorführung: erfunden."
    pdf = letters.letters_pdf([letter("ar", "de")], WORDS, SENDER, {}, notice)
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        assert [notice in page.get_text() for page in document] == [True] * len(document)
    pdf = letters.slips_pdf(
        [CODE] * 3, address=ADDRESS, title="Leben", lines={}, fingerprint=FINGERPRINT, notice=notice
    )
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        assert document[0].get_text().count(notice) == 3

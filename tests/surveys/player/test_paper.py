"""The questionnaire on paper: everything is there, rules in words, right-to-left from the right."""

import numpy as np
import pymupdf
import pytest

import typeset
from surveys.player.paper import sheet
from tests.surveys.documents import DATA, document, item, options, questionnaire


def english(message, **values):
    return message % values if values else message


def fields(data):
    return [field for section in data["sections"] for one in section["items"] for field in one["fields"]]


def said(text):
    return "".join(run["words"] for run in text["runs"])


def test_every_item_of_the_variant_is_numbered_and_notes_are_not():
    data = sheet(questionnaire(), "de", english, variant=2)
    numbers = [(one["number"], said(one["text"])) for section in data["sections"] for one in section["items"]]
    assert numbers == [
        ("", "Es gibt keine falschen Antworten."),
        ("1", "Wo wohnen Sie?"),
        ("2", "Wer ist in Deutschland geboren?"),
        ("3", "Seit welchem Jahr leben Sie in Deutschland?"),
        ("4", "Wie zufrieden sind Sie mit Ihrem Leben?"),
        ("5", "Wie sehr stimmt das?"),
        ("6", "Wurden Sie wegen Ihrer Herkunft schlecht behandelt?"),
        ("7", "Was ist am wichtigsten?"),
        ("8", "Was wünschen Sie sich von Musterstadt?"),
    ]
    assert [field["number"] for field in fields(data) if field["label"]] == ["2a", "2b", "5a", "5b"]


def test_rules_are_said_in_words():
    data = sheet(questionnaire(), "de", english, variant=1)
    only = [said(one["only"]) for section in data["sections"] for one in section["items"] if one["only"]]
    assert only == [
        "Only if: question 2a: „nein“",
        "Only if: question 4: „keine“ / „1 bis 29“; question 2b: „nein“",
        "Only if: question 8: „ja“ or question 6 ✓",
    ]


def test_kinds_hints_and_refusals():
    listed = document(
        item("one", "multiple", options=options("a", "b", "c"), max=2, dont_know=True),
        item("two", "multiple", options=options("a", "b"), refusal=False),
        item("three", "ranking", options=options("a", "b", "c"), top=2),
        item("four", "number", exact=True, min=0, max=9),
        item(
            "five",
            "scale",
            **{"from": 0, "to": 3, "low": {"de": "nie"}, "high": {"de": "oft", "en": "often"}},
        ),
        refused={"de": "ohne Angabe"},
        dont_know={"de": "weiß nicht"},
    )
    from surveys.questionnaire import read

    made = fields(sheet(read(listed), "de", english))
    assert [field["kind"] for field in made] == ["multiple", "multiple", "ranking", "exact", "steps"]
    assert [said(field["hint"]) if field["hint"] else "" for field in made] == [
        "At most 2 answers.", "Tick all that apply.", "Write 1 for the most important, then up to 2.", "", "",
    ]  # fmt: skip
    assert [[said(one) for one in field["missing"]] for field in made[:2]] == [
        ["weiß nicht", "ohne Angabe"],
        [],
    ]
    assert [said(end) for end in made[4]["ends"]] == ["nie", "oft"]


def test_a_fallen_back_text_keeps_its_direction():
    data = sheet(questionnaire("fallback"), "fa-AF", english, mark="KEY7", promise=["Promise."])
    text = data["sections"][0]["items"][0]["text"]
    assert (said(text), text["lang"], text["dir"]) == ("One", "en", "ltr")
    assert (data["mark"], data["promise"]) == ("KEY7", ["Promise."])


def ink(page):
    """Dark pixels in the left and in the right third of a page."""
    picture = page.get_pixmap(dpi=50, colorspace=pymupdf.csGRAY)
    dark = (
        np.frombuffer(picture.samples, np.uint8).reshape(picture.height, picture.stride)[:, : picture.width]
        < 128
    )
    third = picture.width // 3
    return int(dark[:, :third].sum()), int(dark[:, -third:].sum())


@pytest.mark.slow
@pytest.mark.parametrize(("language", "side"), [("de", "left"), ("en", "left"), ("fa-AF", "right")])
def test_the_pdf_is_set_from_its_own_side(language, side):
    content = typeset.pdf("questionnaire", sheet(questionnaire(), language, english, mark="MARK7"), language)
    with pymupdf.open(stream=content) as pdf:
        left, right = ink(pdf[0])
        assert (left > 2 * right) if side == "left" else (right > 2 * left)
        text = "".join(page.get_text() for page in pdf)
    assert "MARK7" in text
    if language == "en":
        for words in ("Living in Musterstadt", "Who was born in Germany?", "hopeful", "fully satisfied"):
            assert words in " ".join(text.split())


def test_the_command_writes_a_pdf_and_refuses_what_is_faulty(app, tmp_path):
    run = app.test_cli_runner().invoke
    small = DATA / "valid" / "small.json"
    target = tmp_path / "small.pdf"
    result = run(args=["questionnaire", "print", str(small), "fa-AF", "-o", str(target)])
    assert (result.exit_code, target.read_bytes()[:5]) == (0, b"%PDF-")
    assert run(args=["questionnaire", "print", str(small), "tr"]).exit_code == 2
    assert run(args=["questionnaire", "print", str(small), "de", "--variant", "3"]).exit_code == 2
    faulty = DATA / "invalid" / "no-options.json"
    result = run(args=["questionnaire", "print", str(faulty), "de"])
    assert (result.exit_code, "no-options" in result.output) == (1, True)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert run(args=["questionnaire", "print", str(broken), "de"]).exit_code == 1

"""What the page carries for the script and for CSS, and the words it says."""

import pytest

from surveys.player import sheet
from surveys.player.words import fault_sentence, words
from surveys.questionnaire import read
from tests.surveys.documents import document, item, load, options, questionnaire
from tests.surveys.documents import words as text


def plain(message, **values):
    return message % values if values else message


def test_rules_of_items_and_of_parts_are_kept_apart():
    assert sheet.rules_as_data(questionnaire("parts-of-battery-filtered")) == {
        "two.a": ["=", "one.a", "yes"],
        "two.b": ["=", "one.b", "yes"],
        "three": ["|", ["=", "two.a", "yes"], ["=", "two.b", "yes"], ["=", "two.c", "yes"]],
    }


def test_an_item_whose_parts_are_all_filtered_hides_with_them():
    parts = [
        {"id": name, "text": text(name), "show_if": {"item": "one", "in": [code]}}
        for name, code in (("p", "yes"), ("q", "no"))
    ]
    inner = item("two", "parts", options=options("a", "b"), parts=parts)
    css = sheet.routing_css(read(document(item("one"), inner)))
    yes, no = (f':has([name="one"][value="{code}"]:checked)' for code in ("yes", "no"))
    assert css == (
        "@supports selector(:has(a)){"
        f".n form:not(:is({yes},{no})) #two{{display:none}}"
        f".n form:not({yes}) #two\\.p{{display:none}}"
        f".n form:not({no}) #two\\.q{{display:none}}"
        "}"
    )
    whole = item("two", show_if={"item": "one", "in": ["yes"]})
    assert f".n form:not({yes}) #two{{display:none}}" in sheet.routing_css(read(document(item("one"), whole)))
    assert sheet.routing_css(questionnaire("single")) == ""


def test_items_and_variants():
    made = read(load("variants"))
    assert [one.id for one in sheet.items_of(made, 2)] == ["two", "three"]
    assert len(sheet.items_of(made, None)) == 4
    assert sheet.variants_as_data(made) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("consent-missing", {}, "Please tick that you want to take part."),
        ("too-many", {"maximum": 3}, "At most 3 answers. Please take some away."),
        ("text-too-long", {"maximum": 9}, "This text is too long. At most 9 characters."),
        ("not-a-number", {}, "Please write a whole number."),
        ("out-of-range", {"low": 1, "high": None}, "Please write a whole number."),
        ("out-of-range", {"low": 1, "high": 5}, "Please write a number from 1 to 5."),
        ("rank-gap", {}, "Please give each place once, beginning with the first."),
        ("two-answers", {}, "These answers exclude each other. Please choose."),
        ("unknown-code", {"code": "x"}, "Please answer this question again."),
    ],
)
def test_faults_are_said_to_people_who_answer(kind, params, said):
    assert fault_sentence(plain, kind, params) == said


def test_every_refusal_has_words():
    table = words(plain, lambda code: f"refused: {code}")
    assert table["refusals"]["spent"] == table["refusals"]["used"] == "refused: used"
    assert table["refusals"]["other"] == "refused: "
    assert all(isinstance(value, str) and value for name, value in table.items() if name != "refusals")

"""A person's answers in words: as they stand on the page, in its language."""

from surveys.answers import check
from surveys.player.answered import listed, name, worded
from surveys.questionnaire import read
from tests.surveys.documents import document, item, options, questionnaire


def english(message, **values):
    return message % values if values else message


RANKED = read(
    document(
        item("rank", "ranking", options=options("a", "b", "c"), top=2),
        item("many", "multiple", options=options("a", "b"), dont_know=True),
        item("year", "date", exact=True, min=1900, max=2030),
        item("old", "single"),
        refused={"de": "ohne Angabe"},
    )
)


def test_only_what_was_answered_is_listed_in_the_order_of_the_page():
    given = {"_consent": "yes", "born.self": "no", "satisfied": "0", "wish": "Mehr\nBäume", "arrival": "late"}
    made = questionnaire()
    assert listed(made, "de", english, check(made, given)) == [
        ("Wer ist in Deutschland geboren? – Sie", ["nein"]),
        ("Seit welchem Jahr leben Sie in Deutschland?", ["2016 oder später"]),
        ("Wie zufrieden sind Sie mit Ihrem Leben?", ["0 · ganz unzufrieden"]),
        ("Was wünschen Sie sich von Musterstadt?", ["Mehr\nBäume"]),
    ]


def test_places_several_answers_numbers_and_refusals():
    given = {"_consent": "yes", "rank": ["c", "a"], "many": ["a", "b"], "year": "1980", "old": "!refused"}
    assert listed(RANKED, "en", english, check(RANKED, given)) == [
        ("Frage rank (en)", ["1. C (en)", "2. A (en)"]),
        ("Frage many (en)", ["A (en)", "B (en)"]),
        ("Frage year (en)", ["1980"]),
        ("Frage old (en)", ["ohne Angabe"]),
    ]
    given = {"_consent": "yes", "rank!": "!refused", "many": "!dont_know"}
    assert [lines for _question, lines in listed(RANKED, "de", english, check(RANKED, given))] == [
        ["ohne Angabe"],
        ["I don't know"],
    ]


def test_what_the_script_gets_says_the_same():
    (first, *_rest) = worded(RANKED, "de", english)
    assert first == {
        "address": "rank",
        "text": "Frage rank",
        "words": {"a": "A", "b": "B", "c": "C", "!dont_know": "I don't know", "!refused": "ohne Angabe"},
        "ranked": True,
    }
    assert [one["address"] for one in worded(RANKED, "de", english)] == ["rank", "many", "year", "old"]


def test_a_statement_is_named_with_its_question():
    assert name(questionnaire(), "born.mother", "de") == "Wer ist in Deutschland geboren? – Ihre Mutter"

"""What clerks type, read into answers; where two keyings differ."""

from surveys.answers import check
from surveys.entry.typed import Difference, Keyed, differences, missing_sheets, raw, shown
from surveys.questionnaire import read
from tests.surveys.collection.conftest import DOCUMENT

ITEMS = [
    {
        "id": "things",
        "concept": "c1",
        "type": "multiple",
        "text": {"en": "Which?"},
        "maximum": 2,
        "options": [{"code": str(code), "label": {"en": f"O{code}"}} for code in (1, 2, 3)],
    },
    {"id": "words", "concept": "c2", "type": "text", "text": {"en": "Words?"}},
    {
        "id": "happy",
        "concept": "c3",
        "type": "single",
        "text": {"en": "Happy?"},
        "options": [{"code": "1", "label": {"en": "Yes"}}, {"code": "2", "label": {"en": "No"}}],
    },
]
QUESTIONNAIRE = read({**DOCUMENT, "sections": [{**DOCUMENT["sections"][0], "items": ITEMS}]})


def keyed(sheet=1, void=False, variant=1, **typed):
    checked = check(QUESTIONNAIRE, raw(QUESTIONNAIRE, typed))
    assert checked.faults == ()
    return Keyed(sheet, void, variant, checked.answers, checked.texts)


def test_codes_are_read_like_clicks():
    assert raw(QUESTIONNAIRE, {"things": "1, 3", "words": "a b", "happy": " 2 ", "other": "9"}) == {
        "_consent": "yes",
        "things": ["1", "3"],
        "words": "a b",
        "happy": "2",
    }
    body = raw(QUESTIONNAIRE, {"things": "-", "words": "-", "happy": "?"})
    assert body == {"_consent": "yes", "things": "!refused", "words!": "!refused", "happy": "!dont_know"}


def test_what_is_shown_is_what_was_typed():
    one = keyed(things="3 1", words="a", happy="2")
    fields = {field.address: field for field in QUESTIONNAIRE.fields}
    assert shown(fields["things"], one.answers, one.texts) == "1 3"
    assert shown(fields["words"], one.answers, one.texts) == "a"
    assert shown(fields["happy"], one.answers, one.texts) == "2"
    assert shown(fields["happy"], {"happy": "!refused"}, {}) == "-"
    assert shown(fields["happy"], {"happy": "!not_asked"}, {}) == ""


def test_differences_name_sheet_and_place():
    one, other = keyed(happy="1", things="1 2"), keyed(happy="2", things="2 1")
    assert differences(QUESTIONNAIRE, one, one) == []
    assert differences(QUESTIONNAIRE, one, other) == [Difference(1, "happy", "1", "2")]
    void = Keyed(1, True, 1, {}, {})
    assert differences(QUESTIONNAIRE, one, void) == [Difference(1, "", "", "void")]
    assert differences(QUESTIONNAIRE, void, void) == []
    assert differences(QUESTIONNAIRE, one, keyed(happy="1", things="1 2", variant=2)) == [
        Difference(1, "_variant", "1", "2")
    ]


def test_sheets_that_are_missing():
    assert missing_sheets(4, [3, 1]) == [2, 4]

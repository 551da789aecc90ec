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
        "options": [{"code": code, "label": {"en": code}} for code in ("north", "centre", "south")],
    },
    {"id": "words", "concept": "c2", "type": "text", "text": {"en": "Words?"}},
    {
        "id": "happy",
        "concept": "c3",
        "type": "single",
        "text": {"en": "Happy?"},
        "options": [{"code": code, "label": {"en": code}} for code in ("3", "2", "1")],
    },
    {
        "id": "rank",
        "concept": "c4",
        "type": "ranking",
        "text": {"en": "Order?"},
        "options": [{"code": code, "label": {"en": code}} for code in ("2", "1")],
    },
    {"id": "year", "concept": "c5", "type": "date", "exact": True, "text": {"en": "Year?"}},
    {"id": "scale", "concept": "c6", "type": "scale", "from": 0, "to": 10, "text": {"en": "How?"},
     "low": {"en": "low"}, "high": {"en": "high"}},
]  # fmt: skip
QUESTIONNAIRE = read({**DOCUMENT, "sections": [{**DOCUMENT["sections"][0], "items": ITEMS}]})


def keyed(sheet=1, void=False, variant=1, **typed):
    body, strays = raw(QUESTIONNAIRE, typed)
    checked = check(QUESTIONNAIRE, body)
    assert (checked.faults, strays) == ((), {})
    return Keyed(sheet, void, variant, checked.answers, checked.texts)


def test_boxes_are_read_like_clicks():
    typed = {"things": "1, 3", "words": "a b", "happy": " 1 ", "rank": "b a", "year": "1980", "scale": "0"}
    assert raw(QUESTIONNAIRE, {**typed, "other": "9"}) == (
        {
            "_consent": "yes",
            "things": ["north", "south"],
            "words": "a b",
            # The first box, whatever its code: scales may be coded backwards.
            "happy": "3",
            "rank": ["1", "2"],
            "year": "1980",
            "scale": "0",
        },
        {},
    )
    assert raw(QUESTIONNAIRE, {"rank": "BA"})[0]["rank"] == ["1", "2"]
    body, strays = raw(QUESTIONNAIRE, {"things": "-", "words": "–", "happy": "?", "rank": "-", "year": "?"})
    assert (body, strays) == (
        {
            "_consent": "yes",
            "things": "!refused",
            "words!": "!refused",
            "happy": "!dont_know",
            "rank!": "!refused",
            "year!": "!dont_know",
        },
        {},
    )


def test_what_stands_at_no_box_is_named_and_never_taken_for_a_code():
    typed = {"things": "1 4 north", "happy": "0", "rank": "1", "scale": "11"}
    assert raw(QUESTIONNAIRE, typed) == (
        {"_consent": "yes"},
        {"things": "4 north", "happy": "0", "rank": "1", "scale": "11"},
    )
    assert raw(QUESTIONNAIRE, {"happy": "1 2"})[1] == {"happy": "1 2"}


def test_what_is_shown_is_what_was_typed():
    one = keyed(things="3 1", words="a", happy="1", rank="b a", year="1980", scale="10")
    fields = {field.address: field for field in QUESTIONNAIRE.fields}
    typed = {address: shown(field, one.answers, one.texts) for address, field in fields.items()}
    assert typed == {
        "things": "1 3", "words": "a", "happy": "1", "rank": "b a", "year": "1980", "scale": "10"
    }  # fmt: skip
    assert shown(fields["happy"], {"happy": "!refused"}, {}) == "-"
    assert shown(fields["happy"], {"happy": "!not_asked"}, {}) == ""


def test_differences_name_sheet_place_and_variant():
    one, other = keyed(happy="1", things="1 2"), keyed(happy="2", things="2 1")
    assert differences(QUESTIONNAIRE, one, one) == []
    assert differences(QUESTIONNAIRE, one, other) == [Difference(1, "happy", "1", "2", 1)]
    void = Keyed(1, True, 1, {}, {})
    assert differences(QUESTIONNAIRE, one, void) == [Difference(1, "", "", "void", 1)]
    assert differences(QUESTIONNAIRE, void, void) == []
    assert differences(QUESTIONNAIRE, one, keyed(happy="1", things="1 2", variant=2)) == [
        Difference(1, "_variant", "1", "2", 1)
    ]


def test_sheets_that_are_missing():
    assert missing_sheets(4, [3, 1]) == [2, 4]

"""What is printed at a box is what is typed for it, whatever the codes are."""

from surveys.player.boxes import DONT_KNOW, REFUSED, marks
from surveys.player.paper import sheet
from surveys.questionnaire import read
from tests.surveys.documents import document, item, options, questionnaire
from tests.surveys.player.test_paper import english, fields, said

BACKWARDS = read(
    document(
        item("agree", options=options("5", "4", "3", "2", "1"), dont_know=True),
        item("many", "multiple", options=options("x", "y")),
        item("rank", "ranking", options=options("3", "1", "2")),
        item("scale", "scale", **{"from": 0, "to": 3, "low": {"de": "nie"}, "high": {"de": "oft"}}),
        item("year", "date", exact=True, min=1900, max=2030),
    )
)


def test_boxes_are_numbered_in_printed_order_and_scales_keep_their_numbers():
    assert {address: marks(field) for address, field in BACKWARDS.by_address.items()} == {
        "agree": {"5": "1", "4": "2", "3": "3", "2": "4", "1": "5"},
        "many": {"x": "1", "y": "2"},
        # Numbers are what the person writes into these boxes, so the boxes have letters.
        "rank": {"3": "a", "1": "b", "2": "c"},
        "scale": {"0": "0", "1": "1", "2": "2", "3": "3"},
        "year": {},
    }


def test_every_statement_of_a_battery_begins_with_one():
    made = questionnaire()
    assert next(iter(marks(made.by_address["feel.hope"]).values())) == "1"
    assert marks(made.by_address["feel.hope"]) == marks(made.by_address["feel.alone"])


def test_the_sheet_prints_them_at_every_box():
    made = fields(sheet(BACKWARDS, "de", english))
    assert [[one["mark"] for one in field["options"]] for field in made] == [
        ["1", "2", "3", "4", "5"],
        ["1", "2"],
        ["a", "b", "c"],
        # The number is the label already.
        ["", "", "", ""],
        [],
    ]
    assert [said(one) for one in made[3]["options"]] == ["0", "1", "2", "3"]
    assert [[one["mark"] for one in field["missing"]] for field in made] == [
        [DONT_KNOW, REFUSED],
        *[[REFUSED]] * 4,
    ]

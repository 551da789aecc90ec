"""The planner's page."""

import re
from urllib.parse import urlencode

import pytest

from tests.participation.access.people.conftest import in_english


@pytest.fixture
def planner(as_role):
    return in_english(as_role("register_clerk"))


def address(*rows, **changes):
    data = {"start": "2099-01-05", "languages": "10", "calculate": "y"} | changes
    for number, row in enumerate(rows):
        for name, value in zip(("code", "label", "population", "response", "points"), row, strict=True):
            data[f"groups-{number}-{name}"] = value
    return f"/office/register/plan?{urlencode(data)}"


def test_a_plan_says_letters_keys_calendar_and_work(planner):
    assert planner.get("/office/register/plan").status_code == 200
    page = planner.get(address(("a", "Syria", "9000", "25", "5"), ("b", "Poland", "4000", "30", "6")))
    assert page.status_code == 200
    for words in ("Syria", "Jan 26, 2099", "First reminder", "hours", "Landkreis", "Release the results"):
        assert words in page.text


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "Name at least one group."),
        ((("a", "A", "", "25", "5"),), "how many people"),
        ((("a", "A", "100", "", "5"),), "the response must lie"),
        ((("a", "A", "100", "50", ""),), "the half-width must lie"),
        ((("a", "A", "60", "50", "5"),), "cannot protect the people"),
        ((("a", "A", "9000", "50", "1e-300"),), "must lie between 0.01 and 50"),
        ((("a", "A", "9000", "50", "5"), ("", "Poland", "", "", "")), "A row has no code: Poland"),
        ((("a", "A", "-5", "NaN", "x"),), "Number must be between"),
        ((("a", "A", "900", "50", "5"), ("a", "B", "900", "50", "5")), "stands in two rows"),
    ],
)
def test_a_plan_that_cannot_be_is_explained(planner, rows, words):
    page = planner.get(address(*rows))
    assert page.status_code == 422
    assert words in page.text


def test_numbers_are_read_as_offices_write_them(planner):
    written = [
        ("9.000", "25,5", "5,5"),
        ("9\u202f000", "25.5", "5.5"),
        ("9'000", " 25,50 ", "5,5"),
        ("9000", "25.5", "5.5"),
    ]
    pages = [planner.get(address(("a", "Syria", *row))) for row in written]
    assert [page.status_code for page in pages] == [200] * 4
    letters = [re.findall(r'<td class="number">([^<]*)</td>', page.text) for page in pages]
    assert letters == [letters[0]] * 4
    assert planner.get(address(("a", "Syria", "9.00", "25", "5"))).status_code == 422


def test_a_day_beyond_the_calendar_is_refused(planner):
    page = planner.get(address(("a", "Syria", "9000", "25", "5"), start="9999-12-31"))
    assert page.status_code == 422
    assert "Please give a day" in page.text


def test_a_day_that_is_over_is_refused(planner):
    page = planner.get(address(("a", "Syria", "9000", "25", "5"), start="1900-01-01"))
    assert (page.status_code, "This day is over." in page.text) == (422, True)


def test_unequal_groups_are_told_what_it_costs_and_others_are_not(planner):
    rows = ("a", "A", "9000", "25", "5"), ("b", "B", "90000", "25", "5")
    said = [
        "Because the groups are sampled unequally" in planner.get(one).text
        for one in (address(*rows), address(*rows, share_key="y"), address(rows[0]))
    ]
    assert said == [True, False, False]


@pytest.fixture
def german(as_role):
    clerk = as_role("register_clerk")
    clerk.submit("/office/language", {"language": "de"}, at="/office")
    return clerk


def test_a_german_reads_german_numbers_and_faults(german):
    page = german.get(address(("a", "A", "90000", "25", "2"), ("b", "B", "9000", "25", "2"), languages="3"))
    figures = re.findall(r'<td class="number">([^<]*)</td>', page.text)
    assert figures[:4] == ["90.000", "9.356", "10,4 %", "2.339"]
    assert re.findall(r"\d+[.,]\d Stunden", page.text) == ["66,8 Stunden"]
    page = german.get(address(("a", "A", "-5", "25", "5")))
    assert page.status_code == 422
    assert re.findall(r'text-danger">([^<]*)<', page.text) == ["Zahl muss zwischen 1 und 100000000 liegen."]


def test_a_german_reads_a_comma(german):
    clerk = german
    page = clerk.get(address(("a", "A", "300", "30", "5"), ("b", "B", "90000", "30", "5")))
    assert re.search(r"zu erwarten sind ± \d+,\d Punkte", page.text)


def test_what_the_plan_changed_is_said(planner):
    small = ("a", "A", "300", "30", "5")
    page = planner.get(address(small, ("b", "B", "90000", "30", "5")))
    assert "even if everybody is invited" in page.text
    page = planner.get(address(("a", "A", "100000", "30", "20"), ("b", "B", "200", "20", "9")))
    assert "share one key" in page.text
    page = planner.get(address(("a", "A", "100000", "30", "20"), share_key="y"))
    assert "more people are invited than precision needs" in page.text


def test_who_may_plan(as_role):
    assert as_role("editor").get("/office/register/plan").status_code == 200
    assert as_role("moderator").get("/office/register/plan").status_code == 403

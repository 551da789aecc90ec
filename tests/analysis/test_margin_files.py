import io

import openpyxl
import pytest

from analysis import margin_files
from analysis.margin_files import (
    cells_of_text,
    disagreements,
    margin,
    number,
    read_file,
)
from surveys.faults import Faulty

ABOUT = {"source": "Register", "date": "2024-06-30", "definition": "main residence, 18 and over"}


@pytest.mark.parametrize(
    ("text", "value", "share"),
    [
        ("72.117", 72117, False),
        ("1.234.567,8", 1234567.8, False),
        ("37,1 %", 37.1, True),
        ("1 234", 1234, False),
        ("12.5", 12.5, False),
        ("1,234.5", 1234.5, False),
        ("-3", -3, False),
        ("0", 0, False),
    ],
)
def test_german_and_english_numbers(text, value, share):
    found = number(text)
    assert found is not None
    assert (found.value, found.share) == (value, share)


@pytest.mark.parametrize("text", ["", "x", "1,2,3", "12a", "."])
def test_what_is_no_number(text):
    assert number(text) is None


def faults(rows, **options):
    with pytest.raises(Faulty) as caught:
        margin(rows, "sex", **{**ABOUT, **options})
    return sorted((fault.kind, fault.place) for fault in caught.value.faults)


def test_counts_with_heading_total_and_percentages():
    rows = cells_of_text(
        "Geschlecht;Anzahl;Anteil\nweiblich;37.100;37,1 %\nmännlich;62.900;62,9 %\nInsgesamt;100.000;\n"
    )
    found = margin(rows, "sex", **ABOUT)
    assert found.categories == ("weiblich", "männlich")
    assert found.counts.tolist() == [37_100, 62_900]
    assert found.definition == ABOUT["definition"]


def test_percentages_need_a_population_and_sum_to_a_hundred():
    rows = [["f", "48,5 %"], ["m", "51,5 %"]]
    assert faults(rows) == [("margin-needs-population", "population")]
    assert margin(rows, "sex", population=2000, **ABOUT).counts.tolist() == [970, 1030]
    assert faults([["f", "48 %"], ["m", "61 %"]], population=1) == [("margin-shares-sum", "")]


def test_contradictions_are_named():
    """A share printed beside counts that give another one, and a total that its parts do not reach."""
    assert faults([["a", "720", "72 %"], ["b", "480", "28 %"]]) == [
        ("margin-share-contradicts", "a"),
        ("margin-share-contradicts", "b"),
    ]
    assert faults([["a", "36910", "37,1 %"], ["b", "63090", "62,9 %"]]) == [
        ("margin-share-contradicts", "a"),
        ("margin-share-contradicts", "b"),
    ]
    assert faults([["a", "10"], ["b", "20"], ["Summe", "33"]]) == [("margin-total", "")]


def test_a_first_row_that_is_no_heading_is_not_lost():
    assert faults([["f", "viele"], ["m", "3"]]) == [("margin-number", "row 1")]


def test_every_fault_of_a_file_at_once():
    rows = [["a", "1"], ["a", "2"], ["b", "many"], ["", "3"], ["c"]]
    assert faults(rows, source=" ", categories=["a", "d"]) == [
        ("margin-missing-category", "d"),
        ("margin-number", "row 3"),
        ("margin-row", "row 4"),
        ("margin-row", "row 5"),
        ("margin-twice", "row 2"),
        ("margin-undescribed", "source"),
    ]
    assert faults([]) == [("margin-empty", "")]
    assert faults([["z", "1"]], categories=["z", "y"]) == [("margin-missing-category", "y")]
    assert faults([["q", "1"], ["y", "2"]], categories=["y"]) == [("margin-category", "q")]


def workbook(merge=False):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["sex", "share"])
    sheet.append(["f", 0.485])
    sheet.append(["m", 0.515])
    for row in (2, 3):
        sheet.cell(row, 2).number_format = "0.0%"
    if merge:
        sheet.merge_cells("A2:A3")
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_workbooks_and_their_merged_cells():
    assert read_file("m.xlsx", workbook()) == [["sex", "share"], ["f", "48.5%"], ["m", "51.5%"]]
    with pytest.raises(Faulty) as caught:
        read_file("m.xlsx", workbook(merge=True))
    assert [(f.kind, f.place) for f in caught.value.faults] == [("merged-cells", "Sheet!A2:A3")]
    with pytest.raises(Faulty) as caught:
        read_file("m.xlsx", b"not a workbook")
    assert [f.kind for f in caught.value.faults] == ["not-a-workbook"]


def test_a_small_workbook_that_unfolds_without_end_is_refused(monkeypatch):
    content = workbook()
    monkeypatch.setattr(margin_files, "MAX_UNFOLDED", len(content) // 2)
    with pytest.raises(Faulty) as caught:
        read_file("m.xlsx", content)
    assert [f.kind for f in caught.value.faults] == ["not-a-workbook"]


def test_files_in_the_old_western_encoding():
    assert read_file("m.csv", "männlich;3\n".encode("cp1252")) == [["männlich", "3"]]
    assert cells_of_text("a,3\nb,4") == [["a", "3"], ["b", "4"]]


def test_margins_that_disagree():
    one = margin([["f", "10"], ["m", "20"]], "sex", **ABOUT)
    two = margin([["old", "12"], ["young", "20"]], "age", **ABOUT)
    assert disagreements({"sex": one, "sex2": one}) == []
    assert [(f.place, f.params["a"], f.params["b"]) for f in disagreements({"sex": one, "age": two})] == [
        ("age", 30, 32)
    ]


def test_margins_of_different_waves_are_not_compared():
    then = margin([["f", "10"], ["m", "20"]], "sex", **ABOUT)
    now = margin([["f", "15"], ["m", "30"]], "sex", **ABOUT)
    other = margin([["old", "12"], ["young", "20"]], "age", **ABOUT)
    assert disagreements({"sex": now, "sex@first": then}) == []
    assert [(f.place, f.params["first"]) for f in disagreements({"sex@first": then, "age@first": other})] == [
        ("age@first", "sex@first")
    ]
    # A wave without an own margin of this name uses the common one, and that is compared.
    assert [f.place for f in disagreements({"sex": now, "age@first": then})] == ["age@first"]


def test_old_line_ends_are_read():
    assert read_file("margins.csv", b"f;60\rm;40\r") == [["f", "60"], ["m", "40"]]


def test_control_characters_name_their_row():
    with pytest.raises(Faulty) as caught:
        read_file("margins.csv", b"f;60\nm\x07;40\n\x00x;1\n")
    assert [(fault.kind, dict(fault.params)) for fault in caught.value.faults] == [
        ("margin-control", {"row": 2, "sign": "U+0007"}),
        ("margin-control", {"row": 3, "sign": "U+0000"}),
    ]


def test_a_cell_beyond_any_table_names_its_row():
    with pytest.raises(Faulty) as caught:
        read_file("margins.csv", b"f;60\n" + b"x" * 200_000 + b";1\n")
    assert [(fault.kind, fault.params["row"]) for fault in caught.value.faults] == [("margin-unreadable", 2)]

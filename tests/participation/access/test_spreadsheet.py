"""Tables out of files: what is read, and what is refused because it could be read wrongly."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from participation.access import spreadsheet


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"  \n", "empty"),
        (b"\x00\x01\x02", "encoding"),
        (b"Name;Ort\n\x81;x", "encoding"),
        (b"Name;Name\nA;B", "double_columns"),
        (b"Name;;Ort\nA;B;C", "no_header"),
        (b"Name;Ort\nA;B\nC", "ragged"),
        (b"PK\x03\x04 broken", "unreadable"),
        (workbook(), "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"\xff\xfea", "encoding"),
        ("Name;Ort\nJörg;Köln".encode("utf-16-le"), "encoding"),
        ("Behörde;Ort\nA;B".encode("cp850"), "letters"),
        ("Straße;Ort\nA;B".encode("mac_roman"), "letters"),
        ("Straße;Ort\nA;B".encode().decode("cp1252").encode(), "letters"),
        (b"\n\nName;Ort\nA;B", "no_header"),
        (b"Sample of 2026;\nName;Ort\nA;B", "no_header"),
        (b'Name;Ort\n"A;B\n' + b"A;B\n" * 50_000, "quote"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_excel"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(spreadsheet.TableError) as caught:
        spreadsheet.read_table(data)
    assert caught.value.code == code


def test_a_small_file_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(["Name", "Ort"], *(["Ada", "Köln"] for _ in range(2_000)))
    assert len(spreadsheet.read_table(data).columns) == 2
    monkeypatch.setattr(spreadsheet, "MAX_UNFOLDED", 5 * len(data))
    with pytest.raises(spreadsheet.TableError) as caught:
        spreadsheet.read_table(data)
    assert caught.value.code == "unreadable"


def test_a_single_column_is_a_table_too() -> None:
    assert spreadsheet.read_table(b"Name\nAda\n\n").columns == ["Name"]


def test_excels_own_first_line_is_no_header() -> None:
    read = spreadsheet.read_table(b"sep=,\r\nName,Ort\r\nA;B,C\r\n")
    assert (read.columns, read.delimiter, read.frame.rows()) == (["Name", "Ort"], ",", [("A;B", "C")])


def test_a_line_break_in_a_name_of_a_column_is_a_space() -> None:
    assert spreadsheet.read_table(b'"Name\nder Person";Ort\nA;B').columns == ["Name der Person", "Ort"]


def book_of(change: Callable[[Workbook], None]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in (["Name", "Ort"], ["Ada", "Koeln"], ["Ola", "Bonn"]):
        book.active.append(row)
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def merge(book: Workbook) -> None:
    book.active.merge_cells("B2:B3")  # type: ignore[union-attr]


def compute(book: Workbook) -> None:
    book.active["B3"] = '=CONCATENATE("Bo","nn")'  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "code", "params"),
    [(merge, "merged", {"cells": "B2:B3"}), (compute, "formula", {"cell": "B3"})],
)
def test_cells_whose_value_is_not_there_are_named(
    change: Callable[[Workbook], None], code: str, params: dict[str, str]
) -> None:
    """Merged, only the first cell has a value; a formula that no spreadsheet worked out has none."""
    with pytest.raises(spreadsheet.TableError) as caught:
        spreadsheet.read_table(book_of(change))
    assert (caught.value.code, caught.value.params) == (code, params)


def test_errors_and_kinds_of_cells_are_read_as_they_are_shown() -> None:
    def fill(book: Workbook) -> None:
        assert book.active is not None
        book.active.append(["#N/A", 4103.0])
        book.active.append([dt.date(2026, 5, 1), 0.5])
        book.active["AB1"] = "Far"
        book.active["AB3"] = "#REF!"
        for column in range(3, 28):
            book.active.cell(row=1, column=column, value=f"c{column}")

    read = spreadsheet.read_table(book_of(fill)).frame
    assert read["Name"].to_list() == ["Ada", "Ola", "#N/A", "2026-05-01"]
    assert read["Ort"].to_list() == ["Koeln", "Bonn", "4103", "0.5"]
    assert read["Far"].to_list() == ["", "#REF!", "", ""]


def test_the_first_sheet_that_can_be_seen_is_read() -> None:
    def hidden(book: Workbook) -> None:
        book.create_sheet("Notes").append(["of the office"])
        book.create_sheet("Lists", 0).append(["hidden"])
        book["Lists"].sheet_state = "hidden"

    read = spreadsheet.read_table(book_of(hidden))
    assert (read.columns, read.frame.height, read.sheet) == (["Name", "Ort"], 2, "Sheet")
    assert spreadsheet.read_table(book_of(lambda book: None)).sheet == ""


def test_a_workbook_that_breaks_off_in_its_rows_is_unreadable() -> None:
    whole, broken = io.BytesIO(book_of(lambda book: None)), io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for part in source.namelist():
            content = source.read(part)
            target.writestr(part, content[:-120] if "sheet1" in part else content)
    with pytest.raises(spreadsheet.TableError) as caught:
        spreadsheet.read_table(broken.getvalue())
    assert caught.value.code == "unreadable"


def test_a_table_that_is_written_runs_nothing() -> None:
    written = spreadsheet.csv_text([["Row", "Fault"], [2, "=1+1"], [3, 'a;"b"']])
    assert written == '\ufeffRow;Fault\r\n2;\'=1+1\r\n3;"a;""b"""\r\n'

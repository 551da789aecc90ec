import io

import openpyxl
import pymupdf
import pytest
from lxml import html

from analysis.charts import Dot, Frame, dots
from analysis.exchange.bookfiles import WORDS, columns_of, html_book, print_data, rows_of, xlsx_book
from analysis.plan import read
from analysis.publication import publish
from analysis.tables import build
from tests.analysis.book_data import plan_document, two_waves
from typeset import pdf


@pytest.fixture(scope="module")
def document():
    plan = plan_document(tables=[{"items": ["q1", "q3"], "groups": ["sex", "origin"]}])
    return publish(build(read(plan), two_waves(items=3))).document


def test_html_book_is_one_page_in_the_language(document):
    root = html.fromstring(html_book(document, "ar"))
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")
    assert len(root.findall(".//h1")) == 1
    assert len(root.findall(".//table")) == len(document["tables"]) == 12
    assert "سؤال 1" in root.text_content()
    assert root.findall(".//script") == []


def test_html_book_escapes_labels(document):
    hostile = {**document, "title": {"en": "<script>alert(1)</script>"}}
    assert "<script>" not in html_book(hostile, "en")


def test_rows_are_the_cells(document):
    rows = list(rows_of(document, "en"))
    cells = sum(len(row["cells"]) for table in document["tables"] for row in table["rows"])
    assert len(rows) == cells
    assert {len(row) for row in rows} == {len(columns_of())}


def test_workbook_in_two_languages_is_the_same_every_time(document):
    one = xlsx_book(document, ["en", "ar"], {"en": WORDS})
    assert one == xlsx_book(document, ["en", "ar"], {"en": WORDS})
    workbook = openpyxl.load_workbook(io.BytesIO(one))
    assert workbook.sheetnames == ["tables en", "figures en", "tables ar", "figures ar"]
    assert [bool(sheet.sheet_view.rightToLeft) for sheet in workbook] == [False, False, True, True]
    assert workbook["figures en"].max_row == 1 + len(list(rows_of(document, "en")))


def test_effective_base_stands_beside_the_base_where_it_is_shown(document):
    rows = [row for table in document["tables"] for row in table["rows"]]
    assert [row["effective"] is None for row in rows] == [row["base"] is None for row in rows]
    assert any(row["effective"] is not None and 0 < row["effective"] < row["base"] for row in rows)
    assert all(row["effective"] % 5 == 0 for row in rows if row["effective"] is not None)
    place = columns_of().index(WORDS["effective"])
    found = {row[place] for row in rows_of(document, "en")}
    assert found == {row["effective"] for row in rows}
    heads = [
        head.text for head in html.fromstring(html_book(document, "en")).findall(".//table[1]//thead//th")
    ]
    assert heads[-2:] == ["Base", "Effective base"]
    first = print_data(document, "en")["tables"][0]["rows"][0]["counts"]
    assert first == [str(rows[0]["base"]), str(rows[0]["effective"])]


def test_readers_are_spared_the_effective_base(document):
    own = {**WORDS, "effective column": ""}
    assert "Effective base" not in html_book(document, "en", own)
    assert print_data(document, "en", own)["counts"] == ["Base"]
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_book(document, ["en"], {"en": own})))["tables en"]
    assert "Effective base" not in {cell.value for row in sheet.rows for cell in row}


def test_print_book_is_the_same_every_time(document):
    data = print_data(document, "ar")
    first = pdf("tablebook", data, "ar")
    assert first == pdf("tablebook", data, "ar")
    with pymupdf.open(stream=first) as pages:
        assert pages.page_count >= 1


def test_figure_for_print():
    svg = dots(Frame("الثقة", "الثقة", "ar", rtl=True), [Dot("الشمال", 71, 64, 78)])
    with pymupdf.open(stream=pdf("figure", {"svg": svg}, "ar")) as pages:
        assert pages.page_count == 1

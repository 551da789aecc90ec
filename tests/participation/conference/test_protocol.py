"""The protocol as an office's document."""

import io

import pytest
from docx import Document
from docx.oxml.ns import qn

from participation.conference.results import protocol

CONTENT = {
    "title": "Konferenz",
    "facts": ["Die Konferenz war am 13. Juni 2019."],
    "sections": [
        {
            "title": "Themen",
            "paragraphs": ["Zwei Themen."],
            "table": {
                "head": ["Platz", "Thema"],
                "widths": [1, 3],
                "rows": [["1", "Wohnen"], ["2", "Arbeit"]],
            },
        }
    ],
}


@pytest.mark.parametrize(("language", "rtl"), [("de", False), ("ar", True)])
def test_docx_is_a4_numbered_and_in_its_language(language: str, rtl: bool) -> None:
    made = Document(io.BytesIO(protocol.docx(CONTENT, language=language, rtl=rtl)))
    page = made.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    assert "NUMPAGES" in page.footer._element.xml
    assert made.styles["Normal"].element.rPr.find(qn("w:lang")).get(qn("w:val")) == language
    (table,) = made.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["Platz", "Thema"],
        ["1", "Wohnen"],
        ["2", "Arbeit"],
    ]
    narrow, wide = (column.width for column in table.columns)
    assert wide == pytest.approx(3 * narrow, rel=0.01)
    # The schema's order: Word reads no other.
    kinds = [child.tag.partition("}")[2] for child in table._tbl.tblPr]
    assert ("bidiVisual" in kinds) == rtl
    if rtl:
        assert kinds.index("bidiVisual") < kinds.index("tblW")
        assert all(p._p.pPr is not None and p._p.pPr.find(qn("w:bidi")) is not None for p in made.paragraphs)

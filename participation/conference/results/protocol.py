"""The conference's protocol as data, and as DOCX: needs, merges, rounds, outcome, statement of method.

Words are passed in, already in the reader's language, so that the PDF (templates/print/protocol.typ) and the
DOCX say the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

#: Found on every office machine, or replaced by one of the same widths.
FONT = "Arial"


def docx(document: Mapping[str, Any], *, language: str, rtl: bool) -> bytes:
    """``document``: {"title", "facts": [text], "sections": [{"title", "paragraphs", "table": {"head",
    "widths", "rows"}}]}; ``widths`` are the columns' shares of the line."""
    made = Document()
    made.core_properties.title = document["title"]
    made.core_properties.language = language
    _page(made)
    _styles(made, language)
    _paragraph(made.add_heading(document["title"], 0), rtl)
    for fact in document["facts"]:
        _paragraph(made.add_paragraph(fact), rtl)
    for section in document["sections"]:
        _paragraph(made.add_heading(section["title"], 1), rtl)
        for text in section.get("paragraphs", []):
            _paragraph(made.add_paragraph(text), rtl)
        if section.get("table"):
            _table(made, section["table"], rtl)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def _page(made: Any) -> None:
    """A4, with the number of the page below: the library's own page is American."""
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(22)
    page.top_margin = page.bottom_margin = Mm(20)
    footer = page.footer.paragraphs[0]
    footer.alignment = 1
    for code in ("PAGE", "NUMPAGES"):
        if code == "NUMPAGES":
            footer.add_run(" / ")
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), code)
        footer._p.append(field)


def _styles(made: Any, language: str) -> None:
    """One plain typeface in black, and the language, so that a reader's voice and hyphens are right."""
    for name, size in (("Normal", 10), ("Title", 18), ("Heading 1", 13)):
        style = made.styles[name]
        style.font.size, style.font.color.rgb = Pt(size), RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in list(fonts.attrib):
            del fonts.attrib[kind]
        for kind in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{kind}"), FONT)
    made.styles["Normal"].paragraph_format.space_after = Pt(4)
    spoken = OxmlElement("w:lang")
    for kind in ("val", "bidi"):
        spoken.set(qn(f"w:{kind}"), language)
    made.styles["Normal"].element.get_or_add_rPr().append(spoken)


def _paragraph(paragraph: Any, rtl: bool) -> None:
    if not rtl:
        return
    properties = paragraph._p.get_or_add_pPr()
    properties.append(OxmlElement("w:bidi"))
    for run in paragraph.runs:
        run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))


def _table(made: Any, content: Mapping[str, Any], rtl: bool) -> None:
    head: Sequence[str] = content["head"]
    page = made.sections[0]
    line = page.page_width - page.left_margin - page.right_margin
    widths = [int(line * share / sum(content["widths"])) for share in content["widths"]]
    table = made.add_table(rows=1, cols=len(head))
    table.style = "Table Grid"
    table.autofit = False
    if rtl:
        # Word reads the properties of a table in the order of the schema only.
        table._tbl.tblPr.find(qn("w:tblStyle")).addnext(OxmlElement("w:bidiVisual"))
    first = table.rows[0]
    # The first row is repeated on every page and read out as the header.
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    first._tr.get_or_add_trPr().append(mark)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    _cells(first, head, widths, rtl, bold=True)
    for row in content["rows"]:
        added = table.add_row()
        added._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        _cells(added, row, widths, rtl)


def _cells(row: Any, texts: Sequence[str], widths: Sequence[int], rtl: bool, *, bold: bool = False) -> None:
    for cell, text, width in zip(row.cells, texts, widths, strict=True):
        cell.width = width
        cell.text = text
        for run in cell.paragraphs[0].runs:
            run.font.size = Pt(9)
            run.bold = run.font.cs_bold = bold or None
        _paragraph(cell.paragraphs[0], rtl)

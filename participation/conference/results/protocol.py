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


def docx(document: Mapping[str, Any], *, language: str, rtl: bool) -> bytes:
    """``document``: {"title", "facts": [text], "sections": [{"title", "paragraphs", "table": {"head",
    "rows"}}]}."""
    made = Document()
    made.core_properties.title = document["title"]
    made.core_properties.language = language
    _paragraph(made.add_heading(document["title"], 0), rtl)
    for fact in document["facts"]:
        _paragraph(made.add_paragraph(fact), rtl)
    for section in document["sections"]:
        _paragraph(made.add_heading(section["title"], 1), rtl)
        for text in section.get("paragraphs", []):
            _paragraph(made.add_paragraph(text), rtl)
        if section.get("table"):
            _table(made, section["table"]["head"], section["table"]["rows"], rtl)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def _paragraph(paragraph: Any, rtl: bool) -> None:
    if not rtl:
        return
    properties = paragraph._p.get_or_add_pPr()
    properties.append(OxmlElement("w:bidi"))
    for run in paragraph.runs:
        run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))


def _table(made: Any, head: Sequence[str], rows: Sequence[Sequence[str]], rtl: bool) -> None:
    table = made.add_table(rows=1, cols=len(head))
    table.style = "Table Grid"
    if rtl:
        table._tbl.tblPr.append(OxmlElement("w:bidiVisual"))
    first = table.rows[0]
    # The first row is repeated on every page and read out as the header.
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    first._tr.get_or_add_trPr().append(mark)
    for cell, text in zip(first.cells, head, strict=True):
        cell.text = text
        cell.paragraphs[0].runs[0].bold = True
        _paragraph(cell.paragraphs[0], rtl)
    for row in rows:
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
            _paragraph(cell.paragraphs[0], rtl)

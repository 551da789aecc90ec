"""Pure: documents for print, by Typst: one template, data as JSON, any script, either direction.

Templates are our own text and never hold data, so nothing that a person typed can become markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from localtext import direction

#: Families tried in this order for every letter; the free Noto fonts cover Latin, Cyrillic, Greek,
#: Arabic and Ethiopic.  `make setup` names what is missing.
FONTS = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
    "Noto Sans Ethiopic",
    "Noto Sans Devanagari",
    "Noto Sans Georgian",
    "Noto Sans Armenian",
    "DejaVu Sans",
    "Libertinus Serif",
)

_TEMPLATES = Path(__file__).resolve().parent / "templates" / "print"


def pdf(template: str, data: Mapping[str, Any], language: str) -> bytes:
    """Set the template ``templates/print/<template>.typ`` with the data, as PDF.

    The template finds the data as ``data``, and ``lang`` and ``dir`` of the document.  The same input gives
    the same bytes: no date or path is written into the file.

    Raises:
        FileNotFoundError: there is no such template.
        typst.TypstError: the template is faulty.
    """
    source = (_TEMPLATES / f"{template}.typ").read_text(encoding="utf-8")
    preamble = (_TEMPLATES / "house.typ").read_text(encoding="utf-8")
    inputs = {
        "data": json.dumps(data, ensure_ascii=False),
        "lang": language.split("-", maxsplit=1)[0],
        "dir": direction(language),
        "fonts": json.dumps(FONTS),
    }
    return bytes(typst.compile((preamble + source).encode(), format="pdf", sys_inputs=inputs))

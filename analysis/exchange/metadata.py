"""Metadata standards: DDI-Codebook 2.5 with every language, and Triple-S 3.0 with its data file.

Sources: DDI Alliance, *DDI-Codebook 2.5* (namespace ``ddi:codebook:2_5``); Triple-S Survey Standard 3.0
(2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO

import numpy as np
from lxml import etree

from analysis.columns import MISSING
from analysis.exchange.codebook import (
    MISSING_LABELS,
    MISSING_NUMBERS,
    Chunk,
    Codebook,
    Variable,
    numeric,
    safe_names,
)
from localtext import LocalText

DDI = "ddi:codebook:2_5"
XML = "{http://www.w3.org/XML/1998/namespace}"


def _bytes(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _texts(parent: etree._Element, tag: str, text: LocalText, languages: Iterable[str]) -> None:
    """One element per language that has the text; the first language leads."""
    for language in languages:
        if language in text:
            element = etree.SubElement(parent, tag)
            element.set(f"{XML}lang", language)
            element.text = _clean(text[language])


def _clean(text: str) -> str:
    """Text without the control characters that XML 1.0 does not allow."""
    return "".join(c for c in text if c in "\t\n\r" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF))


def _with_fallback(text: LocalText, languages: Iterable[str]) -> LocalText:
    return text if any(language in text for language in languages) else {"en": next(iter(text.values()), "")}


def ddi(book: Codebook, *, cases: int, file_name: str, design: str = "") -> bytes:
    """The codebook as DDI-Codebook 2.5: labels, categories and missing codes in every language of the survey.

    Labels after the first language are repeated elements with ``xml:lang``, as the standard allows.
    """
    languages = [*book.languages, *(["en"] if "en" not in book.languages else [])]
    root = etree.Element(f"{{{DDI}}}codeBook", nsmap={None: DDI})
    root.set("version", "2.5")
    root.set(f"{XML}lang", languages[0])
    study = etree.SubElement(root, f"{{{DDI}}}stdyDscr")
    citation = etree.SubElement(study, f"{{{DDI}}}citation")
    title = etree.SubElement(citation, f"{{{DDI}}}titlStmt")
    _one_title(title, book, languages)
    if book.source:
        producer = etree.SubElement(etree.SubElement(citation, f"{{{DDI}}}prodStmt"), f"{{{DDI}}}producer")
        producer.text = _clean(book.source)
    if design:
        collection = etree.SubElement(etree.SubElement(study, f"{{{DDI}}}method"), f"{{{DDI}}}dataColl")
        etree.SubElement(collection, f"{{{DDI}}}weight").text = _clean(design)
    file_text = etree.SubElement(etree.SubElement(root, f"{{{DDI}}}fileDscr", ID="F1"), f"{{{DDI}}}fileTxt")
    etree.SubElement(file_text, f"{{{DDI}}}fileName").text = _clean(file_name)
    dimensions = etree.SubElement(file_text, f"{{{DDI}}}dimensns")
    etree.SubElement(dimensions, f"{{{DDI}}}caseQnty").text = str(cases)
    etree.SubElement(dimensions, f"{{{DDI}}}varQnty").text = str(len(book.variables))
    data = etree.SubElement(root, f"{{{DDI}}}dataDscr")
    names = safe_names(book.names, 64)
    for key, text in book.sets.items():
        members = [f"V_{names[v.name]}" for v in book.variables if v.multiple == key]
        group = etree.SubElement(data, f"{{{DDI}}}varGrp", type="multipleResp", var=" ".join(members))
        _texts(group, f"{{{DDI}}}labl", _with_fallback(text, languages), languages)
    for variable in book.variables:
        _ddi_variable(data, variable, names[variable.name], languages)
    return _bytes(root)


def _one_title(parent: etree._Element, book: Codebook, languages: list[str]) -> None:
    found = [language for language in languages if language in book.title] or list(book.title)
    for number, language in enumerate(found):
        element = etree.SubElement(parent, f"{{{DDI}}}{'titl' if number == 0 else 'parTitl'}")
        element.set(f"{XML}lang", language)
        element.text = _clean(book.title[language])


def _ddi_variable(data: etree._Element, variable: Variable, name: str, languages: list[str]) -> None:
    discrete = "discrete" if variable.kind == "category" else "contin"
    element = etree.SubElement(
        data, f"{{{DDI}}}var", ID=f"V_{name}", name=variable.name, intrvl=discrete, files="F1"
    )
    _texts(element, f"{{{DDI}}}labl", _with_fallback(variable.label, languages), languages)
    for category in variable.categories:
        entry = etree.SubElement(element, f"{{{DDI}}}catgry")
        etree.SubElement(entry, f"{{{DDI}}}catValu").text = str(category.number)
        _texts(entry, f"{{{DDI}}}labl", _with_fallback(category.label, languages), languages)
    for reason in MISSING[1:]:
        entry = etree.SubElement(element, f"{{{DDI}}}catgry", missing="Y")
        etree.SubElement(entry, f"{{{DDI}}}catValu").text = str(MISSING_NUMBERS[reason])
        _texts(entry, f"{{{DDI}}}labl", MISSING_LABELS[reason], languages)
    kind = "numeric" if variable.kind != "text" else "character"
    etree.SubElement(element, f"{{{DDI}}}varFormat", type=kind)


def triple_s(book: Codebook, *, date: str = "") -> bytes:
    """The definition file (``.sss``); its data file, in CSV, is written by :func:`triple_s_data`."""
    root = etree.Element("sss", version="3.0", languages=" ".join(book.languages))
    if date:
        etree.SubElement(root, "date").text = date
    etree.SubElement(root, "origin").text = "Vielstimmig"
    survey = etree.SubElement(root, "survey")
    etree.SubElement(survey, "name").text = _clean(book.name)
    _sss_text(survey, "title", book.title, book)
    record = etree.SubElement(survey, "record", ident="A", format="csv", skip="1")
    done: set[str] = set()
    position = 0
    for variable in book.variables:
        if variable.multiple and variable.multiple in done:
            continue
        position += 1
        if variable.multiple:
            done.add(variable.multiple)
            _sss_multiple(record, book, variable.multiple, position)
        else:
            _sss_single(record, book, variable, position)
    return _bytes(root)


def _sss_text(parent: etree._Element, tag: str, text: LocalText, book: Codebook) -> None:
    element = etree.SubElement(parent, tag)
    element.text = _clean(book.text(text, book.languages[0]))
    for language in book.languages:
        if language in text:
            each = etree.SubElement(element, "text")
            each.set(f"{XML}lang", language)
            each.text = _clean(text[language])


def _sss_variable(
    record: etree._Element, ident: int, kind: str, name: str, label: LocalText, book: Codebook
) -> etree._Element:
    element = etree.SubElement(record, "variable", ident=str(ident), type=kind)
    etree.SubElement(element, "name").text = _clean(name)
    _sss_text(element, "label", label, book)
    return element


def _sss_single(record: etree._Element, book: Codebook, variable: Variable, position: int) -> None:
    kind = "single" if variable.kind == "category" else "quantity"
    element = _sss_variable(record, position, kind, variable.name, variable.label, book)
    etree.SubElement(element, "position", start=str(position))
    values = etree.SubElement(element, "values")
    if kind == "quantity":
        # Triple-S wants the range of a quantity; the widest that its format can hold is always true.
        etree.SubElement(values, "range", attrib={"from": "-99999999.99", "to": "99999999.99"})
        return
    for category in variable.categories:
        value = etree.SubElement(values, "value", code=str(category.number))
        _sss_labels(value, category.label, book)
    for number, reason in enumerate(MISSING[1:], start=_offset(variable)):
        value = etree.SubElement(values, "value", code=str(number))
        _sss_labels(value, MISSING_LABELS[reason], book)


def _sss_labels(value: etree._Element, text: LocalText, book: Codebook) -> None:
    value.text = _clean(book.text(text, book.languages[0]))
    for language in book.languages:
        if language in text:
            each = etree.SubElement(value, "text")
            each.set(f"{XML}lang", language)
            each.text = _clean(text[language])


def _offset(variable: Variable) -> int:
    """Triple-S codes are not negative, so the reasons for missingness follow the largest category."""
    return max((category.number for category in variable.categories), default=0) + 1


def _sss_multiple(record: etree._Element, book: Codebook, key: str, position: int) -> None:
    element = _sss_variable(record, position, "multiple", key, book.sets.get(key, {"en": key}), book)
    etree.SubElement(element, "position", start=str(position))
    values = etree.SubElement(element, "values")
    for number, variable in enumerate((v for v in book.variables if v.multiple == key), start=1):
        value = etree.SubElement(values, "value", code=str(number))
        _sss_labels(value, variable.label, book)


def triple_s_data(file: IO[bytes], book: Codebook, chunks: Iterable[Chunk]) -> int:
    """The CSV data file of Triple-S: categories by number, multiple answers as a string of 0 and 1."""
    fields: dict[str, list[Variable]] = {}
    for variable in book.variables:
        fields.setdefault(f"set {variable.multiple}" if variable.multiple else variable.name, []).append(
            variable
        )
    names = [key.removeprefix("set ") for key in fields]
    file.write((",".join(_quoted(name) for name in names) + "\r\n").encode())
    rows = 0
    for chunk in chunks:
        columns = [_sss_column(group, chunk) for group in fields.values()]
        lines = [",".join(row) for row in zip(*columns, strict=True)]
        file.write(("\r\n".join(lines) + "\r\n").encode() if lines else b"")
        rows += len(lines)
    return rows


def _sss_column(group: list[Variable], chunk: Mapping[str, Chunk] | Chunk) -> list[str]:
    if len(group) > 1 or group[0].multiple:
        bits = []
        for variable in group:
            values, _ = numeric(variable, chunk[variable.name])  # type: ignore[arg-type]
            bits.append(np.where(values == 1, "1", "0").tolist())
        return ["".join(row) for row in zip(*bits, strict=True)]
    variable = group[0]
    values, reason = numeric(variable, chunk[variable.name])  # type: ignore[arg-type]
    if variable.kind == "category":
        values = np.where(reason > 0, _offset(variable) + reason - 1, values)
        # Few different codes stand in many rows: each is written once, and shared.
        codes, places = np.unique(values, return_inverse=True)
        texts = np.array(["" if np.isnan(code) else str(int(code)) for code in codes], dtype=object)
        return list(texts[places])
    return ["" if np.isnan(value) else repr(float(value)) for value in values]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

"""The table book as files: HTML, XLSX and data for print, from a publication document, in any of its
languages.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import xlsxwriter

from analysis.exchange.flat import XLSX_TEXT, harmless
from analysis.marks import Mark, show
from localtext import direction, number_text, pick

WORDS: Mapping[str, str] = {
    "all": "All",
    "base": "Base",
    "wave": "Survey",
    "group": "Group",
    "answer": "Answer",
    "question": "Question",
    "code": "Code of the question",
    "level": "Subgroup",
    "percent": "Percent",
    "from": "from",
    "to": "to",
    "mark": "Mark",
    "differs": "differs from the others",
    "contents": "Contents",
    "responses": "responses",
    "marks": "Marks",
    "mark.": "too few answers",
    "mark()": "uncertain, few answers",
    "mark0": "less than half of the unit",
    "mark-": "nobody",
    "markr": "corrected",
    "markx": "not meaningful",
    "rounded": "Bases are rounded to multiples of 5, so parts need not add up to totals.",
    "effective": "Effective base",
    # Empty where readers are spared the column; the file of figures has it always.
    "effective column": "Effective base",
    "described": "The table beside it holds the same figures.",
    "p": "p, adjusted",
}
"""Words of the files in English; a caller passes the same keys in another language."""

MARKS = (Mark.TOO_FEW, Mark.UNCERTAIN, Mark.ZERO, Mark.NOTHING, Mark.CORRECTED, Mark.NOT_MEANINGFUL)


def said(text: Mapping[str, str] | None, language: str) -> str:
    """A text of a publication in a language, else English, German or whatever there is."""
    if not text:
        return ""
    return str(pick(dict(text), language, {language: ("en", "de")}, next(iter(text))))


def cell_text(cell: Mapping[str, Any], language: str) -> str:
    """A cell as printed: the figure with its mark."""
    mark = Mark(cell.get("mark", ""))
    return show(number_text(cell["percent"], language) if "percent" in cell else "", mark)


def interval_text(cell: Mapping[str, Any], language: str) -> str:
    """The interval of a cell; empty where there is none: hidden cells, and full counts."""
    if "low" not in cell:
        return ""
    return f"{number_text(cell['low'], language)}–{number_text(cell['high'], language)}"


def level_text(
    document: Mapping[str, Any], table: Mapping[str, Any], level: str, language: str, everybody: str
) -> str:
    """The name of a row: a level of the group, or everybody."""
    if not table["group"]:
        return everybody
    return said(
        document["groups"].get(table["group"], {}).get("levels", {}).get(level, {"en": level}), language
    )


def heading(document: Mapping[str, Any], table: Mapping[str, Any], language: str) -> str:
    """Item, group and wave of a table."""
    item = said(document["items"][table["item"]]["label"], language)
    group = document["groups"].get(table["group"])
    return f"{item} – {said(group['label'], language)}" if group else item


def answers(document: Mapping[str, Any], table: Mapping[str, Any], language: str) -> list[str]:
    """The labels of a table's columns."""
    labels = {c["code"]: c["label"] for c in document["items"][table["item"]]["categories"]}
    return [said(labels[code], language) for code in table["categories"]]


def html_book(document: Mapping[str, Any], language: str, words: Mapping[str, str] = WORDS) -> str:
    """One self-contained page with every table, no script, readable on a phone and by a screen reader."""
    title = escape(said(document["title"], language) or document["name"])
    body = [f"<h1>{title}</h1>", f"<p>{escape(words['rounded'])}</p>", _legend(words)]
    waves = {wave["key"]: said(wave["label"], language) for wave in document["waves"]}
    body += [
        _html_table(document, table, number, language, words, waves)
        for number, table in enumerate(document["tables"])
    ]
    return (
        f'<!doctype html><html lang="{escape(language)}" dir="{direction(language)}"><head>'
        '<meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


_STYLE = (
    "body{font:1rem/1.4 system-ui,sans-serif;margin:1rem auto;max-inline-size:70rem;padding-inline:1rem}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;margin-block:.5rem 2rem}"
    "th,td{padding:.25rem .6rem;text-align:end;border-block-end:1px solid #ccc}"
    "th[scope=row],caption{text-align:start}caption{font-weight:bold;padding-block:.5rem}small{color:#595959}"
)


def _legend(words: Mapping[str, str]) -> str:
    rows = "".join(
        f"<dt>{escape(mark.value)}</dt><dd>{escape(words['mark' + mark.value])}</dd>" for mark in MARKS
    )
    return f"<details><summary>{escape(words['marks'])}</summary><dl>{rows}</dl></details>"


def _html_table(
    document: Mapping[str, Any],
    table: Mapping[str, Any],
    number: int,
    language: str,
    words: Mapping[str, str],
    waves: Mapping[str, str],
) -> str:
    head = "".join(f'<th scope="col">{escape(a)}</th>' for a in answers(document, table, language))
    rows = []
    for row in table["rows"]:
        name = level_text(document, table, row["level"], language, words["all"])
        cells = "".join(f"<td>{_html_cell(cell, language, words)}</td>" for cell in row["cells"])
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>{cells}'
            f"{''.join(f'<td>{_count(number)}</td>' for number in _counts(row, words))}</tr>"
        )
    caption = f"{heading(document, table, language)} ({waves[table['wave']]})"
    counts = "".join(f'<th scope="col">{escape(name)}</th>' for name in _count_heads(words))
    return (
        f'<div class="scroll"><table id="t{number}"><caption>{escape(caption)}</caption><thead><tr>'
        f'<th scope="col">{escape(words["group"])}</th>{head}{counts}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _count_heads(words: Mapping[str, str]) -> list[str]:
    """Heads of the last columns of a table: the base, and the effective base where it is wanted."""
    return [words["base"], *([words["effective column"]] if words["effective column"] else [])]


def _counts(row: Mapping[str, Any], words: Mapping[str, str]) -> list[int | None]:
    return [row["base"], row.get("effective")][: len(_count_heads(words))]


def _count(number: Any) -> str:
    return "." if number is None else str(number)


def _html_cell(cell: Mapping[str, Any], language: str, words: Mapping[str, str]) -> str:
    if "percent" not in cell:
        return escape(cell_text(cell, language))
    sign = {1: " ▲", -1: " ▼"}.get(cell.get("differs", 0), "")
    told = f'<abbr title="{escape(words["differs"])}">{sign}</abbr>' if sign else ""
    interval = f"<br><small>{interval_text(cell, language)}</small>" if "low" in cell else ""
    return f"{escape(cell_text(cell, language))}{told}{interval}"


def rows_of(
    document: Mapping[str, Any], language: str, words: Mapping[str, str] = WORDS
) -> Iterator[list[Any]]:
    """Every cell of the book as one row: wave, question, group, level, answer, figure, interval, base, mark,
    test.
    """
    waves = {wave["key"]: said(wave["label"], language) for wave in document["waves"]}
    for table in document["tables"]:
        item = said(document["items"][table["item"]]["label"], language)
        group = document["groups"].get(table["group"])
        labels = answers(document, table, language)
        for row in table["rows"]:
            name = level_text(document, table, row["level"], language, words["all"])
            for label, cell in zip(labels, row["cells"], strict=True):
                yield [
                    waves[table["wave"]],
                    table["item"],
                    item,
                    said(group["label"], language) if group else "",
                    name,
                    label,
                    cell.get("percent"),
                    cell.get("low"),
                    cell.get("high"),
                    row["base"],
                    cell.get("mark", ""),
                    row.get("effective"),
                    cell.get("p_adjusted"),
                ]


def columns_of(words: Mapping[str, str] = WORDS) -> list[str]:
    """Heads of :func:`rows_of`."""
    return [
        words["wave"],
        words["code"],
        words["question"],
        words["group"],
        words["level"],
        words["answer"],
        words["percent"],
        words["from"],
        words["to"],
        words["base"],
        words["mark"],
        words["effective"],
        words["p"],
    ]


def xlsx_book(
    document: Mapping[str, Any], languages: Sequence[str], words: Mapping[str, Mapping[str, str]]
) -> bytes:
    """A workbook: per language one sheet of tables and one of figures; right to left where the language is.

    The same publication gives the same bytes: no time of making is written into the file.
    """
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    workbook.set_properties({"title": document["name"], "created": datetime(2000, 1, 1, tzinfo=UTC)})
    formats = {
        "bold": workbook.add_format({"bold": True}),
        "wrap": workbook.add_format({"text_wrap": True, "bold": True}),
        "plain": workbook.add_format({"align": "right"}),
    }
    for language in languages:
        own = words.get(language, WORDS)
        _tables_sheet(workbook, formats, document, language, own)
        _figures_sheet(workbook, formats, document, language, own)
    workbook.close()
    return file.getvalue()


def _sheet(workbook: Any, name: str, language: str) -> Any:
    sheet = workbook.add_worksheet(name[:31])
    if direction(language) == "rtl":
        sheet.right_to_left()
    return sheet


def _tables_sheet(
    workbook: Any,
    formats: Mapping[str, Any],
    document: Mapping[str, Any],
    language: str,
    words: Mapping[str, str],
) -> None:
    sheet = _sheet(workbook, f"tables {language}", language)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 12, 14)
    line = 0
    waves = {wave["key"]: said(wave["label"], language) for wave in document["waves"]}
    for text in (said(document["title"], language) or document["name"], words["rounded"]):
        sheet.write_string(line, 0, harmless(text)[:XLSX_TEXT], formats["bold"])
        line += 1
    for mark in MARKS:
        sheet.write_string(line, 0, f"{mark.value}   {words['mark' + mark.value]}")
        line += 1
    for table in document["tables"]:
        line += 1
        caption = f"{heading(document, table, language)} ({waves[table['wave']]})"
        sheet.write_string(line, 0, harmless(caption)[:XLSX_TEXT], formats["bold"])
        line += 1
        heads = [*answers(document, table, language), *_count_heads(words)]
        for column, label in enumerate(heads, start=1):
            sheet.write_string(line, column, harmless(label)[:XLSX_TEXT], formats["wrap"])
        line += 1
        for row in table["rows"]:
            name = level_text(document, table, row["level"], language, words["all"])
            sheet.write_string(line, 0, harmless(name)[:XLSX_TEXT])
            for column, cell in enumerate(row["cells"], start=1):
                _figure(sheet, line, column, cell, language, formats["plain"])
            for column, number in enumerate(_counts(row, words), start=len(row["cells"]) + 1):
                _number(sheet, line, column, number)
            line += 1


def _figure(sheet: Any, line: int, column: int, cell: Mapping[str, Any], language: str, form: Any) -> None:
    if "percent" in cell and not cell.get("mark"):
        sheet.write_number(line, column, cell["percent"])
    else:
        sheet.write_string(line, column, cell_text(cell, language), form)


def _number(sheet: Any, line: int, column: int, value: Any) -> None:
    if value is None:
        sheet.write_string(line, column, ".")
    else:
        sheet.write_number(line, column, value)


def _figures_sheet(
    workbook: Any,
    formats: Mapping[str, Any],
    document: Mapping[str, Any],
    language: str,
    words: Mapping[str, str],
) -> None:
    sheet = _sheet(workbook, f"figures {language}", language)
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(columns_of(words)):
        sheet.write_string(0, column, head, formats["bold"])
    for line, row in enumerate(rows_of(document, language, words), start=1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(line, column, harmless(value)[:XLSX_TEXT] if len(value) > 2 else value)
            elif value is not None:
                sheet.write_number(line, column, value)
    sheet.autofilter(0, 0, 0, len(columns_of(words)) - 1)


def print_data(
    document: Mapping[str, Any], language: str, words: Mapping[str, str] = WORDS
) -> dict[str, Any]:
    """The book as plain data for the print template ``tablebook``."""
    waves = {wave["key"]: said(wave["label"], language) for wave in document["waves"]}
    return {
        "title": said(document["title"], language) or document["name"],
        "words": dict(words),
        "counts": _count_heads(words),
        "marks": [[mark.value, words["mark" + mark.value]] for mark in MARKS],
        "tables": [
            {
                "caption": f"{heading(document, table, language)} ({waves[table['wave']]})",
                "heads": answers(document, table, language),
                "rows": [
                    {
                        "name": level_text(document, table, row["level"], language, words["all"]),
                        "cells": [[cell_text(c, language), interval_text(c, language)] for c in row["cells"]],
                        "counts": [_count(number) for number in _counts(row, words)],
                    }
                    for row in table["rows"]
                ],
            }
            for table in document["tables"]
        ],
    }

"""Figures of a publication: which kind fits a table, drawn from published numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.core import Locale, UnknownLocaleError
from babel.lists import format_list

from analysis.charts import Bars, Dot, Frame, TimePoint, diverging, dots, small_multiples, trend
from analysis.exchange.bookfiles import WORDS, answers, heading, level_text, said
from localtext import direction

Document = Mapping[str, Any]


def frame(title: str, description: str, language: str, ident: str, printed: bool = False) -> Frame:
    """Title, description, direction and id of a figure."""
    return Frame(title, description, language, direction(language) == "rtl", ident, printed)


def _dot(label: str, cell: Mapping[str, Any]) -> Dot:
    return Dot(label, cell.get("percent"), cell.get("low"), cell.get("high"), cell.get("mark", ""))


def table_figure(
    document: Document,
    table: Document,
    language: str,
    ident: str,
    words: Mapping[str, str] = WORDS,
    *,
    printed: bool = False,
) -> str:
    """The figure of one table.

    Everybody: dots with intervals, one per answer.  By group: diverging bars for ordered answers, panels of
    dots for others.  Groups stay in their fixed order.
    """
    labels = answers(document, table, language)
    title = heading(document, table, language)
    told = frame(title, f"{title}. {words['described']}", language, ident, printed)
    if not table["group"]:
        cells = table["rows"][0]["cells"] if table["rows"] else []
        return dots(told, [_dot(label, cell) for label, cell in zip(labels, cells, strict=True)])
    names = [level_text(document, table, row["level"], language, words["all"]) for row in table["rows"]]
    if document["items"][table["item"]]["ordered"]:
        bars = []
        for name, row in zip(names, table["rows"], strict=True):
            values = tuple(cell.get("percent") for cell in row["cells"])
            mark = next((cell.get("mark", "") for cell in row["cells"] if "percent" not in cell), "")
            bars.append(Bars(name, values, mark))
        return diverging(told, labels, bars)
    panels = [
        (name, [_dot(label, cell) for label, cell in zip(labels, row["cells"], strict=True)])
        for name, row in zip(names, table["rows"], strict=True)
    ]
    return small_multiples(told, panels)


def trend_figure(
    document: Document,
    found: Document,
    language: str,
    ident: str,
    words: Mapping[str, str] = WORDS,
) -> str:
    """A trend: a line only where nothing broke."""
    waves = {wave["key"]: said(wave["label"], language) for wave in document["waves"]}
    runs = {wave: number for number, run in enumerate(found["runs"]) for wave in run}
    points = [
        TimePoint(
            waves.get(point["wave"], point["wave"]),
            point["time"],
            point.get("percent"),
            point.get("low"),
            point.get("high"),
            runs[point["wave"]],
        )
        for point in found["points"]
    ]
    title = trend_title(document, found, language)
    return trend(frame(title, f"{title}. {words['described']}", language, ident), points)


def trend_title(document: Document, found: Document, language: str) -> str:
    """Item and answers of a trend or comparison."""
    item = document["items"].get(found["item"])
    if item is None:
        return str(found["item"])
    labels = {c["code"]: said(c["label"], language) for c in item["categories"]}
    chosen = listed([labels.get(c, c) for c in found["categories"]], language)
    title = f"{said(item['label'], language)} ({chosen})"
    group = document["groups"].get(found.get("group"))
    if group is None:
        return title
    level = said(group["levels"].get(found["level"], {"en": found["level"]}), language)
    return f"{title}, {said(group['label'], language)}: {level}"


def listed(names: Sequence[str], language: str) -> str:
    """Answers side by side with the language's own comma."""
    try:
        return format_list(names, style="or", locale=Locale.parse(language.partition("-")[0]))
    except (UnknownLocaleError, ValueError):
        return ", ".join(names)


def table_of(document: Document, item: str, group: str, wave: str = "") -> Document | None:
    """One published table; the last wave's when none is named."""
    key = wave or document["waves"][-1]["key"]
    for table in document["tables"]:
        if (table["item"], table["group"], table["wave"]) == (item, group, key):
            return dict(table)
    return None

"""The codebook: what every column of an export means, in every language, with numbers for programs that need
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.columns import MISSING, Column
from analysis.errors import AnalysisError
from localtext import LocalText, pick

Chunk = Mapping[str, Column]
"""Some rows of a data set: columns of equal length by name."""

MISSING_NUMBERS: Mapping[str, int] = {
    "not_asked": -1,
    "not_in_variant": -2,
    "dont_know": -3,
    "refused": -4,
    "no_answer": -5,
}
"""User-missing codes of numeric formats; the reasons are never merged."""

MISSING_LETTERS: Mapping[str, str] = {
    "not_asked": "a",
    "not_in_variant": "b",
    "dont_know": "c",
    "refused": "d",
    "no_answer": "e",
}
"""Stata's extended missing values ``.a`` to ``.e``."""

MISSING_LABELS: Mapping[str, LocalText] = {
    "not_asked": {"en": "not asked (routing)", "de": "nicht gefragt (Filter)"},
    "not_in_variant": {"en": "not in this variant", "de": "nicht in dieser Variante"},
    "dont_know": {"en": "don't know", "de": "weiß nicht"},
    "refused": {"en": "doesn't want to say", "de": "keine Angabe gewünscht"},
    "no_answer": {"en": "no answer", "de": "keine Antwort"},
}


class ExportError(AnalysisError):
    """Data that cannot be written in a format without changing it."""


@dataclass(frozen=True)
class Category:
    """One category: its code in the questionnaire, its number in numeric formats, its label per language."""

    code: str
    number: int
    label: LocalText


@dataclass(frozen=True)
class Variable:
    """One column. ``kind``: ``category``, ``number`` or ``text``; ``multiple`` names its multiple-response
    set.
    """

    name: str
    kind: str
    label: LocalText
    categories: tuple[Category, ...] = ()
    multiple: str = ""
    ordered: bool = False

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Numbers of the categories, in order."""
        return np.array([category.number for category in self.categories], dtype=float)


@dataclass(frozen=True)
class Codebook:
    """A data set's description; ``sets`` labels multiple-response sets."""

    name: str
    title: LocalText
    languages: tuple[str, ...]
    variables: tuple[Variable, ...]
    sets: Mapping[str, LocalText]
    source: str = ""
    date: str = ""
    note: LocalText | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)

    def text(self, text: LocalText, language: str) -> str:
        """A label in ``language``, else English, German, or whatever there is."""
        if not text:
            return ""
        return str(pick(text, language, {language: ("en", "de")}, next(iter(text))))


def numbers_for(levels: Sequence[str]) -> tuple[int, ...]:
    """Numbers of categories: the codes themselves where all are whole numbers from 0, else 1, 2, 3 ..."""
    if levels and all(re.fullmatch(r"0|[1-9]\d{0,8}", level) for level in levels):
        return tuple(int(level) for level in levels)
    return tuple(range(1, len(levels) + 1))


def codebook(
    name: str,
    columns: Chunk,
    *,
    title: LocalText | None = None,
    languages: Sequence[str] = ("en",),
    labels: Mapping[str, LocalText] | None = None,
    value_labels: Mapping[str, Mapping[str, LocalText]] | None = None,
    sets: Mapping[str, tuple[LocalText, Sequence[str]]] | None = None,
    ordered: Iterable[str] = (),
    source: str = "",
    date: str = "",
) -> Codebook:
    """A codebook from columns and what is known of their texts.

    ``labels`` and ``value_labels`` (by code) come from the questionnaire; ``sets`` gives each
    multiple-response set its label and its columns.  What has no label is labelled by its own name.
    """
    member = {column: key for key, (_, names) in (sets or {}).items() for column in names}
    kept = set(ordered)
    variables = []
    for key, column in columns.items():
        text = (labels or {}).get(key) or column.label or {"en": key}
        categories: tuple[Category, ...] = ()
        if column.kind == "category":
            given = (value_labels or {}).get(key, {})
            pairs = zip(column.levels, numbers_for(column.levels), strict=True)
            categories = tuple(Category(c, n, given.get(c) or {"en": c}) for c, n in pairs)
        variables.append(
            Variable(key, column.kind, dict(text), categories, member.get(key, ""), ordered=key in kept)
        )
    return Codebook(
        name=name,
        title=dict(title or {"en": name}),
        languages=tuple(languages),
        variables=tuple(variables),
        sets={key: text for key, (text, _) in (sets or {}).items()},
        source=source,
        date=date,
    )


def numeric(variable: Variable, column: Column) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Values as numbers (NaN where missing) and the reasons why, as positions in :data:`MISSING`."""
    if column.kind != variable.kind:
        raise ExportError("kind_changed", f"{variable.name} changes its kind between parts", variable.name)
    if column.kind == "category":
        if column.levels != tuple(category.code for category in variable.categories):
            raise ExportError(
                "levels_changed", f"{variable.name} has other categories than the codebook", variable.name
            )
        values = np.append(variable.numbers, np.nan)[column.values]
    else:
        values = np.asarray(column.values, dtype=float)
    missing = np.zeros(len(column), np.int8) if column.missing is None else column.missing
    return values, np.where(np.isnan(values), missing, 0).astype(np.int8)


def with_missing_numbers(variable: Variable, column: Column) -> NDArray[np.float64]:
    """Values with reasons for missingness as negative numbers; NaN only where no reason is known."""
    values, reason = numeric(variable, column)
    codes = np.array([np.nan, *(MISSING_NUMBERS[name] for name in MISSING[1:])])
    return np.where(reason > 0, codes[reason], values)


def chunks_of(columns: Chunk, rows: int = 50_000) -> Iterator[Chunk]:
    """A data set in parts of at most ``rows`` rows."""
    total = len(next(iter(columns.values()))) if columns else 0
    for start in range(0, total, rows):
        part = np.arange(start, min(total, start + rows))
        yield {name: column.take(part) for name, column in columns.items()}


_NEVER_FIRST = re.compile("[\u0300-\u036f\u064b-\u065f\u200c\u200d]")


def cut_bytes(text: str, limit: int) -> str:
    """``text`` cut to at most ``limit`` bytes of UTF-8, never within a character or a combining sequence."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return _shortened(text, data[: limit - 3].decode(errors="ignore"))


def cut_characters(text: str, limit: int) -> str:
    """``text`` cut to at most ``limit`` characters, never within a combining sequence."""
    return text if len(text) <= limit else _shortened(text, text[: limit - 1])


def _shortened(text: str, short: str) -> str:
    # A combining mark without its letter, or a joiner at the end, would print as a broken glyph.
    while short and (_NEVER_FIRST.match(text[len(short) :]) or short[-1] in "\u200c\u200d"):
        short = short[:-1]
    return short.rstrip() + "…"


@dataclass(frozen=True)
class Cut:
    """A label that did not fit into a format: where, in which language, the whole text and what was
    written.
    """

    place: str
    language: str
    whole: str
    written: str


def safe_names(names: Sequence[str], limit: int) -> dict[str, str]:
    """Names that statistical programs accept: letters, digits, ``_``, at most ``limit`` bytes, unique."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
        if not re.match(r"[A-Za-z]", clean):
            clean = "v" + clean
        clean = clean[:limit]
        number = 1
        while clean.lower() in taken:
            number += 1
            clean = f"{clean[: limit - len(str(number)) - 1]}_{number}"
        taken.add(clean.lower())
        result[name] = clean
    return result

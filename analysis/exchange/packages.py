"""SPSS ``.sav`` and Stata ``.dta``: streamed, with labels cut by bytes and every cut reported.

``pyreadstat`` (ReadStat) writes the dictionary of an empty file; the rows are appended behind it in the
format's own plain encoding - little-endian doubles - because the library itself needs the whole table in
memory.  A test reads every file back with the library.  Formats: PSPP developers' guide, *System File
Format*; Stata, *File formats .dta*, 118.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyreadstat
from numpy.typing import NDArray

from analysis.columns import MISSING
from analysis.exchange.codebook import (
    MISSING_LABELS,
    MISSING_LETTERS,
    MISSING_NUMBERS,
    Chunk,
    Codebook,
    Cut,
    ExportError,
    cut_bytes,
    cut_characters,
    numeric,
    safe_names,
    with_missing_numbers,
)

SAV_LABEL, SAV_VALUE, SAV_NAME = 256, 120, 64
DTA_LABEL, DTA_VALUE, DTA_NAME = 80, 32_000, 32
Shorten = Callable[[str], str]
_SYSMIS = -1.7976931348623157e308
_STATA_MISSING = 0x7FE0000000000000
_STATA_STEP = 0x0000010000000000
_STATA_LABEL_A = 2_147_483_622


@dataclass(frozen=True)
class Written:
    """What was written: rows, the names used in the file, and every label that had to be cut."""

    rows: int
    names: dict[str, str]
    cuts: tuple[Cut, ...]


def _label(text: str, shorten: Shorten, place: str, language: str, cuts: list[Cut]) -> str:
    short = shorten(text)
    if short != text:
        cuts.append(Cut(place, language, text, short))
    return short


def _labels(
    book: Codebook, language: str, label: Shorten, value: Shorten, cuts: list[Cut]
) -> tuple[dict[str, str], dict[str, dict[float, str]]]:
    variables, values = {}, {}
    for variable in book.variables:
        text = book.text(variable.label, language)
        variables[variable.name] = _label(text, label, variable.name, language, cuts)
        labelled: dict[float, str] = {}
        for category in variable.categories:
            text = book.text(category.label, language)
            place = f"{variable.name}={category.code}"
            labelled[float(category.number)] = _label(text, value, place, language, cuts)
        values[variable.name] = labelled
    return variables, values


def _empty(names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series([], dtype=pl.Float64) for name in names})


def write_sav(
    path: Path,
    book: Codebook,
    chunks: Iterable[Chunk],
    *,
    language: str = "en",
    progress: Callable[[int], None] | None = None,
) -> Written:
    """SPSS system file in UTF-8: categories numbered, missing reasons as user-missing -5 .. -1 (a missing
    range).

    Returns what was written; ``cuts`` names labels longer than 256 (variables) or 120 (values) bytes.
    """
    cuts: list[Cut] = []
    names = safe_names(book.names, SAV_NAME)
    variable_labels, value_labels = _labels(
        book, language, lambda t: cut_bytes(t, SAV_LABEL), lambda t: cut_bytes(t, SAV_VALUE), cuts
    )
    reasons = {float(MISSING_NUMBERS[n]): book.text(MISSING_LABELS[n], language) for n in MISSING[1:]}
    pyreadstat.write_sav(
        _empty(names.values()),
        str(path),
        file_label=cut_bytes(book.text(book.title, language), 64),
        column_labels={names[key]: text for key, text in variable_labels.items()},
        variable_value_labels={names[key]: {**reasons, **found} for key, found in value_labels.items()},
        missing_ranges={name: [{"lo": -5, "hi": -1}] for name in names.values()},
        variable_measure={names[v.name]: _measure(v.kind, v.ordered) for v in book.variables},
        variable_format={
            name: "F8.0" for v in book.variables if v.kind == "category" for name in [names[v.name]]
        },
    )
    rows = 0
    with path.open("r+b") as file:
        file.seek(0, 2)
        for chunk in chunks:
            block = _block(book, chunk)
            file.write(np.where(np.isnan(block), _SYSMIS, block).astype("<f8").tobytes())
            rows += len(block)
            if progress:
                progress(rows)
        # The number of cases stands at byte 80 of the header (PSPP developers' guide, file header record).
        file.seek(80)
        file.write(struct.pack("<i", rows))
    return Written(rows, names, tuple(cuts))


def _measure(kind: str, ordered: bool) -> str:
    if kind == "number":
        return "scale"
    return "ordinal" if ordered else "nominal"


def _block(book: Codebook, chunk: Chunk) -> NDArray[np.float64]:
    return np.column_stack([with_missing_numbers(v, chunk[v.name]) for v in book.variables])


def multiple_response_syntax(book: Codebook, names: dict[str, str], language: str = "en") -> str:
    """SPSS syntax that defines the multiple-response sets (``.sav`` written by the library cannot hold
    them).
    """
    lines = ["* Multiple-response sets; run after opening the data.", "MRSETS"]
    found = False
    for key, text in book.sets.items():
        members = [names[v.name] for v in book.variables if v.multiple == key]
        if not members:
            continue
        found = True
        label = book.text(text, language).replace("'", "''")
        group = safe_names([key], SAV_NAME - 1)[key]
        lines.append(
            f"  /MDGROUP NAME=${group} LABEL='{cut_bytes(label, 200)}' CATEGORYLABELS=VARLABELS\n"
            f"    VARIABLES={' '.join(members)} VALUE=1"
        )
    return "\n".join([*lines, "  /DISPLAY NAME=ALL."]) + "\n" if found else ""


def write_dta(
    path: Path,
    book: Codebook,
    chunks: Iterable[Chunk],
    *,
    language: str = "en",
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Stata file, format 118 (Stata 14 and later): missing reasons as ``.a`` to ``.e``, labels in
    ``language``.
    """
    cuts: list[Cut] = []
    names = safe_names(book.names, DTA_NAME)
    variable_labels, value_labels = _labels(
        book, language, lambda t: cut_characters(t, DTA_LABEL), lambda t: cut_bytes(t, DTA_VALUE), cuts
    )
    # In a table of value labels Stata keeps .a, .b ... as the largest 32-bit integers.
    letters: dict[float, str] = {
        _STATA_LABEL_A + ord(MISSING_LETTERS[n]) - ord("a"): book.text(MISSING_LABELS[n], language)
        for n in MISSING[1:]
    }
    stata_values: dict[str, dict[float, str]] = {
        names[key]: {**{int(n): text for n, text in found.items()}, **letters}
        for key, found in value_labels.items()
    }
    pyreadstat.write_dta(
        _empty(names.values()),
        str(path),
        file_label=cut_characters(book.text(book.title, language), 80),
        column_labels={names[key]: text for key, text in variable_labels.items()},
        version=15 if len(names) > 32_767 else 14,
        variable_value_labels=stata_values,
    )
    rows = _append_dta(path, book, chunks, progress)
    return Written(rows, names, tuple(cuts))


def _append_dta(
    path: Path, book: Codebook, chunks: Iterable[Chunk], progress: Callable[[int], None] | None
) -> int:
    whole = path.read_bytes()
    mark = whole.find(b"<data>")
    observations = whole.find(b"<N>")
    place_of_map = whole.find(b"<map>")
    if min(mark, observations, place_of_map) < 0:
        raise ExportError("dta_layout", "the library wrote an unknown Stata layout")
    tail = whole[mark + 6 :]
    codes = np.array([_STATA_MISSING + i * _STATA_STEP for i in range(len(MISSING))], dtype="<u8").view("<f8")
    rows = 0
    with path.open("r+b") as file:
        file.seek(mark + 6)
        for chunk in chunks:
            columns = []
            for variable in book.variables:
                values, reason = numeric(variable, chunk[variable.name])
                # .a is the first step above the plain missing value, in the order of the reasons.
                columns.append(np.where(np.isnan(values), codes[reason], values))
            file.write(np.column_stack(columns).astype("<f8").tobytes())
            rows += len(columns[0])
            if progress:
                progress(rows)
        grown = file.tell() - (mark + 6)
        file.write(tail)
        file.seek(observations + 3)
        file.write(struct.pack("<Q", rows))
        # Offsets of everything behind the data move by its length: strls, value labels, end, end of file.
        offsets = list(struct.unpack_from("<14Q", whole, place_of_map + 5))
        for index in range(10, 14):
            offsets[index] += grown
        file.seek(place_of_map + 5)
        file.write(struct.pack("<14Q", *offsets))
    return rows

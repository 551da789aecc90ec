"""CSV, Parquet and XLSX: the same rows, written in parts, safe to open in a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import xlsxwriter

from analysis.columns import MISSING, Column
from analysis.exchange.codebook import MISSING_LABELS, Chunk, Codebook, ExportError, Variable
from localtext import direction

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that spreadsheets read as a formula (OWASP, *CSV Injection*), full-width forms included."""

XLSX_ROWS = 1_048_576
XLSX_TEXT = 32_767


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula; an apostrophe is put before what would be one."""
    return "'" + text if text.startswith(FORMULA) else text


def _series(variable: Variable, column: Column, language: str | None, book: Codebook) -> pl.Series:
    """One column: codes (``language`` None) or labels; missing reasons by their names, numbers as numbers."""
    if column.kind == "number":
        return pl.Series(variable.name, np.asarray(column.values, float), nan_to_null=True)
    texts = [
        harmless(c.code if language is None else book.text(c.label, language)) for c in variable.categories
    ]
    names = [None, *MISSING[1:]]
    if language is not None:
        names = [None, *(book.text(MISSING_LABELS[name], language) for name in MISSING[1:])]
    missing = np.zeros(len(column), np.int64) if column.missing is None else column.missing.astype(np.int64)
    place = np.where(column.values >= 0, column.values, len(texts) + missing)
    return (
        pl.Series(variable.name, [*texts, *names], dtype=pl.String)
        .gather(pl.Series(place))
        .alias(variable.name)
    )


def _frames(book: Codebook, chunks: Iterable[Chunk], language: str | None) -> Iterator[pl.DataFrame]:
    for chunk in chunks:
        missing = [name for name in book.names if name not in chunk]
        if missing:
            raise ExportError(
                "column_missing", f"a part of the data lacks the column {missing[0]}", missing[0]
            )
        yield pl.DataFrame([_series(v, chunk[v.name], language, book) for v in book.variables])


def write_csv(
    file: IO[bytes],
    book: Codebook,
    chunks: Iterable[Chunk],
    *,
    language: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """CSV in UTF-8 with a byte-order mark (spreadsheets need it), codes or labels; returns the number of
    rows.

    A number column's missing reasons are lost in CSV; they are kept by ``.sav``, ``.dta`` and Parquet.
    """
    rows = 0
    # The mark goes out with the header; without it Excel reads Arabic as Latin-1.
    file.write(b"\xef\xbb\xbf")
    header = pl.DataFrame({harmless(name): [] for name in book.names})
    file.write(header.write_csv(line_terminator="\r\n").encode())
    for frame in _frames(book, chunks, language):
        file.write(frame.write_csv(include_header=False, line_terminator="\r\n").encode())
        rows += len(frame)
        if progress:
            progress(rows)
    return rows


def write_parquet(path: Path, book: Codebook, chunks: Iterable[Chunk]) -> None:
    """Parquet: categories as codes, numbers as doubles, a column ``<name>__missing`` where reasons occur in
    numbers.

    Streamed through polars' own sink, so that only a few parts are in memory at a time; the codebook lies
    beside the data in the file's metadata under the key ``codebook`` (labels per language).
    """
    from polars.io.plugins import register_io_source

    schema: dict[str, Any] = {}
    for variable in book.variables:
        schema[variable.name] = pl.Float64 if variable.kind == "number" else pl.String
        if variable.kind == "number":
            schema[f"{variable.name}__missing"] = pl.String

    def generate(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        for chunk, frame in _paired(book, chunks):
            full = frame.with_columns(*_reasons(book, chunk)).select(list(schema))
            full = full.select(columns) if columns else full
            yield full.filter(predicate) if predicate is not None else full

    lazy = register_io_source(generate, schema=schema)
    lazy.sink_parquet(path, metadata={"codebook": json.dumps(describe(book), ensure_ascii=False)})


def _paired(book: Codebook, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, pl.DataFrame]]:
    for chunk in chunks:
        yield chunk, next(_frames(book, [chunk], None))


def _reasons(book: Codebook, chunk: Chunk) -> Iterator[pl.Series]:
    names = pl.Series([None, *MISSING[1:]], dtype=pl.String)
    for variable in book.variables:
        if variable.kind == "number":
            missing = chunk[variable.name].missing
            place = (
                np.zeros(len(chunk[variable.name]), np.int64) if missing is None else missing.astype(np.int64)
            )
            yield names.gather(pl.Series(place)).alias(f"{variable.name}__missing")


def describe(book: Codebook) -> dict[str, Any]:
    """The codebook as plain JSON."""
    return {
        "name": book.name,
        "title": book.title,
        "languages": list(book.languages),
        "source": book.source,
        "date": book.date,
        "missing": {name: MISSING_LABELS[name] for name in MISSING[1:]},
        "sets": dict(book.sets),
        "variables": [
            {
                "name": v.name,
                "kind": v.kind,
                "label": v.label,
                "set": v.multiple,
                "categories": [{"code": c.code, "number": c.number, "label": c.label} for c in v.categories],
            }
            for v in book.variables
        ],
    }


def write_xlsx(
    path: Path,
    book: Codebook,
    chunks: Iterable[Chunk],
    *,
    languages: Sequence[str] = ("en",),
    progress: Callable[[int], None] | None = None,
) -> int:
    """A workbook: data as codes, and one codebook sheet per language, right to left where the language runs
    so.

    Rows are written to disk as they come; past 1,048,575 rows a further data sheet is begun.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(str(path), options)
    bold = workbook.add_format({"bold": True})
    sheet, line, total, number = None, XLSX_ROWS, 0, 0
    for frame in _frames(book, chunks, None):
        for row in frame.iter_rows():
            if line >= XLSX_ROWS:
                number += 1
                sheet = workbook.add_worksheet("data" if number == 1 else f"data {number}")
                sheet.freeze_panes(1, 0)
                for column, name in enumerate(book.names):
                    sheet.write_string(0, column, name, bold)
                line = 1
            for column, value in enumerate(row):
                if isinstance(value, float):
                    sheet.write_number(line, column, value)  # type: ignore[union-attr]
                elif value is not None:
                    sheet.write_string(line, column, value[:XLSX_TEXT])  # type: ignore[union-attr]
            line += 1
            total += 1
        if progress:
            progress(total)
    if sheet is None:
        sheet = workbook.add_worksheet("data")
        for column, name in enumerate(book.names):
            sheet.write_string(0, column, name, bold)
    for language in languages:
        _codebook_sheet(workbook, bold, book, language)
    workbook.close()
    return total


def _codebook_sheet(workbook: Any, bold: Any, book: Codebook, language: str) -> None:
    sheet = workbook.add_worksheet(f"codebook {language}"[:31])
    if direction(language) == "rtl":
        sheet.right_to_left()
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 3, 40)
    for column, head in enumerate(("variable", "label", "code", "category")):
        sheet.write_string(0, column, head, bold)
    line = 1
    for variable in book.variables:
        sheet.write_string(line, 0, variable.name)
        sheet.write_string(line, 1, harmless(book.text(variable.label, language))[:XLSX_TEXT])
        line += 1
        for category in variable.categories:
            sheet.write_string(line, 2, harmless(category.code))
            sheet.write_string(line, 3, harmless(book.text(category.label, language))[:XLSX_TEXT])
            line += 1

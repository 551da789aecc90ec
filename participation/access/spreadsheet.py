"""A table out of a file as offices make them: CSV in whatever letters and separators, or XLSX.

Whatever cannot be read for certain is refused as a whole, because a row that is read wrongly is a person who
gets no letter, or somebody else's.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetMetadata, SheetTypeEnum, SheetVisibleEnum

#: Bytes that an XLSX file may hold unpacked: half a million people need less than half of it.
MAX_UNFOLDED = 1024**3

_XLSX = b"PK\x03\x04"

#: Excel's files before 2007, and newer ones behind a password.
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"

#: PDF, pictures, RTF: what is sent by mistake instead of a table.
_NO_TABLES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"{\\rtf")

#: Excel's own first line of a CSV file, which it hides from whoever opens it.
_SEPARATOR = re.compile(r"sep=(.)\r?\n")

#: What letters of another encoding look like: Cyrillic or Greek (Windows-1251, 1253) as a row of accented
#: letters, UTF-8 that was converted twice, and signs inside words (Polish in Windows-1250, DOS, Macintosh).
STRANGE = (
    "\ufffd|[À-ÖØ-öø-ÿ]{4}|Ã[\u0080-\u00bf„–œŸ…€†‡]|[ÂÄÅÐÑ][\u0080-\u009f¡-¿ƒ†‡ˆ‰Š‹ŒŽ•˜™š›œž]"
    "|\\p{L}[¹³¿£¥§]|[¹³¿£¥]\\p{L}|[a-zß]Ÿ|Ÿ[a-z]|\\p{L}[„”™]\\p{L}"
)

#: A cell with a formula that was never worked out: there is nothing to read in it.
_FORMULA = re.compile(rb'<c r="([A-Z]+[0-9]+)"[^>]*><f[^>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')
_MERGED = re.compile(rb'<mergeCell ref="([^"]+)"')

#: A cell that says #N/A or the like.
_ERROR = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]* t="e"[^>]*>(?:<f[^>]*?(?:/>|>[^<]*</f>))?<v>([^<]*)</v>')


class TableError(ValueError):
    """A file that is no table; ``code`` names the fault and ``params`` its details."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code, params)


@dataclass(frozen=True)
class Table:
    """A file's columns as text; row 0 of ``frame`` is row 2 of the file.

    ``sheet`` is the one that was read of a workbook that has more.
    """

    frame: pl.DataFrame
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the file's order."""
        return self.frame.columns


def read_table(data: bytes) -> Table:
    """Read CSV (any usual delimiter; UTF-8, UTF-16 or Windows-1252) or XLSX into columns of text.

    Raises:
        TableError: ``empty``, ``encoding``, ``no_header``, ``letters``, ``double_columns``, ``ragged``,
            ``quote``, ``merged``, ``formula``, ``old_excel``, ``no_table`` or
            ``unreadable``; nothing of the file is used.
    """
    if not data.strip():
        raise TableError("empty")
    if data.startswith(_OLD_EXCEL):
        raise TableError("old_excel")
    if data.startswith(_NO_TABLES):
        raise TableError("no_table")
    if data.startswith(_XLSX):
        rows, sheet = _xlsx_rows(data)
        return Table(_without_empty_end(_named(rows)), sheet=sheet)
    text, encoding = _decoded(data)
    if not text.strip():
        raise TableError("empty")
    said = _SEPARATOR.match(text)
    delimiter = said[1] if said else _delimiter(text)
    rows = _csv_rows(text[said.end() :] if said else text, delimiter)
    return Table(_without_empty_end(_named(rows)), encoding, delimiter)


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), "utf-16"
        except UnicodeDecodeError:
            raise TableError("encoding") from None
    if b"\x00" in data:
        raise TableError("encoding")
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "windows-1252"
    except UnicodeDecodeError:
        raise TableError("encoding") from None


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    counts = {mark: header.count(mark) for mark in (";", ",", "\t", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ";"


def _csv_rows(text: str, delimiter: str) -> list[list[str]]:
    read = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(read)
    except csv.Error:
        # A quote that nothing closes makes one endless cell of all that follows.
        raise TableError("quote", row=len(rows) + 1) from None
    width = len(rows[0])
    if not width:
        raise TableError("no_header")
    for number, row in enumerate(rows, start=1):
        if row and len(row) != width and any(cell.strip() for cell in row):
            raise TableError("ragged", row=number, found=len(row), expected=width)
    return [row if len(row) == width else [""] * width for row in rows]


def _xlsx_rows(data: bytes) -> tuple[list[list[str]], str]:
    """The rows of the first sheet that can be seen, and its name where others are left out."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unfolded = sum(part.file_size for part in archive.infolist())
            if unfolded > MAX_UNFOLDED:
                raise ValueError(f"{unfolded} bytes in a small file")
            book = CalamineWorkbook.from_filelike(io.BytesIO(data))
            seen = [sheet.name for sheet in book.sheets_metadata if _can_be_seen(sheet)]
            source = archive.read(_part(archive, seen[0]))
        _check_sheet(source)
        read = book.get_sheet_by_name(seen[0]).to_python(skip_empty_area=False)
    except (
        CalamineError,
        OSError,
        ValueError,
        LookupError,
        zipfile.BadZipFile,
        etree.XMLSyntaxError,
    ) as error:
        if isinstance(error, TableError):
            raise
        raise TableError("unreadable") from error
    if not read:
        raise TableError("empty")
    rows = [[_cell(value) for value in row] for row in read]
    # The library hands out a cell with an error as if nothing stood there.
    for column, row, text in _ERROR.findall(source):
        rows[int(row) - 1][_column(column)] = text.decode()
    return rows, seen[0] if len(seen) > 1 else ""


def _can_be_seen(sheet: SheetMetadata) -> bool:
    return sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible


def _part(archive: zipfile.ZipFile, name: str) -> str:
    """The part of a workbook that holds a sheet's cells."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    book = etree.fromstring(archive.read("xl/workbook.xml"), parser)
    links = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), parser)
    targets = {link.get("Id"): link.get("Target", "") for link in links.iter("{*}Relationship")}
    (sheet,) = (sheet for sheet in book.iter("{*}sheet") if sheet.get("name") == name)
    (key,) = (value for attribute, value in sheet.items() if attribute.endswith("}id"))
    return posixpath.join("/xl", targets[key]).removeprefix("/")


def _check_sheet(source: bytes) -> None:
    """Refuse cells whose value stands somewhere else, or nowhere."""
    if merged := _MERGED.search(source):
        raise TableError("merged", cells=merged[1].decode())
    if formula := _FORMULA.search(source):
        raise TableError("formula", cell=formula[1].decode())


def _column(letters: bytes) -> int:
    """Which column A, B, ..., AA, AB is, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        # A postcode typed as a number comes back as 4103.0.
        return str(int(value))
    return str(value)


def _named(rows: Sequence[Sequence[str]]) -> pl.DataFrame:
    header = [" ".join(name.split()) for name in rows[0]]
    while header and not header[-1]:
        header.pop()
    body = rows[1:]
    if not header or not all(header) or any(any(row[len(header) :]) for row in body):
        raise TableError("no_header")
    if strange := [name for name in header if pl.Series([name]).str.contains(STRANGE).item()]:
        raise TableError("letters", columns=", ".join(strange))
    double = sorted({name for name in header if header.count(name) > 1})
    if double:
        raise TableError("double_columns", columns=", ".join(double))
    columns = {name: [row[index].strip() for row in body] for index, name in enumerate(header)}
    return pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String))


def _without_empty_end(frame: pl.DataFrame) -> pl.DataFrame:
    # Empty rows in between stay, so that row numbers are those of the file.
    filled = frame.select(pl.any_horizontal(pl.all() != "")).to_series()
    last = filled.arg_true().max()
    return frame.head(0 if last is None else int(str(last)) + 1)


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """A small table for spreadsheets; cells that would run as a formula begin with an apostrophe."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    for line in lines:
        writer.writerow(
            f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell
            for cell in line
        )
    return out.getvalue()

"""A register sample from a file: reading CSV and XLSX, mapping columns, naming every fault.

Nothing is imported by halves: `check` returns either all people or all faults, each with row and column.
The work is done on whole columns, so that half a million rows take seconds.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

#: Fields a column can be mapped to; a band is written ``band:<name>`` (``band:age``).
REQUIRED = ("name", "street", "postcode", "place", "stratum")
OPTIONAL = ("reference", "citizenship", "languages", "salutation", "extra")
BAND = "band:"

#: What a letter prints of a person, in this order.
ADDRESS = ("salutation", "name", "extra", "street", "postcode", "place")

#: Words in a header by which a column is recognised, in German and English.
_HINTS: Mapping[str, tuple[str, ...]] = {
    "reference": ("reference", "lfd", "nummer", "id", "ordnungsmerkmal", "kennung"),
    "name": ("name", "nachname", "fullname", "vorname und name", "empfänger"),
    "street": ("street", "straße", "strasse", "anschrift", "address"),
    "postcode": ("postcode", "plz", "postleitzahl", "zip"),
    "place": ("place", "ort", "wohnort", "city", "stadt"),
    "stratum": ("stratum", "schicht", "gruppe", "group", "herkunftsgruppe"),
    "citizenship": ("citizenship", "staatsangehörigkeit", "nationality", "nation", "staat"),
    "languages": ("languages", "sprachen", "sprache", "language"),
    "salutation": ("salutation", "anrede"),
    "extra": ("extra", "zusatz", "adresszusatz", "c/o"),
    "band:age": ("age", "alter", "altersgruppe", "age band"),
    "band:sex": ("sex", "gender", "geschlecht"),
    "band:district": ("district", "bezirk", "stadtbezirk", "stadtteil"),
}

#: Longest text of one cell that still fits a letter.
MAX_LENGTH = 200

#: Bytes that an XLSX file may hold unpacked: half a million people need less than half of it.
MAX_UNFOLDED = 1024**3

_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_XLSX = b"PK\x03\x04"


class TableError(ValueError):
    """A file that is no table; ``code`` names the fault and ``params`` its details."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code, params)


@dataclass(frozen=True)
class Fault:
    """One fault of a sample file: row as a spreadsheet counts (header: row 1), column by its name."""

    code: str
    row: int
    column: str
    value: str = ""


@dataclass(frozen=True)
class Table:
    """A file's columns as text; row 0 of ``frame`` is row 2 of the file."""

    frame: pl.DataFrame
    encoding: str = ""
    delimiter: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the file's order."""
        return self.frame.columns


@dataclass(frozen=True)
class Person:
    """An invited person as the register keeps them."""

    reference: str | None
    stratum: str
    address: dict[str, str]
    citizenship: str | None
    languages: tuple[str, ...]
    bands: dict[str, str]


@dataclass(frozen=True)
class Sample:
    """A whole sample, or all its faults (then ``people`` is empty)."""

    people: tuple[Person, ...] = ()
    faults: tuple[Fault, ...] = ()
    #: Citizenships for which no letter language is mapped, with the number of people; they get German.
    unmapped: Mapping[str, int] = field(default_factory=dict)


def read_table(data: bytes) -> Table:
    """Read CSV (any usual delimiter; UTF-8, UTF-16 or Windows-1252) or XLSX into columns of text.

    Raises:
        TableError: ``empty``, ``encoding``, ``no_header``, ``double_columns``, ``ragged``, ``merged`` or
            ``unreadable``; nothing of the file is used.
    """
    if not data.strip():
        raise TableError("empty")
    if data.startswith(_XLSX):
        return Table(_without_empty_rows(_named(_xlsx_rows(data))))
    text, encoding = _decoded(data)
    delimiter = _delimiter(text)
    return Table(_without_empty_rows(_named(_csv_rows(text, delimiter))), encoding, delimiter)


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), "utf-16"
    if b"\x00" in data:
        raise TableError("encoding")
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        # Bytes that Windows-1252 does not know, or letters doubled by a wrong conversion, are no German text.
        if "\ufffd" in text:
            raise TableError("encoding") from None
        return text, "windows-1252"


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    counts = {mark: header.count(mark) for mark in (";", ",", "\t", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ";"


def _csv_rows(text: str, delimiter: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if row and len(row) != width and any(cell.strip() for cell in row):
            raise TableError("ragged", row=number, found=len(row), expected=width)
    return [row if len(row) == width else [""] * width for row in rows]


def _xlsx_rows(data: bytes) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unfolded = sum(part.file_size for part in archive.infolist())
        if unfolded > MAX_UNFOLDED:
            raise ValueError(f"{unfolded} bytes in a small file")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # the library raises a dozen kinds for broken files
        raise TableError("unreadable") from error
    sheet = book.worksheets[0]
    rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    book.close()
    if not rows:
        raise TableError("empty")
    width = max(len(row) for row in rows)
    return [row + [""] * (width - len(row)) for row in rows]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        # A postcode typed as a number comes back as 4103.0.
        return str(int(value))
    return str(value)


def _named(rows: Sequence[Sequence[str]]) -> pl.DataFrame:
    header = [name.strip() for name in rows[0]]
    while header and not header[-1]:
        header.pop()
    if not header or not all(header):
        raise TableError("no_header")
    double = sorted({name for name in header if header.count(name) > 1})
    if double:
        raise TableError("double_columns", columns=", ".join(double))
    body = rows[1:]
    columns = {name: [row[index].strip() for row in body] for index, name in enumerate(header)}
    return pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String))


def _without_empty_rows(frame: pl.DataFrame) -> pl.DataFrame:
    # Empty rows at the end are usual; in between they are kept, so that row numbers stay those of the file.
    filled = frame.select(pl.any_horizontal(pl.all() != "")).to_series()
    last = filled.arg_true().max()
    return frame.head(0 if last is None else int(str(last)) + 1)


def guess_mapping(columns: Iterable[str]) -> dict[str, str]:
    """Field -> column, as far as the header's words tell; a column is used once."""
    mapping: dict[str, str] = {}
    for fits in (_is_hint, _has_hint):
        for column in columns:
            if column in mapping.values():
                continue
            for field_name, hints in _HINTS.items():
                if field_name not in mapping and fits(column.casefold(), hints):
                    mapping[field_name] = column
                    break
    return mapping


def _is_hint(column: str, hints: tuple[str, ...]) -> bool:
    return column in hints


def _has_hint(column: str, hints: tuple[str, ...]) -> bool:
    return any(len(hint) > 3 and hint in column for hint in hints)


def check(
    table: Table,
    mapping: Mapping[str, str],
    *,
    strata: Collection[str],
    languages_of: Mapping[str, Sequence[str]],
    known_references: Collection[str] = (),
) -> Sample:
    """All people of the file, or every fault in it.

    Args:
        mapping: field -> column (see REQUIRED, OPTIONAL and BAND).
        strata: codes that the column ``stratum`` may hold.
        languages_of: citizenship (as the register writes it) -> letter languages; German is always added.
        known_references: references that an earlier import brought already.
    """
    frame = table.frame.with_row_index("row", offset=2)
    faults = [Fault("field_missing", 1, name) for name in REQUIRED if name not in mapping]
    faults += [
        Fault("column_unknown", 1, column) for column in mapping.values() if column not in table.columns
    ]
    if faults:
        return Sample(faults=tuple(faults))
    if frame.is_empty():
        return Sample(faults=(Fault("no_rows", 1, ""),))
    faults += _empty_cells(frame, mapping)
    faults += _too_long(frame, mapping)
    faults += _unknown_strata(frame, mapping["stratum"], strata)
    faults += _bad_postcodes(frame, mapping["postcode"])
    faults += _doubles(frame, mapping, known_references)
    if "languages" in mapping:
        faults += _bad_languages(frame, mapping["languages"])
    if faults:
        return Sample(faults=tuple(sorted(faults, key=lambda fault: (fault.row, fault.column, fault.code))))
    return _people(frame, mapping, languages_of)


def _found(frame: pl.DataFrame, condition: pl.Expr, column: str, code: str) -> list[Fault]:
    rows = frame.filter(condition).select("row", column).rows()
    return [Fault(code, row, column, value) for row, value in rows]


def _empty_cells(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[Fault]:
    faults: list[Fault] = []
    for name in REQUIRED:
        code = "stratum_missing" if name == "stratum" else "empty"
        faults += _found(frame, pl.col(mapping[name]) == "", mapping[name], code)
    return faults


def _too_long(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[Fault]:
    return [
        fault
        for column in mapping.values()
        for fault in _found(frame, pl.col(column).str.len_chars() > MAX_LENGTH, column, "too_long")
    ]


def _unknown_strata(frame: pl.DataFrame, column: str, strata: Collection[str]) -> list[Fault]:
    return _found(
        frame, (pl.col(column) != "") & ~pl.col(column).is_in(list(strata)), column, "stratum_unknown"
    )


def _bad_postcodes(frame: pl.DataFrame, column: str) -> list[Fault]:
    return _found(
        frame, (pl.col(column) != "") & ~pl.col(column).str.contains(r"^\d{5}$"), column, "postcode"
    )


def _doubles(frame: pl.DataFrame, mapping: Mapping[str, str], known: Collection[str]) -> list[Fault]:
    """Later rows that repeat a reference, or without one a name at the same address."""
    if "reference" in mapping:
        column = mapping["reference"]
        filled = frame.filter(pl.col(column) != "")
        faults = _found(filled, ~pl.col(column).is_first_distinct(), column, "double")
        return faults + _found(filled, pl.col(column).is_in(list(known)), column, "already_imported")
    person = [mapping[name] for name in ("name", "street", "postcode")]
    repeated = ~pl.struct(pl.col(column).str.to_lowercase() for column in person).is_first_distinct()
    return _found(frame.filter(pl.col(person[0]) != ""), repeated, person[0], "double")


def _bad_languages(frame: pl.DataFrame, column: str) -> list[Fault]:
    return [
        Fault("language", row, column, value)
        for row, value in frame.filter(pl.col(column) != "").select("row", column).rows()
        if not all(_TAG.fullmatch(tag) for tag in _split(value))
    ]


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;/]+", text) if part]


def letter_languages(
    given: str, citizenship: str, languages_of: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Languages of a person's letter: the ones given, else those of the citizenship; always with German."""
    chosen = _split(given) or list(languages_of.get(citizenship, ()))
    return tuple(dict.fromkeys([*chosen, "de"]))


def _people(
    frame: pl.DataFrame, mapping: Mapping[str, str], languages_of: Mapping[str, Sequence[str]]
) -> Sample:
    bands = {name.removeprefix(BAND): column for name, column in mapping.items() if name.startswith(BAND)}
    address = [
        name for name in ("salutation", "name", "extra", "street", "postcode", "place") if name in mapping
    ]
    people: list[Person] = []
    unmapped: dict[str, int] = {}
    for row in frame.iter_rows(named=True):
        citizenship = row[mapping["citizenship"]] if "citizenship" in mapping else ""
        given = row[mapping["languages"]] if "languages" in mapping else ""
        if citizenship and not given and citizenship not in languages_of:
            unmapped[citizenship] = unmapped.get(citizenship, 0) + 1
        people.append(
            Person(
                reference=(row[mapping["reference"]] or None) if "reference" in mapping else None,
                stratum=row[mapping["stratum"]],
                address={name: row[mapping[name]] for name in address if row[mapping[name]]},
                citizenship=citizenship or None,
                languages=letter_languages(given, citizenship, languages_of),
                bands={name: row[column] for name, column in bands.items() if row[column]},
            )
        )
    return Sample(people=tuple(people), unmapped=dict(sorted(unmapped.items())))

"""A register sample from a table: mapping columns, naming every fault.

Nothing is imported by halves: `check` returns either all people or all faults, each with row and column.
The work is done on whole columns, so that half a million rows take seconds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from localtext import usual
from participation.access.spreadsheet import STRANGE, Table

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

#: Faults that are listed; who has more mends the file as a whole, not row by row.
FAULTS_LISTED = 50_000

#: Longest text of one cell that still fits a letter.
MAX_LENGTH = 200

#: What a cell may not hold, and the fault's code: formulas and errors of spreadsheets (German and English),
#: line breaks (a quote that is missing swallows the next row) and invisible signs, letters read wrongly.
_NO_WORDS = {
    "formula": r"^=|^#(REF!|BEZUG!|N/A|NV|NAME\?|VALUE!|WERT!|DIV/0!|NULL!|NUM!|ZAHL!)$",
    "line_break": r"[\x00-\x1f\x7f\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]",
    "letters": STRANGE,
}

_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Fault:
    """One fault of a sample file: row as a spreadsheet counts (header: row 1), column by its name.

    ``first`` is the earlier row of a double, else 0.
    """

    code: str
    row: int
    column: str
    value: str = ""
    first: int = 0


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
    """A whole sample, or its faults by row (then ``people`` is empty): the first, and how many there are."""

    people: tuple[Person, ...] = ()
    faults: tuple[Fault, ...] = ()
    amount: int = 0
    #: Citizenships for which no letter language is mapped, with the number of people; they get German.
    unmapped: Mapping[str, int] = field(default_factory=dict)


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
    known_addresses: Collection[tuple[str, str, str]] = (),
) -> Sample:
    """All people of the file, or its faults.

    Args:
        mapping: field -> column (see REQUIRED, OPTIONAL and BAND).
        strata: codes that the column ``stratum`` may hold.
        languages_of: citizenship (as the register writes it) -> letter languages; German is always added.
        known_references: references that an earlier import brought already.
        known_addresses: name, street and postcode of people whom it brought without a reference.
    """
    # Rows without a word are left out, after they were counted.
    frame = table.frame.with_row_index("row", offset=2).filter(pl.any_horizontal(pl.exclude("row") != ""))
    faults = [Fault("field_missing", 1, name) for name in REQUIRED if name not in mapping]
    faults += [
        Fault("column_unknown", 1, column) for column in mapping.values() if column not in table.columns
    ]
    if faults:
        return Sample(faults=tuple(faults), amount=len(faults))
    if frame.is_empty():
        return Sample(faults=(Fault("no_rows", 1, ""),), amount=1)
    found = [
        *_empty_cells(frame, mapping),
        *_too_long(frame, mapping),
        _unknown_strata(frame, mapping["stratum"], strata),
        *_bad_postcodes(frame, mapping["postcode"]),
        *_doubles(frame, mapping, known_references, known_addresses),
        *_no_words(frame, mapping),
        *_bad_languages(frame, mapping),
    ]
    every = pl.concat(found)
    if every.height:
        first = every.sort("row", "column", "code").head(FAULTS_LISTED).rows()
        return Sample(faults=tuple(Fault(*line) for line in first), amount=every.height)
    return _people(frame, mapping, languages_of)


#: Where a fault has no earlier row.
_NO_ROW = pl.lit(0)


def _found(
    frame: pl.DataFrame, condition: pl.Expr, column: str, code: str, first: pl.Expr = _NO_ROW
) -> pl.DataFrame:
    """Faults as rows, because a file of half a million people may have some in every one of them."""
    return (
        # The first row of a double is no fault itself, so it is looked up before the others are taken out.
        frame.with_columns(first.cast(pl.Int64).alias("first of its kind"))
        .filter(condition)
        .select(
            pl.lit(code).alias("code"),
            pl.col("row").cast(pl.Int64),
            pl.lit(column).alias("column"),
            pl.col(column).alias("value"),
            pl.col("first of its kind").alias("first"),
        )
    )


def _empty_cells(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[pl.DataFrame]:
    return [
        _found(
            frame,
            pl.col(mapping[name]) == "",
            mapping[name],
            "stratum_missing" if name == "stratum" else "empty",
        )
        for name in REQUIRED
    ]


def _too_long(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[pl.DataFrame]:
    return [
        _found(frame, pl.col(column).str.len_chars() > MAX_LENGTH, column, "too_long")
        for column in mapping.values()
    ]


def _unknown_strata(frame: pl.DataFrame, column: str, strata: Collection[str]) -> pl.DataFrame:
    return _found(
        frame, (pl.col(column) != "") & ~pl.col(column).is_in(list(strata)), column, "stratum_unknown"
    )


def _bad_postcodes(frame: pl.DataFrame, column: str) -> list[pl.DataFrame]:
    short = pl.col(column).str.contains("^[0-9]{4}$")
    wrong = (pl.col(column) != "") & ~pl.col(column).str.contains("^[0-9]{5}$")
    return [
        _found(frame, short, column, "postcode_short"),
        _found(frame, wrong & ~short, column, "postcode"),
    ]


def _no_words(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[pl.DataFrame]:
    """Cells that hold a formula, a spreadsheet's error, a line break, or letters of another encoding."""
    return [
        _found(frame, pl.col(column).str.contains(pattern), column, code)
        for column in mapping.values()
        for code, pattern in _NO_WORDS.items()
    ]


def _doubles(
    frame: pl.DataFrame,
    mapping: Mapping[str, str],
    references: Collection[str],
    addresses: Collection[tuple[str, str, str]],
) -> list[pl.DataFrame]:
    """Rows that repeat a reference, or without one a name at the same address: in the file or before it."""
    faults = []
    if "reference" in mapping:
        column = mapping["reference"]
        filled = frame.filter(pl.col(column) != "")
        faults = [
            _found(filled, ~pl.col(column).is_first_distinct(), column, "double", _first_row(pl.col(column))),
            _found(filled, pl.col(column).is_in(list(references)), column, "already_imported"),
        ]
        frame = frame.filter(pl.col(column) == "")
    person = [mapping[name] for name in ("name", "street", "postcode")]
    named = frame.filter(pl.col(person[0]) != "")
    whole = pl.concat_str([pl.col(column).str.to_lowercase() for column in person], separator="\n")
    known = ["\n".join(part.lower() for part in address) for address in addresses]
    return [
        *faults,
        _found(named, ~whole.is_first_distinct(), person[0], "double", _first_row(whole)),
        _found(named, whole.is_in(known), person[0], "already_imported"),
    ]


def _first_row(same: pl.Expr) -> pl.Expr:
    return pl.col("row").first().over(same)


def _bad_languages(frame: pl.DataFrame, mapping: Mapping[str, str]) -> list[pl.DataFrame]:
    if "languages" not in mapping:
        return []
    column = mapping["languages"]
    wrong = [
        value for value in frame[column].unique() if not all(_TAG.fullmatch(tag) for tag in _split(value))
    ]
    return [_found(frame, pl.col(column).is_in(wrong), column, "language")]


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;/]+", text) if part]


def letter_languages(
    given: str, citizenship: str, languages_of: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Languages of a person's letter: the ones given, else those of the citizenship; always with German."""
    chosen = [usual(tag) for tag in _split(given)] or list(languages_of.get(citizenship, ()))
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

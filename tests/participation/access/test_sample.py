"""Sample files: what is read, and that every fault is named by row and column."""

from typing import Any

import pytest

from participation.access import sample, spreadsheet
from tests.participation.access.test_spreadsheet import workbook

HEADER = "Nummer;Name;Straße;PLZ;Ort;Schicht;Staatsangehörigkeit;Altersgruppe"
ROWS = (
    "1;Ada Beispiel;Musterweg 1;00001;Musterstadt;eu;Polen;30-44",
    "2;Çem Muster;Musterweg 2;00002;Musterstadt;near-east;Syrien;18-29",
    "3;Ola Probe;Musterweg 3;00003;Musterstadt;eu;Atlantis;45-59",
)
LANGUAGES = {"Polen": ["pl"], "Syrien": ["ar", "ku"]}
STRATA = ("eu", "near-east")


def table(*rows: str, encoding: str = "utf-8") -> spreadsheet.Table:
    return spreadsheet.read_table("\r\n".join((HEADER, *rows)).encode(encoding))


def checked(read: spreadsheet.Table, **changes: Any) -> sample.Sample:
    options: dict[str, Any] = {"strata": STRATA, "languages_of": LANGUAGES} | changes
    return sample.check(read, sample.guess_mapping(read.columns), **options)


def test_the_header_is_understood() -> None:
    assert sample.guess_mapping(HEADER.split(";")) == {
        "reference": "Nummer",
        "name": "Name",
        "street": "Straße",
        "postcode": "PLZ",
        "place": "Ort",
        "stratum": "Schicht",
        "citizenship": "Staatsangehörigkeit",
        "band:age": "Altersgruppe",
    }
    assert sample.guess_mapping(["Nachname der Person", "Unklar"]) == {"name": "Nachname der Person"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_people_are_read_in_every_usual_encoding(encoding: str) -> None:
    found = checked(table(*ROWS, encoding=encoding))
    assert found.faults == ()
    assert found.unmapped == {"Atlantis": 1}
    assert found.people[1] == sample.Person(
        reference="2",
        stratum="near-east",
        address={"name": "Çem Muster", "street": "Musterweg 2", "postcode": "00002", "place": "Musterstadt"},
        citizenship="Syrien",
        languages=("ar", "ku", "de"),
        bands={"age": "18-29"},
    )
    assert found.people[2].languages == ("de",)


def test_a_workbook_gives_the_same_people() -> None:
    rows = [list(row.split(";")) for row in (HEADER, *ROWS)]
    rows[1][0] = 1.0  # type: ignore[call-overload]
    found = checked(spreadsheet.read_table(workbook(*rows, [None] * 8)))
    assert found.people == checked(table(*ROWS)).people


def test_given_languages_come_before_those_of_the_citizenship() -> None:
    assert sample.letter_languages("so, ti", "Polen", LANGUAGES) == ("so", "ti", "de")
    assert sample.letter_languages("", "Polen", LANGUAGES) == ("pl", "de")
    assert sample.letter_languages("kmr, ar", "Polen", LANGUAGES) == ("ku", "ar", "de")
    assert sample.letter_languages("de", "", LANGUAGES) == ("de",)


def test_all_faults_are_named_at_once_and_nobody_is_imported() -> None:
    found = checked(
        table(
            ROWS[0],
            "1;;Musterweg 2;2;Musterstadt;mars;Syrien;18-29",
            f"3;{'x' * 201};Musterweg 3;00003;Musterstadt;;Polen;",
            "4;Vier;Weg 4;00004;Musterstadt;eu;Polen;",
        ),
        known_references={"4"},
    )
    assert found.people == ()
    assert [(fault.code, fault.row, fault.column) for fault in found.faults] == [
        ("empty", 3, "Name"),
        ("double", 3, "Nummer"),
        ("postcode", 3, "PLZ"),
        ("stratum_unknown", 3, "Schicht"),
        ("too_long", 4, "Name"),
        ("stratum_missing", 4, "Schicht"),
        ("already_imported", 5, "Nummer"),
    ]


def test_doubles_without_a_reference_are_found_by_name_and_address() -> None:
    text = "Name;Straße;PLZ;Ort;Schicht;Sprachen\nAda;Weg 1;00001;M;eu;pl\nADA;weg 1;00001;M;eu;??"
    found = checked(spreadsheet.read_table(text.encode()))
    assert [(fault.code, fault.row, fault.first) for fault in found.faults] == [
        ("double", 3, 2),
        ("language", 3, 0),
    ]


def test_missing_and_unknown_columns_are_named() -> None:
    read = spreadsheet.read_table(b"Name,PLZ\nAda,00001")
    mapping = sample.guess_mapping(read.columns) | {"stratum": "Nowhere"}
    found = sample.check(read, mapping, strata=STRATA, languages_of={})
    assert [(fault.code, fault.column) for fault in found.faults] == [
        ("field_missing", "street"),
        ("field_missing", "place"),
        ("column_unknown", "Nowhere"),
    ]


def test_a_file_with_a_header_only_is_named() -> None:
    assert [fault.code for fault in checked(table()).faults] == ["no_rows"]


@pytest.mark.parametrize(
    ("words", "code", "column"),
    [
        ({"Ada Beispiel": "Лев Толстой".encode("cp1251").decode("cp1252")}, "letters", "Name"),
        ({"Ada Beispiel": "Łukasz Świątek".encode("cp1250").decode("cp1252")}, "letters", "Name"),
        ({"Ada Beispiel": "Jörg Müller".encode().decode("cp1252")}, "letters", "Name"),
        ({"Ada Beispiel": "M\ufffdller"}, "letters", "Name"),
        ({"Ada Beispiel": "=1+1"}, "formula", "Name"),
        ({"Ada Beispiel": "#BEZUG!"}, "formula", "Name"),
        ({"Ada Beispiel": "Ada\u202e Beispiel"}, "line_break", "Name"),
        ({"00001": "4103"}, "postcode_short", "PLZ"),
        ({"00001": "٠٠٠٠١"}, "postcode", "PLZ"),
    ],
)
def test_cells_that_are_no_words_are_named(words: dict[str, str], code: str, column: str) -> None:
    row = ROWS[0]
    for old, new in words.items():
        row = row.replace(old, new)
    found = checked(table(row))
    assert [(fault.code, fault.row, fault.column) for fault in found.faults] == [(code, 2, column)]


@pytest.mark.parametrize(
    "name",
    ["Jörg Großmüller", "Łukasz Świątek", "Nguyễn Thị Hồng", "João Ñuñez", "İÇÖZ Ağaoğlu", "Ægir Ólafsdóttir",
     "Лев Толстой", "محمد علي", "Γιώργος", "N.º 3 O’Brien", "ŸVES Åse–Ås", "张伟"],
)  # fmt: skip
def test_names_from_everywhere_are_words(name: str) -> None:
    found = checked(table(ROWS[0].replace("Ada Beispiel", name)))
    assert found.faults == ()
    assert found.people[0].address["name"] == name


def test_a_quote_that_is_missing_swallows_nobody() -> None:
    """The next person would stand inside the last cell of this one."""
    found = checked(table(ROWS[0].replace("30-44", '"30-44'), ROWS[1]))
    assert [(fault.code, fault.row, fault.column) for fault in found.faults] == [
        ("line_break", 2, "Altersgruppe")
    ]


def test_empty_rows_are_no_people_and_still_count() -> None:
    found = checked(table(ROWS[0], "", ";;;;;;;", ROWS[1]))
    assert (len(found.people), found.faults) == (2, ())
    found = checked(table(ROWS[0], "", ROWS[1].replace("near-east", "mars")))
    assert [(fault.code, fault.row) for fault in found.faults] == [("stratum_unknown", 4)]


def test_who_has_no_reference_is_compared_by_name_and_address() -> None:
    bare = ROWS[0].replace("1;", ";", 1)
    found = checked(table(bare, bare), known_addresses={("ADA Beispiel", "Musterweg 1", "00001")})
    assert [(fault.code, fault.row) for fault in found.faults] == [
        ("already_imported", 2),
        ("already_imported", 3),
        ("double", 3),
    ]


def test_of_very_many_faults_the_first_are_listed_and_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "FAULTS_LISTED", 3)
    found = checked(table(*(f"{n};Ada {n};Weg;1;M;mars;;" for n in range(9))))
    assert [(fault.row, fault.column) for fault in found.faults] == [(2, "PLZ"), (2, "Schicht"), (3, "PLZ")]
    assert found.amount == 18


@pytest.mark.slow
def test_half_a_million_rows_are_checked_whole() -> None:
    lines = [HEADER, *(f"{n};Person {n};Weg {n};{n % 100000:05d};M;eu;Polen;30-44" for n in range(500_000))]
    lines[250_000] = lines[250_000].replace(";eu;", ";mars;")
    found = checked(spreadsheet.read_table("\n".join(lines).encode()))
    assert [(fault.code, fault.row) for fault in found.faults] == [("stratum_unknown", 250_001)]

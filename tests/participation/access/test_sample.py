"""Sample files: what is read, and that every fault is named by row and column."""

import io
from typing import Any

import pytest
from openpyxl import Workbook

from participation.access import sample

HEADER = "Nummer;Name;Straße;PLZ;Ort;Schicht;Staatsangehörigkeit;Altersgruppe"
ROWS = (
    "1;Ada Beispiel;Musterweg 1;00001;Musterstadt;eu;Polen;30-44",
    "2;Çem Muster;Musterweg 2;00002;Musterstadt;near-east;Syrien;18-29",
    "3;Ola Probe;Musterweg 3;00003;Musterstadt;eu;Atlantis;45-59",
)
LANGUAGES = {"Polen": ["pl"], "Syrien": ["ar", "kmr"]}
STRATA = ("eu", "near-east")


def table(*rows: str, encoding: str = "utf-8") -> sample.Table:
    return sample.read_table("\r\n".join((HEADER, *rows)).encode(encoding))


def checked(read: sample.Table, **changes: Any) -> sample.Sample:
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
        languages=("ar", "kmr", "de"),
        bands={"age": "18-29"},
    )
    assert found.people[2].languages == ("de",)


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_workbook_gives_the_same_people() -> None:
    rows = [list(row.split(";")) for row in (HEADER, *ROWS)]
    rows[1][0] = 1.0  # type: ignore[call-overload]
    found = checked(sample.read_table(workbook(*rows, [None] * 8)))
    assert found.people == checked(table(*ROWS)).people


def test_given_languages_come_before_those_of_the_citizenship() -> None:
    assert sample.letter_languages("so, ti", "Polen", LANGUAGES) == ("so", "ti", "de")
    assert sample.letter_languages("", "Polen", LANGUAGES) == ("pl", "de")
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
    found = checked(sample.read_table(text.encode()))
    assert [(fault.code, fault.row) for fault in found.faults] == [("double", 3), ("language", 3)]


def test_missing_and_unknown_columns_are_named() -> None:
    read = sample.read_table(b"Name,PLZ\nAda,00001")
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
    ("data", "code"),
    [
        (b"  \n", "empty"),
        (b"\x00\x01\x02", "encoding"),
        (b"Name;Ort\n\x81;x", "encoding"),
        (b"Name;Name\nA;B", "double_columns"),
        (b"Name;;Ort\nA;B;C", "no_header"),
        (b"Name;Ort\nA;B\nC", "ragged"),
        (b"PK\x03\x04 broken", "unreadable"),
        (workbook(), "empty"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(sample.TableError) as caught:
        sample.read_table(data)
    assert caught.value.code == code


def test_a_small_file_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(["Name", "Ort"], *(["Ada", "Köln"] for _ in range(2_000)))
    assert len(sample.read_table(data).columns) == 2
    monkeypatch.setattr(sample, "MAX_UNFOLDED", 5 * len(data))
    with pytest.raises(sample.TableError) as caught:
        sample.read_table(data)
    assert caught.value.code == "unreadable"


def test_a_single_column_is_a_table_too() -> None:
    assert sample.read_table(b"Name\nAda\n\n").columns == ["Name"]


@pytest.mark.slow
def test_half_a_million_rows_are_checked_whole() -> None:
    lines = [HEADER, *(f"{n};Person {n};Weg {n};{n % 100000:05d};M;eu;Polen;30-44" for n in range(500_000))]
    lines[250_000] = lines[250_000].replace(";eu;", ";mars;")
    found = checked(sample.read_table("\n".join(lines).encode()))
    assert [(fault.code, fault.row) for fault in found.faults] == [("stratum_unknown", 250_001)]

"""Lists of options from files."""

import json

import pytest

from participation.conference import interchange
from participation.conference.ballots import BallotFileError
from participation.conference.forms import fault_sentence
from participation.conference.interchange import OptionLine


def _faults(text: str, name: str, chosen: str = "") -> list[tuple[str, str]]:
    with pytest.raises(BallotFileError) as caught:
        interchange.read(text, name, chosen=chosen)
    assert all(fault_sentence(fault) for fault in caught.value.faults)
    return [(f.code, f.place) for f in caught.value.faults]


def test_csv_with_languages() -> None:
    text = "id;label_de;label_fa-AF;explanation_de;cost\nh1;Wohnen;مسکن;bezahlbar;100\n;Sprache;;;\n\n"
    assert interchange.read(text, "x.csv") == [
        OptionLine("h1", {"de": "Wohnen", "fa-AF": "مسکن"}, {"de": "bezahlbar"}, 100),
        OptionLine("", {"de": "Sprache"}),
    ]


def test_a_plain_list_keeps_its_commas() -> None:
    found = interchange.read("Bildung, Kita\nArbeit\n\n", "x.txt")
    assert [line.label for line in found] == [{"de": "Bildung, Kita"}, {"de": "Arbeit"}]


def test_json_forms() -> None:
    assert interchange.read('["Wohnen"]', "x.json") == [OptionLine("", {"de": "Wohnen"})]
    whole = {"options": [{"id": "a", "name": "A"}, {"id": "b", "label": {"ar": "ب"}, "cost": 3}]}
    assert interchange.read(json.dumps(whole), "x.json") == [
        OptionLine("a", {"de": "A"}),
        OptionLine("b", {"ar": "ب"}, {}, 3),
    ]
    lists = {
        "lists": [
            {
                "id": "one",
                "items": [{"id": "x", "label_de": "X"}, {"id": "y", "label_de": "Y", "parent": "x"}],
            }
        ]
    }
    assert [line.code for line in interchange.read(json.dumps(lists), "x.json")] == ["x"]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("{", "x.json", [("json", "line 1")]),
        ("[]", "x.json", [("no_options", "")]),
        ("", "x.csv", [("no_options", "")]),
        ('[{"id": "a"}]', "x.json", [("no_label", "1")]),
        ('[{"label": "a", "cost": -1}]', "x.json", [("no_number", "1")]),
        ("label;cost\nA;viel\n", "x.csv", [("no_number", "line 2")]),
        ("id;label\nA;x\nA;y\n", "x.csv", [("option_twice", "2")]),
        ("\n".join(f"Thema {n}" for n in range(101)), "x.txt", [("too_many", "")]),
        ('{"lists": [{"id": "a", "items": []}, {"id": "b", "items": []}]}', "x.json", [("choose_list", "")]),
    ],
)
def test_faults(text: str, name: str, expected: list[tuple[str, str]]) -> None:
    assert _faults(text, name) == expected


def test_there_and_back() -> None:
    lines = [
        OptionLine("o1", {"de": "Wohnen; Stadt", "ar": "سكن"}, {"de": "kurz"}, 5),
        OptionLine("o2", {"de": "B"}),
    ]
    assert interchange.read(interchange.write_csv(lines, ["de", "ar"]), "x.csv") == lines

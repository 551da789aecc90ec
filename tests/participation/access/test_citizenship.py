"""From citizenship to letter languages."""

import pytest

from localtext import NAMES
from participation.access.citizenship import Languages, RuleError, default_table, known_as, named, plain, rule


def test_a_citizenship_is_known_by_every_name():
    known = Languages()
    for name in ("Syrien", "SYR", "sy", " Arabische  Republik Syrien ", "SYRISCH"):
        assert known[name] == ("ar", "ku")
    assert known["Türkei"] == known["Turkei"] == ("tr",)
    assert "Atlantis" not in known
    assert known.get("Atlantis", ()) == ()
    assert 7 not in known
    assert set(known) >= {"syrien", "sy"}
    assert len(known) == len(set(known))


def test_the_default_table_is_sound():
    table = default_table()
    assert len(table) >= 60
    keys = [plain(key) for one in table for key in (one.alpha_2, one.alpha_3, *one.names)]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
    assert {tag for one in table for tag in one.languages} <= set(NAMES)
    assert all("de" not in one.languages for one in table)


def test_an_offices_rule_counts_for_every_name():
    known = Languages({"irak": ["ckb"], "atlantis": []})
    assert known["IRQ"] == known["Irak"] == ("ckb",)
    assert known["Atlantis"] == ()
    assert Languages({"sy": ["kmr"]})["Syrien"] == ("ku",)


def test_names_are_those_of_the_readers_language():
    table = {one.alpha_2: one for one in default_table()}
    assert [named(table["EG"], tag) for tag in ("de", "en", "xx")] == ["Ägypten", "Egypt", "Ägypten"]
    assert [named(one, "en") for one in table.values()].count("") == 0
    assert (known_as("sy", "en"), known_as("atlantis", "en")) == ("Syria", "atlantis")


def test_a_typed_rule_is_checked():
    assert rule(" IRQ ", "ckb, ar; ckb de") == ("iq", ("ckb", "ar"))
    assert rule("Syrien", "kmr ku ar") == ("sy", ("ku", "ar"))
    assert rule("Atlantis", "") == ("atlantis", ())
    with pytest.raises(RuleError) as caught:
        rule(" - ", "ar")
    assert caught.value.code == "citizenship"
    with pytest.raises(RuleError) as caught:
        rule("Irak", "ar arabisch!")
    assert (caught.value.code, caught.value.value) == ("language", "arabisch!")

"""Reading the document: JSON and YAML, expansion, fields, texts."""

import json

import pytest
import yaml

from surveys import questionnaire as module
from surveys.faults import Fault, Faulty
from surveys.questionnaire import dumps, expand, loads, read
from surveys.rules import All, In
from tests.surveys.documents import DATA, document, item, load, options, questionnaire, words


def kinds(content):
    with pytest.raises(Faulty) as caught:
        loads(content)
    return [(fault.kind, fault.place) for fault in caught.value.faults]


def test_json_and_yaml_read_the_same():
    made = load("small")
    assert loads((DATA / "valid" / "small.json").read_bytes()) == made
    assert loads(yaml.safe_dump(made, allow_unicode=True)) == made
    assert loads(dumps(made)) == made


def test_yaml_words_stay_words():
    assert loads("a: no\nb: on\nc: true\nd: 'yes'") == {"a": "no", "b": "on", "c": True, "d": "yes"}


def test_files_that_are_no_documents():
    assert kinds('{"a": 1,\n "b" 2}') == [("not-json", "line 2")]
    assert kinds("a: b: c") == [("not-json", "line 1")]
    assert kinds("[1, 2]") == [("wrong-type", "")]
    assert kinds("just words") == [("wrong-type", "")]
    assert kinds(b"\xff\xfe") == [("not-utf8", "")]
    assert kinds("a: &a [1]\nb: *a") == [("not-json", "")]
    assert kinds("[" * 100_000) == [("not-json", "")]
    assert kinds("d: 2026-02-31") == [("not-json", "")]


def test_a_file_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 10)
    assert kinds(b'{"a": "0123456789"}') == [("too-large", "")]


def test_faulty_names_everything():
    error = Faulty((Fault("bad-tag", "languages/2"), Fault("no-options", "items/one")))
    assert str(error) == "languages/2: bad-tag; items/one: no-options"
    assert hash(Fault("a", "b", {"c": 1})) == hash(Fault("a", "b", {"c": 2}))


def test_shared_texts_and_scales_are_written_out():
    full = expand(load("shared-scale"))
    assert [one["options"][0]["code"] for one in full["sections"][0]["items"]] == ["yes", "yes"]
    assert "scales" not in full
    assert expand(load("help-why-sensitive"))["sections"][0]["items"][0]["why"]["de"] == "Darum."


def test_fields_of_every_type():
    made = questionnaire()
    assert {field.address: (field.kind, field.maximum) for field in made.fields} == {
        "district": ("single", 0),
        "born.self": ("single", 0),
        "born.mother": ("single", 0),
        "arrival": ("single", 0),
        "hours": ("single", 0),
        "obstacles": ("multiple", 2),
        "satisfied": ("single", 0),
        "feel.hope": ("single", 0),
        "feel.alone": ("single", 0),
        "treated": ("single", 0),
        "priorities": ("ranking", 2),
        "wish": ("text", 200),
    }
    assert [option.code for option in made.by_address["satisfied"].options] == [str(n) for n in range(11)]
    assert made.by_address["arrival"].low == 1940
    assert (made.by_address["born.self"].dont_know, made.by_address["born.mother"].dont_know) == (False, True)
    assert made.items[0].fields == ()
    assert (made.by_address["hours"].module, made.by_address["priorities"].module) == ("work", "home")
    exact = questionnaire("date-year").by_address["one"]
    assert (exact.kind, exact.low, exact.high) == ("exact", 1920, 2030)


def test_the_rule_of_a_part_includes_its_items_rule():
    parts = [
        {"id": "p", "text": words("p"), "show_if": {"item": "one", "in": ["no"]}},
        {"id": "q", "text": words("q")},
    ]
    inner = item(
        "two", "parts", options=options("a", "b"), parts=parts, show_if={"item": "one", "in": ["yes", "no"]}
    )
    made = read(document(item("one"), inner))
    both = In("one", ("yes", "no"))
    assert made.by_address["two.p"].rule == All((both, In("one", ("no",))))
    assert made.by_address["two.q"].rule == both


def test_texts_fall_back_and_fill_their_placeholders():
    made = questionnaire()
    assert made.pick(made.title, "fa-AF") == "زندگی در موسترشتات"
    picked = made.pick({"en": "Life in {city}"}, "fa-AF")
    assert (picked, picked.language) == ("Life in \u2068موسترشتات\u2069", "en")


def test_without_variants_every_module_is_asked():
    made = read(document(item("one", module="a"), item("two")))
    assert [made.in_variant(field.module, 1) for field in made.fields] == [True, True]
    two = questionnaire("variants")
    assert [two.in_variant(field.module, 2) for field in two.fields] == [False, True, True, False]


def test_read_write_is_stable_for_the_whole_corpus():
    for file in (DATA / "valid").glob("*.json"):
        made = json.loads(file.read_text("utf-8"))
        assert read(loads(dumps(made))) == read(made)

"""Adapting a model without JSON."""

import copy

import pytest

from surveys.authoring import adapting
from surveys.authoring.views import model_documents
from surveys.checks import check, stops
from tests.surveys.documents import document, item, load, options, words

SMALL = load("small")


def kinds(faults):
    return [fault.kind for fault in faults]


def names(made):
    return [one["id"] for one in adapting.items_of(made)]


def test_nothing_changes_the_model():
    before = copy.deepcopy(SMALL)
    adapting.choose_languages(SMALL, ["de"])
    adapting.fill_placeholders(SMALL, {"city": {"de": "Anderswo"}})
    adapting.fill_list(SMALL, "districts", {"de": ["A", "B"], "en": ["A", "B"], "fa-AF": ["A", "B"]})
    adapting.drop_items(SMALL, ["born"])
    adapting.model_for(SMALL, "ours")["title"]["de"] = "anders"
    assert before == SMALL


def test_languages_are_taken_out_with_what_belongs_to_them():
    made = adapting.choose_languages(SMALL, ["fa-AF", "de"])
    assert (made["languages"], made["audio"], made["fallbacks"]) == (
        ["de", "fa-AF"],
        [],
        {"fa-AF": ["en", "de"]},
    )
    assert {tag for one in adapting.items_of(made) for tag in one.get("audio", {})} == set()
    assert [fault.kind for fault in check(made) if not fault.advice] == []
    assert adapting.known_languages(made) == ["de", "fa-AF", "en"]
    again = adapting.choose_languages(made, ["de", "en"])
    assert again["languages"] == ["de", "en"]
    with pytest.raises(ValueError, match="source"):
        adapting.choose_languages(SMALL, ["en"])


def test_placeholders_are_filled_and_emptied():
    made = adapting.fill_placeholders(
        SMALL, {"city": {"de": " Bielefeld ", "en": " "}, "unknown": {"de": "x"}}
    )
    assert made["placeholders"]["city"]["value"] == {"de": "Bielefeld"}
    assert "unknown" not in made["placeholders"]
    empty = adapting.fill_placeholders(made, {"city": {"de": " "}})
    assert kinds(check(empty, final=True)) == ["placeholder-unfilled", "list-unfilled"]
    assert [adapting.unfinished(made, tag) for tag in ("de", "en")] == [0, 1]
    assert adapting.fill_placeholders(document(), {"city": {"de": "x"}}) == document()


def test_a_sound_belongs_to_its_item_and_language():
    made = adapting.attach_sound(document(item("one"), item("two")), "two", "de", "two.mp3")
    assert [one.get("audio") for one in adapting.items_of(made)] == [None, {"de": "two.mp3"}]
    made["audio"] = ["de", "en"]
    assert [one.get("audio") for one in adapting.items_of(adapting.choose_languages(made, ["de"]))] == [
        None,
        {"de": "two.mp3"},
    ]


def test_a_list_keeps_the_codes_of_what_stays():
    lines = {"de": ["Süd", "Süd-West", "Mitte", ""], "en": ["South", "South-West", "Centre"],
             "fa-AF": ["جنوب", "جنوب‌غرب", "مرکز"]}  # fmt: skip
    made, faults = adapting.fill_list(SMALL, "districts", lines)
    assert faults == ()
    assert [option["code"] for option in made["scales"]["districts"]["options"]] == [
        "south",
        "sud-west",
        "mitte",
    ]
    assert made["scales"]["districts"]["options"][2]["label"] == {
        "de": "Mitte",
        "en": "Centre",
        "fa-AF": "مرکز",
    }
    assert "fill" not in made["scales"]["districts"]
    assert list(adapting.lists_to_fill(made)) == ["districts"]


def test_lines_that_do_not_match_are_named():
    made, faults = adapting.fill_list(SMALL, "districts", {"de": ["A", "B", "B"], "en": ["A", "B"]})
    assert made == SMALL
    assert [(fault.kind, dict(fault.params)) for fault in faults] == [
        ("lines-differ", {"language": "en", "lines": 2, "expected": 3}),
        ("line-repeated", {"language": "de", "label": "B"}),
    ]
    assert kinds(adapting.fill_list(SMALL, "districts", {"de": ["A"]})[1]) == ["too-few-options"]


def test_codes_from_labels():
    assert adapting.code_from("Groß-Zimmern", ()) == "gross-zimmern"
    assert adapting.code_from("Nord", {"nord", "nord-2"}) == "nord-3"
    assert adapting.code_from("شمال", {"o"}) == "o-2"
    assert len(adapting.code_from("x" * 60, ())) == 20


def test_dropping_takes_along_what_depends_on_it():
    made, along = adapting.drop_items(SMALL, ["born"])
    assert along == ("arrival", "obstacles")
    assert "born" not in names(made)
    assert [fault for fault in check(made) if not fault.advice] == []


def test_dropping_cleans_up_lists_texts_sections_and_variants():
    made, along = adapting.drop_items(SMALL, ["treated", "hours", "obstacles", "district"])
    assert along == ("wish",)
    assert "why-rights" not in made["texts"]
    assert sorted(made["scales"]) == ["agree", "contented", "yes-no"]
    assert [section["id"] for section in made["sections"]] == ["you", "together"]
    assert made["variants"] == [[], ["home"]]
    assert [fault.kind for fault in check(made) if not fault.advice] == []


def test_parts_go_with_the_item_they_look_back_to():
    inner = item("two", "battery", options=options("a", "b"), statements=[
        {"id": "p", "text": words("p"), "show_if": {"any": [{"not": {"item": "one", "in": ["yes"]}}]}},
        {"id": "q", "text": words("q")}])  # fmt: skip
    lone = item("three", "parts", options=options("a", "b"), parts=[
        {"id": "p", "text": words("p"), "show_if": {"item": "one", "answered": True}}])  # fmt: skip
    made, along = adapting.drop_items(document(item("one"), inner, lone), ["one"])
    assert [part["id"] for part in next(iter(adapting.items_of(made)))["statements"]] == ["q"]
    assert along == ("three",)


def test_what_a_native_reader_reads():
    assert adapting.to_be_read(SMALL, "en") == [
        "I take part of my own free will.",
        "We ask how you are doing in {city}.",
        "Thank you very much.",
        "Were you treated badly because of your origin?",
        "So that the city sees where rights are missing.",
        "yes",
        "no",
    ]
    first = adapting.reading_digest(SMALL, "en")
    changed = copy.deepcopy(SMALL)
    changed["texts"]["why-rights"]["de"] = "Anders."
    assert adapting.reading_digest(changed, "en") == first
    changed["texts"]["why-rights"]["en"] = "Otherwise."
    assert adapting.reading_digest(changed, "en") != first
    parts = item(
        "one",
        "parts",
        sensitive=2,
        why=words("w"),
        options=options("a"),
        parts=[{"id": "p", "text": words("P")}],
    )
    assert "P" in adapting.to_be_read(document(parts), "de")


@pytest.mark.parametrize("name", sorted(model_documents()))
def test_what_was_left_out_comes_back_at_its_place(name):
    model = model_documents()[name]
    everything = [one["id"] for one in adapting.items_of(model)]
    for gone in everything:
        pruned, along = adapting.drop_items(model, [gone])
        missing = adapting.left_out(pruned, model)
        assert set(missing) == {gone, *along}
        whole = adapting.put_back(pruned, model, missing)
        assert ({**whole, "scales": 0, "texts": 0}) == ({**model, "scales": 0, "texts": 0})
        for kind in ("scales", "texts"):
            assert whole.get(kind, {}).items() <= model.get(kind, {}).items()
        assert stops(check(whole)) == stops(check(model))


def test_what_comes_back_leaves_the_rest_as_it_is():
    model = load("small")
    ours, wrong = adapting.fill_list(model, "districts", {tag: ["Nord", "Ost"] for tag in model["languages"]})
    assert not wrong
    pruned, _along = adapting.drop_items(ours, ["priorities"])
    assert "priorities" not in names(pruned)
    whole = adapting.put_back(pruned, model, ["priorities", "none"])
    assert (names(whole), whole["scales"]["districts"]) == (names(model), ours["scales"]["districts"])
    assert adapting.put_back(pruned, model, []) == pruned


def test_the_model_is_known_by_its_title():
    models = model_documents()
    for name, model in models.items():
        pruned, _along = adapting.drop_items(model, [next(adapting.items_of(model))["id"]])
        assert adapting.model_of(adapting.model_for(pruned, "ours"), models.values()) is not None
        assert adapting.model_of(pruned, models.values())["id"] == models[name]["id"]
    assert adapting.model_of(load("small"), models.values()) is None

"""The checker: one valid file per feature, one invalid file per kind of fault with its exact list."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys import checks
from surveys.checks import check, small_cell_share, stops
from surveys.sentences import SENTENCES, line, sentence
from tests.surveys.documents import DATA, document, item, load, words

VALID = sorted(path.stem for path in (DATA / "valid").glob("*.json"))
INVALID = sorted(path.stem for path in (DATA / "invalid").glob("*.json"))
READING = {"too-large", "not-utf8", "not-json"}
"""Faults of files that are no documents; tests/surveys/test_questionnaire.py has them."""


@pytest.mark.parametrize("name", VALID)
def test_valid_files_have_no_fault(name):
    assert check(load(name)) == ()


@pytest.mark.parametrize("name", INVALID)
def test_invalid_files_have_exactly_their_faults(name):
    content = json.loads((DATA / "invalid" / f"{name}.json").read_text("utf-8"))
    expected = json.loads((DATA / "invalid" / f"{name}.expected").read_text("utf-8"))
    sounds = frozenset(expected["sounds"]) if "sounds" in expected else None
    found = check(content, final=expected.get("final", False), sounds=sounds)
    assert [[fault.kind, fault.place] for fault in found] == expected["faults"]
    for fault in found:
        assert "%(" not in sentence(fault)
        assert fault.kind in line(fault)


def test_every_kind_of_fault_has_its_file_and_its_sentence():
    listed = {
        kind
        for name in INVALID
        for kind, _ in json.loads((DATA / "invalid" / f"{name}.expected").read_text("utf-8"))["faults"]
    }
    assert listed == set(SENTENCES) - READING
    assert len(listed) >= 40


def test_advice_does_not_stop_and_faults_do():
    advice = check(document(scales={"spare": {"options": document()["sections"][0]["items"][0]["options"]}}))
    assert ([fault.kind for fault in advice], stops(advice)) == (["unused-scale"], False)
    assert stops(check(document(source="tr")))


def test_a_broken_item_is_reported_once_and_what_refers_to_it_is_not_blamed():
    broken = item("one", options=[])
    follower = item("two", show_if={"item": "one", "in": ["yes"]})
    last = item("three", show_if={"all": [{"item": "two", "in": ["yes"]}, {"item": "two", "in": ["no"]}]})
    assert [(fault.kind, fault.place) for fault in check(document(broken, follower, last))] == [
        ("bad-value", "items/one/options"),
        ("rule-never", "items/three/show_if"),
    ]


def test_a_lost_scale_is_reported_once():
    lost = item("one", scale="gone")
    follower = item("two", show_if={"item": "one", "in": ["yes"]})
    parts = [{"id": "p", "text": words("p"), "show_if": {"item": "one", "in": ["x"]}}]
    inner = item("three", "battery", scale="gone", statements=parts)
    assert [(fault.kind, fault.place) for fault in check(document(lost, follower, inner))] == [
        ("unknown-scale", "items/one"),
        ("unknown-scale", "items/three"),
    ]


def test_broken_parts_of_the_document_are_taken_out_one_by_one():
    broken = document(
        item("one", scale="bad"),
        item("two", why="@bad"),
        title="Titel",
        scales={"bad": {"options": "none"}},
        texts={"bad": "words"},
        placeholders={"bad": {}},
        reading=12,
    )
    broken["sections"].append({"id": "second", "title": 3, "items": [7]})
    broken["sections"].append({"items": [item("three", show_if={"item": "one", "in": ["yes"]})]})
    assert sorted((fault.kind, fault.place) for fault in check(broken)) == [
        ("missing-field", "placeholders/bad"),
        ("missing-field", "sections/3"),
        ("not-a-text", "sections/second/title"),
        ("not-a-text", "title"),
        ("wrong-type", "items/1"),
        ("wrong-type", "reading"),
        ("wrong-type", "scales/bad/options"),
        ("wrong-type", "texts/bad"),
    ]


@pytest.mark.parametrize("sections", [None, {}, [], [1], [{}], [{"id": "a", "items": 3}]])
def test_a_document_without_readable_sections_ends_with_its_shape(sections):
    found = check(document(sections=sections))
    assert found != ()
    assert {fault.kind for fault in found} <= {"wrong-type", "bad-value", "missing-field", "empty-section"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.sampled_from(["de", "a", "@x", "one", "{city}", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["de", "id", "item"]), inner),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=200)
def test_no_document_makes_the_checker_stumble(data):
    """Replace something anywhere in the full example by anything; the checker answers with faults."""
    node = broken = load("small")
    for _ in range(data.draw(st.integers(1, 8))):
        holder = node
        key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        node = holder[key]
        if not isinstance(node, dict | list) or not node:
            break
    holder[key] = data.draw(JSON)
    for fault in check(broken, final=True):
        assert "%(" not in sentence(fault)


def test_small_cell_share_by_hand():
    """Two items with a half and a half among 30 people: cells of 7.5, all small; among 100: none."""
    halves = [[0.5, 0.5], [0.5, 0.5]]
    assert small_cell_share(halves, 30) == 1.0
    assert small_cell_share(halves, 100) == 0.0
    # 0.9 and 0.1 (the rest, undeclared) twice among 100: cells 81, 9, 9, 1; 19 of 100 share with under ten.
    assert round(small_cell_share([[0.9], [0.9]], 100), 10) == 0.19


def test_small_cell_share_stops_multiplying(monkeypatch):
    monkeypatch.setattr(checks, "CELLS", 4)
    assert small_cell_share([[0.5, 0.5]] * 9, 40) == 0.0

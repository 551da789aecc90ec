"""Digests tell whether two waves asked the same."""

import copy

import pytest

from surveys.digests import changes, item_digests, questionnaire_digest
from tests.surveys.documents import document, item, load, options, words


def changed(change):
    before = load("small")
    after = copy.deepcopy(before)
    change(after, {one["id"]: one for section in after["sections"] for one in section["items"]})
    return sorted(name for name, state in changes(before, after).items() if state != "same")


@pytest.mark.parametrize(
    ("names", "change"),
    [
        (["treated"], lambda all_, items: items["treated"]["text"].update(de="Wurden Sie je benachteiligt?")),
        (["obstacles"], lambda all_, items: items["obstacles"]["options"].pop(0)),
        (["obstacles"], lambda all_, items: items["obstacles"].update(max=3)),
        (["obstacles"], lambda all_, items: items["obstacles"]["help"].update(de="Zwei.")),
        (["satisfied"], lambda all_, items: all_["scales"]["contented"].update(to=9)),
        (["born", "treated"], lambda all_, items: all_["scales"]["yes-no"]["options"].reverse()),
        (["born"], lambda all_, items: items["born"]["parts"][0].update(dont_know=True)),
        (["feel"], lambda all_, items: items["feel"]["statements"][0]["text"].update(de="Anders.")),
        ([], lambda all_, items: items["treated"]["text"].update(en="Were you ever treated badly?")),
        (
            [],
            lambda all_, items: items["treated"].update(
                refusal=True, show_if={"item": "hours", "in": ["some"]}
            ),
        ),
        ([], lambda all_, items: all_["texts"]["why-rights"].update(de="Aus einem anderen Grund.")),
        ([], lambda all_, items: all_["sections"].reverse()),
    ],
)
def test_what_changes_a_digest(names, change):
    assert changed(change) == names


def test_a_shared_scale_and_the_same_options_written_out_are_the_same():
    shared = document(item("one", scale="s"), scales={"s": {"options": options("a", "b")}})
    assert item_digests(shared) == item_digests(document(item("one", options=options("a", "b"))))


def test_added_and_removed_items_and_languages():
    assert changes(document(item("one"), item("two")), document(item("two"), item("three"))) == {
        "two": "same",
        "three": "added",
        "one": "removed",
    }
    english = document(item("one", text={"de": "Frage", "en": "Question"}))
    other = document(item("one", text={"de": "Frage", "en": "Another"}))
    assert changes(english, other) == {"one": "same"}
    assert changes(english, other, "en") == {"one": "changed"}


def test_a_version_is_its_whole_document():
    one = load("small")
    other = copy.deepcopy(one)
    assert questionnaire_digest(one) == questionnaire_digest(other)
    other["title"] = words("anders")
    assert questionnaire_digest(one) != questionnaire_digest(other)
    assert len(questionnaire_digest(one)) == 64

"""From answers to the path: shared vectors, and properties over random questionnaires."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.questionnaire import read
from surveys.routing import MISSING, compact, css, holds, path, substantive
from surveys.rules import All, Answered, AnyOf, In
from tests.surveys.documents import DATA, answers, documents, questionnaire

VECTORS = json.loads((DATA / "routing-vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["document"])
def test_vectors(vector):
    made = questionnaire(vector["document"])
    assert list(path(made, vector["answers"], vector.get("variant", 1))) == vector["path"]


@given(st.data())
def test_answers_off_the_path_have_no_influence(data):
    made = read(data.draw(documents()))
    given_answers = data.draw(answers(made))
    variant = data.draw(st.integers(1, len(made.variants)))
    found = path(made, given_answers, variant)
    assert (
        path(
            made, {address: given_answers[address] for address in found if address in given_answers}, variant
        )
        == found
    )


@given(st.data())
def test_refusing_a_filter_never_opens_anything(data):
    made = read(data.draw(documents()))
    given_answers = data.draw(answers(made))
    refused = data.draw(st.sampled_from([field.address for field in made.fields]))
    closed = {**given_answers, refused: "!refused"}
    assert set(path(made, closed)) <= set(path(made, given_answers))


def test_what_counts_as_an_answer():
    assert [substantive(value) for value in ("a", 0, ["a"])] == [True] * 3
    assert [substantive(value) for value in (None, "", [], *MISSING)] == [False] * 8
    assert holds(None, set(), {})


def test_compact_and_css_by_example():
    made = questionnaire("rules-nested")
    rule = made.by_address["three"].rule
    assert compact(None) is None
    assert compact(rule) == [
        "|", ["&", ["=", "one", "yes"], ["!", "two", "no"]], ["?", "two"], ["=", "one", "no"],
    ]  # fmt: skip
    one_yes = ':has([name="one"][value="yes"]:checked)'
    assert css(rule, made) == (
        f':is({one_yes}{one_yes}:has([name="two"][value="yes"]:checked),'
        f'{one_yes}:has([name="two"]:checked:not([value^="!"])),'
        ':has([name="one"][value="no"]:checked))'
    )


def test_css_of_every_kind_of_atom():
    made = questionnaire("rule-on-multiple")
    assert css(In("one", ("a",), otherwise=True), made) == (
        ':has([name="one"]:checked:not([value^="!"])):not(:has([name="one"][value="a"]:checked))'
    )
    small = questionnaire()
    assert css(Answered("priorities"), small) == (
        ':has([name^="priorities~"] option:checked:not([value=""])):not(:has([name="priorities!"]:checked))'
    )
    exact = questionnaire("number-exact")
    assert css(All((Answered("one"), AnyOf((Answered("one"),)))), exact) == (
        ':has([name="one"]:not(:placeholder-shown)):not(:has([name="one!"]:checked))'
        ':is(:has([name="one"]:not(:placeholder-shown)):not(:has([name="one!"]:checked)))'
    )

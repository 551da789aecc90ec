"""The language of rules: reading, and whether a rule can hold."""

import itertools

import pytest
from hypothesis import given

from surveys import rules
from surveys.questionnaire import read
from surveys.routing import path
from tests.surveys.documents import document, documents


def test_reading_every_form():
    parts = {"born": ("born.self", "born.mother")}
    written = {
        "all": [
            {"item": "a", "in": ["x", "y"]},
            {"any": [{"not": {"item": "a", "in": ["z"]}}, {"item": "b", "answered": True}]},
            {"item": "born", "in": ["no"]},
        ]
    }
    assert rules.parse(written, parts) == rules.All(
        (
            rules.In("a", ("x", "y")),
            rules.AnyOf((rules.In("a", ("z",), otherwise=True), rules.Answered("b"))),
            rules.AnyOf((rules.In("born.self", ("no",)), rules.In("born.mother", ("no",)))),
        )
    )


@pytest.mark.parametrize(
    "inner", [{"item": "a", "answered": True}, {"all": []}, {"item": "born", "in": ["x"]}]
)
def test_not_stands_only_over_in_of_a_single_answer(inner):
    with pytest.raises(ValueError, match="stands only over"):
        rules.parse({"not": inner}, {"born": ("born.self",)})


def test_conjunction():
    one, two = rules.Answered("a"), rules.Answered("b")
    assert rules.conjunction() is None
    assert rules.conjunction(None, one) == one
    assert rules.conjunction(one, two) == rules.All((one, two))
    assert list(rules.atoms(rules.All((one, rules.AnyOf((two,)))))) == [one, two]
    assert list(rules.atoms(None)) == []


def holds_somehow(rule, domain):
    return rules.can_hold(rule, lambda address: domain, lambda address: None)


def test_what_a_multiple_choice_can_satisfy():
    def both(first, second):
        return rules.All((rules.In("m", (first,)), rules.In("m", (second,))))

    free = rules.Domain(frozenset("abc"), frozenset(), 2)
    assert holds_somehow(both("a", "b"), free)
    assert not holds_somehow(both("a", "b"), rules.Domain(frozenset("abc"), frozenset("b"), 2))
    assert not holds_somehow(both("a", "b"), rules.Domain(frozenset("abc"), frozenset(), 1))
    assert not holds_somehow(rules.All((*both("a", "b").rules, rules.In("m", ("c",)))), free)
    barred = rules.All((rules.In("m", ("a", "b")), rules.In("m", ("a",), otherwise=True)))
    assert holds_somehow(barred, free)
    assert not holds_somehow(rules.All((*barred.rules, rules.In("m", ("b",), otherwise=True))), free)


def test_without_codes_only_answered_can_hold():
    nothing = rules.Domain(frozenset())
    assert holds_somehow(rules.Answered("t"), nothing)
    assert not holds_somehow(rules.In("t", ("a",)), nothing)
    assert not holds_somehow(rules.AnyOf(()), nothing)


def test_a_rule_too_large_to_list_gets_the_benefit_of_the_doubt():
    never = rules.All((rules.In("x", ("a",)), rules.In("x", ("b",))))
    wide = [rules.AnyOf(tuple(rules.In(f"q{n}", (code,)) for code in "abcd")) for n in range(7)]
    domain = rules.Domain(frozenset("abcd"))
    assert not holds_somehow(never, domain)
    assert holds_somehow(rules.All((*wide, never)), domain)
    assert holds_somehow(rules.AnyOf(tuple(rules.In(f"q{n}", ("a",)) for n in range(5000))), domain)


@given(documents(largest=5))
def test_can_hold_agrees_with_trying_every_answer(made):
    """For questions with one answer each: a field can be asked exactly if some set of answers asks it."""
    only = [one for one in made["sections"][0]["items"] if one["type"] == "single"]
    names = {one["id"] for one in only}
    kept = [one for one in only if {atom["item"] for atom in _atoms(one.get("show_if", {}))} <= names]
    kept_names = {one["id"] for one in kept}
    kept = [one for one in kept if {atom["item"] for atom in _atoms(one.get("show_if", {}))} <= kept_names]
    if not kept:
        return
    made = read(document(*kept, variants=[["m", "n"]]))
    asked = set()
    for chosen in itertools.product((None, "a", "b", "c"), repeat=len(made.fields)):
        given_answers = {
            field.address: code for field, code in zip(made.fields, chosen, strict=True) if code is not None
        }
        asked |= set(path(made, given_answers))
    conditions = {field.address: field.rule for field in made.fields}
    domains = {field.address: field.domain for field in made.fields}
    possible = {
        field.address
        for field in made.fields
        if rules.can_hold(field.rule, domains.__getitem__, conditions.__getitem__)
    }
    assert possible == asked


def _atoms(rule):
    if "item" in rule:
        yield rule
    for inner in (*rule.get("all", ()), *rule.get("any", ()), *([rule["not"]] if "not" in rule else [])):
        yield from _atoms(inner)

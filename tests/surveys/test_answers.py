"""The only door for answers: clean values, missing codes, faults, discarded answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.answers import Checked, check, whole_number
from surveys.questionnaire import read
from surveys.routing import MISSING, path, substantive
from tests.surveys.documents import answers, documents, load, questionnaire

SMALL = questionnaire()
YES = {"_consent": "yes"}


def faults(raw, name="small", variant=1):
    found = check(questionnaire(name), {**YES, **raw}, variant)
    return [(fault.kind, fault.place) for fault in found.faults]


def value(raw, address="one", name="single"):
    found = check(questionnaire(name), {**YES, **raw})
    assert found.faults == ()
    return found.answers.get(address, found.texts.get(address))


def test_every_address_has_a_value_or_says_why_not():
    raw = {
        "_consent": ["yes"],
        "district": ["!dont_know"],
        "born.self": ["no"],
        "born.mother": "yes",
        "arrival": "۲۰۱۶",
        "hours": ["25"],
        "obstacles": ["papers"],
        "treated": "!refused",
        "satisfied": 7,
        "priorities": ["homes"],
        "wish": " Mehr Bäume \x00",
    }
    assert check(SMALL, raw, 1) == Checked(
        answers={
            "district": "!dont_know",
            "born.self": "no",
            "born.mother": "yes",
            "arrival": "late",
            "hours": "some",
            "obstacles": "!not_asked",
            "satisfied": "7",
            "feel.hope": "!no_answer",
            "feel.alone": "!no_answer",
            "treated": "!refused",
            "priorities": "!not_in_variant",
        },
        texts={"wish": "Mehr Bäume"},
        faults=(),
        discarded=("obstacles", "priorities"),
    )


def test_consent_is_the_only_thing_that_must_be():
    assert [fault.kind for fault in check(SMALL, {}).faults] == ["consent-missing"]
    assert [fault.kind for fault in check(SMALL, {"_consent": ["no"]}).faults] == ["consent-missing"]
    empty = check(SMALL, YES)
    assert empty.faults == ()
    assert set(empty.answers.values()) == {"!no_answer", "!not_asked", "!not_in_variant"}


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("single", {"one": "maybe"}, "unknown-code"),
        ("single", {"one": ["yes", "no"]}, "two-answers"),
        ("single", {"one": ["yes", "!refused"]}, "answer-and-refusal"),
        ("single", {"one": "!dont_know"}, "unknown-code"),
        ("no-refusal", {"one": "!refused"}, "unknown-code"),
        ("single", {"one": "!not_asked"}, "unknown-code"),
        ("single", {"one": {"yes": 1}}, "wrong-shape"),
        ("single", {"one": True}, "wrong-shape"),
        ("single", {"one": 1.5}, "wrong-shape"),
        ("multiple", {"one": ["a", "z"]}, "unknown-code"),
        ("multiple", {"one": ["a", "b", "c"]}, "too-many"),
        ("multiple", {"one": ["a", "none"]}, "exclusive-with-others"),
        ("multiple", {"one": ["!refused", "a"]}, "answer-and-refusal"),
        ("multiple", {"one": ["!refused", "!dont_know"]}, "answer-and-refusal"),
        ("number-typed", {"one": "ten"}, "not-a-number"),
        ("number-typed", {"one": "100"}, "out-of-range"),
        ("number-typed", {"one": "-1"}, "out-of-range"),
        ("number-exact", {"one": "1e9"}, "not-a-number"),
        ("number-exact", {"one": "5000001"}, "out-of-range"),
        ("number-exact", {"one": ["1", "2"]}, "two-answers"),
        ("number-exact", {"one": "7", "one!": "!refused"}, "answer-and-refusal"),
        ("date-year", {"one": "1919"}, "out-of-range"),
        ("ranking", {"one": ["a", "a"]}, "repeated-rank"),
        ("ranking", {"one": ["a", "b", "c"]}, "too-many"),
        ("ranking", {"one": ["z"]}, "unknown-code"),
        ("ranking", {"one~2": "a"}, "rank-gap"),
        ("ranking", {"one~1": ["a", "b"]}, "wrong-shape"),
        ("ranking", {"one~1": "a", "one!": "!refused"}, "answer-and-refusal"),
        ("text", {"one": "x" * 101}, "text-too-long"),
        ("text", {"one": "x", "one!": "!refused"}, "answer-and-refusal"),
    ],
)
def test_what_is_wrong_is_named_at_its_place(name, raw, kind):
    assert faults(raw, name) == [(kind, "one")]


@pytest.mark.parametrize("name", ["two", "one~1", "one~x", "one!!", "one.a", "~", "!"])
def test_names_that_belong_to_nothing(name):
    assert faults({name: "yes"}, "date-band") == [("unknown-item", name)]


def test_no_answer_in_every_way():
    for raw in ({}, {"one": ""}, {"one": " "}, {"one": []}, {"one": None}, {"one": "!no_answer"}):
        for name in ("single", "multiple", "ranking", "number-exact", "number-typed"):
            assert value(raw, name=name) == "!no_answer"
        assert value(raw if raw.get("one") != "!no_answer" else {}, name="text") is None


def test_every_kind_of_good_answer():
    assert value({"one": ["yes", "yes"]}) == "yes"
    assert value({"one": ["c", "a"]}, name="multiple") == ["a", "c"]
    assert value({"one": "none"}, name="multiple") == ["none"]
    assert value({"one": ["!refused"]}, name="multiple") == "!refused"
    assert value({"one": "7"}, name="number-bands") == "b"
    assert value({"one": " ٧ "}, name="number-typed") == "b"
    assert value({"one": "1999"}, name="date-band") == "a"
    assert value({"one": "1980"}, name="date-year") == 1980
    assert value({"one": 1980}, name="date-year") == 1980
    assert value({"one!": "!refused"}, name="date-year") == "!refused"
    assert value({"one": ["b", "a"]}, name="ranking") == ["b", "a"]
    assert value({"one~1": "c", "one~2": ["a"]}, name="ranking") == ["c", "a"]
    assert value({"one~1": "", "one!": "!refused"}, name="ranking") == "!refused"
    assert value({"one": "e\u0301\r\n! "}, name="text") == "é\n!"
    assert value({"one": "!!refused?"}, name="text") == "refused?"
    assert value({"one": "cut \ud83d"}, name="text") == "cut"
    assert value({"one": "!!"}, name="text") is None
    assert value({"one!": "!refused"}, name="text") is None


def test_a_number_that_lies_in_no_band():
    made = load("number-bands")
    made["sections"][0]["items"][0]["options"][0]["from"] = 1
    found = check(read(made), {**YES, "one": "0"})
    assert [(fault.kind, dict(fault.params)) for fault in found.faults] == [
        ("out-of-range", {"low": 1, "high": None})
    ]


def test_whole_numbers():
    assert [whole_number(text) for text in ("12", " -3 ", "٤٢", "१२", "-0")] == [12, -3, 42, 12, 0]
    assert [whole_number(text) for text in ("", "-", "1.5", "²", "0x1", "1" * 10, "--1")] == [None] * 7


def test_faults_off_the_path_are_discarded_and_block_nothing():
    found = check(SMALL, {**YES, "arrival": "soon", "born.self": "yes"})
    assert (found.faults, found.discarded) == ((), ("arrival",))


def test_bodies_of_another_shape():
    for body in (None, [], "x", {f"n{n}": "" for n in range(3000)}):
        assert [fault.kind for fault in check(SMALL, body).faults] == ["wrong-shape"]
    for variant in (0, 3, -1):
        assert [fault.kind for fault in check(SMALL, YES, variant).faults] == ["unknown-variant"]
    assert faults({1: "x"}) == []


@given(st.data())
def test_valid_answers_come_through_unchanged(data):
    made = read(data.draw(documents()))
    given_answers = data.draw(answers(made))
    variant = data.draw(st.integers(1, len(made.variants)))
    raw = {
        address + ("!" if made.by_address[address].kind == "text" and chosen == "!refused" else ""): chosen
        for address, chosen in given_answers.items()
    }
    found = check(made, {**YES, **raw}, variant)
    assert found.faults == ()
    asked = path(made, given_answers, variant)
    order = {option.code: n for field in made.fields for n, option in enumerate(field.options)}
    for field in made.fields:
        got = found.texts.get(field.address) if field.kind == "text" else found.answers[field.address]
        if field.address in asked and substantive(given_answers.get(field.address)):
            wanted = given_answers[field.address]
            assert got == (sorted(wanted, key=order.get) if field.kind == "multiple" else wanted)
        else:
            assert got is None or got in MISSING


CODES = [*sorted(SMALL.by_address), "priorities~1", "wish!", "_consent", "nobody", ""]
VALUES = [
    "yes",
    "no",
    "!refused",
    "!dont_know",
    "some",
    "papers",
    "nothing",
    "homes",
    "7",
    "-3",
    "x" * 500,
    "\ud800",
    "",
]
BODIES = st.dictionaries(
    st.sampled_from(CODES) | st.text(max_size=8),
    st.recursive(
        st.sampled_from(VALUES)
        | st.text(max_size=9)
        | st.integers()
        | st.none()
        | st.booleans()
        | st.floats(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=5,
    ),
    max_size=14,
)


def hold_any_body(body, variant):
    found = check(SMALL, body, variant)
    assert isinstance(found, Checked)
    if not found.faults:
        assert list(found.answers) == [field.address for field in SMALL.fields if field.kind != "text"]
        for address, got in found.answers.items():
            field = SMALL.by_address[address]
            chosen = got if isinstance(got, list) else [got]
            assert set(chosen) <= field.codes | set(MISSING)
            assert not (got == "!dont_know" and not field.dont_know)
        assert set(found.texts) <= {"wish"}


@given(BODIES, st.integers(1, 2))
@settings(max_examples=300)
def test_any_body_gets_a_clear_answer(body, variant):
    hold_any_body(body, variant)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@given(BODIES, st.integers(0, 3))
@settings(max_examples=10_000)
def test_ten_thousand_bodies_get_a_clear_answer(body, variant):
    hold_any_body(body, variant)

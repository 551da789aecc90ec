"""The planner: textbook sample sizes, keys of at least fifty answers, and clear refusals."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.access import planner

START = date(2026, 1, 5)


def group(code: str = "a", **changes: Any) -> planner.Group:
    values: dict[str, Any] = {"population": 10_000, "response": 0.3, "half_width": 0.05} | changes
    return planner.Group(code, code.upper(), **values)


@pytest.mark.parametrize(
    ("population", "half_width", "expected"),
    [(10_000_000, 0.05, 385), (10_000, 0.05, 370), (1000, 0.05, 278), (500, 0.05, 218), (10_000, 0.03, 965)],
)
def test_sample_sizes_are_those_of_the_tables(population: int, half_width: float, expected: int) -> None:
    assert planner.answers_needed(population, half_width) == expected


@given(st.integers(2, 10**6), st.floats(0.01, 0.4))
def test_the_answers_needed_give_the_wanted_half_width(population: int, wanted: float) -> None:
    answers = planner.answers_needed(population, wanted)
    assert planner.half_width(population, answers) <= wanted * (1 + 1e-6)
    if 1 < answers < population:
        assert planner.half_width(population, answers - 1) > wanted * (1 - 1e-2)


def test_no_answers_know_nothing_and_all_answers_everything() -> None:
    assert planner.half_width(100, 0) == 1.0
    assert planner.half_width(100, 100) == 0.0


def test_letters_are_answers_over_response() -> None:
    plan = planner.plan([group()], start=START)
    (only,) = plan.groups
    assert (only.letters, only.answers) == (1234, 370)
    assert plan.keys == 1
    assert plan.deff == pytest.approx(1.0)
    assert plan.effective == pytest.approx(370)
    assert plan.warnings == ()


def test_unequal_fractions_take_a_key_each_and_cost_precision_for_the_whole() -> None:
    plan = planner.plan([group("large", population=50_000), group("small", population=2000)], start=START)
    assert plan.keys == 2
    assert plan.deff > 1.5
    assert plan.effective < plan.answers


def test_one_key_for_all_means_one_fraction_for_all() -> None:
    groups = [group("large", population=50_000), group("small", population=2000)]
    plan = planner.plan(groups, start=START, share_key=True)
    assert plan.keys == 1
    assert plan.groups[0].fraction == pytest.approx(plan.groups[1].fraction, abs=1e-3)
    assert plan.deff == pytest.approx(1.0, abs=1e-3)


def test_a_key_of_few_answers_is_joined_at_the_higher_fraction() -> None:
    tiny = group("tiny", population=120, response=0.2, half_width=0.2)
    plan = planner.plan([group("large", population=50_000), tiny], start=START)
    assert plan.keys == 1
    assert {item.key for item in plan.groups} == {1}
    assert plan.groups[0].fraction == pytest.approx(plan.groups[1].fraction, abs=1e-2)
    assert [(warning.code, warning.group) for warning in plan.warnings] == [
        ("joined", "large, tiny"),
    ]


def test_where_everybody_is_not_enough_the_plan_says_what_can_be_reached() -> None:
    plan = planner.plan([group(population=400, response=0.3, half_width=0.03)], start=START)
    (warning,) = plan.warnings
    assert warning.code == "everybody"
    assert warning.params["half_width"] == pytest.approx(planner.half_width(400, 120))
    assert plan.groups[0].letters == 400


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([], "no_groups"),
        ([group(), group()], "double"),
        ([group(population=0)], "population"),
        ([group(response=0.0)], "response"),
        ([group(response=1.1)], "response"),
        ([group(half_width=0.6)], "half_width"),
        ([group(population=60, response=0.2)], "too_small"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(groups: list[planner.Group], code: str) -> None:
    with pytest.raises(planner.PlanError) as caught:
        planner.plan(groups, start=START)
    assert caught.value.code == code


def test_a_wave_of_few_letters_is_raised_to_fifty_answers() -> None:
    plan = planner.plan([group(half_width=0.2)], start=START)
    assert plan.answers == planner.SMALLEST_KEY
    assert [warning.code for warning in plan.warnings] == ["raised"]


def test_a_group_that_nobody_is_expected_to_answer_in_leaves_the_design_effect_defined() -> None:
    plan = planner.plan(
        [group("large"), group("silent", population=3, response=0.1, half_width=0.5)], start=START
    )
    assert plan.groups[1].answers == 0
    assert plan.deff >= 1


def test_the_calendar_counts_from_the_first_day_and_work_grows_with_letters() -> None:
    plan = planner.plan([group()], start=START, languages=8)
    assert plan.calendar[0] == planner.Step("sample", START)
    assert [step.day for step in plan.calendar] == sorted(step.day for step in plan.calendar)
    hours = {item.role: item.hours for item in plan.work}
    assert hours["translator"] == 56.0
    more = {item.role: item.hours for item in planner.work(100_000, 8)}
    assert more["register_clerk"] > hours["register_clerk"]


@given(
    st.lists(
        st.tuples(st.integers(200, 100_000), st.floats(0.05, 0.6), st.floats(0.03, 0.2)),
        min_size=1,
        max_size=8,
    )
)
def test_every_key_of_every_plan_expects_fifty_answers(rows: list[tuple[int, float, float]]) -> None:
    groups = [planner.Group(str(n), str(n), *row) for n, row in enumerate(rows)]
    if sum(item.population * item.response for item in groups) < planner.SMALLEST_KEY:
        with pytest.raises(planner.PlanError, match="too_small"):
            planner.plan(groups, start=START)
        return
    plan = planner.plan(groups, start=START)
    for key in range(1, plan.keys + 1):
        members = [item for item in plan.groups if item.key == key]
        assert sum(item.letters * item.group.response for item in members) >= planner.SMALLEST_KEY - 1e-6
        fractions = [item.fraction for item in members]
        slack = 1 / min(item.group.population for item in members)
        assert max(fractions) - min(fractions) <= slack + 1e-9

"""Budgets: greedy, and equal shares with costs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.conference import budget, committees, report
from participation.conference.ballots import Ballot, Option, Profile
from tests.participation.conference.profiles import approvals


def _round(costs: tuple[int, ...], money: int, *ballots: tuple[int, tuple[int, ...]]) -> Profile:
    rows = tuple(Ballot(n, (), tuple((x, 1) for x in chosen)) for n, chosen in ballots)
    options = tuple(Option("abcdefgh"[i]) for i in range(len(costs)))
    return Profile("budget", options, rows, costs=costs, budget=money)


def test_greedy_takes_what_still_fits() -> None:
    profile = _round((60, 50, 40), 100, (3, (0,)), (2, (1,)), (1, (2,)))
    assert budget.greedy(profile) == {frozenset({0, 2})}
    tied = _round((60, 50, 40), 100, (2, (0, 1)), (1, (2,)))
    assert budget.greedy(tied) == {frozenset({0, 2}), frozenset({1, 2})}


def test_equal_shares_by_hand() -> None:
    """Two voters of a pay 30 each of their 50; the voter of b cannot pay 60; c takes the rest of one."""
    profile = _round((60, 60, 20), 150, (1, (0,)), (1, (0, 2)), (1, (1,)))
    assert budget.equal_shares(profile) == {frozenset({0, 2})}
    assert budget.equal_shares(profile.with_ballots([])) == {frozenset()}


def test_an_option_exactly_affordable_is_bought() -> None:
    """Three voters with a third of 100 each: floats fall short of 100, fractions do not."""
    profile = _round((100,), 100, (3, (0,)))
    assert budget.equal_shares(profile) == {frozenset({0})}


def test_free_options_with_support_are_taken() -> None:
    profile = _round((0, 0, 10), 5, (2, (0, 2)))
    assert budget.equal_shares(profile) == {frozenset({0})}


def test_by_cost_prefers_what_is_worth_more() -> None:
    profile = _round((90, 30), 100, (4, (0,)), (3, (0, 1)), (3, (1,)))
    assert budget.equal_shares(profile, by_cost=True) == {frozenset({1})}
    rules = report.rules(profile)
    assert rules["greedy"]["committees"] == [["a"]]
    assert rules["mes_budget"]["committees"] == [["b"]]


@given(approvals(), st.integers(1, 4))
def test_unit_costs_are_committees(profile: Profile, seats: int) -> None:
    """With cost 1 each and the seats as budget it is the Method of Equal Shares for committees."""
    costs = (1,) * len(profile.options)
    money = replace(profile, kind="budget", costs=costs, budget=seats)
    if profile.total:
        expected = committees.equal_shares(committees.voters(profile), seats)
        assert budget.equal_shares(money) == expected


def test_no_money_no_count() -> None:
    with pytest.raises(ValueError, match="budget"):
        budget.greedy(Profile("budget", (Option("a"),), ()))


def test_ties_without_end_are_named() -> None:
    profile = _round((10,) * 8, 40, *[(1, (i,)) for i in range(8)])
    with pytest.raises(committees.TooManyTiesError):
        budget.greedy(profile, limit=1)
    with pytest.raises(committees.TooManyTiesError):
        budget.equal_shares(replace(profile, budget=80), limit=1)

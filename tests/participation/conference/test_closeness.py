"""Closeness: intervals of ranks, ballots that would change the outcome."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from participation.conference import closeness, report
from participation.conference.ballots import POLICIES, Ballot, Option, Policy, Profile
from participation.conference.pairwise import borda, pairwise
from tests.participation.conference.profiles import rankings

OPTIONS = tuple(Option(n) for n in "abc")


def _intervals(profile: Profile, **more: Any) -> dict[str, closeness.RankIntervals]:
    return closeness.rank_intervals(profile, "last", rng=np.random.default_rng(7), replicates=400, **more)


def test_unanimity_leaves_no_doubt() -> None:
    profile = Profile("ranking", OPTIONS, (Ballot(30, ((0,), (1,), (2,))),))
    for one in _intervals(profile).values():
        assert one.low.tolist() == one.high.tolist() == [1, 2, 3]
        assert one.alone_first.tolist() == [1, 0, 0]
        assert one.top.tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
        assert closeness.indistinct(one) == []


def test_equal_halves_cannot_be_told_apart() -> None:
    profile = Profile("ranking", OPTIONS, (Ballot(20, ((0,), (1,), (2,))), Ballot(20, ((1,), (0,), (2,)))))
    one = _intervals(profile)["borda"]
    assert (one.low.tolist(), one.high.tolist()) == ([1, 1, 3], [2, 2, 3])
    assert closeness.indistinct(one) == [(0, 1)]
    assert one.top.sum(axis=0) == pytest.approx([1, 2, 3])


def _same(one: dict[str, closeness.RankIntervals], other: dict[str, closeness.RankIntervals]) -> bool:
    fields = ("low", "high", "top", "alone_first", "above")
    return all((getattr(one[r], f) == getattr(other[r], f)).all() for r in closeness.RULES for f in fields)


def test_parts_and_columns_change_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how many replicates and ballots are held at once, nor whose ballots they are."""
    orders = [((0,), (1,), (2,)), ((1,), (2,)), ((2, 0),), ((1,), (0,))]
    ballots = [Ballot(n + 2, order) for n, order in enumerate(orders)]
    whole = _intervals(Profile("ranking", OPTIONS, tuple(ballots)))
    ages = [(b, n, age) for b in ballots for n, age in ((b.count - 1, "30"), (1, "41"))]
    columns = [Ballot(n, b.ranking, (), (("age", age),)) for b, n, age in ages]
    assert _same(_intervals(Profile("ranking", OPTIONS, tuple(columns))), whole)
    monkeypatch.setattr(closeness, "_HELD", 1)
    assert _same(_intervals(Profile("ranking", OPTIONS, tuple(ballots))), whole)


def test_schulze_is_left_out_by_name_where_it_would_take_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = Profile("ranking", OPTIONS, (Ballot(5, ((0,), (1,), (2,))), Ballot(4, ((1,), (0,)))))
    monkeypatch.setattr(closeness, "_PATHS", 400 * 3**3 - 1)
    few = _intervals(profile)
    assert list(few) == ["borda", "copeland"]
    monkeypatch.undo()
    assert (few["copeland"].top == _intervals(profile)["copeland"].top).all()
    monkeypatch.setattr(closeness, "_PATHS", 0)
    printed = report.intervals(profile, "last", 10, 1) or {}
    assert printed["schulze"] == {"reason": "too_many_options"}


def test_strata_keep_the_size_of_groups() -> None:
    ballots = (
        Ballot(3, ((0,), (1,), (2,)), (), (("group", "x"),)),
        Ballot(3, ((1,), (0,), (2,)), (), (("group", "y"),)),
    )
    profile = Profile("ranking", OPTIONS, ballots)
    drawn = closeness.draw(profile, 50, np.random.default_rng(1), "group")
    assert (drawn == 3).all()
    scaled = closeness.draw(replace(profile, scale=3), 50, np.random.default_rng(1), None)
    assert (scaled.sum(axis=1) == 6).all()
    assert set(np.unique(scaled)) == {0, 3, 6}


def test_large_halls_are_drawn_as_multinomial() -> None:
    profile = Profile("ranking", OPTIONS, (Ballot(10**9, ((0,), (1,), (2,))), Ballot(0, ((2,),))))
    drawn = closeness.draw(profile, 3, np.random.default_rng(1), None)
    assert drawn.tolist() == [[10**9, 0]] * 3
    empty = closeness.draw(profile.with_ballots([Ballot(0, ())]), 2, np.random.default_rng(1), None)
    assert empty.tolist() == [[0], [0]]


def test_counts_beyond_floating_point_are_refused() -> None:
    profile = Profile("ranking", OPTIONS, (Ballot(2**60, ((0,),)),))
    with pytest.raises(closeness.TooManyBallotsError):
        _intervals(profile)
    with pytest.raises(closeness.TooManyBallotsError):
        closeness.rank_samples(profile, "last", rng=np.random.default_rng(1))


@given(rankings(most=3), st.sampled_from(POLICIES))
@settings(max_examples=25)
def test_ballots_to_swap_against_brute_force(profile: Profile, policy: Policy) -> None:
    """Every way to refill up to two ballots."""
    single = [replace(b, count=1) for b in profile.ballots for _ in range(b.count)][:4]
    profile = profile.with_ballots(single)
    if len(profile.options) < 2:
        return
    found = closeness.ballots_to_swap(profile, policy, 0, 1)
    for count in range(3):
        if _can_swap(profile, policy, count):
            assert found == count
            return
    assert found is None or found > 2


def _can_swap(profile: Profile, policy: Policy, count: int) -> bool:
    size = len(profile.options)
    forms = [((1,), *((x,) for x in range(2, size)), (0,))]
    for chosen in product(range(len(profile.ballots)), repeat=count):
        ballots = [
            replace(b, ranking=forms[0]) if row in chosen else b for row, b in enumerate(profile.ballots)
        ]
        score = borda(pairwise(profile.with_ballots(ballots), policy))
        if score[1] > score[0]:
            return True
    return False


def test_short_ballots_can_change_less() -> None:
    """Top-1 ballots on three options: one changed ballot moves the difference by (2 + 1) * 2 at most."""
    profile = Profile("ranking", OPTIONS, (Ballot(10, ((0,),)), Ballot(4, ((1,),))))
    assert closeness.ballots_to_swap(profile, "last", 0, 1, places=1) == 4
    assert closeness.ballots_to_swap(profile, "no_opinion", 0, 1, places=1) is None

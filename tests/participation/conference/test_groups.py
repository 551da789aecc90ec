"""Groups: merging under five, weights, tipping shares."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.conference import groups
from participation.conference.ballots import Ballot, Option, Profile
from participation.conference.pairwise import borda, pairwise

OPTIONS = (Option("a"), Option("b"))
A_FIRST = ((0,), (1,))
B_FIRST = ((1,), (0,))


def _hall(**sizes: tuple[int, int]) -> Profile:
    """Groups with (ballots for a, ballots for b)."""
    ballots = []
    for name, (first, second) in sizes.items():
        column = (("group", name),)
        ballots += [Ballot(first, A_FIRST, (), column), Ballot(second, B_FIRST, (), column)]
    return Profile("ranking", OPTIONS, tuple(b for b in ballots if b.count))


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12), min_size=1))
def test_no_shown_group_is_under_five(sizes: dict[str, int]) -> None:
    together = groups.merge_small(sizes)
    assert set(together) == set(sizes)
    parts = set(together.values())
    assert sorted(name for names in parts for name in names) == sorted(sizes)
    if len(parts) > 1:
        assert all(sum(sizes[name] for name in names) >= 5 for names in parts)


def test_merging_goes_on_until_all_have_five() -> None:
    assert groups.merge_small({"a": 3, "b": 1, "c": 20}) == dict.fromkeys("abc", ("a", "b", "c"))
    assert groups.merge_small({"a": 4, "b": 2, "c": 20}) == {"a": ("a", "b"), "b": ("a", "b"), "c": ("c",)}
    assert groups.shown_groups(_hall(x=(2, 2))) == {}


def test_weights_add_up_to_the_ballots() -> None:
    profile = _hall(x=(6, 0), y=(0, 12))
    shares = {"x": Fraction(1, 2), "y": Fraction(1, 2)}
    counted = groups.weighted(profile, shares)
    assert counted.number(counted.total) == 18
    assert groups.weights({"x": 6, "y": 12}, shares) == {"x": Fraction(3, 2), "y": Fraction(3, 4)}
    assert list(borda(pairwise(counted, "last"))) == [0, 0]


@pytest.mark.parametrize(
    "shares",
    [{"x": Fraction(1)}, {"x": Fraction(-1), "y": Fraction(2)}, {"x": Fraction(0), "y": Fraction(0)}],
)
def test_impossible_shares_are_refused(shares: dict[str, Fraction]) -> None:
    with pytest.raises(ValueError):
        groups.weights({"x": 1, "y": 1}, shares)


def test_tipping_share() -> None:
    """x is for a, y for b by 2 to 1: with a share s of x, a leads by 2s - 2(1 - s)/3, a tie at 1/4."""
    profile = _hall(x=(6, 0), y=(4, 8))
    (tip,) = [t for t in groups.tipping_shares(profile, "last") if t.group == "x"]
    assert (tip.share, tip.share_now, tip.ahead) == (Fraction(1, 4), Fraction(1, 3), 0)
    agreed = {"x": Fraction(1, 8), "y": Fraction(7, 8)}
    (tip,) = [t for t in groups.tipping_shares(profile, "last", shares=agreed) if t.group == "x"]
    assert (tip.share, tip.share_now, tip.ahead) == (Fraction(1, 4), Fraction(1, 8), 1)
    assert groups.tipping_shares(_hall(x=(6, 0)), "last") == []

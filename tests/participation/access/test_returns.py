"""Counts in steps and AAPOR's rates, against the worked arithmetic of the definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.access import returns
from participation.access.returns import Outcomes


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from([5, 50]))
def test_a_shown_count_is_a_whole_step_below_the_true_one(count, step):
    shown = returns.in_steps(count, step)
    assert shown % step == 0
    assert 0 <= count - shown < step


def test_rates_of_a_sample():
    outcomes = Outcomes(invited=1000, complete=300, undeliverable=50, refused=40, ineligible=10)
    assert outcomes.unknown == 600
    assert returns.rr1(outcomes) == pytest.approx(300 / 990)
    # RR3 = I / ((I + P) + (R + NC + O) + e (UH + UO)), with e of the unknown and undeliverable cases.
    assert returns.rr3(outcomes, 0.9) == pytest.approx(300 / (300 + 40 + 0.9 * 650))
    assert returns.rr3(outcomes, 1.0) == pytest.approx(300 / 990)


def test_rates_without_anybody_are_none():
    assert returns.rr1(Outcomes(0, 0)) is None
    assert returns.rr3(Outcomes(0, 0), 0.5) is None


def test_lost_on_the_way_is_never_negative():
    assert returns.lost_on_the_way(120, 100) == 20
    assert returns.lost_on_the_way(100, 120) == 0

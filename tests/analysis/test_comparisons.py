import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.comparisons import BOOK, HEADLINES, METHODS, Family, adjust, judge, pairwise
from analysis.errors import EstimateError

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_every_method_on_the_same_p_values() -> None:
    """R: p.adjust(c(.001, .008, .012, .03), method) for each method."""
    p = [0.001, 0.008, 0.012, 0.03]
    expected = {
        "holm": [0.004, 0.024, 0.024, 0.03],
        "hochberg": [0.004, 0.024, 0.024, 0.03],
        "hommel": [0.004, 0.018, 0.024, 0.03],
        "bonferroni": [0.004, 0.032, 0.048, 0.12],
        "bh": [0.004, 0.016, 0.016, 0.03],
        "by": [0.004 * 25 / 12, 0.016 * 25 / 12, 0.016 * 25 / 12, 0.03 * 25 / 12],
        "none": p,
    }
    assert set(expected) == set(METHODS)
    for method, values in expected.items():
        np.testing.assert_allclose(adjust(p, method), values, rtol=1e-12)


@given(P_VALUES)
def test_adjusted_p_values_never_fall_below_single_ones_and_keep_their_order(p: list[float]) -> None:
    for method in METHODS:
        adjusted = adjust(p, method)
        assert (adjusted >= np.array(p) - 1e-15).all()
        assert (adjusted <= 1).all()
        order = np.argsort(p)
        assert (np.diff(adjusted[order]) >= -1e-12).all()


@given(P_VALUES)
def test_methods_stand_in_their_known_order(p: list[float]) -> None:
    hommel, hochberg, holm, bonferroni = (adjust(p, m) for m in ("hommel", "hochberg", "holm", "bonferroni"))
    assert (hommel <= hochberg + 1e-12).all()
    assert (hochberg <= holm + 1e-12).all()
    assert (holm <= bonferroni + 1e-12).all()
    assert (adjust(p, "bh") <= hochberg + 1e-12).all()


@given(P_VALUES, st.integers(0, 1000))
def test_the_order_of_tests_does_not_matter(p: list[float], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(p))
    for method in METHODS:
        np.testing.assert_array_equal(adjust(np.array(p)[order], method), adjust(p, method)[order])


def test_missing_p_values_stay_missing_and_do_not_count() -> None:
    np.testing.assert_array_equal(adjust([0.01, np.nan, 0.02]), [0.02, np.nan, 0.02])
    assert np.isnan(adjust([np.nan])).all()


def test_unknown_methods_and_impossible_p_values_are_refused_by_name() -> None:
    with pytest.raises(EstimateError, match="'tukey' is no method of adjustment; use one of holm"):
        adjust([0.1], "tukey")
    with pytest.raises(EstimateError, match=r"Test 2 has the p-value 1\.2"):
        adjust([0.1, 1.2])


def test_pairwise_differences_use_the_covariance() -> None:
    estimate = np.array([1.0, 2.0, 4.0])
    covariance = np.array([[0.04, 0.02, 0.0], [0.02, 0.09, 0.0], [0.0, 0.0, 0.25]])
    found = pairwise(("a", "b", "c"), estimate, covariance, 50.0)
    assert found.family is HEADLINES
    assert found.names == ("a-b", "a-c", "b-c")
    np.testing.assert_allclose(found.estimate, [-1, -3, -2])
    np.testing.assert_allclose(found.se, np.sqrt([0.09, 0.29, 0.34]))
    np.testing.assert_allclose(found.adjusted, adjust(found.p_value, "holm"))
    assert found.to_dict()["comparison"] == ["a-b", "a-c", "b-c"]


def test_a_difference_without_error_is_not_judged() -> None:
    found = judge(Family("own", "bh"), ["flat", "real"], np.array([0.0, 1.0]), np.array([0.0, 0.5]), 20.0)
    assert found.to_dict()["p_value"][0] is None
    assert found.adjusted[1] == found.p_value[1]


def test_given_p_values_are_adjusted_as_they_are() -> None:
    found = judge(BOOK, ["a", "b"], np.ones(2), np.ones(2), 9.0, np.array([0.01, 0.04]))
    np.testing.assert_allclose(found.adjusted, [0.02, 0.04])

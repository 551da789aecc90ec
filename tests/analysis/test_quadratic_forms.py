import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import quadratic_forms
from analysis.errors import EstimateError
from analysis.quadratic_forms import APPROXIMATIONS, tail


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("x", [0.5, 3.0, 11.0])
def test_equal_weights_are_a_chi_square_or_an_f(k: int, x: float) -> None:
    weights = np.full(k, 2.0)
    for method, rtol in (("exact", 1e-11), ("satterthwaite", 1e-12)):
        np.testing.assert_allclose(tail(2 * x, weights, method=method), stats.chi2.sf(x, k), rtol=rtol)
        np.testing.assert_allclose(tail(2 * x, weights, 9, method), stats.f.sf(x / k, k, 9), rtol=rtol)


@given(
    st.lists(st.floats(0.1, 8), min_size=1, max_size=6),
    st.floats(0.2, 30),
    st.sampled_from([6.0, 25.0, np.inf]),
)
def test_series_and_inversion_agree(weights: list[float], x: float, ddf: float) -> None:
    lam = np.array(weights)
    series = quadratic_forms._series(x, lam, ddf)
    assert series is not None
    np.testing.assert_allclose(quadratic_forms._imhof(x, lam, ddf), series, atol=2e-5)


def test_the_exact_tail_agrees_with_simulation() -> None:
    rng = np.random.default_rng(5)
    weights = np.array([3.0, 1.0, 0.5])
    draws = rng.chisquare(1, (400_000, 3)) @ weights / (rng.chisquare(12, 400_000) / 12)
    share = float(np.mean(draws > 12))
    assert abs(tail(12, weights, 12, "exact") - share) < 4 * np.sqrt(share * (1 - share) / len(draws))


def test_the_saddlepoint_is_close_to_the_exact_tail() -> None:
    weights = np.array([3.0, 1.0, 0.5])
    for x in (1.0, 12.0, 30.0):
        for ddf in (np.inf, 30.0):
            exact = tail(x, weights, ddf, "exact")
            assert abs(tail(x, weights, ddf) - exact) < 0.08 * exact


def test_very_unequal_weights_are_inverted_numerically() -> None:
    weights = np.array([5.0, 0.001])
    assert quadratic_forms._series(7.0, weights, np.inf) is None
    np.testing.assert_allclose(tail(7.0, weights, method="exact"), stats.chi2.sf(7 / 5, 1), rtol=1e-3)
    many = np.append(np.full(300, 5.0), 0.001)
    assert quadratic_forms._series(1500.0, many, np.inf) is None
    np.testing.assert_allclose(tail(1500.0, many, method="exact"), stats.chi2.sf(300, 300), rtol=1e-3)


def test_a_saddlepoint_near_the_mean_falls_back_to_moments() -> None:
    weights = np.array([1.0, 2.0])
    assert tail(3.0, weights) == tail(3.0, weights, method="satterthwaite")


def test_no_bracket_falls_back_to_moments() -> None:
    assert tail(1e7, np.array([1.0])) == tail(1e7, np.array([1.0]), method="satterthwaite")


def test_degenerate_input() -> None:
    assert tail(-1.0, np.array([1.0])) == 1.0
    with pytest.raises(EstimateError, match="no variance"):
        tail(1.0, np.zeros(2))
    with pytest.raises(EstimateError, match="satterthwaite, saddlepoint, exact"):
        tail(1.0, np.ones(2), method="liu")
    assert tuple(APPROXIMATIONS) == ("satterthwaite", "saddlepoint", "exact")

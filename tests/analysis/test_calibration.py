import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import calibration
from analysis.errors import CalibrationError

NAMES = ["all", "women", "age"]


def problem(seed: int, n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.random(n) < 0.5, rng.uniform(18, 80, n)])
    weights = rng.uniform(5, 15, n)
    totals = (weights * np.exp(rng.normal(0, 0.2, n))) @ x
    return x, weights, totals


@given(
    st.integers(0, 10_000),
    st.sampled_from(
        [
            ("linear", None),
            ("raking", None),
            ("logit", (0.3, 3.0)),
            ("linear", (0.5, 2.0)),
            ("raking", (0.4, 2.5)),
        ]
    ),
)
def test_totals_are_met_within_bounds_or_an_error_is_raised(seed: int, how: tuple) -> None:
    """No third outcome: a peer, asked for infeasible bounds, returned weights far outside them."""
    x, weights, totals = problem(seed)
    bounds = how[1] or (-np.inf, np.inf)
    found, error = None, None
    try:
        found = calibration.solve(x, weights, totals, NAMES, how[0], bounds)
    except CalibrationError as raised:
        error = raised
    if error is not None:
        assert error.code in {"bounds_infeasible", "calibration_failed"}
        assert error.place in NAMES
        return
    assert np.allclose((weights * found.g) @ x, totals, rtol=1e-9)
    assert bounds[0] - 1e-12 <= found.g.min()
    assert found.g.max() <= bounds[1] + 1e-12


def test_linear_calibration_is_the_regression_estimator() -> None:
    """g = 1 + x'(X'WX)^-1 (T - X'w) (Särndal et al. 1992, 6.5)."""
    x, weights, totals = problem(1)
    by_hand = 1 + x @ np.linalg.solve(x.T @ (x * weights[:, None]), totals - weights @ x)
    assert np.allclose(calibration.solve(x, weights, totals, NAMES).g, by_hand, rtol=1e-11)
    variance = x[:, 2]
    gram = x.T @ (x * (weights / variance)[:, None])
    by_hand = 1 + x @ np.linalg.solve(gram, totals - weights @ x) / variance
    assert np.allclose(calibration.solve(x, weights, totals, NAMES, variance=variance).g, by_hand, rtol=1e-10)


def test_infeasible_bounds_name_the_total_and_what_is_possible() -> None:
    x, weights, totals = problem(2)
    totals = np.array([weights.sum(), weights @ x[:, 1] * 2.5, totals[2]])
    with pytest.raises(CalibrationError) as caught:
        calibration.solve(x, weights, totals, NAMES, "logit", (0.5, 2.0))
    assert (caught.value.code, caught.value.place) == ("bounds_infeasible", "women")
    assert caught.value.params["most"] == pytest.approx(2 * weights @ x[:, 1])


def test_totals_that_are_possible_alone_but_not_together() -> None:
    x = np.column_stack([np.ones(4), [1, 1, 0, 0], [0, 1, 1, 0]]).astype(float)
    with pytest.raises(CalibrationError) as caught:
        calibration.solve(x, np.ones(4), np.array([4.0, 2.9, 2.9]), NAMES, "linear", (0.5, 1.5))
    assert caught.value.code == "calibration_failed"
    assert "should be" in str(caught.value)


def test_contradicting_totals() -> None:
    x = np.column_stack([np.ones(5), np.ones(5)])
    with pytest.raises(CalibrationError) as caught:
        calibration.solve(x, np.ones(5), np.array([5.0, 6.0]), ["a", "b"])
    assert caught.value.code == "calibration_failed"


def test_columns_that_repeat_each_other_are_no_hindrance() -> None:
    x, weights, totals = problem(3)
    doubled = np.column_stack([x, x[:, 1]])
    found = calibration.solve(doubled, weights, np.append(totals, totals[1]), [*NAMES, "again"])
    assert np.allclose(found.g, calibration.solve(x, weights, totals, NAMES).g, rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "bounds", "code"),
    [
        ("ridge", (0.5, 2), "method"),
        ("linear", (1.2, 2), "bounds"),
        ("logit", (0.5, np.inf), "bounds"),
    ],
)
def test_what_cannot_be_asked(method: str, bounds: tuple, code: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        calibration.solve(*problem(1), NAMES, method, bounds)
    assert caught.value.code == code


def test_missing_values_are_counted_and_named() -> None:
    x, weights, totals = problem(1)
    x[[3, 5], 2] = np.nan
    with pytest.raises(CalibrationError) as caught:
        calibration.solve(x, weights, totals, NAMES)
    assert (caught.value.code, caught.value.place, caught.value.params["count"]) == (
        "calibration_missing",
        "age",
        2,
    )


def test_a_total_of_zero_can_be_met() -> None:
    x, weights, _ = problem(1)
    x[:, 2] -= 49
    found = calibration.solve(x, weights, np.array([weights.sum(), weights @ x[:, 1], 0.0]), NAMES)
    assert abs((weights * found.g) @ x[:, 2]) < 1e-6


def test_memory_follows_the_columns_and_not_the_square_of_the_rows() -> None:
    """A peer builds an n x n matrix of weights; 40,000 rows would need 13 GB."""
    import tracemalloc

    x, weights, totals = problem(1, n=40_000)
    tracemalloc.start()
    calibration.solve(x, weights, totals, NAMES, "logit", (0.3, 3.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6

"""What calibration leaves of scores."""

import numpy as np
import pytest

from analysis import projection
from analysis.raking import Cells


def test_residuals_of_a_calibrated_design_are_orthogonal_to_its_totals() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(50), rng.normal(size=50), rng.normal(size=50)])
    before, scores = rng.uniform(1, 2, 50), rng.normal(size=(50, 2))
    step = projection.Regression(x, before, before * 1.1)
    left, coefficients = step.split(scores)
    assert np.allclose((left / step.after[:, None] * before[:, None]).T @ x, 0, atol=1e-12)
    by_hand = np.linalg.lstsq(
        x * np.sqrt(before)[:, None], (scores / step.after[:, None]) * np.sqrt(before)[:, None]
    )
    assert np.allclose(coefficients, by_hand[0])


def test_columns_that_repeat_each_other_are_left_out_once() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0), np.arange(20.0) * 2])
    one = projection.Regression(x, np.ones(20), np.ones(20))
    two = projection.Regression(x[:, :2], np.ones(20), np.ones(20))
    scores = np.random.default_rng(1).normal(size=(20, 1))
    assert np.allclose(one.split(scores)[0], two.split(scores)[0], atol=1e-12)
    assert len(one.basis[1]) == 2


def test_raking_sweeps_agree_with_the_regression_on_all_margins() -> None:
    rng = np.random.default_rng(3)
    codes = [rng.integers(0, 3, 400), rng.integers(0, 2, 400)]
    dummies = np.column_stack([(c == k) * 1.0 for c in codes for k in range(int(c.max()) + 1)])
    weights = rng.uniform(1, 2, 400)
    scores = rng.normal(size=(400, 2))
    swept, _ = projection.Raked(Cells.of(codes, [3, 2]), weights).split(scores)
    plain, _ = projection.Regression(dummies, np.ones(400), weights).split(scores)
    assert np.allclose(swept, plain, atol=1e-9)


def test_several_steps_follow_each_other() -> None:
    codes = np.arange(30) % 3
    step = projection.PostStrata(codes, np.ones(30), np.ones(30), np.array([1.0, 2.0, 3.0]), 3)
    scores = np.random.default_rng(1).normal(size=(30, 1))
    left, added = projection.residuals(scores, [step, step])
    means = np.array([scores[codes == k].mean() for k in range(3)])
    assert added[0, 0] == pytest.approx(means**2 @ [1.0, 2.0, 3.0])
    assert np.allclose([left[codes == k].sum() for k in range(3)], 0, atol=1e-12)

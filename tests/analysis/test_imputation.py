from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from analysis.errors import EstimateError
from analysis.imputation import over, pool


@dataclass(frozen=True)
class Found:
    names: tuple[str, ...]
    estimate: np.ndarray
    covariance: np.ndarray


def found(value: float, variance: float, name: str = "m") -> Found:
    return Found((name,), np.array([value]), np.array([[variance]]))


def test_rubins_rules_by_hand() -> None:
    pooled = pool([found(1.0, 0.5), found(2.0, 0.7), found(4.5, 0.6)])
    between = np.var([1.0, 2.0, 4.5], ddof=1)
    total = 0.6 + between * 4 / 3
    r = 4 / 3 * between / 0.6
    df = 2 * (1 + 1 / r) ** 2
    assert pooled.imputations == 3
    np.testing.assert_allclose(pooled.estimate, [2.5])
    np.testing.assert_allclose(pooled.se, [np.sqrt(total)])
    np.testing.assert_allclose(pooled.df, [df])
    np.testing.assert_allclose(pooled.missing_information, [(r + 2 / (df + 3)) / (r + 1)])
    np.testing.assert_allclose(pooled.high - pooled.estimate, stats.t.ppf(0.975, df) * np.sqrt(total))


def test_equal_imputations_carry_no_extra_variance() -> None:
    pooled = pool([found(3.0, 0.25)] * 5)
    assert pooled.se[0] == 0.5
    assert np.isinf(pooled.df[0])
    np.testing.assert_allclose(pooled.high[0], 3 + stats.norm.ppf(0.975) * 0.5)


def test_few_degrees_of_freedom_in_complete_data_bound_the_pooled_ones() -> None:
    results = [found(1.0, 0.5), found(1.2, 0.5), found(0.9, 0.5)]
    assert pool(results, 20).df[0] < min(20, pool(results).df[0])


def test_pooling_needs_two_results_that_name_the_same() -> None:
    with pytest.raises(EstimateError, match="at least two imputations, there are 1"):
        pool([found(1.0, 1.0)])
    with pytest.raises(EstimateError, match="Imputation 2 estimates other, the first m"):
        pool([found(1.0, 1.0), found(1.0, 1.0, "other")])


def test_over_runs_the_estimator_on_every_design() -> None:
    pooled = over([1.0, 2.0], lambda design: found(design, 0.1))
    assert pooled.estimate[0] == 1.5

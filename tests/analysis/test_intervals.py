import numpy as np
import pytest
from scipy import stats

from analysis.errors import EstimateError
from analysis.intervals import INTERVALS, Shares, interval_from


def shares(p: float, n: float, df: float = np.inf, level: float = 0.95) -> Shares:
    one = np.ones(1)
    return Shares(one * p, one * np.sqrt(p * (1 - p) / n), one * n, one * df, one * n, level)


def test_wilson_by_hand() -> None:
    """Wilson (1927): roots of |p - q| = z sqrt(q (1 - q) / n)."""
    low, high = (float(v[0]) for v in INTERVALS["wilson"](shares(0.1, 50)))
    for q in (low, high):
        assert abs(0.1 - q) == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(q * (1 - q) / 50), rel=1e-12)


def test_beta_is_clopper_pearson_on_a_simple_sample() -> None:
    low, high = INTERVALS["beta"](shares(0.1, 50))
    assert low[0] == pytest.approx(stats.binomtest(5, 50).proportion_ci().low, rel=1e-12)
    assert high[0] == pytest.approx(stats.binomtest(5, 50).proportion_ci().high, rel=1e-12)


def test_likelihood_limits_solve_their_equation() -> None:
    s = shares(0.1, 50, df=30)
    low, high = (float(v[0]) for v in INTERVALS["likelihood"](s))
    for q in (low, high):
        deviance = 2 * 50 * (0.1 * np.log(0.1 / q) + 0.9 * np.log(0.9 / (1 - q)))
        assert deviance == pytest.approx(s.t[0] ** 2 * 50 / 49, rel=1e-9)


def test_the_spline_profile_is_near_the_exact_limits() -> None:
    exact, read = (INTERVALS[m](shares(0.2, 100, df=60)) for m in ("likelihood", "profile"))
    assert read[0][0] == pytest.approx(exact[0][0], rel=2e-2)
    assert read[1][0] == pytest.approx(exact[1][0], rel=2e-2)


@pytest.mark.parametrize("method", INTERVALS)
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_nobody_and_everybody_get_an_interval(method: str, p: float) -> None:
    """A peer gives 0 to 0, or nothing, where nobody said yes."""
    low, high = (float(v[0]) for v in INTERVALS[method](shares(p, 30, df=20)))
    assert 0 <= low <= p <= high <= 1
    if method != "mean":
        assert high - low > 0.05


def test_without_degrees_of_freedom_there_is_no_interval() -> None:
    for method in INTERVALS:
        low, high = INTERVALS[method](shares(0.3, 30, df=0))
        assert method == "beta" or (np.isnan(low[0]) and np.isnan(high[0]))


def test_levels() -> None:
    wide, narrow = (INTERVALS["logit"](shares(0.3, 30, level=level)) for level in (0.99, 0.8))
    assert wide[0][0] < narrow[0][0] < narrow[1][0] < wide[1][0]
    with pytest.raises(EstimateError):
        INTERVALS["logit"](shares(0.3, 30, level=95))


def test_published_shares() -> None:
    assert interval_from(0.1, 50) == tuple(float(v[0]) for v in INTERVALS["wilson"](shares(0.1, 50)))
    with pytest.raises(EstimateError) as caught:
        interval_from(1.2, 50)
    assert caught.value.code == "published_share"


def test_one_cell_of_many() -> None:
    many = Shares(*(np.array([a, b]) for a, b in ((0.1, 0.5), (0.02, 0.03), (50, 60), (9, 9), (40, 50))))
    assert many.at(1).p.tolist() == [0.5]

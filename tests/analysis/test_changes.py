"""Change of two figures; published examples for MOVER, two one-sided tests by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import estimates
from analysis.changes import (
    Point,
    change,
    effective_n,
    equivalence,
    mover,
    point,
    published,
    satterthwaite,
    smallest_detectable,
)
from analysis.errors import EstimateError
from tests.analysis.samples import sample


def share(wave: str, p: float, n: float) -> Point:
    return Point(wave, float(wave), p, float(np.sqrt(p * (1 - p) / n)), n, kind="proportion", effective_n=n)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (0, 10, 0, 20, -0.1611, 0.2775),
    ],
)
def test_mover_reproduces_newcombes_table(
    x1: int, n1: int, x2: int, n2: int, low: float, high: float
) -> None:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10 (difference p1 - p2)."""
    found = mover(share("2024", x2 / n2, n2), share("2020", x1 / n1, n1))
    assert tuple(round(v, 4) for v in found) == (low, high)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(5, 500), st.integers(5, 500))
def test_mover_holds_the_change_and_stays_within_one(p: float, q: float, n: int, m: int) -> None:
    low, high = mover(share("1", p, n), share("2", q, m))
    assert -1 - 1e-9 <= low <= q - p + 1e-9
    assert q - p - 1e-9 <= high <= 1 + 1e-9


def test_correlation_narrows_the_interval() -> None:
    a, b = share("1", 0.4, 100), share("2", 0.5, 100)
    plain, tied = change(a, b), change(a, b, correlation=0.5)
    assert tied.se < plain.se
    assert tied.low > plain.low
    assert tied.high < plain.high


def test_means_use_t_on_satterthwaites_degrees_of_freedom() -> None:
    a, b = Point("1", 1, 5.0, 0.3, 50, 20), Point("2", 2, 6.0, 0.4, 50, 30)
    found = change(a, b)
    df = satterthwaite(0.09, 20, 0.16, 30)
    assert found.df == pytest.approx(df)
    assert found.se == pytest.approx(0.5)
    assert found.p_value == pytest.approx(2 * stats.t.sf(2.0, df))
    assert found.high - found.estimate == pytest.approx(stats.t.ppf(0.975, df) * 0.5)


def test_a_change_between_two_samples_is_the_difference_of_their_estimates() -> None:
    first, second = sample(1), sample(2)
    a = point(estimates.mean(first, "yes"), 0, "2020", 2020, "proportion")
    b = point(estimates.mean(second, "yes"), "yes", "2024", 2024, "proportion")
    found = change(a, b)
    reference = estimates.difference(estimates.mean(second, "yes"), estimates.mean(first, "yes"))
    assert found.estimate == pytest.approx(reference.estimate[0])
    assert found.se == pytest.approx(reference.se[0])
    assert found.df == pytest.approx(reference.df)
    assert (
        point(estimates.mean(first, "y"), "y", "2020", 2020).interval()[0]
        < estimates.mean(first, "y").estimate[0]
    )


def test_nobody_in_both_waves_still_has_an_interval_but_no_test() -> None:
    found = change(share("1", 0.0, 30), share("2", 0.0, 40))
    assert found.estimate == 0
    assert found.low < 0 < found.high
    assert np.isnan(found.p_value)


def test_published_figures_compare_by_n_or_by_their_interval() -> None:
    by_n = published("2018", 2018, 0.3, 1000)
    assert by_n.se == pytest.approx(np.sqrt(0.3 * 0.7 / 1000))
    assert by_n.source == "published"
    clustered = published("2018", 2018, 0.3, 1000, deff=2)
    assert clustered.effective_n == pytest.approx(500)
    printed = published("2018", 2018, 0.3, 1000, 0.26, 0.34)
    assert printed.se == pytest.approx(0.08 / (2 * stats.norm.ppf(0.975)))
    mean = published("2018", 2018, 6.1, 400, kind="mean", sd=2.0)
    assert mean.se == pytest.approx(0.1)
    assert change(by_n, printed).method == "mover"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 1}, "rests on n = 1"),
        ({"n": 100, "low": 0.4, "high": 0.5}, r"\(0.4 to 0.5\) does not hold its estimate 0.3"),
        ({"n": 100, "kind": "mean"}, "neither an interval nor a standard deviation"),
    ],
)
def test_published_figures_without_an_error_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        published("2018", 2018, 0.3, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "odds"}, "'odds' is no kind of figure"),
        ({"estimate": float("nan")}, "The figure of 2020 is nan"),
        ({"estimate": 45.0}, "give it as a number from 0 to 1, not in percent"),
    ],
)
def test_points_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        replace(share("2020", 0.4, 100), **changes)  # type: ignore[arg-type]


def test_unlike_figures_and_figures_without_error_are_not_compared() -> None:
    with pytest.raises(EstimateError, match="2020 holds a proportion, 2024 a mean"):
        change(share("2020", 0.4, 100), Point("2024", 2024, 5.0, 0.1, 100))
    flat = Point("2020", 2020, 5.0, 0.0, 100)
    with pytest.raises(EstimateError, match="Neither 2020 nor 2020 has a standard error"):
        change(flat, flat)
    assert np.isinf(satterthwaite(0.0, 5, 0.0, 5))


def test_the_smallest_detectable_change_has_the_stated_power() -> None:
    d = smallest_detectable(0.5, 40, power=0.8)
    rng = np.random.default_rng(1)
    estimates_drawn = rng.normal(d, 0.5, 200_000)
    errors = 0.5 * np.sqrt(rng.chisquare(40, 200_000) / 40)
    found = np.abs(estimates_drawn / errors) > stats.t.ppf(0.975, 40)
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    with pytest.raises(EstimateError, match="Power lies between 0 and 1"):
        smallest_detectable(1.0, power=1.0)


def test_unchanged_is_a_finding_of_its_own() -> None:
    a, b = Point("1", 1, 5.0, 0.05, 900, 800), Point("2", 2, 5.02, 0.05, 900, 800)
    unchanged = equivalence(change(a, b), 0.25)
    assert unchanged.finding == "unchanged"
    assert unchanged.p_value < 0.05
    assert equivalence(change(a, replace(b, estimate=6.0)), 0.25).finding == "changed"
    wide = equivalence(change(replace(a, se=0.5), b), 0.25)
    assert wide.finding == "undecided"
    assert wide.p_value > 0.05


def test_equivalence_and_its_p_value_agree_for_means() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        a = Point("1", 1, rng.normal(), 0.1, 100, 60)
        b = Point("2", 2, a.estimate + rng.normal(0, 0.2), 0.1, 100, 60)
        found = equivalence(change(a, b), 0.4)
        assert (found.finding == "unchanged") == (found.p_value < 0.05)


def test_equivalence_of_proportions_uses_their_own_intervals() -> None:
    found = equivalence(change(share("1", 0.50, 4000), share("2", 0.51, 4000)), 0.05)
    assert (found.low, found.high) == mover(share("1", 0.50, 4000), share("2", 0.51, 4000), 0.9)
    assert found.finding == "unchanged"
    never = equivalence(change(share("1", 0.0, 30), share("2", 0.0, 30)), 0.5)
    assert np.isnan(never.p_value)
    assert never.finding == "unchanged"
    with pytest.raises(EstimateError, match="must be above 0"):
        equivalence(found.change, 0.0)


def test_effective_n() -> None:
    assert effective_n(0.5, 0.05, 40) == pytest.approx(100)
    assert effective_n(0.0, 0.0, 40) == 40
    unknown = Point("1", 1, 0.0, 0.0, 40, kind="proportion")
    assert unknown.interval()[1] == pytest.approx(share("1", 0.0, 40).interval()[1])

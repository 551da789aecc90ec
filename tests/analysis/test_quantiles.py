"""Rules by Hyndman and Fan (1996) against numpy, whose ``method`` has the same definitions for equal
weights."""

import numpy as np
import pytest

from analysis import quantiles, replication
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from tests.analysis.samples import sample

NUMPY = {
    "hf1": "inverted_cdf",
    "hf2": "averaged_inverted_cdf",
    "hf4": "interpolated_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}


@pytest.mark.parametrize(("rule", "method"), NUMPY.items())
def test_rules_with_equal_weights(rule: str, method: str) -> None:
    x = np.random.default_rng(1).normal(size=31)
    for p in (0.05, 0.25, 0.5, 0.77, 0.95):
        own = quantiles.RULES[rule](quantiles.Sorted.of(x, np.full(31, 3.0)), p)
        assert own == pytest.approx(float(np.quantile(x, p, method=method)), rel=1e-12)


@pytest.mark.parametrize("rule", quantiles.RULES)
def test_every_rule_stays_inside_the_data_and_rises(rule: str) -> None:
    rng = np.random.default_rng(2)
    s = quantiles.Sorted.of(rng.integers(0, 20, 50).astype(float), rng.uniform(1, 3, 50))
    values = [quantiles.RULES[rule](s, p) for p in np.linspace(0, 1, 41)]
    assert (np.diff(values) >= 0).all()
    assert s.x[0] <= values[0] <= values[-1] <= s.x[-1]
    one = quantiles.Sorted.of(np.array([4.0]), np.array([2.0]))
    assert quantiles.RULES[rule](one, 0.3) == 4.0


def test_rows_without_weight_do_not_count() -> None:
    s = quantiles.Sorted.of(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
    assert s.x.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("interval", ["mean", "beta", "xlogit", "asin", "score"])
def test_intervals_hold_the_quantile(interval: str) -> None:
    made = quantiles.quantile(sample(3), "y", [0.25, 0.5], interval=interval)
    assert ((made.low <= made.estimate) & (made.estimate <= made.high)).all()
    assert (made.se > 0).all()


def test_replicate_quantiles() -> None:
    design = replication.bootstrap(sample(3, clustered=True), 40, seed=1)
    made = quantiles.quantile(design, "y", 0.5, interval="quantile")
    assert made.low[0] < made.estimate[0] < made.high[0]
    assert quantiles.quantile(design, "y", 0.5).se[0] == pytest.approx(made.se[0], rel=0.7)


def test_groups_and_groups_without_cases() -> None:
    design = sample(3)
    y = np.where(design.data["group"].values == 2, np.nan, design.data["y"].values)
    made = quantiles.quantile(design.with_columns(y=y), "y", 0.5, by="group")
    assert (made.names, made.notes) == (("old", "mid", "new"), ("no_cases: new",))
    part = quantiles.quantile(design.subset(design.data["group"].values == 0), "y", 0.5)
    assert (made.estimate[0], made.low[0]) == (part.estimate[0], part.low[0])


def test_limits_beyond_the_data_are_missing() -> None:
    design = SurveyDesign.create({"y": [1.0, 2.0, 3.0, 4.0]})
    made = quantiles.quantile(design, "y", [0.25, 0.75])
    assert np.isnan(made.low[0])
    assert np.isnan(made.high[1])
    edge = quantiles.quantile(design, "y", 1.0, interval="xlogit")
    assert np.isnan(edge.low[0])


def test_a_constant_has_no_score_interval() -> None:
    made = quantiles.quantile(SurveyDesign.create({"y": [5.0] * 6}), "y", 0.5, interval="score")
    assert (made.estimate[0], np.isnan(made.low[0])) == (5.0, True)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"rule": "hf10"}, "quantile_rule"),
        ({"interval": "normal"}, "quantile_interval"),
        ({"interval": "quantile"}, "quantile_interval"),
        ({"quantiles": 50}, "quantile_range"),
    ],
)
def test_what_cannot_be_asked(options: dict, code: str) -> None:
    with pytest.raises(EstimateError) as caught:
        quantiles.quantile(sample(3), "y", **options)
    assert caught.value.code == code


def test_below_the_first_cumulated_share_stands_the_smallest_value() -> None:
    """R takes the second: ``svyquantile(~x, svydesign(id=~1, weights=~w), .2)`` with x = 1, 2, 3 and
    w = 4, 1, 1 gives 2."""
    design = SurveyDesign.create({"x": [1.0, 2.0, 3.0], "w": [4.0, 1.0, 1.0]}, weights="w")
    values = {
        edge: quantiles.quantile(design, "x", 0.2, below_first=edge).estimate[0]
        for edge in quantiles.BELOW_FIRST
    }
    assert values == {"smallest": 1.0, "second": 2.0}
    with pytest.raises(EstimateError) as caught:
        quantiles.quantile(design, "x", 0.2, below_first="third")
    assert caught.value.code == "quantile_edge"

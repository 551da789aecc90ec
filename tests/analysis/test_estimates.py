"""Estimates by hand and by law; the reference's numbers stand in ``tests/oracle/test_estimation.py``."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import estimates, replication
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from tests.analysis.samples import sample


def test_mean_of_a_simple_random_sample_by_hand() -> None:
    y = np.array([1.0, 4.0, 4.0, 7.0])
    made = estimates.mean(SurveyDesign.create({"y": y}), "y")
    assert made.estimate[0] == 4.0
    assert made.se[0] == pytest.approx(np.sqrt(y.var(ddof=1) / 4), rel=1e-14)
    assert (made.deff[0], made.base[0], made.df) == (pytest.approx(1.0), 4.0, 3.0)
    assert made.effective_n[0] == pytest.approx(4.0)


@given(st.integers(0, 1000))
def test_a_domain_equals_the_subset_design(seed: int) -> None:
    design = sample(seed, n=80)
    by = estimates.mean(design, ["y", "answer"], by="sex")
    for s, sex in enumerate("fm"):
        part = estimates.mean(design.subset(design.data["sex"].values == s), ["y", "answer"])
        rows = [i for i, row in enumerate(by.rows) if row["sex"] == sex]
        assert np.allclose(by.estimate[rows], part.estimate, rtol=1e-12, equal_nan=True)
        assert np.allclose(by.covariance[np.ix_(rows, rows)], part.covariance, rtol=1e-9, atol=1e-18)
        assert np.allclose(by.low[rows], part.low, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 1000))
def test_scaling_weights_scales_totals_and_leaves_means(seed: int) -> None:
    design = sample(seed, n=60)
    seven = SurveyDesign.create(design.data, weights=design.weights * 7, strata="stratum", psu="unit")
    for figure in ("estimate", "se"):
        a, b = (getattr(estimates.total(d, "y"), figure)[0] for d in (design, seven))
        assert b == pytest.approx(7 * a, rel=1e-12)
        a, b = (getattr(estimates.mean(d, "y"), figure)[0] for d in (design, seven))
        assert b == pytest.approx(a, rel=1e-12)


def test_totals_of_groups_add_up_with_their_covariance() -> None:
    design = sample(3)
    by = estimates.total(design, "y", by=["group", "sex"])
    whole = estimates.total(design, "y")
    together = by.contrast({"sum": np.ones(6)})
    assert together.estimate[0] == pytest.approx(whole.estimate[0], rel=1e-12)
    assert together.se[0] == pytest.approx(whole.se[0], rel=1e-10)
    assert by.names[:4] == ("old.f", "mid.f", "new.f", "old.m")


def test_a_ratio_to_ones_is_a_mean() -> None:
    design = sample(3).with_columns(one=np.ones(240))
    made, mean = estimates.ratio(design, "y", "one", by="sex"), estimates.mean(design, "y", by="sex")
    assert np.allclose(made.covariance, mean.covariance, rtol=1e-12)
    assert made.rows[0] == {"sex": "f", "variable": "y", "category": "", "denominator": "one"}


def test_variance_and_covariances() -> None:
    y, x = np.array([1.0, 2.0, 4.0, 9.0]), np.array([2.0, 1.0, 5.0, 4.0])
    made = estimates.variance(SurveyDesign.create({"y": y, "x": x}), ["y", "x"])
    assert made.names == ("y:y", "x:y", "y:x", "x:x")
    assert made.estimate == pytest.approx(np.cov(y, x).ravel())
    by = estimates.variance(sample(3), "y", by="sex")
    assert by.names == ("f", "m")


def test_distribution_functions_end_at_one() -> None:
    design = sample(3)
    made = estimates.cdf(design, "answer")
    assert (np.diff(made.estimate) >= 0).all()
    assert made.estimate[-1] == pytest.approx(1.0)
    assert made.names[0] == "answer<=never"
    at = estimates.cdf(design, "y", at=[5, 7])
    assert at.names == ("y<=5", "y<=7")


def test_weighted_tables() -> None:
    design = sample(3)
    rows, columns, counts = estimates.table(design, "group", "sex")
    assert (rows, columns) == (("old", "mid", "new"), ("f", "m"))
    assert counts.sum() == pytest.approx(design.weights.sum())
    assert estimates.table(design, "group")[2][:, 0] == pytest.approx(counts.sum(axis=1))


def missing_design() -> SurveyDesign:
    design = sample(3)
    y, x = design.data["y"].values.copy(), design.data["x"].values.copy()
    y[:20], x[10:40] = np.nan, np.nan
    return design.with_columns(y=y, x=x)


def test_missing_values_per_variable_together_or_not_at_all() -> None:
    design = missing_design()
    assert estimates.mean(design, ["y", "x"]).base.tolist() == [220, 210]
    assert estimates.mean(design, ["y", "x"], missing="listwise").base.tolist() == [200, 200]
    with pytest.raises(EstimateError) as caught:
        estimates.mean(design, ["y", "x"], missing="fail")
    assert (caught.value.code, caught.value.params["count"]) == ("missing_values", 20)
    assert estimates.mean(sample(3), "y", missing="fail").base[0] == 240


def test_a_group_in_which_everything_is_missing_is_flagged() -> None:
    design = sample(3)
    y = np.where(design.data["group"].values == 1, np.nan, design.data["y"].values)
    made = estimates.mean(design.with_columns(y=y), "y", by="group")
    assert np.isnan(made.estimate).tolist() == [False, True, False]
    assert made.notes == ("no_cases: mid",)
    assert np.isnan(made.covariance[1]).all()
    assert np.isfinite(made.covariance[0, 2])


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda d: estimates.mean(d.with_columns(y=np.full(240, np.nan)), "y"), "all_missing"),
        (lambda d: estimates.mean(d, "y", deff="none at all"), "deff_rule"),
        (lambda d: estimates.mean(d, "y", missing="zero"), "missing_rule"),
        (lambda d: estimates.mean(d, []), "no_categories"),
        (
            lambda d: estimates.mean(d, "y", by=Column("g", "category", np.full(240, -1), ("a",))),
            "empty_domains",
        ),
        (lambda d: estimates.difference(estimates.mean(d, "y"), estimates.mean(d, "x")), "unlike_rows"),
    ],
)
def test_questions_without_an_answer(work, code: str) -> None:
    with pytest.raises(EstimateError) as caught:
        work(sample(3))
    assert caught.value.code == code


def test_constant_variables_have_no_variance_and_say_so() -> None:
    made = estimates.mean(sample(3).with_columns(one=np.ones(240)), "one")
    assert (made.estimate[0], made.se[0]) == (1.0, pytest.approx(0.0, abs=1e-15))
    assert np.isnan(made.deff[0]) or made.deff[0] == pytest.approx(0.0, abs=1e-9)


def test_difference_of_independent_samples() -> None:
    """Satterthwaite's degrees of freedom lie between the smaller design's and the sum."""
    a, b = estimates.mean(sample(1), "y"), estimates.mean(sample(2, n=60), "y")
    made = estimates.difference(a, b)
    assert made.se[0] == pytest.approx(np.hypot(a.se[0], b.se[0]))
    assert min(a.df, b.df) <= made.df <= a.df + b.df


def test_a_design_effect_against_sampling_without_replacement() -> None:
    design = sample(3)
    a, b = (estimates.mean(design, "y", deff=rule).deff[0] for rule in ("replace", "without"))
    assert b == pytest.approx(a * design.weights.sum() / (design.weights.sum() - 240))
    few = SurveyDesign.create({"y": [1.0, 2.0, 4.0]}, weights=np.full(3, 0.5))
    assert np.isnan(estimates.mean(few, "y", deff="without").deff[0])


def test_the_jackknife_agrees_with_linearisation() -> None:
    """For totals of stratified designs JKn is the linearised variance exactly (Wolter 2007, 4.2)."""
    design = sample(3, clustered=True)
    repeated = replication.stratified_jackknife(design)
    assert estimates.total(repeated, "y").se[0] == pytest.approx(
        estimates.total(design, "y").se[0], rel=1e-10
    )
    means = [estimates.mean(d, "y").se[0] for d in (repeated, design)]
    assert means[0] == pytest.approx(means[1], rel=2e-2)
    kept = estimates.mean(repeated, "y", keep_replicates=True)
    assert kept.replicates.shape == (repeated.replicates.count, 1)
    assert kept.take(np.array([0])).replicates.shape == (repeated.replicates.count, 1)


def test_estimates_in_sentences() -> None:
    design = sample(3)
    assert design.mean("y").estimate[0] == estimates.mean(design, "y").estimate[0]
    assert design.total("y").estimate[0] == estimates.total(design, "y").estimate[0]
    assert design.ratio("y", "x").names == ("y/x",)
    assert design.proportion("sex", by="group").names[:2] == ("old:sex=f", "mid:sex=f")
    assert design.quantile("y").names == ("y@0.5",)
    assert design.trim(upper=18).weights.max() <= 18

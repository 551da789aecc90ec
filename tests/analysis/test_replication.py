import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import estimates, replication
from analysis.design import SurveyDesign
from analysis.errors import DataError, DesignError
from analysis.replicates import Replicates, column_rank
from tests.analysis.samples import sample

PAIRS = {"y": [1.0, 3.0, 4.0, 8.0, 2.0, 7.0], "h": list("aabbcc")}


def test_unstratified_jackknife_by_hand() -> None:
    y = np.array([1.0, 4.0, 7.0, 8.0])
    design = SurveyDesign.create({"y": y, "N": [10.0] * 4}, fpc="N")
    made = estimates.mean(replication.jackknife(design), "y")
    assert made.se[0] == pytest.approx(np.sqrt((1 - 4 / 10) * y.var(ddof=1) / 4), rel=1e-12)
    assert made.df == 3
    for bad, code in ((sample(1), "jk1_stratified"), (SurveyDesign.create({"y": [1.0]}), "jk1_one")):
        with pytest.raises(DesignError) as caught:
            replication.jackknife(bad)
        assert caught.value.code == code


@pytest.mark.parametrize("fay", [0.0, 0.3, 0.7])
def test_balanced_half_samples_give_the_exact_variance_of_totals(fay: float) -> None:
    """Full orthogonal balance reproduces the textbook variance of a linear statistic (McCarthy 1969)."""
    design = SurveyDesign.create(PAIRS, strata="h")
    made = replication.balanced(design, fay=fay)
    assert estimates.total(made, "y").se[0] == pytest.approx(estimates.total(design, "y").se[0], rel=1e-12)
    assert made.df == 3


def test_half_samples_need_pairs() -> None:
    odd = SurveyDesign.create({"h": list("aaabb")}, strata="h")
    for work, code in (
        (lambda: replication.balanced(odd), "odd_psus"),
        (lambda: replication.balanced(odd, fay=1), "fay_rho"),
    ):
        with pytest.raises(DesignError) as caught:
            work()
        assert caught.value.code == code


@pytest.mark.parametrize("order", [2, 4, 7, 11, 13, 20, 28, 60, 65])
def test_hadamard_matrices(order: int) -> None:
    made = replication.hadamard(order)
    m = len(made)
    assert order <= m <= 2 * order
    assert np.array_equal(made @ made.T, m * np.eye(m))


@pytest.mark.parametrize(
    ("rule", "expected"), [("remove", 2), ("average", 2), ("certainty", 2), ("adjust", 3)]
)
def test_lonely_units_in_the_jackknife(rule: str, expected: int) -> None:
    design = SurveyDesign.create({"y": [1.0, 2.0, 5.0], "h": list("aab")}, strata="h", lonely=rule)
    made = replication.stratified_jackknife(design).replicates
    assert made.count == expected
    assert made.scale == (1.5 if rule == "average" else 1.0)


def test_lonely_units_stop_the_jackknife_by_default() -> None:
    design = SurveyDesign.create({"h": list("aab")}, strata="h")
    with pytest.raises(DesignError) as caught:
        replication.stratified_jackknife(design)
    assert (caught.value.code, caught.value.place) == ("lonely_psu", "b")
    alone = SurveyDesign.create({"h": list("ab")}, strata="h", lonely="remove")
    with pytest.raises(DesignError) as caught:
        replication.stratified_jackknife(alone)
    assert caught.value.code == "no_replicates_left"
    with pytest.raises(DesignError):
        replication.bootstrap(alone, 5, seed=1)


@pytest.mark.parametrize("kind", ["rao-wu", "canty-davison", "preston"])
def test_bootstraps_agree_with_linearisation(kind: str) -> None:
    design = sample(3, n=120, clustered=True)
    data = {**design.data, "N": np.full(120, 400.0)}
    design = SurveyDesign.create(data, weights=design.weights, strata="stratum", psu="unit", fpc="N")
    made = replication.bootstrap(design, 600, seed=7, kind=kind)
    assert estimates.mean(made, "y").se[0] == pytest.approx(estimates.mean(design, "y").se[0], rel=0.15)
    assert made.replicates.matrix().mean(axis=1) == pytest.approx(design.weights, rel=0.25)


def test_a_seed_gives_the_same_weights() -> None:
    a, b, c = (replication.bootstrap(sample(3), 5, seed=s).replicates.matrix() for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_small_populations_are_copied() -> None:
    design = SurveyDesign.create({"y": np.arange(6.0), "N": [8.0] * 6}, fpc="N")
    drawn = replication.bootstrap(design, 30, seed=1, kind="canty-davison").replicates.factors
    assert (drawn.sum(axis=0) == 6).all()
    assert drawn.max() <= 2


@pytest.mark.parametrize(
    ("options", "code"), [({"kind": "wild"}, "bootstrap_kind"), ({"replicates": 1}, "bootstrap_count")]
)
def test_what_cannot_be_drawn(options: dict, code: str) -> None:
    with pytest.raises(DesignError) as caught:
        replication.bootstrap(sample(3), seed=1, **options)
    assert caught.value.code == code


def test_replicates_come_before_calibration() -> None:
    design = sample(3)
    counts = dict(zip(("f", "m"), (1000.0, 1500.0), strict=True))
    from analysis.margins import Margins

    with pytest.raises(DesignError) as caught:
        replication.stratified_jackknife(design.rake(Margins.from_dict({"sex": counts})))
    assert caught.value.code == "calibrated_first"


def test_given_replicate_weights() -> None:
    weights = np.ones(4)
    table = np.array([[0.0, 2.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    plain = SurveyDesign.from_replicates({"y": [1.0, 2.0, 3.0, 5.0]}, weights, table, scale=0.5)
    apart = SurveyDesign.from_replicates({"y": [1.0, 2.0, 3.0, 5.0]}, weights * 2, table, 0.5, combined=False)
    assert estimates.mean(plain, "y").se[0] == estimates.mean(apart, "y").se[0]
    assert plain.df == 1
    assert SurveyDesign.from_replicates({"y": np.ones(4)}, weights, table, 0.5, df=9).df == 9
    for bad, code in ((table[:2], "replicate_shape"), (table * np.nan, "replicate_missing")):
        with pytest.raises(DataError) as caught:
            SurveyDesign.from_replicates({"y": np.ones(4)}, weights, bad, 1.0)
        assert caught.value.code == code


def test_mse_is_measured_from_the_full_sample() -> None:
    base = replication.stratified_jackknife(sample(3, clustered=True))
    mse = replication.stratified_jackknife(sample(3, clustered=True), mse=True)
    assert estimates.ratio(mse, "y", "x").se[0] >= estimates.ratio(base, "y", "x").se[0]


def test_any_statistic_with_replicates() -> None:
    design = replication.stratified_jackknife(sample(3))
    y = design.data["y"].values
    value, covariance, values = design.replicate(lambda w: [w @ y, w.sum()])
    total = estimates.total(design, "y")
    assert (value[0], covariance[0, 0]) == pytest.approx((total.estimate[0], total.covariance[0, 0]))
    assert values.shape == (240, 2)
    with pytest.raises(DesignError) as caught:
        design.replicate(lambda w: np.nan)
    assert caught.value.code == "no_replicate_value"


@given(st.integers(0, 200))
def test_linear_scores_under_replicates(seed: int) -> None:
    design = replication.bootstrap(sample(seed, n=40), 12, seed=seed)
    y = design.data["y"].values
    scores = design.covariance(design.weights * y)[0, 0]
    assert scores == pytest.approx(estimates.total(design, "y").covariance[0, 0], rel=1e-10)


def test_a_domain_of_a_replicate_design() -> None:
    design = replication.stratified_jackknife(sample(3))
    part = design.subset(design.data["stratum"].values < 2)
    assert part.df < design.df
    assert estimates.mean(part, "y").base[0] == 120


def test_rank_of_replicate_weights() -> None:
    table = np.random.default_rng(1).normal(size=(30, 4))
    assert column_rank(np.column_stack([table, table[:, 0] + table[:, 1], np.zeros(30)])) == 4
    assert column_rank(np.zeros((3, 2))) == 0
    made = Replicates.given(np.ones(30), table, 1.0, 1.0, False, True, "other", None)
    assert made.degrees() == 3
    assert made.weights_of(2) == pytest.approx(table[:, 2])


def test_replicates_of_a_domain() -> None:
    """Half samples pair the units of the domain; the rank of what is left gives the degrees of freedom."""
    design = SurveyDesign.create({**PAIRS, "h": list("aaabbb")}, strata="h")
    part = design.subset(np.array([1, 1, 0, 1, 1, 0], bool))
    made = replication.balanced(part)
    assert (made.replicates.df, made.df) == (None, 2)
    assert estimates.mean(made, "y").base[0] == 4


def test_large_populations_are_drawn_with_replacement() -> None:
    design = SurveyDesign.create({"y": np.arange(6.0)})
    drawn = replication.bootstrap(design, 200, seed=1, kind="canty-davison").replicates.factors
    assert (drawn.sum(axis=0) == 6).all()
    assert drawn.max() > 2


def test_a_hadamard_matrix_by_doubling_a_paley_matrix() -> None:
    assert len(replication.hadamard(22)) == 24
    assert len(replication.hadamard(37)) == 40

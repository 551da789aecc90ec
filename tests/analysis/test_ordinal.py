import numpy as np
import pytest
from scipy import special, stats

from analysis import ordinal as ordinal_module
from analysis import replication
from analysis.errors import EstimateError
from analysis.ordinal import LINKS, ordinal
from tests.analysis.samples import category, permuted, sample


def test_cut_points_alone_are_the_cumulative_shares() -> None:
    design = sample()
    found = ordinal(design, "answer", [])
    codes, w = design.data["answer"].values, design.weights
    shares = [w[codes <= k].sum() / w.sum() for k in range(4)]
    np.testing.assert_allclose(special.expit(found.estimate), shares, rtol=1e-9)
    assert found.names == ("never|rarely", "rarely|some", "some|often", "often|always")


def test_a_latent_shift_is_recovered() -> None:
    rng = np.random.default_rng(8)
    n = 6000
    x = rng.normal(size=n)
    for link, draw in (("logistic", rng.logistic(size=n)), ("probit", rng.normal(size=n))):
        y = np.digitize(0.8 * x + draw, [-1.0, 0.5, 2.0])
        design = type(sample()).create({"x": x, "y": category("y", y, "1", "2", "3", "4")})
        found = ordinal(design, "y", ["x"], link)
        truth = np.array([0.8, -1.0, 0.5, 2.0])
        assert (np.abs(found.estimate - truth) < 4 * found.se).all()
        assert found.low[0] < 0.8 < found.high[0]


def test_rows_may_be_permuted_and_the_jackknife_agrees() -> None:
    design = sample()
    found = ordinal(design, "answer", ["group", "x"])
    moved = ordinal(permuted(design), "answer", ["group", "x"])
    np.testing.assert_allclose(moved.estimate, found.estimate, rtol=1e-8)
    np.testing.assert_allclose(moved.se, found.se, rtol=1e-7)
    jackknife = ordinal(replication.stratified_jackknife(design), "answer", ["group", "x"])
    np.testing.assert_allclose(jackknife.se, found.se, rtol=0.08)
    assert found.coefficients == 3


def test_years_and_euros_may_stand_as_they_are() -> None:
    design = sample()
    x = design.data["x"].values
    plain = ordinal(design, "answer", ["x", "group"])
    raw = ordinal(design.with_columns(x=2016 + 1e-4 * x), "answer", ["x", "group"])
    np.testing.assert_allclose(raw.estimate[:3] * [1e-4, 1, 1], plain.estimate[:3], rtol=1e-6)
    np.testing.assert_allclose(raw.t[:3], plain.t[:3], rtol=1e-6)
    np.testing.assert_allclose(raw.estimate[3:] - raw.estimate[0] * 2016, plain.estimate[3:], rtol=1e-4)


def test_a_step_that_crosses_cut_points_is_refused_at_every_length() -> None:
    x, y, w = np.zeros((6, 1)), np.array([0, 1, 2, 0, 1, 2]), np.ones(6)
    start, step = np.array([0.0, 0.5, 0.5]), np.array([0.0, 1.0, -1.0])
    assert ordinal_module._ascended(start, step, -10.0, x, y, w, 3, LINKS["logistic"]) is None


def test_derivatives_agree_with_differences() -> None:
    for link in LINKS.values():
        z = np.linspace(-2, 2, 9)
        step = 1e-6
        np.testing.assert_allclose(
            link.density(z), (link.cumulative(z + step) - link.cumulative(z - step)) / (2 * step), atol=1e-8
        )
        np.testing.assert_allclose(
            link.slope(z), (link.density(z + step) - link.density(z - step)) / (2 * step), atol=1e-8
        )
    assert stats.norm.pdf(0) == pytest.approx(float(LINKS["probit"].density(np.zeros(1))[0]))


def test_what_cannot_be_fitted_is_named() -> None:
    design = sample()
    with pytest.raises(EstimateError, match="sex has 2 levels among the cases; an ordinal model needs three"):
        ordinal(design, "sex", ["x"])
    with pytest.raises(EstimateError, match="'cauchit' is no link"):
        ordinal(design, "answer", ["x"], "cauchit")
    codes = np.where(design.data["group"].values == 2, 4, design.data["answer"].values % 4)
    split = design.with_columns(answer=category("answer", codes, "1", "2", "3", "4", "5"))
    with pytest.raises(EstimateError, match="does not converge"):
        ordinal(split, "answer", ["group"])

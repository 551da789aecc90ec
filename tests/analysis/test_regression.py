"""Models: identities with simpler estimates, invariance, and what a user is told when a model cannot be
fitted."""

import numpy as np
import pytest
from scipy import special

from analysis import estimates, regression, replication
from analysis.errors import EstimateError
from analysis.families import FAMILIES
from analysis.regression import glm
from tests.analysis.samples import category, permuted, sample


def test_a_model_of_the_intercept_is_the_mean() -> None:
    design = sample()
    model, mean = glm(design, "y", []), estimates.mean(design, "y")
    np.testing.assert_allclose(model.estimate, mean.estimate, rtol=1e-12)
    np.testing.assert_allclose(model.se, mean.se, rtol=1e-12)
    assert model.df == design.df


def test_a_saturated_logistic_model_gives_the_group_proportions() -> None:
    design = sample()
    model = glm(design, "yes", ["group"], "quasibinomial")
    shares = estimates.mean(design, "yes", by="group")
    np.testing.assert_allclose(special.expit(model.estimate[0]), shares.estimate[0], rtol=1e-10)
    np.testing.assert_allclose(model.fitted[design.data["group"].values == 2], shares.estimate[2], rtol=1e-10)
    odds = shares.estimate / (1 - shares.estimate)
    ratio, low, high = model.odds_ratios
    np.testing.assert_allclose(ratio[1:], odds[1:] / odds[0], rtol=1e-9)
    assert (low < ratio).all()
    assert (ratio < high).all()


def test_a_saturated_poisson_model_gives_the_group_means() -> None:
    design = sample()
    model = glm(design, "count", ["group"], "quasipoisson", intercept=False)
    means = estimates.mean(design, "count", by="group")
    np.testing.assert_allclose(np.exp(model.estimate), means.estimate, rtol=1e-10)
    np.testing.assert_allclose(model.se, means.se / means.estimate, rtol=1e-9)


def test_a_category_of_two_levels_is_an_outcome() -> None:
    design = sample()
    direct = design.with_columns(male=(design.data["sex"].values == 1) * 1.0)
    a = glm(design, "sex", ["x"], "quasibinomial")
    b = glm(direct, "male", ["x"], "quasibinomial")
    np.testing.assert_array_equal(a.estimate, b.estimate)


def test_scaled_weights_change_nothing_and_neither_does_the_order_of_rows() -> None:
    design = sample()
    for family, outcome in (("gaussian", "y"), ("quasibinomial", "yes"), ("quasipoisson", "count")):
        model = glm(design, outcome, ["x", "group"], family)
        scaled = glm(
            type(design).create(design.data, design.weights * 7, "stratum", "unit"),
            outcome,
            ["x", "group"],
            family,
        )
        moved = glm(permuted(design), outcome, ["x", "group"], family)
        for other in (scaled, moved):
            np.testing.assert_allclose(other.estimate, model.estimate, rtol=1e-9)
            np.testing.assert_allclose(other.se, model.se, rtol=1e-8)
            np.testing.assert_allclose(other.dispersion, model.dispersion, rtol=1e-9)


def test_a_domain_is_the_model_of_its_rows() -> None:
    design = sample()
    inside = design.data["sex"].values == 1
    whole = glm(design.subset(inside), "y", ["x"])
    alone = glm(
        type(design).create(
            {k: c.take(inside) for k, c in design.data.items()}, design.weights[inside], "stratum", "unit"
        ),
        "y",
        ["x"],
    )
    np.testing.assert_allclose(whole.estimate, alone.estimate, rtol=1e-12)
    assert whole.base == alone.base


def test_the_jackknife_agrees_with_linearisation() -> None:
    design = sample(n=600)
    jackknife = replication.stratified_jackknife(design)
    for family, outcome in (("gaussian", "y"), ("quasibinomial", "yes")):
        a, b = glm(design, outcome, ["x"], family), glm(jackknife, outcome, ["x"], family)
        np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-10)
        np.testing.assert_allclose(a.se, b.se, rtol=0.03)


def test_bell_mccaffrey_errors_of_a_mean_are_exact_for_single_cases() -> None:
    """With one case per PSU, no strata and equal weights the correction is n / (n - 1) and df = n - 1."""
    y = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    design = type(sample()).create({"y": y})
    model = glm(design, "y", [], standard_errors="bell_mccaffrey")
    # The design's own n / (n - 1) comes on top, as in the reference.
    np.testing.assert_allclose(model.se**2, np.var(y, ddof=1) / 5 * 5 / 4, rtol=1e-12)
    np.testing.assert_allclose(model.df_coefficient, [4.0])


def test_bell_mccaffrey_widens_intervals_for_few_clusters() -> None:
    design = sample(n=60, clustered=True)
    plain, small = glm(design, "y", ["x"]), glm(design, "y", ["x"], standard_errors="bell_mccaffrey")
    assert (small.se > plain.se).all()
    assert small.df == small.df_coefficient.min() < plain.df


def test_bell_mccaffrey_degrees_of_freedom_agree_with_their_definition() -> None:
    """Theorem 4: (sum of eigenvalues)^2 over the sum of their squares of the matrix with entries g_i' g_k."""
    design = sample(n=60, clustered=True)
    model = glm(design, "y", ["x", "group"], standard_errors="bell_mccaffrey")
    x = model.matrix.values
    gram = np.linalg.inv(x.T @ x)
    rest = np.eye(60) - x @ gram @ x.T
    for j in range(x.shape[1]):
        columns = []
        for unit in np.unique(design.psu):
            here = np.flatnonzero(design.psu == unit)
            values, vectors = np.linalg.eigh(np.eye(len(here)) - x[here] @ gram @ x[here].T)
            root = vectors @ np.diag(values**-0.5) @ vectors.T
            columns.append(rest[:, here] @ root @ x[here] @ gram[:, j])
        products = np.array(columns) @ np.array(columns).T
        df = np.trace(products) ** 2 / np.trace(products @ products)
        np.testing.assert_allclose(model.df_coefficient[j], df, rtol=1e-9)
    plain = glm(design, "y", ["x", "group"], standard_errors="bell_mccaffrey", small_sample_df=False)
    assert plain.df == glm(design, "y", ["x", "group"]).df
    np.testing.assert_array_equal(plain.se, model.se)


def test_results_read_as_columns() -> None:
    found = glm(sample(), "y", ["group"]).to_dict()
    assert found["coefficient"] == ["(intercept)", "group=mid", "group=new"]
    assert set(found) == {"coefficient", "estimate", "se", "t", "p_value", "low", "high"}


def test_separation_is_named_instead_of_returned() -> None:
    """R warns and returns coefficients near 20; here the category is named."""
    design = sample()
    never = np.where(design.data["group"].values == 2, 1.0, design.data["yes"].values)
    with pytest.raises(EstimateError, match="coefficient of group=new grows without bound"):
        glm(design.with_columns(yes=never), "yes", ["group"], "quasibinomial")


@pytest.mark.parametrize(
    ("outcome", "family", "message"),
    [
        ("y", "quasibinomial", "needs values from 0 to 1"),
        ("x", "quasipoisson", "needs values from 0 to inf"),
        ("y", "probit", "'probit' is no family; use gaussian, quasibinomial, quasipoisson"),
        ("answer", "gaussian", "answer is a category"),
    ],
)
def test_outcomes_outside_the_family_are_refused(outcome: str, family: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        glm(sample(), outcome, ["group"], family)


def test_constant_outcomes_and_unknown_errors_are_refused() -> None:
    design = sample().with_columns(flat=np.full(240, 3.0))
    with pytest.raises(EstimateError, match="flat is 3 in every case"):
        glm(design, "flat", ["x"])
    with pytest.raises(EstimateError, match="'hc3' is none of linearized, bell_mccaffrey"):
        glm(design, "y", ["x"], standard_errors="hc3")
    one = design.with_columns(one=design.data["sex"].take(np.zeros(240, int)))
    with pytest.raises(EstimateError, match="in every case"):
        glm(one, "one", ["x"], "quasibinomial")


def test_no_degrees_of_freedom_give_no_p_value() -> None:
    y = np.array([1.0, 2.0, 4.0, 4.5])
    design = type(sample()).create(
        {"y": y, "x": np.array([0.0, 1.0, 2.0, 4.0]), "unit": np.array([0, 0, 1, 1])}, psu="unit"
    )
    model = glm(design, "y", ["x"])
    assert model.df == 0
    assert np.isnan(model.p_value).all()


def test_a_category_without_a_second_level_is_no_outcome() -> None:
    design = sample()
    one = design.with_columns(one=category("one", np.zeros(240), "yes"))
    with pytest.raises(EstimateError, match="one has one category"):
        glm(one, "one", ["x"], "quasibinomial")


def test_an_outlying_value_of_a_covariate_is_no_separation() -> None:
    design = sample()
    x = design.data["x"].values.copy()
    x[0] = 400.0
    model = glm(design.with_columns(x=x), "yes", ["x"], "quasibinomial")
    assert abs(model.estimate[1]) < 1


def test_a_bad_start_is_mended_by_halving_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(50), rng.normal(size=50)])
    y, w = rng.poisson(3.0, 50).astype(float), np.ones(50)
    family = FAMILIES["quasipoisson"]
    direct = regression.fit(x, y, w, family, ["one", "x"])
    np.testing.assert_allclose(
        regression.fit(x, y, w, family, ["one", "x"], np.array([-9.0, 0.0])), direct, rtol=1e-9
    )
    # Where rounding keeps the predictor moving, a step small enough is taken for the end.
    monkeypatch.setattr(regression, "CONVERGED", -1.0)
    np.testing.assert_allclose(regression.fit(x, y, w, family, ["one", "x"]), direct, rtol=1e-9)


def test_weights_that_leave_no_full_rank_have_no_solution() -> None:
    x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    assert regression._solve(x, np.ones(4), np.array([1.0, 1, 0, 0])) is None
    assert regression._solve(np.column_stack([x, x[:, 1]]), np.ones(4), np.ones(4)) is None


def test_units_of_measurement_do_not_matter() -> None:
    design = sample()
    euros = design.with_columns(x=design.data["x"].values * 1e9)
    a, b = (glm(d, "yes", ["x", "group"], "quasibinomial") for d in (design, euros))
    np.testing.assert_allclose(b.estimate[1] * 1e9, a.estimate[1], rtol=1e-9)
    np.testing.assert_allclose(b.t, a.t, rtol=1e-8)


def test_deviance_is_never_negative() -> None:
    y = np.array([0.0, 0.3, 1.0])
    for family in FAMILIES.values():
        mu = family.mean(family.start(y))
        assert (family.deviance(y, mu) >= -1e-12).all()
        assert (family.deviance(y, np.clip(y, 1e-300, 1)) <= 1e-9).all()

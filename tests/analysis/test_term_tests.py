import numpy as np
import pytest

from analysis.errors import EstimateError
from analysis.regression import glm
from analysis.term_tests import term_test
from tests.analysis.samples import sample


def test_one_coefficient_is_its_t_test_squared() -> None:
    design = sample()
    model = glm(design, "y", ["x", "group"])
    test = term_test(design, model, "x")
    np.testing.assert_allclose(test.statistic, model.t[1] ** 2)
    np.testing.assert_allclose(test.p_value, model.p_value[1], rtol=1e-9)
    assert (test.df, test.ddf, test.terms) == (1, model.df, ("x",))


def test_working_tests_agree_with_each_other_in_a_linear_model() -> None:
    """In a linear model the fall of the deviance is the working Wald statistic exactly."""
    design = sample()
    model = glm(design, "y", ["x", "group"])
    lrt, wald = (term_test(design, model, ["group"], method) for method in ("lrt", "working_wald"))
    np.testing.assert_allclose(lrt.statistic, wald.statistic, rtol=1e-9)
    np.testing.assert_allclose(lrt.p_value, wald.p_value, rtol=1e-9)
    assert lrt.weights.shape == (2,)


def test_working_and_design_based_tests_find_the_same() -> None:
    design = sample(n=600)
    model = glm(design, "yes", ["x", "group"], "quasibinomial")
    p = [term_test(design, model, ["group"], m).p_value for m in ("wald", "lrt", "working_wald")]
    assert max(p) < 0.001
    p = [term_test(design, model, ["x"], "lrt", a).p_value for a in ("exact", "saddlepoint", "satterthwaite")]
    np.testing.assert_allclose(p, p[0], atol=0.02)


def test_all_terms_and_interactions_can_be_tested() -> None:
    design = sample()
    model = glm(design, "yes", ["sex", "group", ("sex", "group")], "quasibinomial")
    assert term_test(design, model, [("group", "sex")]).df == 2
    alone = glm(design, "yes", ["group"], "quasibinomial", intercept=False)
    assert term_test(design, alone, ["group"], "lrt").df == 3


def test_unknown_terms_and_tests_are_named() -> None:
    design = sample()
    model = glm(design, "y", ["x", "group"])
    with pytest.raises(EstimateError, match="The model has no term sex; its terms are x, group"):
        term_test(design, model, ["sex"])
    with pytest.raises(EstimateError, match="use wald, working_wald or lrt"):
        term_test(design, model, ["x"], "score")

import numpy as np
import pytest
from scipy import stats

from analysis import replication
from analysis.contingency import STATISTICS, association, kappa
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from tests.analysis.samples import category, permuted, sample


def simple(n: int = 400, seed: int = 2) -> SurveyDesign:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 2, n), rng.integers(0, 3, n)
    return SurveyDesign.create({"a": category("a", a, "no", "yes"), "b": category("b", b, "1", "2", "3")})


def test_equal_weights_without_design_come_close_to_pearson() -> None:
    design = simple(4000)
    table = np.histogram2d(design.data["a"].values, design.data["b"].values, [2, 3])[0]
    plain = stats.chi2_contingency(table, correction=False)
    found = association(design, "a", "b", "chisq")
    np.testing.assert_allclose(found.statistic, plain.statistic, rtol=1e-9)
    np.testing.assert_allclose(found.p_value, plain.pvalue, rtol=0.02)
    np.testing.assert_allclose(found.delta, 1.0, rtol=0.05)
    np.testing.assert_allclose(found.proportions.sum(), 1.0)


def test_all_statistics_answer_the_same_question() -> None:
    design = sample(n=800)
    p = {s: association(design, "group", "answer", s).p_value for s in STATISTICS}
    assert max(p.values()) < 0.001
    null = simple()
    p = {s: association(null, "a", "b", s).p_value for s in STATISTICS}
    assert max(p.values()) - min(p.values()) < 0.05


@pytest.mark.parametrize("statistic", STATISTICS)
def test_order_of_rows_and_scale_of_weights_do_not_matter(statistic: str) -> None:
    design = sample()
    found = association(design, "group", "sex", statistic)
    scaled = SurveyDesign.create(design.data, design.weights * 3, "stratum", "unit")
    for other in (permuted(design), scaled):
        np.testing.assert_allclose(
            association(other, "group", "sex", statistic).p_value, found.p_value, rtol=1e-7
        )


def test_replicates_agree_with_linearisation() -> None:
    design = sample(n=600)
    jackknife = replication.stratified_jackknife(design)
    for statistic in ("F", "wald", "exact"):
        a, b = (association(d, "group", "sex", statistic) for d in (design, jackknife))
        np.testing.assert_allclose(b.p_value, a.p_value, rtol=0.05)


def test_rows_without_an_answer_and_unused_levels_are_left_out() -> None:
    design = sample()
    codes = design.data["group"].values.copy()
    codes[:10] = -1
    wide = design.with_columns(group=category("group", codes, "old", "mid", "new", "never used"))
    found = association(wide, "group", "sex")
    assert found.rows == ("old", "mid", "new")
    assert found.base == len(design) - 10


def test_a_category_whose_cases_all_lack_the_other_answer_is_named() -> None:
    design = sample()
    sex = design.data["sex"].values.copy()
    sex[design.data["group"].values == 1] = -1
    with pytest.raises(EstimateError, match="group: mid has no case in which the other variable is observed"):
        association(design.with_columns(sex=category("sex", sex, "f", "m")), "group", "sex")


def test_constant_variables_unknown_statistics_and_too_few_psus_are_named() -> None:
    design = sample()
    with pytest.raises(EstimateError, match="group has 1 categories among the cases"):
        association(design.subset(design.data["group"].values == 0), "group", "sex")
    with pytest.raises(EstimateError, match="'G2' is no statistic of a table"):
        association(design, "group", "sex", "G2")
    small = SurveyDesign.create({**design.data, "unit": np.arange(240) // 60}, psu="unit")
    with pytest.raises(EstimateError, match="A Wald test of 8 contrasts needs at least 8 degrees of freedom"):
        association(small, "group", "answer", "wald")


def test_kappa_of_identical_and_of_independent_codings() -> None:
    design = simple(6000)
    copy = design.with_columns(second=category("second", design.data["a"].values, "no", "yes"))
    assert kappa(copy, "a", "second").estimate[0] == pytest.approx(1.0)
    other = category("other", np.random.default_rng(9).integers(0, 2, 6000), "no", "yes")
    found = kappa(design.with_columns(other=other), "a", "other")
    assert abs(found.estimate[0]) < 3 * found.se[0]
    with pytest.raises(EstimateError, match="agreement needs the same"):
        kappa(design, "a", "b")

"""Variance of totals by hand, and the lonely-PSU rules (reference: ``tests/oracle``, group *lonely psu*)."""

import numpy as np
import pytest

from analysis import estimates, sampling
from analysis.design import SurveyDesign
from analysis.errors import DesignError
from analysis.tabulation import tabulate


def test_stratified_total_by_hand() -> None:
    """V = sum over strata of N_h^2 (1 - f_h) s_h^2 / n_h (Cochran 1977, 5.8)."""
    y = np.array([1.0, 3.0, 5.0, 2.0, 8.0])
    design = SurveyDesign.create(
        {"y": y, "h": ["a", "a", "a", "b", "b"], "N": [30, 30, 30, 8, 8]}, strata="h", fpc="N"
    )
    assert design.weights.tolist() == [10, 10, 10, 4, 4]
    by_hand = 30**2 * (1 - 3 / 30) * 4 / 3 + 8**2 * (1 - 2 / 8) * 18 / 2
    assert design.covariance(design.weights * y)[0, 0] == pytest.approx(by_hand, rel=1e-14)


def test_two_stages_by_hand() -> None:
    """V = N^2 (1-f) s_b^2 / n + (N/n) sum of M_i^2 (1-f_i) s_i^2 / m_i (Särndal et al. 1992, 4.3)."""
    y = np.array([1.0, 2.0, 4.0, 8.0])
    data = {"y": y, "psu": [1, 1, 2, 2], "unit": [1, 2, 1, 2], "N": [5, 5, 5, 5], "M": [4, 4, 6, 6]}
    design = SurveyDesign.create(data, psu=["psu", "unit"], fpc=["N", "M"])
    totals = np.array([4 / 2 * 3, 6 / 2 * 12])
    first = 25 * (1 - 2 / 5) * totals.var(ddof=1) / 2
    second = 5 / 2 * (16 * (1 - 2 / 4) * 0.5 / 2 + 36 * (1 - 2 / 6) * 8 / 2)
    assert design.covariance(design.weights * y)[0, 0] == pytest.approx(first + second, rel=1e-13)


def test_sampling_fractions_are_population_sizes_in_other_words() -> None:
    data = {"y": [1.0, 4.0, 6.0], "f": [0.5, 0.5, 0.5], "N": [6, 6, 6]}
    a, b = (SurveyDesign.create(data, fpc=name) for name in ("f", "N"))
    assert a.weights.tolist() == b.weights.tolist() == [2, 2, 2]
    assert np.array_equal(a.covariance(a.data["y"].values), b.covariance(b.data["y"].values))


LONELY = {"y": [1.0, 2.0, 6.0, 9.0], "h": ["a", "a", "b", "c"], "w": [1.0, 1.0, 1.0, 1.0]}


@pytest.mark.parametrize(
    ("rule", "by_hand"),
    [
        ("remove", 1.0),
        ("certainty", 1.0),
        ("adjust", 1.0 + (6 - 4.5) ** 2 + (9 - 4.5) ** 2),
        ("average", 3.0),
    ],
)
def test_lonely_rules_by_hand(rule: str, by_hand: float) -> None:
    design = SurveyDesign.create(LONELY, weights="w", strata="h", lonely=rule)
    assert design.covariance(design.data["y"].values)[0, 0] == pytest.approx(by_hand, rel=1e-14)


def test_a_lonely_psu_is_named_by_default() -> None:
    design = SurveyDesign.create(LONELY, weights="w", strata="h")
    with pytest.raises(DesignError) as caught:
        design.covariance(design.data["y"].values)
    assert (caught.value.code, caught.value.params["strata"]) == ("lonely_psu", ["b", "c"])
    assert "Merge" in str(caught.value)


def test_a_stratum_taken_completely_is_not_lonely() -> None:
    data = {**LONELY, "N": [9, 9, 1, 1]}
    design = SurveyDesign.create(data, weights="w", strata="h", fpc="N")
    assert design.covariance(design.data["y"].values)[0, 0] == pytest.approx((1 - 2 / 9) * 1.0)


def test_average_needs_a_stratum_to_average_over() -> None:
    design = SurveyDesign.create({"y": [1.0, 2.0], "h": ["a", "b"]}, strata="h", lonely="average")
    with pytest.raises(DesignError) as caught:
        design.covariance(np.ones(2))
    assert caught.value.code == "all_lonely"


def test_average_counts_strata_of_the_domain_only() -> None:
    design = SurveyDesign.create(
        {"y": [1.0, 2.0, 6.0, 9.0, 3.0], "h": list("aabcc")}, strata="h", lonely="average"
    )
    whole = design.covariance(design.data["y"].values)[0, 0]
    part = design.subset(np.array([1, 1, 1, 0, 0], bool))
    assert whole == pytest.approx((1.0 + 36.0) * 3 / 2)
    assert part.covariance(part.weights * part.data["y"].values)[0, 0] == pytest.approx(1.0 * 2)


@pytest.mark.parametrize(
    ("fpc", "code"),
    [
        ([30, 30, 20, 8, 8], "uneven_fpc"),
        ([2, 2, 2, 8, 8], "oversampled"),
        ([0.5, 0.5, 0.5, 8, 8], "mixed_fpc"),
        ([30, 30, 30, 0, 0], "bad_fpc"),
        ([30, 30, np.nan, 8, 8], "bad_fpc"),
    ],
)
def test_impossible_population_sizes_are_named(fpc: list[float], code: str) -> None:
    with pytest.raises(DesignError) as caught:
        SurveyDesign.create({"h": list("aaabb"), "N": fpc}, strata="h", fpc="N")
    assert caught.value.code == code


def test_unknown_rule() -> None:
    with pytest.raises(DesignError):
        sampling.stage_factors(sampling.simple(3, None)[0], "ignore")


def test_simple_random_sampling_needs_no_sorting() -> None:
    quick = SurveyDesign.create({"y": [1.0, 5.0, 3.0], "N": [9, 9, 9]}, fpc="N")
    slow = SurveyDesign.create({"y": [1.0, 5.0, 3.0], "N": [9, 9, 9], "h": ["x"] * 3}, strata="h", fpc="N")
    score = quick.weights * quick.data["y"].values
    assert quick.covariance(score)[0, 0] == pytest.approx(slow.covariance(score)[0, 0], rel=1e-14)


def test_further_stages_need_population_sizes_to_count() -> None:
    """Without them the first stage carries the whole variance (ultimate clusters)."""
    data = {"y": [1.0, 2.0, 5.0, 9.0], "psu": [1, 1, 2, 2], "unit": [1, 2, 3, 4]}
    both, first = SurveyDesign.create(data, psu=["psu", "unit"]), SurveyDesign.create(data, psu="psu")
    assert len(both.plan) == 1
    assert np.array_equal(both.covariance(both.data["y"].values), first.covariance(first.data["y"].values))


def test_many_strata_of_few_units() -> None:
    strata = np.repeat(np.arange(40), 2)
    y = np.random.default_rng(1).normal(size=80)
    design = SurveyDesign.create({"y": y, "h": strata, "u": np.arange(80)}, strata="h", psu="u")
    by_hand = sum(2 * y[strata == h].var(ddof=1) for h in range(40))
    assert design.covariance(y)[0, 0] == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("rule", ["average", "remove", "adjust"])
def test_a_group_has_the_error_of_its_subset_under_every_lonely_rule(rule: str) -> None:
    """R: ``SE(svyby(~y, ~g, d, svymean))`` equals ``SE(svymean(~y, subset(d, g == ...)))``."""
    data = {"y": [1.0, 2.0, 6.0, 9.0, 3.0, 4.0, 8.0], "h": list("aabccdd"), "g": list("xyxyyxy")}
    design = SurveyDesign.create(data, strata="h", lonely=rule)
    made = estimates.mean(design, "y", by="g")
    code = design.data["g"].values
    alone = [estimates.mean(design.subset(code == k), "y").se[0] for k in (0, 1)]
    assert made.se == pytest.approx(np.array(alone), rel=1e-12)
    assert tabulate(design, ["h"], by="g").se == pytest.approx(_by_category(design), rel=1e-12)


def _by_category(design: SurveyDesign) -> np.ndarray:
    """Errors of the shares of ``h`` by ``g``, group by group."""
    return estimates.mean(design, "h", by="g").se.reshape(4, 2).T.ravel()


def test_a_group_of_lonely_strata_only_has_no_error() -> None:
    data = {"y": [1.0, 2.0, 6.0, 9.0], "h": list("aabc"), "g": list("xxyy")}
    made = estimates.mean(SurveyDesign.create(data, strata="h", lonely="average"), "y", by="g")
    assert (made.estimate.tolist(), np.isnan(made.se).tolist()) == ([1.5, 7.5], [False, True])


def test_units_that_are_all_alike_have_exactly_no_variance() -> None:
    """``svymean(~h, d)`` of the strata themselves is known without error: R gives 0, not rounding."""
    design = SurveyDesign.create({"h": list("aaabbbbccc"), "w": [0.1] * 3 + [0.7] * 4 + [1.3] * 3}, "w", "h")
    assert estimates.mean(design, "h").covariance.tolist() == np.zeros((3, 3)).tolist()

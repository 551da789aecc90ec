import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import replication
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.ranks import SCORES, TIES, population_shares, rank_test
from tests.analysis.samples import category, permuted, sample


def test_ranks_of_equal_weights_are_mid_ranks() -> None:
    y = np.array([3.0, 1.0, 3.0, 2.0, 5.0])
    for ties in TIES:
        np.testing.assert_allclose(population_shares(y, np.ones(5), ties), (stats.rankdata(y) - 0.5) / 5)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0.5, 9)), min_size=2, max_size=30), st.integers(0, 99))
def test_mid_ranks_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, float]], seed: int) -> None:
    y, w = np.array([float(v) for v, _ in rows]), np.array([x for _, x in rows])
    order = np.random.default_rng(seed).permutation(len(y))
    np.testing.assert_allclose(
        population_shares(y[order], w[order]), population_shares(y, w)[order], rtol=1e-12
    )


def test_the_references_rule_for_ties_depends_on_the_order_of_rows() -> None:
    """Two tied cases of weight 1 and 3: the middle of their mass is 2; in row order it is 1.5 or 2.5."""
    y = np.array([1.0, 1.0])
    assert population_shares(y, np.array([1.0, 3.0])).tolist() == [0.5, 0.5]
    assert population_shares(y, np.array([1.0, 3.0]), "row_order").tolist() == [0.375, 0.375]
    assert population_shares(y, np.array([3.0, 1.0]), "row_order").tolist() == [0.625, 0.625]


def test_a_simple_sample_comes_close_to_the_classical_tests() -> None:
    rng = np.random.default_rng(4)
    group, y = rng.integers(0, 3, 900), rng.normal(size=900)
    y = y + 0.15 * group
    design = SurveyDesign.create({"y": y, "g": category("g", group, "a", "b", "c")})
    classical = stats.kruskal(*(y[group == k] for k in range(3)))
    found = rank_test(design, "y", "g")
    np.testing.assert_allclose(found.statistic, classical.statistic, rtol=0.05)
    assert (found.df, found.ddf) == (2, 897)
    two = rank_test(design.subset(group < 2), "y", "g")
    mann = stats.mannwhitneyu(y[group == 0], y[group == 1])
    np.testing.assert_allclose(two.p_value, mann.pvalue, rtol=0.1)
    assert two.groups == ("a", "b")


@pytest.mark.parametrize("scores", list(SCORES))
def test_every_score_finds_a_shift_and_ignores_the_order_of_rows(scores: str) -> None:
    design = sample(n=800)
    found = rank_test(design, "y", "group", scores)
    assert found.p_value < 1e-6
    np.testing.assert_allclose(
        rank_test(permuted(design), "y", "group", scores).p_value, found.p_value, rtol=1e-6
    )
    assert (np.diff(found.mean_scores) > 0).all()


def test_ordered_categories_rank_by_their_levels_and_missing_answers_leave() -> None:
    design = sample()
    codes = design.data["answer"].values
    numeric = rank_test(design.with_columns(number=codes.astype(float)), "number", "sex")
    assert rank_test(design, "answer", "sex").p_value == numeric.p_value
    gaps = codes.copy()
    gaps[:5] = -1
    answer = category("answer", gaps, *design.data["answer"].levels)
    assert rank_test(design.with_columns(answer=answer), "answer", "sex").base == len(design) - 5


def test_what_cannot_be_ranked_is_named() -> None:
    design = sample()
    with pytest.raises(EstimateError, match="'savage' is no rank score"):
        rank_test(design, "y", "sex", "savage")
    with pytest.raises(EstimateError, match="sex has 1 groups"):
        rank_test(design.subset(design.data["sex"].values == 0), "y", "sex")
    with pytest.raises(EstimateError, match="flat is the same in every case"):
        rank_test(design.with_columns(flat=np.ones(len(design))), "flat", "sex")
    with pytest.raises(EstimateError, match="use midrank or row_order"):
        rank_test(design, "y", "sex", ties="random")


def test_replicates_with_mse_are_measured_from_the_full_sample() -> None:
    """Scores of the full sample sum to 0: their replicates are measured from 0, not from their own mean."""
    design = sample(5, clustered=True)
    about, plain = (replication.bootstrap(design, 30, seed=2, mse=mse) for mse in (True, False))
    scores = design.weights * design.data["y"].values
    totals = about.replicates.score_totals(scores[:, None], design.weights)
    full = scores.sum()
    assert about.covariance(scores)[0, 0] == pytest.approx(
        about.replicates.scale * ((totals - full) ** 2).sum(), rel=1e-12
    )
    assert plain.covariance(scores)[0, 0] == pytest.approx(
        plain.replicates.scale * ((totals - totals.mean()) ** 2).sum(), rel=1e-12
    )


def test_a_group_of_ties_at_the_median_is_not_above_it() -> None:
    """Seven weights of 0.1: the middle of the middle one is the median, though their sums are rounded."""
    shares = population_shares(np.array([1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]), np.full(7, 0.1))
    assert SCORES["median"](shares).tolist() == [0, 0, 0, 0, 1, 1, 1]
    for n in range(3, 200, 2):
        assert SCORES["median"](population_shares(np.arange(n) * 1.0, np.full(n, 0.1))).sum() == n // 2

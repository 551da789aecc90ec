import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import estimates, proportions, replication, tabulation
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.errors import DataError, EstimateError
from analysis.margins import Margins
from analysis.partial_sums import Frame, PartialSums
from tests.analysis.samples import sample


def with_gaps(seed: int, clustered: bool) -> SurveyDesign:
    design = sample(seed, clustered=clustered)
    rng = np.random.default_rng(seed)
    answer, group = (design.data[n].values.copy() for n in ("answer", "group"))
    answer[rng.random(240) < 0.1] = -1
    group[rng.random(240) < 0.05] = -1
    return design.with_columns(
        answer=Column("answer", "category", answer, design.data["answer"].levels),
        group=Column("group", "category", group, design.data["group"].levels),
    )


def same(book: tabulation.Book, design: SurveyDesign, by: str | None, method: str = "wilson") -> None:
    for question in ("answer", "sex"):
        fast = book.table(question)
        slow = proportions.proportion(design, question, by=by, method=method)
        order = [slow.position(name) for name in fast.names]
        for figure in ("estimate", "se", "low", "high", "deff", "base", "effective_n"):
            a, b = getattr(fast, figure), getattr(slow, figure)[order]
            keep = fast.se > 0  # Without a variance both give an exact interval, on different effective n.
            assert np.allclose(a[keep], b[keep], rtol=1e-9, equal_nan=True), (question, figure)
        assert np.allclose(fast.covariance, slow.covariance[np.ix_(order, order)], rtol=1e-9, atol=1e-17)
        assert [fast.rows[i] for i in range(2)] == [slow.rows[order[i]] for i in range(2)]


@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize("by", [None, "group"])
@pytest.mark.parametrize("lonely", ["fail", "adjust"])
def test_a_book_equals_the_estimates_one_by_one(clustered: bool, by: str | None, lonely: str) -> None:
    from dataclasses import replace

    design = replace(with_gaps(4, clustered), lonely=lonely)
    same(tabulation.tabulate(design, ["answer", "sex"], by=by), design, by)


def test_replicates_and_calibrated_weights() -> None:
    design = with_gaps(5, True)
    repeated = replication.bootstrap(design, 50, seed=1)
    same(
        tabulation.tabulate(repeated, ["answer", "sex"], "group", interval="xlogit"),
        repeated,
        "group",
        "xlogit",
    )
    mse = replication.stratified_jackknife(design, mse=True)
    same(tabulation.tabulate(mse, ["answer", "sex"], "group", interval="xlogit"), mse, "group", "xlogit")
    raked = design.rake(Margins.from_dict({"sex": {"f": 500, "m": 600}}))
    same(tabulation.tabulate(raked, ["answer", "sex"], "group"), raked, "group")


def test_lonely_elements_are_centred_at_the_grand_mean() -> None:
    codes = np.array([0, 1, 0, 1, 1, 0])
    data = {"q": Column("q", "category", codes, ("n", "y")), "h": list("aabbbc")}
    design = SurveyDesign.create(data, strata="h", lonely="adjust")
    book = tabulation.tabulate(design, ["q"])
    assert book.se == pytest.approx(estimates.mean(design, "q").se, rel=1e-9)


def rows(n: int, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    answers = [rng.integers(-1, 3, n).astype(np.int8), rng.integers(-1, 2, n).astype(np.int8)]
    return rng.integers(0, 7, n), rng.integers(1, 5, n).astype(float), rng.integers(-1, 4, n), answers


@given(st.integers(0, 1000), st.integers(1, 299), st.booleans())
def test_chunks_equal_the_whole(seed: int, cut: int, elements: bool) -> None:
    """To the last bit, because the weights are whole numbers."""
    unit, weights, domain, answers = rows(300, seed)
    frame = Frame(7, 4, (3, 2), elements)
    whole, first, second = (PartialSums.empty(frame) for _ in range(3))
    whole.add(unit, weights, domain, answers)
    first.add(unit[:cut], weights[:cut], domain[:cut], [a[:cut] for a in answers])
    second.add(unit[cut:], weights[cut:], domain[cut:], [a[cut:] for a in answers])
    joined = first.merge(second)
    for name in ("totals", "squares", "counts"):
        assert all(
            np.array_equal(a, b) for a, b in zip(getattr(whole, name), getattr(joined, name), strict=True)
        )
    assert np.array_equal(whole.rows, joined.rows)
    assert np.array_equal(whole.size, joined.size)


@given(st.integers(0, 1000))
def test_counts_do_not_depend_on_the_order_of_rows(seed: int) -> None:
    unit, weights, domain, answers = rows(200, seed)
    order = np.random.default_rng(seed).permutation(200)
    a, b = (PartialSums.empty(Frame(7, 4, (3, 2))) for _ in range(2))
    a.add(unit, weights, domain, answers)
    b.add(unit[order], weights[order], domain[order], [x[order] for x in answers])
    assert all(np.array_equal(x, y) for x, y in zip(a.totals, b.totals, strict=True))
    assert all(np.array_equal(x, y) for x, y in zip(a.counts, b.counts, strict=True))


def test_sums_of_different_tables_do_not_mix() -> None:
    sums = PartialSums.empty(Frame(7, 4, (3, 2)))
    with pytest.raises(DataError) as caught:
        sums.merge(PartialSums.empty(Frame(7, 4, (3,))))
    assert caught.value.code == "unlike_tables"
    unit, weights, domain, answers = rows(10)
    with pytest.raises(DataError) as caught:
        sums.add(unit, weights, domain, answers[:1])
    assert caught.value.code == "question_count"


def test_a_group_without_answers_is_empty_and_not_wrong() -> None:
    design = sample(4)
    codes = np.where(design.data["group"].values == 1, -1, design.data["answer"].values)
    design = design.with_columns(answer=Column("answer", "category", codes, design.data["answer"].levels))
    book = tabulation.tabulate(design, ["answer"], "group")
    assert np.isnan(book.estimate[5:10]).all()
    assert np.isnan(book.low[5:10]).all()
    assert book.base[5:10].tolist() == [0.0] * 5
    assert np.isfinite(book.se[:5]).all()
    repeated = replication.bootstrap(design, 20, seed=1)
    assert np.isfinite(tabulation.tabulate(repeated, ["answer"], "group").se[:5]).all()
    assert np.isnan(tabulation.tabulate(repeated, ["answer"], "group").table("answer").covariance[5, 5])


def test_books_as_tables_and_questions_they_do_not_have() -> None:
    book = tabulation.tabulate(sample(4), ["answer", "sex"], "group")
    assert len(book.to_dict()["estimate"]) == 3 * 5 + 3 * 2
    with pytest.raises(EstimateError) as caught:
        book.table("income")
    assert caught.value.code == "no_such_question"
    with pytest.raises(EstimateError) as caught:
        tabulation.tabulate(sample(4), ["answer"], interval="exact")
    assert caught.value.code == "interval"


def test_memory_does_not_grow_with_rows() -> None:
    import tracemalloc

    sums = PartialSums.empty(Frame(20, 10, (5,) * 4, elements=True))
    rng = np.random.default_rng(1)
    tracemalloc.start()
    for _ in range(3):
        answers = [rng.integers(0, 5, 100_000).astype(np.int8) for _ in range(4)]
        sums.add(
            rng.integers(0, 20, 100_000).astype(np.int8),
            np.ones(100_000),
            np.zeros(100_000, np.int8),
            answers,
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6
    assert sums.size.sum() == 300_000

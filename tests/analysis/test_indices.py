import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import indices
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.indices import boxes, items, need, one_factor, reliability, score
from tests.analysis.samples import category


def battery(seed: int = 1, n: int = 500, loadings: tuple[float, ...] = (0.9, 0.8, 0.7, 0.6)) -> SurveyDesign:
    """Items of one factor with known loadings and uniquenesses that make every variance 1."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=n)
    data = {f"q{j}": a * factor + np.sqrt(1 - a**2) * rng.normal(size=n) for j, a in enumerate(loadings)}
    return SurveyDesign.create({**data, "h": np.arange(n) % 5}, weights=rng.uniform(1, 2, n), strata="h")


NAMES = ["q0", "q1", "q2", "q3"]


def test_alpha_is_that_of_the_reference(reference: object) -> None:
    """R: svycralpha(~meals+ell+emer, dstrat) = 0.764202146017241; ~api00+api99+full = 0.781787595521245."""
    from tests.oracle.session import Session

    design = Session(reference / "r-survey").objects["dstrat"]  # type: ignore[operator]
    found = reliability(design, items(design, ["meals", "ell", "emer"]))
    assert found.alpha == pytest.approx(0.764202146017241, rel=1e-12)
    other = reliability(design, items(design, ["api00", "api99", "full"]))
    assert other.alpha == pytest.approx(0.781787595521245, rel=1e-12)


def test_reliability_of_known_loadings() -> None:
    loadings = np.array([0.9, 0.8, 0.7, 0.6])
    design = battery(n=40_000)
    found = reliability(design, items(design, NAMES))
    total = loadings.sum() ** 2
    omega = total / (total + np.sum(1 - loadings**2))
    assert abs(found.omega - omega) < 4 * found.omega_se
    assert found.omega_low < omega < found.omega_high
    np.testing.assert_allclose(found.loadings, loadings, atol=0.02)
    assert found.alpha < found.omega
    assert found.alpha_low < found.alpha < found.alpha_high
    assert found.base == 40_000


def test_equal_loadings_make_alpha_and_omega_equal() -> None:
    sigma = np.full((4, 4), 0.36) + np.eye(4) * 0.64
    np.testing.assert_allclose(one_factor(sigma), 0.6, rtol=1e-9)
    design = battery(loadings=(0.6, 0.6, 0.6), n=20_000)
    found = reliability(design, items(design, NAMES[:3]))
    assert found.alpha == pytest.approx(found.omega, abs=0.01)


@pytest.mark.slow
def test_the_standard_error_of_alpha_agrees_with_simulation() -> None:
    runs = [reliability(d, items(d, NAMES)) for d in (battery(s, 200) for s in range(300))]
    assert np.mean([r.alpha_se for r in runs]) == pytest.approx(np.std([r.alpha for r in runs]), rel=0.12)
    assert np.mean([r.omega_se for r in runs]) == pytest.approx(np.std([r.omega for r in runs]), rel=0.12)
    truth = reliability(battery(1, 200_000), items(battery(1, 200_000), NAMES)).alpha
    assert np.mean([r.alpha_low < truth < r.alpha_high for r in runs]) == pytest.approx(0.95, abs=0.04)


def test_alpha_without_an_item_and_item_rest_correlations() -> None:
    design = battery()
    noise = design.with_columns(q3=np.random.default_rng(7).normal(size=len(design)))
    found = reliability(noise, items(noise, NAMES))
    assert int(np.argmax(found.alpha_without)) == 3
    assert abs(found.item_rest[3]) < 0.2 < found.item_rest[0]
    rest = found.alpha_without[3]
    assert rest == pytest.approx(reliability(noise, items(noise, NAMES[:3])).alpha)


def test_two_items_have_alpha_but_no_omega() -> None:
    design = battery()
    found = reliability(design, items(design, NAMES[:2]))
    assert np.isfinite(found.alpha_se)
    assert np.isnan(found.omega)
    assert np.isnan(found.loadings).all()
    assert np.isnan(found.alpha_without).all()


def test_a_heywood_case_has_no_omega() -> None:
    assert one_factor(np.array([[1.0, 0.9, 0.9], [0.9, 1.0, 0.3], [0.9, 0.3, 1.0]])) is None
    assert one_factor(np.eye(3)) is not None
    design = battery(loadings=(0.99, 0.95, 0.2), n=30)
    rng = np.random.default_rng(4)
    a = rng.normal(size=30)
    unlike = design.with_columns(q0=a, q1=a + rng.normal(0, 0.3, 30), q2=rng.normal(size=30) - 0.2 * a)
    found = reliability(unlike, items(unlike, NAMES[:3]))
    assert np.isfinite(found.alpha)
    assert np.isnan(found.omega) or abs(found.omega) <= 1


def test_a_statistic_that_breaks_nearby_has_no_standard_error() -> None:
    design = battery(n=20)
    value, se = indices._with_error(design, np.ones((20, 9)), np.eye(3), lambda sigma: float("nan"))
    assert np.isnan(value)
    assert np.isnan(se)


def test_reversed_items_are_turned_on_the_scale() -> None:
    data = {"a": np.array([1.0, 5.0, 2.0]), "b": np.array([5.0, 1.0, np.nan])}
    found = items(SurveyDesign.create(data), ["a", "b"], reverse=["b"], scale=(1, 5))
    np.testing.assert_array_equal(found.values, [[1, 1], [5, 5], [2, np.nan]])


def test_categories_count_their_levels_unless_they_are_numbers() -> None:
    data = {
        "a": category("a", np.array([0, 2, -1]), "never", "some", "often"),
        "b": category("b", np.array([0, 1, 1]), "10", "20"),
    }
    found = items(SurveyDesign.create(data), ["a", "b"])
    np.testing.assert_array_equal(found.values, [[1, 10], [3, 20], [np.nan, 20]])


def test_the_missing_item_rule() -> None:
    nan = float("nan")
    data = {"q0": np.array([1.0, 2, 5, 1]), "q1": np.array([3, nan, nan, 1]), "q2": np.array([5, 4, nan, 1])}
    found = items(SurveyDesign.create(data), ["q0", "q1", "q2"], scale=(1, 5))
    np.testing.assert_allclose(score(found, 0.5), [3, 3, nan, 1])
    np.testing.assert_allclose(score(found, 1.0), [3, nan, nan, 1])
    np.testing.assert_allclose(score(found, 1 / 3), [3, 3, 5, 1])
    np.testing.assert_allclose(score(found, 0.5, "sum"), [9, 9, nan, 3])
    np.testing.assert_allclose(score(found, 0.5, rescale=(0, 100)), [50, 50, nan, 0])


@given(st.floats(0.1, 1))
def test_an_index_stays_on_its_scale(share: float) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(1, 6, (40, 4)).astype(float)
    values[rng.random((40, 4)) < 0.3] = np.nan
    design = SurveyDesign.create({f"q{j}": values[:, j] for j in range(4)})
    found = score(items(design, NAMES, scale=(1, 5)), share)
    seen = found[~np.isnan(found)]
    assert ((seen >= 1) & (seen <= 5)).all()


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({"a": [1.0, 2.0]}, {}, "at least two items, there are 1"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"reverse": ["c"]}, "c is to be reversed but is no item"),
        ({"a": [1.0, 9.0], "b": [1.0, 2.0]}, {"scale": (1, 5)}, "a contains 9, outside 1 to 5"),
        ({"a": [1.0, 2.0], "b": [3.0, 3.0]}, {}, "b has the same answer in every case"),
        ({"a": [1.0, 2.0], "b": [np.nan, np.nan]}, {}, "b has the same answer"),
        ({"a": [np.nan, np.nan], "b": [np.nan, np.nan]}, {}, "No case answered any of a, b"),
    ],
)
def test_items_that_make_no_index_are_named(data: dict, options: dict, message: str) -> None:
    design = SurveyDesign.create({k: np.array(v) for k, v in data.items()})
    with pytest.raises(EstimateError, match=message):
        items(design, list(data), **options)


def test_rules_that_make_no_sense_are_refused() -> None:
    design = battery(n=20)
    found = items(design, NAMES)
    with pytest.raises(EstimateError, match="lies above 0 and up to 1"):
        score(found, 0.0)
    with pytest.raises(EstimateError, match="'median' is none of mean, sum"):
        score(found, 0.5, "median")
    few = items(battery(n=6).subset(np.arange(6) < 4), NAMES)
    with pytest.raises(EstimateError, match="4 cases answered all of q0"):
        reliability(battery(n=6), few)
    values = np.array([[1.0, 1], [2, 1], [3, 1], [np.nan, 2]])
    half = SurveyDesign.create({"a": values[:, 0], "b": values[:, 1]})
    with pytest.raises(EstimateError, match="b has the same answer in every complete case"):
        reliability(half, items(half, ["a", "b"]))


def test_perfect_items_have_no_interval() -> None:
    x = np.random.default_rng(1).normal(size=50)
    design = SurveyDesign.create({"a": x, "b": x, "c": x})
    found = reliability(design, items(design, ["a", "b", "c"]))
    assert found.alpha == pytest.approx(1.0)
    assert np.isnan(found.alpha_low) or found.alpha_low == pytest.approx(1.0)


def test_boxes() -> None:
    column = category("trust", np.array([0, 1, 2, 3, 4, -1]), "1", "2", "3", "4", "5")
    np.testing.assert_array_equal(boxes(column).values, [0, 0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(boxes(column, -1).values, [1, 0, 0, 0, 0, np.nan])
    named = boxes(column, ["3", "5"], "extremes")
    np.testing.assert_array_equal(named.values, [0, 0, 1, 0, 1, np.nan])
    assert (named.name, boxes(column).name) == ("extremes", "trust: 4, 5")
    for levels in (0, 5):
        with pytest.raises(EstimateError, match="trust has 5 categories"):
            boxes(column, levels)
    with pytest.raises(EstimateError, match="trust has no category '6'"):
        boxes(column, ["6"])


def test_need_items_have_three_states() -> None:
    column = category("course", np.array([0, 1, 2, 0, -1, 3]), "got it", "needed it", "no need", "other")
    found = need(column, "got it", "needed it", "no need")
    np.testing.assert_array_equal(found.received.values, [1, 0, 0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(found.needed.values, [0, 1, 0, 0, np.nan, np.nan])
    np.testing.assert_array_equal(found.not_needed.values, [0, 0, 1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(found.met.values, [1, 0, np.nan, 1, np.nan, np.nan])
    assert found.met.name == "course: met"
    with pytest.raises(EstimateError, match="no category 'maybe'"):
        need(column, "got it", "maybe", "no need")
    with pytest.raises(EstimateError, match="three states need three categories"):
        need(column, "got it", "got it", "no need")
    assert isinstance(found.met, Column)

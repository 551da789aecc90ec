import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.access import rindicators
from participation.access.rindicators import (
    ResponseError,
    classes,
    from_classes,
    partial,
    partial_conditional,
    partial_of_classes,
    propensities,
    r_indicator,
)


def test_equal_propensities_are_fully_representative() -> None:
    found = r_indicator(np.full(10, 0.4), np.full(10, 7.0))
    assert found.r == pytest.approx(1.0)
    assert found.largest_bias == pytest.approx(0.0)
    assert found.mean == pytest.approx(0.4)


def test_the_indicator_by_hand() -> None:
    rho, w = np.array([0.2, 0.6]), np.array([30.0, 10.0])
    found = r_indicator(rho, w)
    s = np.sqrt((30 * 0.1**2 + 10 * 0.3**2) / 39)
    assert found.mean == pytest.approx(0.3)
    assert found.r == pytest.approx(1 - 2 * s)
    assert found.variation == pytest.approx(s / 0.3)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 2), st.floats(1, 50)), min_size=3, max_size=40))
def test_partial_indicators_split_the_variation(rows: list[tuple[float, int, float]]) -> None:
    rho, codes, w = (np.array(v) for v in zip(*rows, strict=True))
    found = partial(rho, w, codes, ("a", "b", "c"))
    assert found.overall == pytest.approx(np.sqrt(np.sum(found.by_category**2)), abs=1e-12)
    whole = r_indicator(rho, w)
    assert found.overall <= whole.sd * np.sqrt((w.sum() - 1) / w.sum()) + 1e-9
    # Between cells of a variable and inside them: the two shares make up the whole variation.
    inside = partial_conditional(rho, w, codes, ("a", "b", "c"), codes)
    total = found.overall**2 * w.sum() / (w.sum() - 1) + inside.overall**2
    assert total == pytest.approx(whole.sd**2, abs=1e-12)


def test_a_variable_adds_nothing_inside_its_own_copy() -> None:
    codes = np.array([0, 0, 1, 1])
    rho = np.array([0.2, 0.2, 0.7, 0.7])
    assert partial_conditional(rho, np.ones(4) * 9, codes, ("a", "b"), codes).overall == 0


def test_propensities_of_a_saturated_model_are_response_rates() -> None:
    group = np.repeat([0, 1, 2], [10, 20, 30])
    responded = np.concatenate([np.arange(10) < 3, np.arange(20) < 10, np.arange(30) < 24])
    matrix = np.column_stack([np.ones(60), group == 1, group == 2]).astype(float)
    rho = propensities(matrix, responded, np.full(60, 3.0))
    np.testing.assert_allclose(rho[[0, 10, 30]], [0.3, 0.5, 0.8], rtol=1e-10)


def test_propensity_models_that_cannot_be_fitted_say_why() -> None:
    x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]]).astype(float)
    with pytest.raises(ResponseError, match="Everybody or nobody"):
        propensities(x, np.ones(6, bool), np.ones(6))
    with pytest.raises(ResponseError, match="separates those who answered"):
        propensities(x, x[:, 1] == 1, np.ones(6))
    with pytest.raises(ResponseError, match="repeats the others"):
        propensities(np.column_stack([x, x[:, 1]]), np.array([1, 0, 1, 0, 1, 0], bool), np.ones(6))


def test_classes_give_rates_factors_and_an_indicator_without_chance_variation() -> None:
    found = classes({"syr": 200, "tur": 100}, {"syr": 40, "tur": 50}, {"syr": 4000, "tur": 1000})
    assert found.rate.tolist() == [0.2, 0.5]
    assert found.factor.tolist() == [5.0, 2.0]
    whole = from_classes(found)
    assert whole.mean == pytest.approx(0.26)
    assert whole.sd == pytest.approx(np.sqrt((0.8 * 0.06**2 + 0.2 * 0.24**2) * 5000 / 4999))
    assert whole.r < whole.adjusted < 1
    assert whole.se > 0
    assert found.to_dict()["class"] == ["syr", "tur"]
    by_region = partial_of_classes(found, {"syr": "asia", "tur": "europe"})
    assert by_region.categories == ("asia", "europe")
    assert by_region.by_category[0] < 0 < by_region.by_category[1]


def test_the_standard_error_agrees_with_simulation() -> None:
    rng = np.random.default_rng(3)
    names = [f"k{i}" for i in range(4)]
    rates = np.array([0.1, 0.25, 0.4, 0.55])
    runs = []
    for _ in range(400):
        returned = {k: max(1, int(rng.binomial(400, p))) for k, p in zip(names, rates, strict=True)}
        runs.append(from_classes(classes(dict.fromkeys(names, 400), returned)))
    truth = 1 - 2 * np.sqrt(np.mean((rates - rates.mean()) ** 2) * 1600 / 1599)
    assert np.mean([r.adjusted for r in runs]) == pytest.approx(truth, abs=0.003)
    assert np.mean([r.se for r in runs]) == pytest.approx(np.std([r.r for r in runs]), rel=0.15)


def test_equal_rates_have_no_error_to_report() -> None:
    found = from_classes(classes({"a": 10, "b": 10}, {"a": 5, "b": 5}))
    assert found.r == 1.0
    assert np.isnan(found.se)
    assert found.adjusted == 1.0


@pytest.mark.parametrize(
    ("invited", "returned", "message"),
    [
        ({"a": 10}, {"b": 1}, "Returns are booked for b, where nobody was invited"),
        ({"a": 10}, {"a": 11}, "a: 11 returns for 10 invitations"),
        ({"a": 10, "b": 5}, {"a": 3}, "b: 0 returns for 5 invitations. Merge it"),
    ],
)
def test_bookings_that_do_not_fit_are_named(
    invited: dict[str, int], returned: dict[str, int], message: str
) -> None:
    with pytest.raises(ResponseError, match=message):
        classes(invited, returned)


@pytest.mark.parametrize(
    ("rho", "weights", "message"),
    [
        ([0.1, 0.2], [1.0], "2 propensities and 1 weights"),
        ([0.1, 1.2], [5.0, 5.0], r"Row 2 has the propensity 1\.2"),
        ([0.1, 0.2], [-1.0, 5.0], "Weights must be finite"),
        ([0.0, 0.0], [5.0, 5.0], "Nobody answered"),
    ],
)
def test_impossible_input_is_refused(rho: list[float], weights: list[float], message: str) -> None:
    with pytest.raises(ResponseError, match=message) as caught:
        r_indicator(np.array(rho), np.array(weights))
    assert caught.value.code


def test_codes_must_fit_their_categories() -> None:
    with pytest.raises(ResponseError, match="Every one of the 2 rows needs a category out of 1"):
        partial(np.array([0.1, 0.2]), np.array([5.0, 5.0]), np.array([0, 1]), ("a",))
    assert rindicators.BOUNDARY > 0

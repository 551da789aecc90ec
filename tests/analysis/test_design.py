import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.errors import DataError, DesignError
from tests.analysis.samples import sample


def variance(design: SurveyDesign, name: str) -> float:
    return float(design.covariance(design.weights * design.column(name).numeric())[0, 0])


@given(st.integers(0, 1000))
def test_permuting_rows_changes_nothing(seed: int) -> None:
    design = sample(seed, n=60)
    order = np.random.default_rng(seed).permutation(60)
    data = {name: column.take(order) for name, column in design.data.items()}
    moved = SurveyDesign.create(data, weights=design.weights[order], strata="stratum", psu="unit")
    assert variance(moved, "y") == pytest.approx(variance(design, "y"), rel=1e-12)
    assert (moved.base, moved.df) == (design.base, design.df)


def test_a_domain_equals_zeros_outside() -> None:
    design = sample(3)
    mask = design.data["sex"].values == 0
    part = design.subset(mask)
    zeroed = design.covariance(np.where(mask, design.weights * design.data["y"].values, 0.0))
    assert part.covariance(part.weights * part.data["y"].values)[0, 0] == zeroed[0, 0]
    assert part.base == int(mask.sum())
    assert part.subset(design.data["x"].values > 0).base == int((mask & (design.data["x"].values > 0)).sum())


def test_degrees_of_freedom_count_psus_and_strata_with_data() -> None:
    design = sample(1, n=120, clustered=True)
    assert design.df == 40 - 4
    assert design.subset(design.data["stratum"].values == 0).df == 10 - 1


def test_nested_units_and_units_across_strata() -> None:
    data = {"u": [1, 1, 2, 2, 1, 1, 2, 2], "h": list("aaaabbbb")}
    assert SurveyDesign.create(data, psu="u", strata="h", nest=True).df == 2
    with pytest.raises(DesignError) as caught:
        SurveyDesign.create(data, psu="u", strata="h")
    assert caught.value.code == "not_nested"
    assert "nest=True" in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ([1.0, -2.0, 1.0], "negative_weight"),
        ([1.0, np.nan, 1.0], "missing_weight"),
        ([1.0, np.inf, 1.0], "missing_weight"),
        ([0.0, 0.0, 0.0], "zero_weights"),
    ],
)
def test_impossible_weights_are_named_with_their_row(weights: list[float], code: str) -> None:
    with pytest.raises(DataError) as caught:
        SurveyDesign.create({"y": [1.0, 2.0, 3.0], "w": weights}, weights="w")
    assert (caught.value.code, caught.value.place) == (code, "w")
    if code != "zero_weights":
        assert caught.value.params["row"] == 2


def test_a_weight_of_zero_is_no_case() -> None:
    assert SurveyDesign.create({"w": [1.0, 0.0, 2.0]}, weights="w").base == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"weights": "nothing"}, "no_such_column"),
        ({"weights": np.ones(2)}, "length"),
        ({"strata": np.array(["a", None, "b"], object)}, "missing_role"),
        ({"lonely": "ignore"}, "lonely_rule"),
    ],
)
def test_wrong_roles(arguments: dict, code: str) -> None:
    with pytest.raises((DataError, DesignError)) as caught:
        SurveyDesign.create({"y": [1.0, 2.0, 3.0]}, **arguments)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("data", "code"), [({}, "no_columns"), ({"y": []}, "no_rows"), ({"y": [1.0], "x": [1.0, 2.0]}, "length")]
)
def test_data_without_shape(data: dict, code: str) -> None:
    with pytest.raises(DataError) as caught:
        SurveyDesign.create(data)
    assert caught.value.code == code


def test_columns_are_found_added_and_missed() -> None:
    design = sample()
    more = design.with_columns(z=np.arange(len(design)))
    assert more.column("z").values[-1] == len(design) - 1
    given_column = Column("q", "number", np.zeros(3))
    assert design.column(given_column) is given_column
    for call, code in (
        (lambda: design.column("nothing"), "no_such_column"),
        (lambda: design.with_columns(z=[1.0]), "length"),
        (lambda: design.subset(np.ones(3, bool)), "mask"),
        (lambda: design.covariance(np.full(len(design), np.nan)), "scores"),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert caught.value.code == code


def test_replicates_are_asked_for_by_name() -> None:
    with pytest.raises(DesignError) as caught:
        sample().replicate(np.sum)
    assert caught.value.code == "no_replicates"
    assert sample().stratum.max() == 3
    assert len(np.unique(sample().psu)) == 240


def test_unit_weights_without_weights_or_population() -> None:
    assert SurveyDesign.create({"y": [1.0, 2.0]}).weights.tolist() == [1.0, 1.0]
    assert SurveyDesign.create({"y": [1.0, 2.0]}, fpc=8).weights.tolist() == [4.0, 4.0]
